"""Judging one stamp: what was measured of it, and a list of checks that hold it against the tolerances.

By the rule of ISO 14253-1 a stamp is accepted or rejected only where a tolerance is kept or broken with the
measurement's uncertainty to spare; in between it is measured again. What was not measured is never accepted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
from stampbench.bench.validation.judging.budget import Budget
from stampbench.bench.validation.judging.lot_gauge import mean_deviations
from stampbench.bench.validation.measuring.lots import Unit
from stampbench.bench.validation.measuring.pads import (
    PAD_COMPRESSION_MM,
    FittedPress,
    evenness,
    flatness_mm,
)
from stampbench.bench.validation.plans import Tolerances

Points: TypeAlias = npt.NDArray[np.float64]

FEWEST_PRESSES = 2
MISSING_SHARE = 0.9
"""Of its presses, in which a pad must make no contact to be missing from the stamp."""
RULES: Final = {
    "iso-14253-1": (1.0, 1.0, "ISO 14253-1: accepted or rejected beyond the uncertainty"),
    "ilac-g8-guarded": (1.0, -1.0, "ILAC-G8, binary with guard band w = U: rejected where not surely good"),
    "ilac-g8-simple": (0.0, 0.0, "ILAC-G8, simple acceptance: the uncertainty is not taken into account"),
}
"""Decision rules: uncertainties to spare that accepting and rejecting need, and their names in words."""


class Disposition(StrEnum):
    """What becomes of a stamp, and of a lot."""

    ACCEPT = "accept"
    REJECT = "reject"
    AGAIN = "measure again"


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class StampResult:
    """One stamp, measured and judged.

    Attributes:
        presses: that counted.
        deviations_mm: of each pad from nominal after the best fit, shape (pads, 2); NaN for a missing one.
        budget: the uncertainty of each of these, by its parts.
        levels: of each pad, shape (pads,); NaN where not measured.
        evenness, flatness_mm: NaN where not measured.
        missing: pads that made no contact, from 1.
        unmeasured: whether something that the plan calls for was not measured.
        reasons: of a disposition other than accept.
    """

    serial: str
    cavity: int
    presses: int
    deviations_mm: Points
    budget: Budget
    levels: Points
    evenness: float
    flatness_mm: float
    missing: tuple[int, ...]
    unmeasured: bool
    disposition: Disposition
    reasons: tuple[str, ...]

    @property
    def uncertainty_mm(self) -> float:
        """Return the expanded uncertainty of a deviation; NaN without one."""
        return math.nan if np.isnan(self.deviations_mm).all() else self.budget.expanded_mm

    @property
    def worst_mm(self) -> float:
        """Return the largest deviation on any axis; NaN without one."""
        known = self.deviations_mm[~np.isnan(self.deviations_mm)]
        return float(np.abs(known).max()) if known.size else math.nan


@dataclass(frozen=True, slots=True)
class Finding:
    """What speaks against accepting a stamp.

    Attributes:
        disposition: reject, or measure again.
        text: what was found.
        needs_gauge: whether a bad gauge may have made it up.
        unmeasured: whether it says that something was not measured.
    """

    disposition: Disposition
    text: str
    needs_gauge: bool = True
    unmeasured: bool = False


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """All that was measured of one stamp.

    Attributes:
        by_rig: presses laid over nominal, by appraiser.
        pad_levels: levels of each press that has them, shape (pads,), NaN for a pad without contact.
        foreign: presses that look like another stamp.
        budget: uncertainty of a deviation.
    """

    unit: Unit
    nominal_mm: Points
    by_rig: Mapping[str, Sequence[FittedPress]]
    pad_levels: Sequence[Points]
    foreign: int
    budget: Budget

    @cached_property
    def fits(self) -> list[FittedPress]:
        """Return the presses on all rigs."""
        return [fit for group in self.by_rig.values() for fit in group]

    @cached_property
    def whole(self) -> int:
        """Return the number of presses in which every pad touched."""
        return sum(not fit.missing for fit in self.fits)

    @cached_property
    def deviations_mm(self) -> Points:
        """Return the mean deviation of each pad, shape (pads, 2); NaN without a whole press."""
        mean = mean_deviations(self.fits)
        return np.full(self.nominal_mm.shape, math.nan) if mean is None else mean

    @cached_property
    def levels(self) -> Points:
        """Return the mean level of each pad where it was measured, NaN elsewhere."""
        mean = np.full(len(self.nominal_mm), math.nan)
        for pad in range(len(mean)):
            known = [level[pad] for level in self.pad_levels if not math.isnan(level[pad])]
            if known:
                mean[pad] = float(np.mean(known))
        return mean

    @cached_property
    def level_uncertainty(self) -> float:
        """Return the expanded uncertainty of a pad's mean level, from its scatter over the presses; 95 %.

        Scatter is pooled over the pads; NaN where fewer than two presses have levels.
        """
        from scipy.special import stdtrit

        levels = np.array(self.pad_levels).reshape(-1, len(self.nominal_mm))
        known = (~np.isnan(levels)).sum(axis=0)
        pads = known > 1
        if not pads.any():
            return math.nan
        freedom = int((known[pads] - 1).sum())
        variance = float((np.nanvar(levels[:, pads], axis=0) * known[pads]).sum()) / freedom
        return float(stdtrit(freedom, 0.975)) * math.sqrt(variance / int(known[pads].min()))

    @cached_property
    def evenness(self) -> float:
        """Return the spread of the levels over their mean; NaN where not measured."""
        return evenness(self.levels)

    @cached_property
    def flatness_mm(self) -> float:
        """Return by how much a pad stands off the plane of all; NaN where not measured."""
        return flatness_mm(self.levels, self.nominal_mm)

    @cached_property
    def missing(self) -> tuple[int, ...]:
        """Return the pads, from 1, that made no contact in most presses."""
        return _mostly_missing(self.fits, len(self.nominal_mm))


Check: TypeAlias = Callable[[Evidence, Tolerances], Iterator[Finding]]


def judge_stamp(evidence: Evidence, tolerances: Tolerances, *, gauge_bad: bool) -> StampResult:
    """Hold a stamp against every check; nothing that a bad gauge may have made up rejects it."""
    found = [finding for check in CHECKS for finding in check(evidence, tolerances)]
    broken = [one for one in found if one.disposition is Disposition.REJECT]
    reasons = [one.text for one in broken or found]
    if not found:
        disposition = Disposition.ACCEPT
    elif not broken:
        disposition = Disposition.AGAIN
    elif gauge_bad and all(one.needs_gauge for one in broken):
        disposition = Disposition.AGAIN
        reasons.append("the gauge is not good enough to reject it")
    else:
        disposition = Disposition.REJECT
    return StampResult(
        serial=evidence.unit.serial,
        cavity=evidence.unit.cavity,
        presses=len(evidence.fits),
        deviations_mm=evidence.deviations_mm,
        budget=evidence.budget,
        levels=evidence.levels,
        evenness=evidence.evenness,
        flatness_mm=evidence.flatness_mm,
        missing=evidence.missing,
        unmeasured=any(one.unmeasured for one in found),
        disposition=disposition,
        reasons=tuple(reasons),
    )


def _check_identity(evidence: Evidence, tolerances: Tolerances) -> Iterator[Finding]:
    """Find a stamp that is another one."""
    if evidence.foreign > len(evidence.fits):
        yield Finding(Disposition.REJECT, "is another stamp", needs_gauge=False)


def _check_pads(evidence: Evidence, tolerances: Tolerances) -> Iterator[Finding]:
    """Find missing pads; every rig must say so, nearly always: a dead line takes pads here and there."""
    if not evidence.missing:
        return
    pads = len(evidence.nominal_mm)
    agreed = [
        pad
        for pad in evidence.missing
        if all(
            len(fits) >= FEWEST_PRESSES and pad in _mostly_missing(fits, pads, MISSING_SHARE)
            for fits in evidence.by_rig.values()
        )
    ]
    text = f"pad {', '.join(map(str, agreed or evidence.missing))} missing"
    yield Finding(Disposition.REJECT if agreed else Disposition.AGAIN, text, needs_gauge=False)


def _check_presses(evidence: Evidence, tolerances: Tolerances) -> Iterator[Finding]:
    """Find a stamp that too few presses show whole."""
    another = evidence.foreign > len(evidence.fits)
    if evidence.whole < FEWEST_PRESSES and not evidence.missing and not another:
        yield Finding(Disposition.AGAIN, f"{evidence.whole} whole presses", unmeasured=True)


def _check_position(evidence: Evidence, tolerances: Tolerances) -> Iterator[Finding]:
    """Find the pad that is farthest off."""
    if not evidence.whole:
        return
    off = np.abs(evidence.deviations_mm)
    pad, axis = np.unravel_index(int(off.argmax()), off.shape)
    text = f"pad {pad + 1} is {evidence.deviations_mm[pad, axis]:+.3f} mm off in {'xy'[axis]}"
    beyond = float(off.max()) - tolerances.position_mm
    yield from _held(beyond, evidence.budget.expanded_mm, text, tolerances)


def _check_level(evidence: Evidence, tolerances: Tolerances) -> Iterator[Finding]:
    """Find a pad that is too weak or too strong."""
    level = evidence.levels
    if tolerances.level is None or np.isnan(level).all():
        return
    low, high = tolerances.level
    beyond = np.fmax(low - level, level - high)
    pad = int(np.nanargmax(beyond))
    text = f"pad {pad + 1} has level {level[pad]:.2f}"
    yield from _held(float(beyond[pad]), evidence.level_uncertainty, text, tolerances)


def _check_evenness(evidence: Evidence, tolerances: Tolerances) -> Iterator[Finding]:
    """Find pads that differ too much from each other."""
    if tolerances.evenness is None or math.isnan(evidence.evenness):
        return
    # A range is a difference of two levels.
    uncertainty = math.sqrt(2.0) * evidence.level_uncertainty / float(np.nanmean(evidence.levels))
    text = f"levels differ by {100.0 * evidence.evenness:.0f} %"
    yield from _held(evidence.evenness - tolerances.evenness, uncertainty, text, tolerances)


def _check_flatness(evidence: Evidence, tolerances: Tolerances) -> Iterator[Finding]:
    """Find a face that is not flat."""
    if tolerances.flatness_mm is None or math.isnan(evidence.flatness_mm):
        return
    uncertainty = PAD_COMPRESSION_MM * evidence.level_uncertainty / float(np.nanmean(evidence.levels))
    text = f"face is {evidence.flatness_mm:.2f} mm off flat"
    yield from _held(evidence.flatness_mm - tolerances.flatness_mm, uncertainty, text, tolerances)


def _held(beyond: float, uncertainty: float, text: str, tolerances: Tolerances) -> Iterator[Finding]:
    """Yield what the decision rule says of a value so far beyond its limit, below 0 inside."""
    accept, reject, _ = RULES[tolerances.rule]
    if beyond - reject * uncertainty > 0.0:
        yield Finding(Disposition.REJECT, text)
    elif beyond + accept * uncertainty > 0.0:
        yield Finding(Disposition.AGAIN, f"{text}, within its uncertainty of the tolerance")


def _check_signal(evidence: Evidence, tolerances: Tolerances) -> Iterator[Finding]:
    """Find a stamp whose levels were to be judged and were not measured."""
    wanted = [
        name
        for name, limit in (
            ("level", tolerances.level),
            ("evenness", tolerances.evenness),
            ("flatness", tolerances.flatness_mm),
        )
        if limit is not None
    ]
    touched = [pad not in evidence.missing for pad in range(1, len(evidence.nominal_mm) + 1)]
    unknown = np.isnan(evidence.levels[touched]).any() or math.isnan(evidence.level_uncertainty)
    if wanted and evidence.fits and unknown:
        text = f"{', '.join(wanted)} not measured"
        yield Finding(Disposition.AGAIN, text, unmeasured=True)


CHECKS: Final[tuple[Check, ...]] = (
    _check_identity,
    _check_pads,
    _check_presses,
    _check_position,
    _check_level,
    _check_evenness,
    _check_flatness,
    _check_signal,
)
"""Every check of a stamp, in the order in which its findings are told."""


def _mostly_missing(fits: Sequence[FittedPress], pads: int, share: float = 0.5) -> tuple[int, ...]:
    """Return the pads, from 1, that made no contact in more than this share of the presses."""
    return tuple(
        pad
        for pad in range(1, pads + 1)
        if fits and sum(pad in fit.missing for fit in fits) > share * len(fits)
    )
