"""Which stamps stand on the panel, and where, from landing to lift."""

from __future__ import annotations

from dataclasses import dataclass, replace

from stampbench.firmware_emulator.touch import TouchReport
from stampbench.sim.decoder import Decoder, StampTracker


@dataclass(frozen=True, slots=True)
class PlacedStamp:
    """A stamp that has been read.

    Attributes:
        code: which one.
        x_mm, y_mm: centre of its face, from the top left corner of the panel.
        theta_rad: its rotation, from x towards y.
        contact_ids: the contacts that are its pads.
        track: number that stays with it while it stands; two of one code have two.
    """

    code: int
    x_mm: float
    y_mm: float
    theta_rad: float
    contact_ids: frozenset[int]
    track: int = 1


class StampFollower:
    """Follows all stamps on a panel, each from the second report that shows it until its last pad lifts.

    Args:
        decoder: reads the shapes.
    """

    def __init__(self, decoder: Decoder) -> None:
        self._tracker = StampTracker(decoder)
        self._tracks: frozenset[int] = frozenset()
        self._placed: tuple[PlacedStamp, ...] = ()

    def feed(self, report: TouchReport) -> tuple[PlacedStamp, ...]:
        """Take the next report; return the stamps that stand there."""
        tracked = self._tracker.feed(report)
        standing = [
            PlacedStamp(
                stamp.code,
                *stamp.pose,
                frozenset(contact for contact in stamp.contacts if contact is not None),
                stamp.track,
            )
            for stamp in tracked
            if stamp.track in self._tracks  # the first report may show pads that have not landed wholly
        ]
        taken = {contact for stamp in tracked for contact in stamp.contacts}
        free = frozenset(contact.id for contact in report.down) - taken
        # A stamp that lifts stays where it was until the last of its pads has gone.
        followed = {stamp.track for stamp in tracked}
        for stamp in self._placed:
            left = stamp.contact_ids & free
            if stamp.track not in followed and left:
                standing.append(replace(stamp, contact_ids=left))
        self._tracks, self._placed = frozenset(followed), tuple(standing)
        return self._placed
