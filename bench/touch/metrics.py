"""Touch metrics by the names and limits of the field, from gestures whose truth is known.

Names follow IEC 62908-12-10 (accuracy in the centre and edge areas, jitter, linearity) and the ChromeOS touch
tests (no-gap ratio, hysteresis); limits are those of the Windows touch guideline (display-touch) and the
hardware lab kit. A metric without data is unset: it is neither passed nor failed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from stampbench.bench.touch.figures import (
    GHOST_MM,
    PASS_SHARE,
    SETTLED_SHARE,
    TRAVEL_MM,
    gap_ratio,
    ghosts,
    hysteresis_ratio,
    line_residuals_mm,
    move_latency_ms,
    moving_jitter_mm,
    report_rate_hz,
    separation_mm,
    stationary_jitter_mm,
)
from stampbench.bench.touch.traces import Gesture, Kind, Trace, traces_of

Points: TypeAlias = npt.NDArray[np.float64]

EDGE_MM = 3.5
"""Nearer to the border of the active area than this is the edge area."""
SMALL_SCREEN_MM = 7 * 25.4
"""Smaller diagonals may take longer for a move."""
MISSED_SHARE = 0.05
"""Touches that may go unreported: each test must be passed at a rate of 95 %."""
FEWEST_REPORTS = 5
"""A trace with fewer says nothing about rate, jitter or linearity."""


@dataclass(frozen=True, slots=True)
class TouchMetric:
    """One metric beside its limit.

    Attributes:
        name, title, meaning: what it is.
        value: None without data.
        unit: of value and limits.
        min, max: limits, ends included; None where there is none.
        n: traces or reports it rests on.
        source: of the limit.
    """

    name: str
    title: str
    meaning: str
    value: float | None
    unit: str
    min: float | None
    max: float | None
    n: int
    source: str

    @property
    def passed(self) -> bool | None:
        """Whether the limit is kept; None without data or without a limit."""
        if self.value is None or (self.min is None and self.max is None):
            return None
        return (self.min is None or self.value >= self.min) and (self.max is None or self.value <= self.max)


@dataclass(frozen=True, slots=True)
class Area:
    """The active area and the display behind it.

    Attributes:
        width_mm, height_mm: size.
        refresh_hz: of the display: the least report rate.
        sized: whether the size is known; without it, nothing is measured in mm.
    """

    width_mm: float
    height_mm: float
    refresh_hz: float = 60.0
    sized: bool = True

    def at_edge(self, points_mm: Points) -> npt.NDArray[np.bool_]:
        """Return which points (n, 2) lie in the edge area."""
        far = np.minimum(points_mm, (self.width_mm, self.height_mm) - points_mm)
        inside: npt.NDArray[np.bool_] = far.min(axis=1) < EDGE_MM
        return inside


def touch_metrics(gestures: Sequence[Gesture], area: Area) -> tuple[TouchMetric, ...]:
    """Return all metrics that the gestures have data for, and the others unset."""
    found = (metric(gestures, area) for metric in _METRICS)
    if area.sized:
        return tuple(found)
    return tuple(replace(metric, value=None) if "mm" in metric.unit else metric for metric in found)


def _of_kind(gestures: Iterable[Gesture], *kinds: Kind) -> Iterator[Gesture]:
    return (gesture for gesture in gestures if gesture.kind in kinds)


def _own_trace(gesture: Gesture) -> Trace | None:
    """Return the longest trace near the true path; the longest of all where nobody knows the path."""
    near = [
        trace
        for trace in traces_of(gesture.reports)
        if not gesture.touches or float(np.median(gesture.touches[0].distance_mm(trace.xy_mm))) <= GHOST_MM
    ]
    return max(near, key=lambda trace: len(trace.t_us), default=None)


def _accuracy(edge: bool) -> Callable[[Sequence[Gesture], Area], TouchMetric]:
    def measure(gestures: Sequence[Gesture], area: Area) -> TouchMetric:
        errors: list[float] = []
        for gesture in _of_kind(gestures, Kind.TAP, Kind.HOLD):
            trace = _own_trace(gesture)
            if trace is not None and bool(area.at_edge(gesture.touches[0].xy_mm[:1])[0]) == edge:
                errors += np.hypot(*(trace.xy_mm - gesture.touches[0].xy_mm[0]).T).tolist()
        value = float(np.quantile(errors, PASS_SHARE, method="inverted_cdf")) if errors else None
        where = "edge" if edge else "centre"
        return TouchMetric(
            f"accuracy_{where}",
            f"Accuracy, {where} area",
            "distance of reports from the true place, 95th percentile; "
            + (f"within {EDGE_MM:g} mm of the border" if edge else f"farther than {EDGE_MM:g} mm inside"),
            value,
            "mm",
            None,
            2.0 if edge else 1.0,
            len(errors),
            "Windows touch guideline; IEC 62908-12-10 accuracy",
        )

    return measure


def _worst(
    name: str,
    title: str,
    meaning: str,
    unit: str,
    value: Callable[[Trace, Gesture], float],
    kinds: tuple[Kind, ...],
    limits: Callable[[Area], tuple[float | None, float | None]],
    source: str,
    least: bool = False,
) -> Callable[[Sequence[Gesture], Area], TouchMetric]:
    """Return a metric of single traces: the worst one counts."""

    def measure(gestures: Sequence[Gesture], area: Area) -> TouchMetric:
        values = [
            value(trace, gesture)
            for gesture in _of_kind(gestures, *kinds)
            if (trace := _own_trace(gesture)) is not None and len(trace.t_us) >= FEWEST_REPORTS
        ]
        known = [one for one in values if not math.isnan(one)]
        worst = None if not known else min(known) if least else max(known)
        return TouchMetric(name, title, meaning, worst, unit, *limits(area), len(known), source)

    return measure


def _moving(trace: Trace, gesture: Gesture) -> Points:
    """Return positions while the contact moves, without the ends of the line."""
    if gesture.touches and gesture.shared_clock:
        begin, end = gesture.touches[0].moves_us
        margin = SETTLED_SHARE * (end - begin)
        return trace.between(math.ceil(begin + margin), math.floor(end - margin)).xy_mm
    return trace.xy_mm


def _steady(function: Callable[[Points], float]) -> Callable[[Trace, Gesture], float]:
    def value(trace: Trace, gesture: Gesture) -> float:
        points_mm = _moving(trace, gesture)
        return function(points_mm) if len(points_mm) >= FEWEST_REPORTS else math.nan

    return value


def _down_latency_ms(trace: Trace, gesture: Gesture) -> float:
    if not gesture.shared_clock or not gesture.touches:
        return math.nan
    return (int(trace.t_us[0]) + gesture.delay_us - gesture.touches[0].lands_us) / 1000.0


def _move_latency_ms(trace: Trace, gesture: Gesture) -> float:
    if not gesture.shared_clock:
        return math.nan
    return move_latency_ms(trace, gesture.touches[0]) + gesture.delay_us / 1000.0


def _lowest_rate_hz(trace: Trace, gesture: Gesture) -> float:
    return report_rate_hz(trace)


def _separation(gestures: Sequence[Gesture], area: Area) -> TouchMetric:
    pairs = list(_of_kind(gestures, Kind.PAIR))
    return TouchMetric(
        "finger_separation",
        "Finger separation",
        "least distance of two contacts, edge to edge, from which on they are told apart",
        separation_mm(pairs),
        "mm",
        None,
        8.0,
        len(pairs),
        "Windows touch guideline",
    )


def _contacts(gestures: Sequence[Gesture], area: Area) -> TouchMetric:
    many = list(_of_kind(gestures, Kind.MANY, Kind.UNKNOWN))
    counts = [len(report.down) for gesture in many for report in gesture.reports if report.down]
    return TouchMetric(
        "contacts",
        "Contacts at once",
        "most contacts reported in one scan",
        float(max(counts)) if counts else None,
        "1",
        # Of a recording nobody knows how many touched: few contacts are no failure.
        5.0 if any(gesture.kind is Kind.MANY for gesture in many) else None,
        None,
        len(many),
        "Windows touch guideline",
    )


def _missed(gestures: Sequence[Gesture], area: Area) -> TouchMetric:
    made = [one for one in _of_kind(gestures, Kind.TAP, Kind.HOLD, Kind.LINE) if one.touches]
    missed = sum(_own_trace(gesture) is None for gesture in made)
    return TouchMetric(
        name="missed_touches",
        title="Missed touches",
        meaning="share of the taps, holds and lines that were never reported",
        value=missed / len(made) if made else None,
        unit="1",
        min=None,
        max=MISSED_SHARE,
        n=len(made),
        source="Windows touch guideline",
    )


def _ghost_rate(gestures: Sequence[Gesture], area: Area) -> TouchMetric:
    known = [gesture for gesture in gestures if gesture.kind is not Kind.UNKNOWN]
    return TouchMetric(
        name="ghost_rate",
        title="Ghost rate",
        meaning="share of the gestures with a contact that nothing accounts for",
        value=sum(ghosts(gesture) > 0 for gesture in known) / len(known) if known else None,
        unit="1",
        min=None,
        max=0.0,
        n=len(known),
        source="Windows touch guideline",
    )


def _ghosts(gestures: Sequence[Gesture], area: Area) -> TouchMetric:
    known = [gesture for gesture in gestures if gesture.kind is not Kind.UNKNOWN]
    return TouchMetric(
        "ghost_contacts",
        "Ghost contacts",
        f"contacts farther than {GHOST_MM:g} mm from everything that touches, or one too many there",
        float(sum(map(ghosts, known))) if known else None,
        "1",
        None,
        0.0,
        len(known),
        "Windows touch guideline",
    )


_WINDOWS = "Windows touch guideline"
_IEC = "IEC 62908-12-10"
_CHROME = "ChromeOS touch tests"

_METRICS: tuple[Callable[[Sequence[Gesture], Area], TouchMetric], ...] = (
    _accuracy(edge=False),
    _accuracy(edge=True),
    _worst(
        "linearity_max",
        "Linearity, largest",
        "largest unsigned distance of reports from the straight line that fits them",
        "mm",
        _steady(lambda points: float(line_residuals_mm(points).max())),
        (Kind.LINE,),
        lambda area: (None, 1.0),
        f"{_WINDOWS}; {_IEC} linearity",
    ),
    _worst(
        "linearity_rms",
        "Linearity, rms",
        "root mean square distance of reports from the straight line that fits them",
        "mm",
        _steady(lambda points: float(np.sqrt((line_residuals_mm(points) ** 2).mean()))),
        (Kind.LINE,),
        lambda area: (None, None),
        f"{_IEC} linearity",
    ),
    _worst(
        "stationary_jitter",
        "Stationary jitter",
        "largest distance of two reports of a contact that lies still",
        "mm",
        lambda trace, gesture: stationary_jitter_mm(trace.xy_mm),
        (Kind.HOLD,),
        lambda area: (None, 0.5),
        f"{_WINDOWS}; {_IEC} repeatability or jitter",
    ),
    _worst(
        "moving_jitter",
        "Moving jitter",
        f"largest unsigned distance from a straight line over {TRAVEL_MM:g} mm of travel",
        "mm",
        _steady(moving_jitter_mm),
        (Kind.LINE,),
        lambda area: (None, 1.0),
        "Windows hardware lab kit, jitter",
    ),
    _worst(
        "report_rate_min",
        "Report rate, lowest contact",
        "of the contact with the fewest reports per second, not the average",
        "Hz",
        _lowest_rate_hz,
        (Kind.HOLD, Kind.LINE, Kind.UNKNOWN),
        lambda area: (area.refresh_hz, 250.0),
        "Windows hardware lab kit, report rate",
        least=True,
    ),
    _worst(
        "down_latency",
        "Down latency, active",
        "from contact to the first report of it",
        "ms",
        _down_latency_ms,
        (Kind.TAP, Kind.HOLD, Kind.LINE),
        lambda area: (None, 35.0),
        _WINDOWS,
    ),
    _worst(
        "move_latency",
        "Move latency",
        "by which reports of an even motion lag behind it",
        "ms",
        _move_latency_ms,
        (Kind.LINE,),
        lambda area: (
            None,
            35.0 if math.hypot(area.width_mm, area.height_mm) < SMALL_SCREEN_MM else 25.0,
        ),
        _WINDOWS,
    ),
    _separation,
    _contacts,
    _worst(
        "gap_ratio",
        "No-gap ratio",
        "largest step of a moving contact over the larger of its neighbours",
        "1",
        _steady(gap_ratio),
        (Kind.LINE,),
        lambda area: (None, 2.0),
        _CHROME,
    ),
    _worst(
        "hysteresis",
        "Hysteresis",
        "first step of a motion over those that follow",
        "1",
        lambda trace, gesture: hysteresis_ratio(trace.xy_mm),
        (Kind.LINE,),
        lambda area: (None, 2.0),
        _CHROME,
    ),
    _ghosts,
    _ghost_rate,
    _missed,
)
