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
class Capability:
    """Capability of one dimension.

    Attributes:
        n: values.
        mean, sd: of the values; the standard deviation of a sample.
        lower, upper: tolerance.
        cp, cpk: potential and actual capability; infinite for values without any spread inside the tolerance.
        cp_low, cp_high: exact interval of Cp, from the chi-square distribution of the variance.
        cpk_low, cpk_high: interval of Cpk (Bissell, Applied Statistics 39, 1990, 331-340).
        confidence: coverage, two-sided.
    """

    n: int
    mean: float
    sd: float
    lower: float
    upper: float
    cp: float
    cp_low: float
    cp_high: float
    cpk: float
    cpk_low: float
    cpk_high: float
    confidence: float


def capability(
    values: Sequence[float] | npt.NDArray[np.float64], lower: float, upper: float, confidence: float = 0.95
) -> Capability:
    """Return Cp and Cpk of values against a tolerance, assuming that they are normally distributed.

    Raises:
        InputError: fewer than 3 values, one that is not finite, or a tolerance without width.
    """
    from scipy.special import chdtri, ndtri

    sample = np.asarray(values, np.float64)
    n = sample.size
    if n < FEWEST:
        raise InputError(f"capability: {n} values: expected at least {FEWEST}")
    if not np.isfinite(sample).all():
        raise InputError("capability: a value is not finite")
    if not lower < upper:
        raise InputError(f"capability: tolerance {lower:g} to {upper:g}: expected the smaller number first")
    mean, sd = float(sample.mean()), float(sample.std(ddof=1))
    room = min(upper - mean, mean - lower)
    ends = math.copysign(math.inf, room)
    cp = cp_low = cp_high = math.inf
    cpk = cpk_low = cpk_high = ends
    if sd >= 1e-12 * (upper - lower):
        cp, cpk = (upper - lower) / (6.0 * sd), room / (3.0 * sd)
        tail = (1.0 - confidence) / 2.0
        # chdtri(v, p) is the value that a chi-square variable exceeds with probability p.
        cp_low, cp_high = (cp * math.sqrt(float(chdtri(n - 1, p)) / (n - 1)) for p in (1.0 - tail, tail))
        half = float(ndtri(1.0 - tail)) * math.sqrt(1.0 / (9.0 * n) + cpk * cpk / (2.0 * (n - 1)))
        cpk_low, cpk_high = cpk - half, cpk + half
    return Capability(
        n=n,
        mean=mean,
        sd=sd,
        lower=lower,
        upper=upper,
        cp=cp,
        cp_low=cp_low,
        cp_high=cp_high,
        cpk=cpk,
        cpk_low=cpk_low,
        cpk_high=cpk_high,
        confidence=confidence,
    )
