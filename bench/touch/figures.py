"""Figures of single traces and gestures, from which touch metrics are made."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from stampbench.bench.touch.traces import Gesture, Trace, TruePath, traces_of

Points: TypeAlias = npt.NDArray[np.float64]

TRAVEL_MM = 10.0
"""Way over which moving jitter is looked at."""
GHOST_MM = 8.0
"""A reported contact farther than this from everything that touches is a ghost."""
PASS_SHARE = 0.95
"""Each test must be passed at this rate: accuracy is judged by this percentile."""
SETTLED_SHARE = 0.15
"""So much of a line, at either end, is left out where an even pace is needed."""


def line_residuals_mm(points_mm: Points) -> Points:
    """Return unsigned distances of points (n, 2) from the line that fits them best, of any slope."""
    centred = points_mm - points_mm.mean(axis=0)
    normal = np.linalg.svd(centred, full_matrices=False)[2][-1]
    residuals: Points = np.abs(centred @ normal)
    return residuals


def stationary_jitter_mm(points_mm: Points) -> float:
    """Return the largest distance of two of the points (n, 2) of a contact that lies still."""
    if len(points_mm) < 2:
        return 0.0
    gaps = points_mm[:, None] - points_mm[None]
    return float(np.sqrt((gaps**2).sum(axis=2).max()))


def moving_jitter_mm(points_mm: Points, travel_mm: float = TRAVEL_MM) -> float:
    """Return the largest unsigned distance from a line over any ``travel_mm`` of a contact's way."""
    way = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points_mm, axis=0).T))])
    worst = 0.0
    for first in range(len(points_mm) - 2):
        last = int(np.searchsorted(way, way[first] + travel_mm, "right"))
        if last - first >= 3:
            worst = max(worst, float(line_residuals_mm(points_mm[first:last]).max()))
        if last == len(points_mm):
            break
    return worst


def report_rate_hz(trace: Trace) -> float:
    """Return reports of one contact per second, from its first to its last."""
    return (len(trace.t_us) - 1) * 1e6 / float(trace.t_us[-1] - trace.t_us[0])


def gap_ratio(points_mm: Points) -> float:
    """Return the largest step of a moving contact over the larger of its neighbours; 1 if even."""
    steps = np.hypot(*np.diff(points_mm, axis=0).T)
    if len(steps) < 3:
        return math.nan
    beside = np.maximum(steps[:-2], steps[2:])
    moving = beside > 0.1 * np.median(steps[steps > 0.0]) if (steps > 0.0).any() else beside > 0.0
    return float((steps[1:-1][moving] / beside[moving]).max()) if moving.any() else math.nan


def hysteresis_ratio(points_mm: Points) -> float:
    """Divide the first step of a motion by the median of the next three: a jump out of rest is above 1.

    Infinite where the motion rests again after its first step.
    """
    steps = np.hypot(*np.diff(points_mm, axis=0).T)
    typical = np.median(steps[steps > 0.0]) if (steps > 0.0).any() else math.nan
    first = np.flatnonzero(steps > 0.3 * typical)
    if not first.size or len(steps) < first[0] + 4:
        return math.nan
    following = float(np.median(steps[first[0] + 1 : first[0] + 4]))
    return float(steps[first[0]]) / following if following > 0.0 else math.inf


def move_latency_ms(trace: Trace, path: TruePath) -> float:
    """Return how far reports of an even motion lag behind it on average; NaN if it does not move."""
    begin, end = path.moves_us
    margin = SETTLED_SHARE * (end - begin)
    moving = trace.between(math.ceil(begin + margin), math.floor(end - margin))
    way = path.at([begin, end])
    along = way[1] - way[0]
    if not len(moving.t_us) or not along.any():
        return math.nan
    speed = float(np.hypot(*along)) / (end - begin)  # mm per microsecond
    behind_mm = (path.at(moving.t_us) - moving.xy_mm) @ (along / np.hypot(*along))
    return float(behind_mm.mean()) / speed / 1000.0


def ghosts(gesture: Gesture) -> int:
    """Find traces that no true touch accounts for: far from all, or one too many at the same."""
    unaccounted: set[int] = set()
    traces = traces_of(gesture.reports)
    start = {(trace.id, int(t)): number for number, trace in enumerate(traces) for t in trace.t_us}
    for report in gesture.reports:
        down = [contact for contact in report.down if (contact.id, report.t_us) in start]
        if not down:
            continue
        points = np.array([(contact.x_mm, contact.y_mm) for contact in down], np.float64)
        near = [
            (float(distance), touch, place)
            for touch, path in enumerate(gesture.touches)
            for place, distance in enumerate(path.distance_mm(points))
            if distance <= GHOST_MM
        ]
        taken: dict[int, int] = {}
        for _, touch, place in sorted(near):
            if touch not in taken and place not in taken.values():
                taken[touch] = place
        for place, contact in enumerate(down):
            if place not in taken.values():
                unaccounted.add(start[contact.id, report.t_us])
    return len(unaccounted)


def separation_mm(gestures: Iterable[Gesture]) -> float | None:
    """Return least distance, edge to edge, from which on all pairs of contacts are told apart.

    A pair is told apart if at least 95 % of the scans in which anything is down have two contacts.
    """
    told = []
    for gesture in gestures:
        first, second = gesture.touches
        gap_mm = float(np.hypot(*(first.xy_mm[0] - second.xy_mm[0]))) - gesture.contact_mm
        counts = [len(report.down) for report in gesture.reports if report.down]
        share = sum(count >= 2 for count in counts) / len(counts) if counts else 0.0
        told.append((gap_mm, share >= PASS_SHARE))
    best = None
    for gap_mm, apart in sorted(told, reverse=True):
        if not apart:
            break
        best = gap_mm
    return best
