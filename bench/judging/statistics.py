"""Numbers with their interval: rates, zero-failure claims, percentiles, the trade-off of two error rates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt
from stampbench.firmware_emulator.errors import InputError

ORDER_STATISTICS = "exact order statistics, two-sided"
CLUSTERED = (
    "Clopper-Pearson, two-sided, on the effective number of presses (Korn and Graubard): {} stamps were "
    "pressed {:.3g} times each, and presses of one stamp are alike"
)
_LEAST_CORRELATION = 3.0, 5.0
"""What few stamps cannot rule out: a correlation within a stamp of 3 over (their number + 5)."""
TOO_FEW = "; too few values for an end beyond the {}"


@dataclass(frozen=True, slots=True)
class Rate:
    """A proportion and its two-sided interval.

    Attributes:
        k: how many times it happened.
        n: out of how many trials.
        estimate: k / n; None without trials.
        low, high: ends of the interval, 0..1.
        confidence: coverage of the interval, 0..1.
        method: name of the interval.
    """

    k: int
    n: int
    estimate: float | None
    low: float
    high: float
    confidence: float
    method: str = "Clopper-Pearson, two-sided"


@dataclass(frozen=True, slots=True)
class Percentile:
    """A percentile of a sample and its two-sided interval.

    Attributes:
        q: which one, 0..1.
        n: size of the sample.
        estimate: nearest-rank percentile (always an observed value); None for an empty sample.
        low, high: ends of the interval, observed values; None where the sample is too small to have such an
            end: of a 95th percentile at 95 % the upper one needs 72 values.
        confidence: nominal coverage, 0..1.
        method: name of the interval.
    """

    q: float
    n: int
    estimate: float | None
    low: float | None
    high: float | None
    confidence: float
    method: str = ORDER_STATISTICS


def rate(k: int, n: int, confidence: float = 0.95) -> Rate:
    """Return proportion k of n with its exact interval (Clopper and Pearson, Biometrika 26, 1934).

    Without trials nothing is known, and the interval is 0..1.

    Raises:
        InputError: k outside 0..n, or confidence outside 0..1.
    """
    if not 0 <= k <= n:
        raise InputError(f"rate: k = {k} of n = {n}: expected 0 <= k <= n")
    _check_open_unit("confidence", confidence)
    if n == 0:
        return Rate(0, 0, None, 0.0, 1.0, confidence)
    from scipy.special import betaincinv  # scipy.stats has the same, and takes seconds to import

    tail = (1.0 - confidence) / 2.0
    low = float(betaincinv(k, n - k + 1, tail)) if k > 0 else 0.0
    high = float(betaincinv(k + 1, n - k, 1.0 - tail)) if k < n else 1.0
    return Rate(k, n, k / n, low, high, confidence)


def as_written(value: float) -> Fraction:
    """Return the number that was written: 0.07 is 7/100, and not the float nearest to it."""
    return Fraction(repr(value))


def clustered_rate(failures: npt.ArrayLike, presses: npt.ArrayLike, confidence: float = 0.95) -> Rate:
    """Return a proportion over stamps that were pressed several times each: such presses are alike.

    The number of presses is divided by the design effect, the variance between stamps over that of
    independent presses, with Student's t for few stamps (Korn and Graubard, Survey Methodology 24, 1998,
    193-201). Few stamps may show no correlation by chance, so that some is always assumed: simulated with
    correlations of 0.1 to 0.3, rates of 1 to 20 % and 2 to 100 stamps of 3 to 60 presses, an interval at
    95 % covers in 94 % or more.

    Args:
        failures: of each stamp, shape (stamps,), at least 2 stamps.
        presses: of each stamp, shape (stamps,).
        confidence: coverage, 0..1.

    Raises:
        InputError: fewer than two stamps, or failures outside 0..presses.
    """
    from scipy.special import betaincinv, ndtri, stdtrit

    k, n = np.asarray(failures, np.float64), np.asarray(presses, np.float64)
    _check_open_unit("confidence", confidence)
    if k.size < 2 or k.shape != n.shape or (k < 0).any() or (k > n).any() or (n < 1).any():
        raise InputError(
            "clustered_rate: expected failures from 0 to the presses of each of two or more stamps"
        )
    stamps, total, failed = k.size, float(n.sum()), float(k.sum())
    p = failed / total
    each = float((n**2).sum()) / total
    alone = p * (1.0 - p) / total
    between = stamps / (stamps - 1) * float(((k - p * n) ** 2).sum()) / total**2
    tail = (1.0 - confidence) / 2.0
    few = float(stdtrit(stamps - 1, 1.0 - tail) / ndtri(1.0 - tail)) ** 2
    share, more = _LEAST_CORRELATION
    least = 1.0 + (each - 1.0) * min(1.0, share / (stamps + more))
    effect = max(least, few * max(1.0, between / alone if alone > 0.0 else 1.0))
    k_eff, n_eff = failed / effect, total / effect
    low = float(betaincinv(k_eff, n_eff - k_eff + 1.0, tail)) if failed > 0.0 else 0.0
    high = float(betaincinv(k_eff + 1.0, n_eff - k_eff, 1.0 - tail)) if failed < total else 1.0
    return Rate(int(failed), int(total), p, low, high, confidence, CLUSTERED.format(stamps, total / stamps))


def count_interval(k: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return exact interval of the mean of which a Poisson count k was drawn (Garwood, Biometrika 28, 1936).

    Raises:
        InputError: k below 0, or confidence outside 0..1.
    """
    if k < 0:
        raise InputError(f"count_interval: k = {k}: expected 0 or more")
    _check_open_unit("confidence", confidence)
    from scipy.special import gammaincinv

    tail = (1.0 - confidence) / 2.0
    return float(gammaincinv(k, tail)) if k > 0 else 0.0, float(gammaincinv(k + 1, 1.0 - tail))


