"""Control charts over lots: EWMA and CUSUM, with limits chosen for the number of false alarms.

S. W. Roberts, Technometrics 1 (1959), 239-250; E. S. Page, Biometrika 41 (1954), 100-115; run lengths of the
EWMA after Lucas and Saccucci, Technometrics 32 (1990), 1-12, of the CUSUM after D. Siegmund, Sequential
Analysis (1985).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from stampbench.firmware_emulator.errors import InputError

WEIGHT = 0.2
"""Of the newest value in the EWMA."""
ALLOWANCE = 0.5
"""Of the CUSUM, in standard deviations: it is quickest for shifts of twice that."""
LOTS_TO_FALSE_ALARM = 370.0
"""On average, over all series together; that of one Shewhart chart with three sigma limits."""
RECENT = 8
"""Lots that a trend is taken from."""
_STATES = 61


@dataclass(frozen=True, slots=True, eq=False)
class Chart:
    """One series on its charts.

    Attributes:
        values: as given, shape (n,).
        target, sigma: what they are held against.
        ewma, ewma_half: the average and half the width of its limits around the target, shape (n,).
        up, down: the two sums of the CUSUM, in standard deviations, shape (n,).
        limit: of both sums.
    """

    values: npt.NDArray[np.float64]
    target: float
    sigma: float
    ewma: npt.NDArray[np.float64]
    ewma_half: npt.NDArray[np.float64]
    up: npt.NDArray[np.float64]
    down: npt.NDArray[np.float64]
    limit: float

    @property
    def alarms(self) -> npt.NDArray[np.bool_]:
        """Which values are out of control on either chart, shape (n,)."""
        out: npt.NDArray[np.bool_] = self.alarming > 1.0
        return out

    @property
    def alarming(self) -> npt.NDArray[np.float64]:
        """How near each value comes to an alarm on the nearer chart: from 1 on it is one; shape (n,)."""
        near: npt.NDArray[np.float64] = np.maximum(
            np.abs(self.ewma - self.target) / self.ewma_half, np.maximum(self.up, self.down) / self.limit
        )
        return near


def innovations(values: Sequence[float] | npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return what each value adds to the mean before it, in spreads of one value; the first is 0.

    Nobody knows the true mean of a new series; a chart against an estimate of it alarms falsely sooner or
    later. These need none: in control they are independent, with mean 0 (self-starting charts; Hawkins, The
    Statistician 36, 1987, 299-316).
    """
    x = np.asarray(values, np.float64)
    before = np.cumsum(x)[:-1] / np.arange(1, x.size)
    n = np.arange(2, x.size + 1)
    return np.concatenate([np.zeros(min(1, x.size)), (x[1:] - before) * np.sqrt((n - 1) / n)])


def lots_to(values: Sequence[float] | npt.NDArray[np.float64], low: float, high: float) -> float:
    """Return lots until a straight line through the recent values leaves a range; infinite if it never does.

    0 if the last value is outside: a line through a step may be where no value is.
    """
    tail = np.asarray(values, np.float64)[-RECENT:]
    if len(tail) < 2:
        return math.inf
    slope, now = map(float, np.polyfit(np.arange(1 - len(tail), 1), tail, 1))
    if not low <= tail[-1] <= high:
        return 0.0
    now = min(max(now, low), high)
    if abs(slope) < 1e-9 * (high - low):
        return math.inf
    return ((high if slope > 0.0 else low) - now) / slope


def chart(
    values: Sequence[float] | npt.NDArray[np.float64],
    *,
    target: float,
    sigma: float,
    series: int = 1,
    weight: float = WEIGHT,
) -> Chart:
    """Put a series on both charts.

    Args:
        values: one a lot, in order.
        target: what they should be.
        sigma: standard deviation of one value in control.
        series: how many are watched together: limits are wide enough for all.
        weight: of the newest value in the EWMA.

    Raises:
        InputError: a sigma that is not above 0, a value that is not finite, a weight outside 0..1.
    """
    x = np.asarray(values, np.float64)
    if not sigma > 0.0 or not math.isfinite(sigma):
        raise InputError(f"chart: sigma = {sigma:g}: expected a standard deviation above 0")
    if not 0.0 < weight <= 1.0:
        raise InputError(f"chart: weight = {weight:g}: expected above 0, up to 1")
    if not np.isfinite(x).all():
        raise InputError("chart: a value is not finite")
    run_length = LOTS_TO_FALSE_ALARM * 2 * series  # two charts each
    width, limit = ewma_width(run_length, weight), cusum_limit(run_length)
    ewma, up, down = np.empty(x.size), np.empty(x.size), np.empty(x.size)
    level, above, below = target, 0.0, 0.0
    for place, value in enumerate(x):
        level = weight * value + (1.0 - weight) * level
        u = (value - target) / sigma
        above, below = max(0.0, above + u - ALLOWANCE), max(0.0, below - u - ALLOWANCE)
        ewma[place], up[place], down[place] = level, above, below
    n = np.arange(1, x.size + 1)
    half = width * sigma * np.sqrt(weight / (2.0 - weight) * (1.0 - (1.0 - weight) ** (2 * n)))
    return Chart(x, target, sigma, ewma, half, up, down, limit)


def ewma_run_length(width: float, weight: float = WEIGHT, shift: float = 0.0) -> float:
    """Average number of values until an EWMA with limits of ``width`` sigma alarms, in control or shifted.

    A Markov chain over states between the limits, which are those of the steady state (Brook and Evans,
    Biometrika 59, 1972).
    """
    from scipy.special import ndtr

    half = width * math.sqrt(weight / (2.0 - weight))
    step = 2.0 * half / _STATES
    middle = -half + step * (np.arange(_STATES) + 0.5)
    upper = (middle[None] + 0.5 * step - (1.0 - weight) * middle[:, None]) / weight - shift
    lower = (middle[None] - 0.5 * step - (1.0 - weight) * middle[:, None]) / weight - shift
    stay = ndtr(upper) - ndtr(lower)
    lengths = np.linalg.solve(np.eye(_STATES) - stay, np.ones(_STATES))
    return float(lengths[_STATES // 2])


def cusum_run_length(limit: float, shift: float = 0.0) -> float:
    """Average number of values until a two-sided CUSUM alarms, in control or shifted (Siegmund)."""

    def one_sided(drift: float) -> float:
        b = limit + 1.166
        if abs(drift) < 1e-9:
            return b * b
        return (math.exp(-2.0 * drift * b) + 2.0 * drift * b - 1.0) / (2.0 * drift * drift)

    up, down = one_sided(shift - ALLOWANCE), one_sided(-shift - ALLOWANCE)
    return 1.0 / (1.0 / up + 1.0 / down)


@functools.lru_cache(maxsize=64)
def ewma_width(run_length: float, weight: float = WEIGHT) -> float:
    """Return the width of the limits, in sigma, at which false alarms are so far apart on average."""
    return _solve(lambda width: ewma_run_length(width, weight), run_length, 1.0, 7.0)


@functools.lru_cache(maxsize=64)
def cusum_limit(run_length: float) -> float:
    """Return limit of the sums, in sigma, at which false alarms are so far apart on average."""
    return _solve(cusum_run_length, run_length, 1.0, 40.0)


def _solve(function: Callable[[float], float], wanted: float, low: float, high: float) -> float:
    while high - low > 1e-6:
        middle = 0.5 * (low + high)
        if function(middle) < wanted:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)
