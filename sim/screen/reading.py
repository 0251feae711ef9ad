"""What the decoder says while reports come: stamps that are followed, contacts that are none, the press."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from stampbench.firmware_emulator.touch import Contact, TouchReport
from stampbench.sim.decoder import (
    Decoder,
    PressDecision,
    PressDecoder,
    Reading,
    StampTracker,
    TrackedStamp,
    Verdict,
)

PRESS_GAP_US: Final = 100_000
"""So long must nothing be down for the next contact to begin another press."""
LOOK_EVERY_US: Final = 15_000
"""Device time between two looks for stamps among contacts that are none yet: once in a drawn frame."""
READ_EVERY_US: Final = 100_000
"""Between two readings of the same unread contacts: to look for a missing pad takes milliseconds."""


class LiveReader:
    """Reads report by report.

    Args:
        decoder: reads the shapes.
        cancel_limit: contacts beyond which the phone cancels all touches; None if it never does.

    Attributes:
        stamps: those that stand on the panel now.
        margins: by how much the next code is farther, mm, for stamps by their track; looked up now and then.
        unread: what the contacts that belong to no stamp say; None where there are fewer than two.
        decision: what the press under way, or the last one, was read as; None before the first contact.
        over: whether that press has ended.
    """

    def __init__(self, decoder: Decoder, cancel_limit: int | None = None) -> None:
        self.decoder = decoder
        self._cancel_limit = cancel_limit
        self.reset()

    def reset(self) -> None:
        """Forget everything, as when another source is read."""
        self.stamps: tuple[TrackedStamp, ...] = ()
        self.margins: dict[int, float | None] = {}
        self.unread: Reading | None = None
        self.decision: PressDecision | None = None
        self.over = True
        self._tracker = StampTracker(self.decoder)
        self._press: PressDecoder | None = None
        self._down: frozenset[int] = frozenset()
        self._down_us = 0
        self._looked_us: int | None = None
        self._read_us: int | None = None
        self._margins_us: int | None = None
        self._read_ids: frozenset[int] = frozenset()

    @property
    def decision_ms(self) -> float | None:
        """From the first contact of the press to its decision; None while undecided."""
        decision = self.decision
        if decision is None or decision.decided_at_us is None or decision.first_contact_us is None:
            return None
        return (decision.decided_at_us - decision.first_contact_us) / 1000.0

    def feed(self, report: TouchReport) -> None:
        """Take in the next report."""
        down = frozenset(contact.id for contact in report.contacts if contact.tip)
        self._follow_press(report, down)
        changed = down != self._down
        self._down = down
        if not down:
            self.stamps, self.unread = (), None
            if changed:
                self._tracker = StampTracker(self.decoder)
            return
        due = self._looked_us is None or not 0 <= report.t_us - self._looked_us < LOOK_EVERY_US
        if self.stamps or changed or due:
            self._looked_us = report.t_us
            self.stamps = self._tracker.feed(report)
            self._look_up_margins(report)
            self._read_rest(report, down)

    def _follow_press(self, report: TouchReport, down: frozenset[int]) -> None:
        """Decide on a press from all its reports together."""
        if down:
            if self.over or report.t_us - self._down_us > PRESS_GAP_US:
                self._press = PressDecoder(self.decoder, contact_limit=self._cancel_limit)
                self.decision, self.over = None, False
            self._down_us = report.t_us
        if self._press is None:
            return
        self.decision = self._press.feed(report) or self.decision
        if not down and not self.over and report.t_us - self._down_us > PRESS_GAP_US:
            self.decision, self.over = self._press.finish(), True

    def _look_up_margins(self, report: TouchReport) -> None:
        """Find how far the next code is from each stamp of which every pad is seen."""
        due = self._margins_us is None or not 0 <= report.t_us - self._margins_us < READ_EVERY_US
        if not due and self.margins.keys() == {stamp.track for stamp in self.stamps}:
            return
        self._margins_us = report.t_us
        places = {contact.id: (contact.x_mm, contact.y_mm) for contact in report.contacts}
        self.margins = {}
        for stamp in self.stamps:
            own = [places[contact] for contact in stamp.contacts if contact is not None]
            reading = self.decoder.decode(np.array(own)) if stamp.pads_seen == len(stamp.contacts) else None
            right = reading is not None and reading.code == stamp.code
            self.margins[stamp.track] = reading.margin_mm if reading is not None and right else None

    def _read_rest(self, report: TouchReport, down: frozenset[int]) -> None:
        """Read the contacts that belong to no stamp, not oftener than it pays."""
        own = {contact for stamp in self.stamps for contact in stamp.contacts}
        rest = [c for c in report.contacts if c.tip and c.id not in own and has_place(c)]
        if len(rest) < 2 or (self.stamps and len(rest) < self.decoder.pads_per_stamp - 1):
            self.unread = None
            return
        due = self._read_us is None or not 0 <= report.t_us - self._read_us < READ_EVERY_US
        if due or down != self._read_ids:
            self._read_us, self._read_ids = report.t_us, down
            reading = self.decoder.decode(np.array([(c.x_mm, c.y_mm) for c in rest]))
            # What reads at a second look is found by the tracker, with an identity of its own.
            self.unread = None if reading.verdict is Verdict.READ and -1 not in reading.contacts else reading


def has_place(contact: Contact) -> bool:
    """Return whether it is known in mm where a contact is."""
    return contact.x_mm is not None and contact.y_mm is not None


def contact_points(report: TouchReport) -> npt.NDArray[np.float64]:
    """Return where contacts are down, shape (n, 2), mm; those without a place in mm are left out."""
    places = [(c.x_mm, c.y_mm) for c in report.contacts if c.tip and has_place(c)]
    return np.array(places, np.float64).reshape(-1, 2)
