"""Process capability: how well a dimension keeps its tolerance, with intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from stampbench.firmware_emulator.errors import InputError

FEWEST = 3
"""Values without which nothing is said about their spread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Indices:
    """Two indices of a process and their intervals; infinite for values without any spread.

    Attributes:
        sd: standard deviation they rest on.
        potential, potential_low, potential_high: width of the tolerance over six of them; exact interval,
            from the chi-square distribution of the variance.
        actual, actual_low, actual_high: distance of the mean from the nearer limit over three of them;
            interval of Bissell (Applied Statistics 39, 1990, 331-340).
    """

    sd: float
    potential: float
    potential_low: float
    potential_high: float
    actual: float
    actual_low: float
    actual_high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Capability:
    """Capability of one dimension, by the names of AIAG's SPC and of ISO 22514-2.

    Attributes:
        n: values.
        mean: of the values.
        lower, upper: tolerance.
        overall: Pp and Ppk, from the standard deviation of all values.
        within: Cp and Cpk, from that within subgroups; None where there are none.
        confidence: coverage of the intervals, two-sided.
    """

    n: int
    mean: float
    lower: float
    upper: float
    overall: Indices
    within: Indices | None
    confidence: float


def capability(
    values: Sequence[float] | npt.NDArray[np.float64],
    lower: float,
    upper: float,
    confidence: float = 0.95,
    *,
    groups: Sequence[int] = (),
) -> Capability:
    """Return the capability of values against a tolerance, assuming that they are normally distributed.

    Args:
        values: all of them.
        lower: end of the tolerance.
        upper: end of the tolerance.
        confidence: coverage of the intervals.
        groups: subgroup of each value, as the cavity of a stamp; empty: none.

    Raises:
        InputError: fewer than 3 values, one that is not finite, or a tolerance without width.
    """
    sample = np.asarray(values, np.float64)
    n = sample.size
    if n < FEWEST:
        raise InputError(f"capability: {n} values: expected at least {FEWEST}")
    if not np.isfinite(sample).all():
        raise InputError("capability: a value is not finite")
    if not lower < upper:
        raise InputError(f"capability: tolerance {lower:g} to {upper:g}: expected the smaller number first")
    mean = float(sample.mean())
    own = [sample[np.asarray(groups) == group] for group in sorted(set(groups))]
    freedom = sum(len(group) - 1 for group in own)
    within = None
    if len(own) > 1 and freedom >= FEWEST - 1:
        squares = sum(float(((group - group.mean()) ** 2).sum()) for group in own)
        within = _indices(mean, math.sqrt(squares / freedom), n, freedom, (lower, upper), confidence)
    return Capability(
        n=n,
        mean=mean,
        lower=lower,
        upper=upper,
        overall=_indices(mean, float(sample.std(ddof=1)), n, n - 1, (lower, upper), confidence),
        within=within,
        confidence=confidence,
    )


def _indices(
    mean: float, sd: float, n: int, freedom: int, tolerance: tuple[float, float], confidence: float
) -> Indices:
    from scipy.special import chdtri, ndtri

    lower, upper = tolerance
    room = min(upper - mean, mean - lower)
    potential = potential_low = potential_high = math.inf
    actual = actual_low = actual_high = math.copysign(math.inf, room)
    if sd >= 1e-12 * (upper - lower):
        potential, actual = (upper - lower) / (6.0 * sd), room / (3.0 * sd)
        tail = (1.0 - confidence) / 2.0
        # chdtri(v, p) is the value that a chi-square variable exceeds with probability p.
        potential_low, potential_high = (
            potential * math.sqrt(float(chdtri(freedom, p)) / freedom) for p in (1.0 - tail, tail)
        )
        half = float(ndtri(1.0 - tail)) * math.sqrt(1.0 / (9.0 * n) + actual * actual / (2.0 * freedom))
        actual_low, actual_high = actual - half, actual + half
    return Indices(
        sd=sd,
        potential=potential,
        potential_low=potential_low,
        potential_high=potential_high,
        actual=actual,
        actual_low=actual_low,
        actual_high=actual_high,
    )
