"""Judging a lot: every stamp against the tolerances, the gauge against itself, the sample against its plan.

What a bad gauge or a lost press leaves open is measured again.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from stampbench.bench.validation.judging.capability import FEWEST, Capability, capability
from stampbench.bench.validation.judging.lot_gauge import GaugeResult, Key, lot_gauge
from stampbench.bench.validation.judging.mould import MouldFeedback, mould_feedback
from stampbench.bench.validation.judging.stamps import Disposition, Evidence, StampResult, judge_stamp
from stampbench.bench.validation.measuring.lots import Unit
from stampbench.bench.validation.measuring.measuring import MeasuredPress
from stampbench.bench.validation.measuring.pads import FittedPress, fit_press
from stampbench.bench.validation.plans import ValidationPlan

Points: TypeAlias = npt.NDArray[np.float64]

OTHER_STAMP_MM = 3.0
"""A press farther than this from nominal is of another stamp, or of none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LotResult:
    """A lot, measured and judged.

    Attributes:
        stamps: of the sample, in the order of the lot.
        capabilities: by dimension, such as "pad 2 x"; empty where nominals differ or stamps are too few.
        mould: feedback by cavity; None where nominals differ.
        lost: presses lost to the bench.
        reasons: of the disposition, most important first.
    """

    stamps: tuple[StampResult, ...]
    gauge: GaugeResult
    capabilities: Mapping[str, Capability]
    mould: MouldFeedback | None
    lost: int
    disposition: Disposition
    reasons: tuple[str, ...]

    def count(self, disposition: Disposition) -> int:
        """Return the number of stamps that this becomes of."""
        return sum(stamp.disposition is disposition for stamp in self.stamps)


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
    stamps = []
    for unit in units:
        by_rig: dict[str, list[FittedPress]] = {}
        for (serial, appraiser, _), fits in fitted.items():
            if serial == unit.serial:
                by_rig.setdefault(appraiser, []).extend(fits)
        evidence = Evidence(
            unit=unit,
            nominal_mm=nominals_mm[unit.nominal],
            by_rig=by_rig,
            pad_levels=levels.get(unit.serial, []),
            foreign=foreign.get(unit.serial, 0),
            press_sd_mm=sd,
            between_mm=reproducibility,
        )
        stamps.append(judge_stamp(evidence, plan.tolerances, gauge_bad=gauge.bad(plan)))
    capabilities, mould = _process(plan, units, nominals_mm, stamps)
    disposition, reasons = _lot(plan, stamps, gauge, capabilities)
    return LotResult(
        stamps=tuple(stamps),
        gauge=gauge,
        capabilities=capabilities,
        mould=mould,
        lost=sum(press.outcome == "lost" for press in presses),
        disposition=disposition,
        reasons=reasons,
    )


def _press_sd_mm(fitted: Mapping[Key, Sequence[FittedPress]]) -> float:
    """Standard deviation of a pad on an axis in one press, pooled over all measurements; NaN for none."""
    squares, freedom = 0.0, 0
    for fits in fitted.values():
        whole = np.array([fit.deviations_mm for fit in fits if not fit.missing])
        if len(whole) > 1:
            squares += float(((whole - whole.mean(axis=0)) ** 2).sum())
            freedom += (len(whole) - 1) * whole[0].size
    return math.sqrt(squares / freedom) if freedom else math.nan


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
) -> tuple[Disposition, tuple[str, ...]]:
    sample = plan.sample
    rejected = sum(stamp.disposition is Disposition.REJECT for stamp in stamps)
    again = sum(stamp.disposition is Disposition.AGAIN for stamp in stamps)
    counted = f"{rejected} of {len(stamps)} stamps rejected, at most {sample.accept} may be"
    least = plan.tolerances.cpk
    poor = [name for name, one in capabilities.items() if least is not None and one.cpk_high < least]
    if rejected >= sample.reject:
        return Disposition.REJECT, (counted, *gauge.reasons(plan))
    if gauge.bad(plan):
        return Disposition.AGAIN, (*gauge.reasons(plan), counted)
    if poor:
        text = f"not capable: Cpk of {', '.join(poor)} is below {least:g} with its whole interval"
        return Disposition.REJECT, (text, counted)
    if rejected + again >= sample.reject:
        return Disposition.AGAIN, (f"{counted}; {again} must be measured again", *gauge.reasons(plan))
    return Disposition.ACCEPT, (counted,)
