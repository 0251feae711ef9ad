"""Sampling by variables: fewer stamps than by attributes, because it counts how far each is from its limits.

The s method of ISO 3951-1 (standard deviation unknown) for normally distributed values: a lot is accepted if
the estimated share of nonconforming stamps is small enough, whether a limit is one-sided or two-sided. Sizes
and acceptability constants are not read from the standard's tables but computed from the noncentral t
distribution, so that they keep the risks of the single plan by attributes (ISO 2859-1) in their place.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from stampbench.firmware_emulator.errors import InputError

PRODUCER, CONSUMER = 0.95, 0.10
"""Probabilities of acceptance at which a plan by variables keeps the risk of the one by attributes."""
SIGNIFICANCE = 0.01
"""Of the tests of normality, all of a lot's together."""
FEWEST, MOST = 3, 2_000
"""Values without which nothing is estimated, and sizes of sample that are looked at."""


@dataclass(frozen=True, slots=True)
class VariablesPlan:
    """How many to draw, and how far inside its limit their mean must lie.

    Attributes:
        size: stamps to draw.
        k: acceptability constant: so many standard deviations, for one limit.
    """

    size: int
    k: float

    @property
    def largest_share(self) -> float:
        """Estimated nonconforming share up to which a lot is accepted: that of one limit at ``k``."""
        return tail_share(self.k, self.size)

    def acceptance(self, nonconforming: float) -> float:
        """Return the probability to accept a lot with this share beyond one limit, 0..1."""
        from scipy.special import nctdtr, ndtri

        if not 0.0 <= nonconforming <= 1.0:
            raise InputError(f"nonconforming = {nonconforming:g}: expected a share from 0 to 1")
        if nonconforming in (0.0, 1.0):
            return 1.0 - nonconforming
        root = math.sqrt(self.size)
        return 1.0 - float(nctdtr(self.size - 1, -root * float(ndtri(nonconforming)), self.k * root))

    def passes_at(self, acceptance: float) -> float:
        """Return the nonconforming share, 0..1, at which a lot is accepted so probably."""
        from scipy.optimize import brentq

        return float(brentq(lambda share: self.acceptance(share) - acceptance, 0.0, 1.0, xtol=1e-12))


@functools.lru_cache(maxsize=64)
def variables_plan(good: float, bad: float) -> VariablesPlan:
    """Return the smallest plan that accepts good lots 95 times in 100, and bad ones at most 10 times.

    Args:
        good: nonconforming share of good lots.
        bad: that of bad ones.

    Raises:
        InputError: no sample of up to 2,000 stamps does.
    """
    from scipy.special import nctdtrit, ndtri

    for size in range(FEWEST, MOST + 1):
        root = math.sqrt(size)
        k = float(nctdtrit(size - 1, -root * float(ndtri(good)), 1.0 - PRODUCER)) / root
        if VariablesPlan(size, k).acceptance(bad) <= CONSUMER:
            return VariablesPlan(size, k)
    raise InputError(f"sampling by variables: expected a plan of at most {MOST} stamps")


def tail_share(quality: float, size: int) -> float:
    """Return the estimated share beyond a limit that lies so many standard deviations from the mean.

    The minimum variance unbiased estimate (Lieberman and Resnikoff, Journal of the American Statistical
    Association 50, 1955, 457-516), from a symmetric beta distribution.
    """
    from scipy.special import betainc

    place = 0.5 - 0.5 * quality * math.sqrt(size) / (size - 1.0)
    return float(betainc(size / 2.0 - 1.0, size / 2.0 - 1.0, min(1.0, max(0.0, place))))


def nonconforming_share(
    values: npt.ArrayLike, lower: float | None = None, upper: float | None = None
) -> float:
    """Return the estimated share of values beyond their limits, both ends together.

    Raises:
        InputError: fewer than 3 values, or one that is not finite.
    """
    sample = np.asarray(values, np.float64)
    if sample.size < FEWEST or not np.isfinite(sample).all():
        raise InputError(f"sampling by variables: expected at least {FEWEST} finite values")
    mean, sd = float(sample.mean()), float(sample.std(ddof=1))
    share = 0.0
    for room in (mean - lower if lower is not None else None, upper - mean if upper is not None else None):
        if room is not None:
            quality = room / sd if sd > 0.0 else math.copysign(math.inf, room)
            share += tail_share(quality, sample.size)
    return min(1.0, share)


def looks_normal(values: npt.NDArray[np.float64], tests: int) -> bool:
    """Return whether values may be of a normal distribution (Shapiro and Wilk, 1 % over so many tests)."""
    from scipy.stats import shapiro

    return bool(np.ptp(values) == 0.0 or shapiro(values).pvalue > SIGNIFICANCE / tests)


def of_any(shares: Iterable[float]) -> float:
    """Return the share that breaks any of several limits, taken as independent of each other."""
    return 1.0 - math.prod(1.0 - share for share in shares)
