"""Which stamps stand on the panel, and where, from landing to lift."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import numpy.typing as npt
from stampbench.bench.sources.recording import Ruler
from stampbench.firmware_emulator.touch import TouchReport
from stampbench.sim.decoder import Decoder, StampTracker
from stampbench.sim.decoder.reading import Reading, Verdict
from stampbench.sim.decoder.scale_range import MOST_CONTACTS, ScaleRangeDecoder

READ_AT_REPORTS: Final = (3, 12, 48)
"""Reports of the same contacts after which a stamp on a coarse ruler is looked for, by their mean places."""


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


@dataclass(slots=True)
class _Standing:
    """The contacts of no stamp yet, for how many reports they are the same, and the sum of their places."""

    ids: tuple[int, ...] = ()
    reports: int = 0
    total: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 2)))


class CoarseStampFollower:
    """Follows stamps on a panel whose scale is known only roughly; each is read at every scale of its ruler.

    A stamp is placed once all its pads stand, and by them from then on.

    Args:
        decoder: reads the shapes.
        ruler: of the panel.
    """

    def __init__(self, decoder: Decoder, ruler: Ruler) -> None:
        self._codebook = decoder.codebook
        self._pads = decoder.pads_per_stamp
        self._decoder = ScaleRangeDecoder(decoder, ruler.x_scales, ruler.y_scales)
        self._standing = _Standing()
        self._pad_of: dict[int, dict[int, int]] = {}
        self._placed: dict[int, PlacedStamp] = {}
        self._tracks = 0

    def feed(self, report: TouchReport) -> tuple[PlacedStamp, ...]:
        """Take the next report; return the stamps that stand there."""
        places = {c.id: (c.x_mm, c.y_mm) for c in report.down if c.x_mm is not None and c.y_mm is not None}
        for track, stamp in list(self._placed.items()):
            left = stamp.contact_ids & places.keys()
            if not left:
                del self._placed[track], self._pad_of[track]
            elif left == stamp.contact_ids and len(left) == self._pads:
                self._placed[track] = self._moved(stamp, places)
            else:  # a stamp that lifts stays where it was until the last of its pads has gone
                self._placed[track] = replace(stamp, contact_ids=left)
        taken = frozenset[int]().union(*(stamp.contact_ids for stamp in self._placed.values()))
        self._look_for(tuple(sorted(places.keys() - taken)), places)
        return tuple(self._placed.values())

    def _look_for(self, free: tuple[int, ...], places: dict[int, tuple[float, float]]) -> None:
        if free != self._standing.ids:
            self._standing = _Standing(free, 0, np.zeros((len(free), 2)))
        standing = self._standing
        standing.reports += 1
        standing.total = standing.total + np.array([places[id_] for id_ in free]).reshape(-1, 2)
        if standing.reports in READ_AT_REPORTS and self._pads <= len(free) <= MOST_CONTACTS:
            reading = self._decoder.decode(standing.total / standing.reports)
            if reading.verdict is Verdict.READ and reading.code is not None and reading.contacts is not None:
                self._place(reading, free)

    def _place(self, reading: Reading, free: tuple[int, ...]) -> None:
        ids = {
            free[contact]: pad for pad, contact in enumerate(reading.contacts or ()) if contact is not None
        }
        self._tracks += 1
        self._pad_of[self._tracks] = ids
        x_mm, y_mm, theta_rad = reading.pose or (0.0, 0.0, 0.0)
        self._placed[self._tracks] = PlacedStamp(
            reading.code or 0, x_mm, y_mm, theta_rad, frozenset(ids), self._tracks
        )

    def _moved(self, stamp: PlacedStamp, places: dict[int, tuple[float, float]]) -> PlacedStamp:
        """Lay the pads over the contacts again."""
        pad_of = self._pad_of[stamp.track]
        pads = np.asarray(self._codebook.pads(stamp.code), np.float64)[list(pad_of.values())]
        points = np.array([places[id_] for id_ in pad_of])
        middle, centre = points.mean(axis=0), pads.mean(axis=0)
        turn = np.vdot((pads - centre) @ np.array([1.0, 1.0j]), (points - middle) @ np.array([1.0, 1.0j]))
        theta_rad = float(np.angle(turn))
        cos, sin = math.cos(theta_rad), math.sin(theta_rad)
        x_mm, y_mm = middle - [cos * centre[0] - sin * centre[1], sin * centre[0] + cos * centre[1]]
        return replace(stamp, x_mm=float(x_mm), y_mm=float(y_mm), theta_rad=theta_rad)
