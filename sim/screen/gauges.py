"""What is measured while reports come: four gauges with their past, and where each contact has been.

The gauges: signal-to-noise ratio, contact jitter, distance to the nearest code, report interval.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Final

import numpy as np
import numpy.typing as npt
from stampbench.firmware_emulator.touch import Frame, TouchReport
from stampbench.sim.screen.sources import PanelInfo

Floats = npt.NDArray[np.float64]

SAMPLE_EVERY_US: Final = 50_000
"""Device time between two samples."""
KEPT: Final = 240
"""Samples of each gauge that are kept: twelve seconds."""
TRAIL_US: Final = 1_000_000
"""How long it is remembered where a contact has been."""
WINDOW: Final = 16
"""Reports of a contact that its jitter is taken from."""
REST_DRIFT_MM: Final = 0.1
REST_EXTENT_MM: Final = 0.5
"""A contact rests if the halves of its window lie within REST_DRIFT_MM of each other on average and nothing
leaves a square of REST_EXTENT_MM, the stationary jitter that Windows allows."""
CLEAR_MM: Final = 10.0
"""Nodes this far from every contact are taken for untouched: a finger's blob ends before."""
LEAST_CLEAR: Final = 20
"""Fewer untouched nodes tell no noise."""

UNITS: Final = {"snr": "dB", "jitter": "mm", "nearest": "mm", "interval": "ms"}
"""Every gauge and the unit of its values.

``snr``: 20 log10 of the mean peak of the contacts over the sd of the untouched nodes in the same frame.
``jitter``: rms distance of a resting contact from its mean place, the median over the contacts.
``nearest``: rigid distance of the contacts to the nearest code. ``interval``: median time between reports.
"""


class Gauge:
    """One instrument: its newest value, and the newest ``KEPT`` samples.

    Args:
        unit: of the values, such as "mm".
    """

    def __init__(self, unit: str) -> None:
        self.unit = unit
        self._times = np.zeros(2 * KEPT, np.int64)
        self._values = np.full(2 * KEPT, np.nan)
        self._end = 0

    def add(self, t_us: int, value: float | None) -> None:
        """Take in a sample; None where there is no value."""
        if self._end == 2 * KEPT:
            self._times[:KEPT] = self._times[KEPT:]
            self._values[:KEPT] = self._values[KEPT:]
            self._end = KEPT
        self._times[self._end] = t_us
        self._values[self._end] = math.nan if value is None else value
        self._end += 1

    @property
    def value(self) -> float | None:
        """The newest; None where there is none."""
        newest = float(self._values[self._end - 1]) if self._end else math.nan
        return None if math.isnan(newest) else newest

    @property
    def times_us(self) -> npt.NDArray[np.int64]:
        """Device times of the samples, oldest first, shape (n,)."""
        return self._times[max(0, self._end - KEPT) : self._end]

    @property
    def values(self) -> Floats:
        """The samples, oldest first, shape (n,); NaN where there was no value."""
        return self._values[max(0, self._end - KEPT) : self._end]


