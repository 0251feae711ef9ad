"""What a recording shows: scans, contacts, report rate and resting jitter; and the presses that are in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from stampbench.firmware_emulator.touch import Contact, TouchReport

if TYPE_CHECKING:
    from stampbench.bench.sources.ruler import CoarsePress
    from stampbench.sim.decoder import PressDecision, PressDecoder

RATE_REPORTS = 20
"""Reports that a contact must have for its rate to count."""
WINDOW_REPORTS = 16
REST_DRIFT_MM = 0.1
REST_EXTENT_MM = 0.5
"""A contact rests in a window of WINDOW_REPORTS if its two halves lie within REST_DRIFT_MM of each other on
average and nothing leaves a square of REST_EXTENT_MM (stationary jitter that Windows allows)."""
PRESS_GAP_US = 100_000
"""So long must nothing be down for the next contact to begin another press."""


@dataclass(frozen=True, slots=True)
class RecordingSummary:
    """Figures of one recording.

    Attributes:
        scans: touch reports.
        contacts_max: most contacts down at once.
        touches: contacts from landing to lift.
        duration_s: from the first report to the last.
        report_rate_min_hz, report_rate_median_hz: over the contacts with at least RATE_REPORTS reports; None
            without one. A kernel event format leaves out what did not change, so there it is a lower bound.
        resting_jitter_mm: rms distance from the mean position, median over the windows in which a contact
            rests; None without one, or without a physical size.
    """

    scans: int
    contacts_max: int
    touches: int
    duration_s: float
    report_rate_min_hz: float | None
    report_rate_median_hz: float | None
    resting_jitter_mm: float | None


@dataclass(slots=True)
class _Touch:
    first_us: int
    last_us: int
    last: Contact
    reports: int = 1
    window_mm: list[tuple[float, float]] = field(default_factory=list)


class SummaryBuilder:
    """Takes the reports of a recording one by one; memory grows with touches, not with reports."""

    def __init__(self) -> None:
        self._scans = 0
        self._contacts_max = 0
        self._touches = 0
        self._first_us: int | None = None
        self._last_us = 0
        self._down: dict[int, _Touch] = {}
        self._rates_hz: list[float] = []
        self._jitters_mm: list[float] = []

    def add(self, report: TouchReport) -> None:
        """Take the next report."""
        if self._first_us is None:
            self._first_us = report.t_us
        self._last_us = report.t_us
        self._scans += 1
        down = report.down
        self._contacts_max = max(self._contacts_max, len(down))
        before, self._down = self._down, {}
        for contact in down:
            touch = before.pop(contact.id, None)
            if touch is None:
                touch = _Touch(report.t_us, report.t_us, contact)
                self._touches += 1
                self._position(touch, contact)
            elif touch.last is not contact:
                # A device that did not mention a contact is read as the same contact object again.
                touch.reports += 1
                touch.last_us = report.t_us
                touch.last = contact
                self._position(touch, contact)
            self._down[contact.id] = touch
        for touch in before.values():
            self._ended(touch)

    def summary(self) -> RecordingSummary:
        """Return the figures of all reports so far."""
        for touch in self._down.values():
            self._ended(touch)
        self._down = {}
        return RecordingSummary(
            self._scans,
            self._contacts_max,
            self._touches,
            (self._last_us - self._first_us) / 1e6 if self._first_us is not None else 0.0,
            min(self._rates_hz, default=None),
            float(np.median(self._rates_hz)) if self._rates_hz else None,
            float(np.median(self._jitters_mm)) if self._jitters_mm else None,
        )

    def _position(self, touch: _Touch, contact: Contact) -> None:
        if contact.x_mm is None or contact.y_mm is None:
            return
        touch.window_mm.append((contact.x_mm, contact.y_mm))
        if len(touch.window_mm) == WINDOW_REPORTS:
            jitter_mm = resting_jitter_mm(np.array(touch.window_mm))
            if jitter_mm is not None:
                self._jitters_mm.append(jitter_mm)
            touch.window_mm.clear()

    def _ended(self, touch: _Touch) -> None:
        if touch.reports >= RATE_REPORTS and touch.last_us > touch.first_us:
            self._rates_hz.append((touch.reports - 1) * 1e6 / (touch.last_us - touch.first_us))


def resting_jitter_mm(positions_mm: npt.NDArray[np.float64]) -> float | None:
    """Return the rms distance of positions (n, 2) from their mean, mm; None where the contact moves."""
    half = len(positions_mm) // 2
    drift = positions_mm[half:].mean(axis=0) - positions_mm[:half].mean(axis=0)
    if np.hypot(*drift) > REST_DRIFT_MM or np.ptp(positions_mm, axis=0).max() > REST_EXTENT_MM:
        return None
    return float(np.sqrt(((positions_mm - positions_mm.mean(axis=0)) ** 2).sum(axis=1).mean()))


class PressReader:
    """Cuts a stream of reports into presses and reads each one.

    Args:
        new_press: makes the decoder of one press.
    """

    def __init__(self, new_press: Callable[[], PressDecoder | CoarsePress]) -> None:
        self._new_press = new_press
        self._press: PressDecoder | CoarsePress | None = None
        self._last_down_us = 0

    def feed(self, report: TouchReport) -> PressDecision | None:
        """Take the next report; the decision on the press before, if this report begins another."""
        ended = None
        if report.down:
            if self._press is not None and report.t_us - self._last_down_us > PRESS_GAP_US:
                ended = self._press.finish()
                self._press = None
            if self._press is None:
                self._press = self._new_press()
            self._last_down_us = report.t_us
        if self._press is not None:
            self._press.feed(report)
        return ended

    def finish(self) -> PressDecision | None:
        """Return the decision on the last press, if there was one."""
        press, self._press = self._press, None
        return press.finish() if press is not None else None