def zero_failure_success(n: int, confidence: float = 0.95) -> float:
    """Return success rate that ``n`` trials without a failure prove with ``confidence`` (one-sided).

    Raises:
        InputError: n below 1, or confidence outside 0..1.
    """
    if n < 1:
        raise InputError(f"zero_failure_success: n = {n}: expected at least 1 trial")
    _check_open_unit("confidence", confidence)
    return math.exp(math.log1p(-confidence) / n)


@dataclass(frozen=True, slots=True)
class DetPoint:
    """False rejection and false acceptance at one threshold.

    Attributes:
        threshold: largest distance that is accepted.
        frr, far: with their intervals.
    """

    threshold: float
    frr: Rate
    far: Rate


@dataclass(frozen=True, slots=True)
class DetCurve:
    """The trade-off of false rejection and false acceptance (detection error trade-off).

    Attributes:
        points: from the strictest threshold to the most lenient.
        equal_error: where the two rates are nearest to each other; None without points.
    """

    points: tuple[DetPoint, ...]
    equal_error: DetPoint | None


DET_POINTS = 200


def det_curve(
    genuine: Sequence[float] | npt.NDArray[np.float64],
    foreign: Sequence[float] | npt.NDArray[np.float64],
    *,
    points: int = DET_POINTS,
    confidence: float = 0.95,
) -> DetCurve:
    """Return rates over the threshold, from distances of genuine and foreign presses (Martin, 1997).

    Args:
        genuine: distance of each genuine press to its own code; infinite where it cannot be read right.
        foreign: distance of each foreign press to the nearest code; infinite where there is none.
        points: most thresholds; they are spread evenly over the distances that occur.
        confidence: coverage of the rates' intervals.

    Raises:
        InputError: a distance that is NaN or below 0, or fewer than 2 points.
    """
    if points < 2:
        raise InputError(f"det_curve: points = {points}: expected at least 2")
    accepted, wrongly = (np.sort(np.asarray(side, dtype=np.float64)) for side in (genuine, foreign))
    known = np.concatenate([accepted, wrongly])
    if np.isnan(known).any() or (known < 0.0).any():
        raise InputError("det_curve: a distance is NaN or below 0: expected 0 or more, or infinity")
    thresholds = np.unique(known[np.isfinite(known)])
    if thresholds.size > points:
        thresholds = thresholds[np.round(np.linspace(0, thresholds.size - 1, points)).astype(np.int64)]
    curve = tuple(
        DetPoint(
            float(threshold),
            rate(
                accepted.size - int(np.searchsorted(accepted, threshold, "right")), accepted.size, confidence
            ),
            rate(int(np.searchsorted(wrongly, threshold, "right")), wrongly.size, confidence),
        )
        for threshold in thresholds
    )
    nearest = min(
        curve, key=lambda point: abs((point.frr.estimate or 0.0) - (point.far.estimate or 0.0)), default=None
    )
    return DetCurve(curve, nearest)


def percentile(
    values: Sequence[float] | npt.NDArray[np.float64], q: float, *, confidence: float = 0.95
) -> Percentile:
    """Return the nearest-rank percentile with an interval that holds in any distribution.

    Its ends are order statistics: the value of rank r lies above the percentile only if fewer than r values
    lie below it, and their number is binomial (David and Nagaraja, Order Statistics, 2003, section 7.1).
    Where the sample is too small to have such a value, there is no end on that side, and ``method`` says so.

    Raises:
        InputError: q or confidence outside 0..1, or a value that is not finite.
    """
    _check_open_unit("q", q)
    _check_open_unit("confidence", confidence)
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    n = ordered.size
    if n == 0:
        return Percentile(q, 0, None, None, None, confidence)
    if not np.isfinite(ordered[[0, -1]]).all():
        raise InputError("percentile: values hold infinity or NaN: expected finite numbers")
    estimate = float(ordered[_nearest_rank(q, n) - 1])
    first, last = _exact_ranks(n, q, (1.0 - confidence) / 2.0)
    low, high = (None if rank is None else float(ordered[rank - 1]) for rank in (first, last))
    short = [name for end, name in ((low, "smallest"), (high, "largest")) if end is None]
    method = ORDER_STATISTICS + "".join(TOO_FEW.format(name) for name in short)
    return Percentile(q, n, estimate, low, high, confidence, method)


def _exact_ranks(n: int, q: float, tail: float) -> tuple[int | None, int | None]:
    """Return the ranks whose values lie above, and below, the percentile with at most ``tail`` each."""
    from scipy.special import bdtr

    # So many values lie below the percentile; beyond ten standard deviations there are none to look at.
    reach = 10.0 * math.sqrt(n * q * (1.0 - q)) + 10.0
    counts = np.arange(max(0, math.floor(n * q - reach)), min(n - 1, math.ceil(n * q + reach)) + 1)
    below = bdtr(counts, n, q)
    first = int(np.searchsorted(below, tail, "right"))
    last = int(np.searchsorted(below, 1.0 - tail))
    return (
        int(counts[first - 1]) + 1 if first > 0 else None,
        int(counts[last]) + 1 if last < len(counts) else None,
    )


def _nearest_rank(q: float, n: int) -> int:
    # 0.95 * 20 is 19.000000000000004 in floating point; the rank is 19.
    return min(n, max(1, math.ceil(q * n - 1e-9)))


def _check_open_unit(name: str, value: float) -> None:
    if not 0.0 < value < 1.0:
        raise InputError(f"{name} = {value}: expected a number above 0 and below 1")
