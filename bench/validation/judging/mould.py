"""Feedback to the mould: what is systematically wrong with each cavity, and what to apply against it."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from stampbench.bench.validation.measuring.pads import resting_on
from stampbench.firmware_emulator.errors import InputError

Points: TypeAlias = npt.NDArray[np.float64]

FEWEST_STAMPS = 3
"""Of one cavity, without which its systematic error cannot be told from scatter."""
FEWEST_TRUSTED = 3
"""Pads that must agree with each other to say that the others are off."""


@dataclass(frozen=True, slots=True)
class PadCorrection:
    """What to apply to one pad of one cavity.

    Attributes:
        cavity, pad: from 1.
        offset_mm: systematic offset of the pad from nominal, in the stamp's own frame.
        correction_mm: what to apply: against the offset.
        uncertainty_mm: half width of the interval of either coordinate, at 95 %.
        n: stamps it rests on.
        significant: whether the offset is told from scatter, with the number of pads in mind.
    """

    cavity: int
    pad: int
    offset_mm: tuple[float, float]
    correction_mm: tuple[float, float]
    uncertainty_mm: float
    n: int
    significant: bool

    @property
    def sentence(self) -> str:
        """As the toolmaker reads it."""
        x, y = self.correction_mm
        return (
            f"cavity {self.cavity}: pad {self.pad} by {x:+.2f}, {y:+.2f} mm "
            f"\N{PLUS-MINUS SIGN} {self.uncertainty_mm:.2f}"
        )


@dataclass(frozen=True, slots=True)
class MouldFeedback:
    """A lot's errors, separated.

    Attributes:
        corrections: of every pad of every cavity with enough stamps.
        scatter_mm: standard deviation of a pad on an axis within a cavity, measuring error included.
        systematic_mm: root mean square of the cavities' offsets on an axis.
        unknown: cavities with too few stamps.
    """

    corrections: tuple[PadCorrection, ...]
    scatter_mm: float
    systematic_mm: float
    unknown: tuple[int, ...]

    @property
    def to_apply(self) -> tuple[PadCorrection, ...]:
        """The significant ones, the largest first."""
        return tuple(
            sorted(
                (one for one in self.corrections if one.significant),
                key=lambda one: -math.hypot(*one.offset_mm),
            )
        )


def mould_feedback(
    deviations_mm: Points, cavities: npt.ArrayLike, nominal_mm: Points, *, confidence: float = 0.95
) -> MouldFeedback:
    """Separate the systematic pad offsets of each cavity from the scatter of its stamps.

    A cavity's offset is the mean over its stamps, laid over nominal by the largest set of its pads that agree
    with each other: a mould is corrected pad by pad, and a best fit of all would blame innocent ones, too.
    Where no three agree, no pad is blamed. Scatter is pooled over all cavities. An offset is significant if
    its cavity as a whole is off nominal beyond what chance gives one of all cavities, and the pad beyond what
    it gives one of all pads (F tests, Bonferroni).

    Args:
        deviations_mm: of each stamp after its best fit, shape (stamps, pads, 2).
        cavities: of each stamp, from 1, shape (stamps,).
        nominal_mm: pads, shape (pads, 2).
        confidence: of the intervals and tests.

    Raises:
        InputError: shapes that do not fit, or a missing pad.
    """
    from scipy.special import fdtrc, stdtrit

    d, of_stamp = np.asarray(deviations_mm, np.float64), np.asarray(cavities, np.int64)
    if d.ndim != 3 or d.shape[1:] != nominal_mm.shape or of_stamp.shape != d.shape[:1]:
        raise InputError(
            f"mould feedback: deviations of shape {d.shape}, cavities {of_stamp.shape}: expected "
            f"(stamps, {len(nominal_mm)}, 2) and (stamps,)"
        )
    if np.isnan(d).any():
        raise InputError("mould feedback: a deviation is NaN: expected stamps with all their pads")
    pads, free = len(nominal_mm), 2 * len(nominal_mm) - 3  # a best fit takes three degrees of freedom
    own = {int(cavity): d[of_stamp == cavity] for cavity in np.unique(of_stamp)}
    known = {cavity: stamps for cavity, stamps in own.items() if len(stamps) >= FEWEST_STAMPS}
    freedom = free * sum(len(stamps) - 1 for stamps in known.values())
    squares = sum(float(((stamps - stamps.mean(axis=0)) ** 2).sum()) for stamps in known.values())
    sd = math.sqrt(squares / freedom) if freedom else math.nan

    def chance(value: float, numerator: int, tests: int) -> float:
        """Return the probability that one of so many mean squares is at least so large by chance."""
        if not sd > 0.0:
            return 0.0 if value > 0.0 else 1.0
        return min(1.0, tests * float(fdtrc(numerator, freedom, value / sd**2)))

    level = 1.0 - confidence
    corrections = []
    for cavity, stamps in known.items():
        n, mean = len(stamps), stamps.mean(axis=0)
        # The cavity as a whole first: what follows heaps chance errors on single pads.
        off = chance(n * float((mean**2).sum()) / free, free, len(known)) <= level
        faulty, offsets, growth = np.zeros(pads, np.bool_), mean, np.ones(pads)
        for size in range(pads - 1, FEWEST_TRUSTED - 1, -1) if off else ():
            # The largest set of pads that agree with each other, and of these the one that agrees best.
            sets = [np.isin(np.arange(pads), chosen) for chosen in itertools.combinations(range(pads), size)]
            rests = [resting_on(mean, nominal_mm, trusted) for trusted in sets]
            apart = [float((rest[0][trusted] ** 2).sum()) for trusted, rest in zip(sets, rests, strict=True)]
            best = int(np.argmin(apart))
            agree = 2 * size - 3
            if chance(n * apart[best] / agree, agree, len(known)) <= level:
                continue
            offsets, growth = rests[best]
            squares_of = (offsets**2).sum(axis=1) / growth
            tested = [chance(n * one / 2.0, 2, pads * len(known)) <= level for one in squares_of]
            faulty = np.array(tested) & ~sets[best]
            break
        half = float(stdtrit(freedom, 0.5 + confidence / 2.0)) * sd / math.sqrt(n)
        for pad in range(pads):
            x, y = map(float, offsets[pad])
            corrections.append(
                PadCorrection(
                    cavity,
                    pad + 1,
                    (x, y),
                    (-x, -y),
                    half * math.sqrt(growth[pad]) if faulty[pad] else half,
                    n,
                    bool(faulty[pad]),
                )
            )
    unknown = [cavity for cavity in own if cavity not in known]
    all_offsets = np.array([one.offset_mm for one in corrections])
    systematic = float(np.sqrt((all_offsets**2).mean())) if len(all_offsets) else math.nan
    return MouldFeedback(tuple(corrections), sd, systematic, tuple(unknown))