class Gauges:
    """Takes every frame and report, and samples the gauges twenty times a second of device time.

    Attributes:
        all: each gauge by its name.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Begin anew, as when another source is read."""
        self.all = {key: Gauge(unit) for key, unit in UNITS.items()}
        self._places: dict[int, deque[tuple[float, float]]] = {}
        self._intervals_us: deque[int] = deque(maxlen=WINDOW)
        self._report: TouchReport | None = None
        self._frame: Frame | None = None
        self._sampled_us: int | None = None

    def frame(self, frame: Frame) -> None:
        """Take in a raw frame."""
        self._frame = frame

    def report(self, report: TouchReport) -> bool:
        """Take in a report; True if a sample is due now."""
        if self._report is not None:
            self._intervals_us.append(report.t_us - self._report.t_us)
        self._report = report
        before, self._places = self._places, {}
        for contact in report.contacts:
            if contact.tip and contact.x_mm is not None and contact.y_mm is not None:
                places = before.get(contact.id) or deque(maxlen=WINDOW)
                places.append((contact.x_mm, contact.y_mm))
                self._places[contact.id] = places
        return self._sampled_us is None or not 0 <= report.t_us - self._sampled_us < SAMPLE_EVERY_US

    def sample(self, panel: PanelInfo, nearest_mm: float | None) -> None:
        """Add a sample of every gauge."""
        if self._report is None:
            return
        self._sampled_us = t_us = self._report.t_us
        interval_ms = float(np.median(self._intervals_us)) / 1000.0 if self._intervals_us else None
        values = {
            "snr": None if self._frame is None else snr_db(self._frame, self._report, panel),
            "jitter": self._jitter_mm(),
            "nearest": nearest_mm,
            "interval": interval_ms,
        }
        for key, value in values.items():
            self.all[key].add(t_us, value)

    def _jitter_mm(self) -> float | None:
        found = [
            jitter
            for places in self._places.values()
            if len(places) == WINDOW and (jitter := resting_jitter_mm(np.array(places))) is not None
        ]
        return float(np.median(found)) if found else None


def snr_db(frame: Frame, report: TouchReport, panel: PanelInfo) -> float | None:
    """Return ratio of the contacts' mean peak to the noise of the untouched nodes, in decibels.

    None without contacts, with too few untouched nodes, or where these do not move at all.
    """
    rows, cols = frame.deltas.shape
    x_mm = (np.arange(cols) + 0.5) * (panel.width_mm / cols)
    y_mm = (np.arange(rows) + 0.5) * (panel.height_mm / rows)
    clear = np.ones((rows, cols), np.bool_)
    peaks = []
    for contact in report.contacts:
        if not contact.tip or contact.x_mm is None or contact.y_mm is None:
            continue
        near = (x_mm[None, :] - contact.x_mm) ** 2 + (y_mm[:, None] - contact.y_mm) ** 2 < CLEAR_MM**2
        clear &= ~near
        if near.any():
            peaks.append(int(frame.deltas[near].max()))
    if not peaks or np.count_nonzero(clear) < LEAST_CLEAR:
        return None
    noise = float(frame.deltas[clear].std())
    signal = float(np.mean(peaks))
    return 20.0 * math.log10(signal / noise) if noise > 0.0 and signal > 0.0 else None


def resting_jitter_mm(places_mm: Floats) -> float | None:
    """Return the rms distance of places (n, 2) from their mean, mm; None where the contact moves."""
    half = len(places_mm) // 2
    drift = places_mm[half:].mean(axis=0) - places_mm[:half].mean(axis=0)
    if np.hypot(*drift) > REST_DRIFT_MM or np.ptp(places_mm, axis=0).max() > REST_EXTENT_MM:
        return None
    return float(np.sqrt(((places_mm - places_mm.mean(axis=0)) ** 2).sum(axis=1).mean()))


class Trails:
    """Keeps the places of every contact that is down."""

    def __init__(self) -> None:
        self._trails: dict[int, deque[tuple[int, float, float]]] = {}

    def reset(self) -> None:
        """Forget all."""
        self._trails.clear()

    def feed(self, report: TouchReport) -> None:
        """Take in a report; a contact that lifts leaves no trail."""
        before, self._trails = self._trails, {}
        oldest_us = report.t_us - TRAIL_US
        for contact in report.contacts:
            if contact.tip and contact.x_mm is not None and contact.y_mm is not None:
                trail = before.get(contact.id) or deque()
                trail.append((report.t_us, contact.x_mm, contact.y_mm))
                while trail[0][0] < oldest_us:
                    trail.popleft()
                self._trails[contact.id] = trail

    def of(self, contact_id: int) -> Floats:
        """Return the trail of a contact, shape (n, 2), mm, newest last."""
        places = [(x_mm, y_mm) for _, x_mm, y_mm in self._trails.get(contact_id, ())]
        return np.array(places, np.float64).reshape(-1, 2)
