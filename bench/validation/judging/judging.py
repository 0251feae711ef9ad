"""Judging a lot: every stamp against the tolerances, the gauge against itself, the sample against its plan.

A stamp is accepted or rejected only where the tolerance is kept or broken with the measurement's uncertainty
to spare (the decision rule of ISO 14253-1); in between it is measured again, and so is everything that a bad
gauge or a lost press leaves open.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from stampbench.bench.validation.judging.capability import FEWEST, Capability, capability
from stampbench.bench.validation.judging.lot_gauge import GaugeResult, Key, lot_gauge, mean_deviations
from stampbench.bench.validation.judging.mould import MouldFeedback, mould_feedback
from stampbench.bench.validation.measuring.lots import Unit
from stampbench.bench.validation.measuring.measuring import MeasuredPress
from stampbench.bench.validation.measuring.pads import FittedPress, evenness, fit_press, flatness_mm
from stampbench.bench.validation.plans import ValidationPlan

Points: TypeAlias = npt.NDArray[np.float64]

OTHER_STAMP_MM = 3.0
"""A press farther than this from nominal is of another stamp, or of none."""
COVERAGE = 2.0
"""Expanded uncertainty is so many standard uncertainties: about 95 %."""
FEWEST_PRESSES = 2


class Decision(StrEnum):
    """What becomes of a stamp, and of a lot."""

    ACCEPT = "accept"
    REJECT = "reject"
    AGAIN = "measure again"


@dataclass(frozen=True, slots=True, eq=False)
class StampResult:
    """One stamp, measured and judged.

    Attributes:
        presses: that counted.
        deviations_mm: of each pad from nominal after the best fit, shape (pads, 2); NaN for a missing one.
        uncertainty_mm: expanded, of each of these.
        levels: of each pad, shape (pads,); NaN where not measured.
        evenness, flatness_mm: NaN where not measured.
        missing: pads that made no contact, from 1.
        reasons: of a decision other than accept.
    """

    serial: str
    cavity: int
    presses: int
    deviations_mm: Points
    uncertainty_mm: float
    levels: Points
    evenness: float
    flatness_mm: float
    missing: tuple[int, ...]
    decision: Decision
    reasons: tuple[str, ...]

    @property
    def worst_mm(self) -> float:
        """Largest deviation on any axis; NaN without one."""
        known = self.deviations_mm[~np.isnan(self.deviations_mm)]
        return float(np.abs(known).max()) if known.size else math.nan


@dataclass(frozen=True, slots=True)
class LotResult:
    """A lot, measured and judged.

    Attributes:
        stamps: of the sample, in the order of the lot.
        capabilities: by dimension, such as "pad 2 x"; empty where nominals differ or stamps are too few.
        mould: feedback by cavity; None where nominals differ.
        lost: presses lost to the bench.
        reasons: of the decision, most important first.
    """

    stamps: tuple[StampResult, ...]
    gauge: GaugeResult
    capabilities: Mapping[str, Capability]
    mould: MouldFeedback | None
    lost: int
    decision: Decision
    reasons: tuple[str, ...]

    def count(self, decision: Decision) -> int:
        """Stamps with this decision."""
        return sum(stamp.decision is decision for stamp in self.stamps)


def judge_lot(
    plan: ValidationPlan,
    units: Sequence[Unit],
    nominals_mm: Mapping[str, Points],
    presses: Sequence[MeasuredPress],
) -> LotResult:
    """Judge what was measured.

    Args:
        plan: tolerances and sampling.
        units: the sample.
        nominals_mm: pads of each nominal object, by its name, shape (pads, 2).
        presses: all that were made.
    """
    of_serial = {unit.serial: unit for unit in units}
    fitted: dict[Key, list[FittedPress]] = {}
    levels: dict[str, list[Points]] = {}
    foreign: dict[str, int] = {}
    for press in presses:
        if press.outcome == "lost" or press.serial not in of_serial:
            continue
        nominal = nominals_mm[of_serial[press.serial].nominal]
        fit = fit_press(np.array(press.contacts_mm, np.float64).reshape(-1, 2), nominal)
        if math.isfinite(fit.residual_mm) and fit.residual_mm > OTHER_STAMP_MM:
            foreign[press.serial] = foreign.get(press.serial, 0) + 1
            continue
        if fit.extra:  # a finger or a palm was there, too
            continue
        fitted.setdefault((press.serial, press.appraiser, press.repeat), []).append(fit)
        if press.levels is not None:
            there = fit.contacts >= 0
            level = np.full(len(nominal), math.nan)
            level[there] = np.array(press.levels)[fit.contacts[there]]
            levels.setdefault(press.serial, []).append(level)
    gauge, reproducibility = lot_gauge(plan, units, fitted)
    sd = _press_sd_mm(fitted)
    stamps = tuple(
        _stamp(
            plan,
            unit,
            nominals_mm[unit.nominal],
            {key: fits for key, fits in fitted.items() if key[0] == unit.serial},
            levels.get(unit.serial, []),
            foreign.get(unit.serial, 0),
            sd,
            reproducibility,
            gauge,
        )
        for unit in units
    )
    capabilities, mould = _process(plan, units, nominals_mm, stamps)
    decision, reasons = _lot(plan, stamps, gauge, capabilities)
    lost = sum(press.outcome == "lost" for press in presses)
    return LotResult(stamps, gauge, capabilities, mould, lost, decision, reasons)


def _press_sd_mm(fitted: Mapping[Key, Sequence[FittedPress]]) -> float:
    """Standard deviation of a pad on an axis in one press, pooled over all measurements; NaN for none."""
    squares, freedom = 0.0, 0
    for fits in fitted.values():
        whole = np.array([fit.deviations_mm for fit in fits if not fit.missing])
        if len(whole) > 1:
            squares += float(((whole - whole.mean(axis=0)) ** 2).sum())
            freedom += (len(whole) - 1) * whole[0].size
    return math.sqrt(squares / freedom) if freedom else math.nan


def _stamp(
    plan: ValidationPlan,
    unit: Unit,
    nominal_mm: Points,
    fitted: Mapping[Key, Sequence[FittedPress]],
    levels: Sequence[Points],
    foreign: int,
    press_sd_mm: float,
    between_mm: float,
    gauge: GaugeResult,
) -> StampResult:
    fits = [fit for group in fitted.values() for fit in group]
    whole = [fit for fit in fits if not fit.missing]
    mean = mean_deviations(fits)
    deviations = np.full(nominal_mm.shape, math.nan) if mean is None else mean
    uncertainty = (
        COVERAGE * math.hypot(press_sd_mm / math.sqrt(len(whole)), between_mm) if whole else math.nan
    )
    level = _known(levels, len(nominal_mm))
    tolerances = plan.tolerances
    uneven, flat = evenness(level), flatness_mm(level, nominal_mm)
    missing = tuple(
        pad
        for pad in range(1, len(nominal_mm) + 1)
        if fits and sum(pad in fit.missing for fit in fits) > len(fits) / 2
    )
    broken: list[str] = []
    unsure: list[str] = []
    if foreign > len(fits):
        broken.append("is another stamp")
    if missing:
        # Every rig must say so: a dead line takes the pads of good stamps.
        of_rig: dict[str, list[FittedPress]] = {}
        for (_, appraiser, _), group in fitted.items():
            of_rig.setdefault(appraiser, []).extend(group)
        agreed = [
            pad
            for pad in missing
            if all(sum(pad in fit.missing for fit in group) > len(group) / 2 for group in of_rig.values())
        ]
        (broken if agreed else unsure).append(f"pad {', '.join(map(str, agreed or missing))} missing")
    elif len(whole) < FEWEST_PRESSES and not broken:
        unsure.append(f"{len(whole)} whole presses")
    if whole:
        worst = np.abs(deviations)
        pad, axis = np.unravel_index(int(worst.argmax()), worst.shape)
        text = f"pad {pad + 1} is {deviations[pad, axis]:+.3f} mm off in {'xy'[axis]}"
        if worst.max() - uncertainty > tolerances.position_mm:
            broken.append(text)
        elif worst.max() + uncertainty > tolerances.position_mm:
            unsure.append(f"{text}, within its uncertainty of the tolerance")
    if tolerances.level is not None and not np.isnan(level).all():
        low, high = tolerances.level
        if np.nanmin(level) < low or np.nanmax(level) > high:
            extreme = np.nanargmin(level) if np.nanmin(level) < low else np.nanargmax(level)
            broken.append(f"pad {extreme + 1} has level {level[extreme]:.2f}")
    if tolerances.evenness is not None and uneven > tolerances.evenness:
        broken.append(f"levels differ by {100.0 * uneven:.0f} %")
    if tolerances.flatness_mm is not None and flat > tolerances.flatness_mm:
        broken.append(f"face is {flat:.2f} mm off flat")
    gauge_bad = gauge.bad(plan)
    sure_anyway = missing or foreign > len(fits)
    if broken and gauge_bad and not sure_anyway:
        decision, reasons = Decision.AGAIN, [*broken, "the gauge is not good enough to reject it"]
    elif broken:
        decision, reasons = Decision.REJECT, broken
    elif unsure:
        decision, reasons = Decision.AGAIN, unsure
    else:
        decision, reasons = Decision.ACCEPT, []
    return StampResult(
        serial=unit.serial,
        cavity=unit.cavity,
        presses=len(fits),
        deviations_mm=deviations,
        uncertainty_mm=uncertainty,
        levels=level,
        evenness=uneven,
        flatness_mm=flat,
        missing=missing,
        decision=decision,
        reasons=tuple(reasons),
    )


def _known(levels: Sequence[Points], pads: int) -> Points:
    """Mean level of each pad where it was measured, NaN elsewhere."""
    mean = np.full(pads, math.nan)
    for pad in range(pads):
        known = [level[pad] for level in levels if not math.isnan(level[pad])]
        if known:
            mean[pad] = float(np.mean(known))
    return mean


def _process(
    plan: ValidationPlan,
    units: Sequence[Unit],
    nominals_mm: Mapping[str, Points],
    stamps: Sequence[StampResult],
) -> tuple[dict[str, Capability], MouldFeedback | None]:
    """Capability of every dimension and feedback to the mould, where all stamps should be alike."""
    if len({unit.nominal for unit in units}) > 1:
        return {}, None
    whole = [stamp for stamp in stamps if not np.isnan(stamp.deviations_mm).any()]
    limit = plan.tolerances.position_mm
    capabilities = {}
    if len(whole) >= FEWEST:
        values = np.array([stamp.deviations_mm for stamp in whole])
        capabilities = {
            f"pad {pad + 1} {'xy'[axis]}": capability(values[:, pad, axis], -limit, limit)
            for pad in range(values.shape[1])
            for axis in range(2)
        }
    if not whole:
        return capabilities, None
    feedback = mould_feedback(
        np.array([stamp.deviations_mm for stamp in whole]),
        [stamp.cavity for stamp in whole],
        nominals_mm[units[0].nominal],
    )
    return capabilities, feedback


def _lot(
    plan: ValidationPlan,
    stamps: Sequence[StampResult],
    gauge: GaugeResult,
    capabilities: Mapping[str, Capability],
) -> tuple[Decision, tuple[str, ...]]:
    sample = plan.sample
    rejected = sum(stamp.decision is Decision.REJECT for stamp in stamps)
    again = sum(stamp.decision is Decision.AGAIN for stamp in stamps)
    counted = f"{rejected} of {len(stamps)} stamps rejected, at most {sample.accept} may be"
    least = plan.tolerances.cpk
    poor = [name for name, one in capabilities.items() if least is not None and one.cpk_high < least]
    if rejected >= sample.reject:
        return Decision.REJECT, (counted, *gauge.reasons(plan))
    if gauge.bad(plan):
        return Decision.AGAIN, (*gauge.reasons(plan), counted)
    if poor:
        text = f"not capable: Cpk of {', '.join(poor)} is below {least:g} with its whole interval"
        return Decision.REJECT, (text, counted)
    if rejected + again >= sample.reject:
        return Decision.AGAIN, (f"{counted}; {again} must be measured again", *gauge.reasons(plan))
    return Decision.ACCEPT, (counted,)
