"""Judging a lot: is it complete, are the rigs proven, is the gauge; then every stamp, then the sample.

What was planned and not measured, an unproven rig and a gauge that may take too much of the tolerance leave
the lot to be measured again; none of them accepts it, and none condemns it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from stampbench.bench.validation.judging.budget import Budget, Part, budget
from stampbench.bench.validation.judging.capability import FEWEST, Capability, capability
from stampbench.bench.validation.judging.lot_gauge import GaugeResult, Key, lot_gauge
from stampbench.bench.validation.judging.mould import MouldFeedback, mould_feedback
from stampbench.bench.validation.judging.reference import RigProof, prove_rig
from stampbench.bench.validation.judging.stamps import Disposition, Evidence, StampResult, judge_stamp
from stampbench.bench.validation.measuring.lots import Unit
from stampbench.bench.validation.measuring.measuring import planned_presses, reference_of
from stampbench.bench.validation.measuring.pads import FittedPress, fit_press
from stampbench.bench.validation.measuring.records import MeasuredPress
from stampbench.bench.validation.plans import ValidationPlan
from stampbench.bench.validation.sampling.variables import (
    VariablesPlan,
    looks_normal,
    nonconforming_share,
    of_any,
)

Points: TypeAlias = npt.NDArray[np.float64]

OTHER_STAMP_MM = 3.0
"""A press farther than this from nominal is of another stamp, or of none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LotResult:
    """A lot, measured and judged.

    Attributes:
        stamps: of the sample, in the order of the lot.
        proofs: of the rigs, by the reference.
        gauge: the study of them.
        capabilities: by dimension, such as "pad 2 x"; empty where nominals differ or stamps are too few.
        mould: feedback by cavity; None where nominals differ.
        planned: presses that the plan asks for, those of the reference included.
        lost: presses lost to the bench.
        missing: what the plan asks for and is not on record, in words.
        disposition: of the lot.
        reasons: of the disposition, most important first.
    """

    stamps: tuple[StampResult, ...]
    proofs: tuple[RigProof, ...]
    gauge: GaugeResult
    capabilities: Mapping[str, Capability]
    mould: MouldFeedback | None
    planned: int
    lost: int
    missing: tuple[str, ...]
    disposition: Disposition
    reasons: tuple[str, ...]

    def count(self, disposition: Disposition) -> int:
        """Return the number of stamps that this becomes of."""
        return sum(stamp.disposition is disposition for stamp in self.stamps)


_Wanted: TypeAlias = Counter[tuple[str, str, int, int, str]]
"""How often a press is asked for: serial, appraiser, repeat, press and kind."""


@dataclass(slots=True)
class _Presses:
    """Presses laid over nominal by a proven ruler, and what was put aside."""

    fitted: dict[Key, list[FittedPress]]
    levels: dict[str, list[Points]]
    foreign: Counter[str]


def judge_lot(
    plan: ValidationPlan,
    units: Sequence[Unit],
    nominals_mm: Mapping[str, Points],
    presses: Sequence[MeasuredPress],
    *,
    drawn: Collection[str] | None = None,
    virtual: Collection[str] = (),
    resolution_mm: float = 0.0,
) -> LotResult:
    """Judge what was measured.

    Args:
        plan: tolerances and sampling.
        units: the sample.
        nominals_mm: pads of each nominal object, the reference's too, by its name, shape (pads, 2).
        presses: all that were made.
        drawn: serials that the seed draws; None where the list of the lot is no longer there.
        virtual: appraisers whose rig is in software.
        resolution_mm: smallest step in which the rigs tell a place.
    """
    wanted: _Wanted = Counter(
        (planned.unit.serial, planned.appraiser.name, planned.repeat, planned.press, planned.kind)
        for planned in planned_presses(plan, tuple(units), virtual)
    )
    missing = tuple(_missing(plan, units, drawn, wanted, presses))
    proofs = tuple(_prove(plan, units, nominals_mm, presses, wanted, virtual))
    seen = _lay_over(units, nominals_mm, presses, {proof.appraiser: proof for proof in proofs})
    gauge, between = lot_gauge(plan, units, seen.fitted)
    trusted = gauge.proven(plan) and all(proof.proven for proof in proofs)
    repeatability = _repeatability(seen.fitted)
    stamps = []
    for unit in units:
        by_rig: dict[str, list[FittedPress]] = {}
        for (serial, appraiser, _), fits in seen.fitted.items():
            if serial == unit.serial:
                by_rig.setdefault(appraiser, []).extend(fits)
        nominal = nominals_mm[unit.nominal]
        evidence = Evidence(
            unit=unit,
            nominal_mm=nominal,
            by_rig=by_rig,
            pad_levels=seen.levels.get(unit.serial, []),
            foreign=seen.foreign[unit.serial],
            budget=_budget(plan, nominal, by_rig, repeatability, between, proofs, resolution_mm),
        )
        stamps.append(judge_stamp(evidence, plan.tolerances, gauge_bad=not trusted))
    capabilities, mould = _process(plan, units, nominals_mm, stamps)
    disposition, reasons = decide_lot(plan, stamps, proofs, gauge, capabilities, missing)
    return LotResult(
        stamps=tuple(stamps),
        proofs=proofs,
        gauge=gauge,
        capabilities=capabilities,
        mould=mould,
        planned=wanted.total(),
        lost=sum(press.outcome == "lost" for press in presses),
        missing=missing,
        disposition=disposition,
        reasons=reasons,
    )


def _missing(
    plan: ValidationPlan,
    units: Sequence[Unit],
    drawn: Collection[str] | None,
    wanted: _Wanted,
    presses: Sequence[MeasuredPress],
) -> Iterator[str]:
    """Yield what the plan asks for and the records do not hold, and what they hold that nobody asked for."""
    if len(units) != plan.sample.sample_size:
        yield f"{len(units)} stamps were drawn, the sampling plan calls for {plan.sample.sample_size}"
    elif drawn is not None and {unit.serial for unit in units} != set(drawn):
        yield f"the sample is not the one that seed {plan.seed} draws"
    made: _Wanted = Counter(
        (press.serial, press.appraiser, press.repeat, press.press, press.kind) for press in presses
    )
    if absent := (wanted - made).total():
        yield f"{absent} of {wanted.total()} planned presses are not on record"
    if more := (made - wanted).total():
        yield f"{more} presses on record were not planned"


def _prove(
    plan: ValidationPlan,
    units: Sequence[Unit],
    nominals_mm: Mapping[str, Points],
    presses: Sequence[MeasuredPress],
    wanted: _Wanted,
    virtual: Collection[str],
) -> Iterator[RigProof]:
    for appraiser in plan.appraisers:
        reference = reference_of(plan, units, virtual=appraiser.name in virtual)
        nominal = nominals_mm[units[0].nominal if reference is None else reference.nominal]
        own = [press for press in presses if press.kind == "reference" and press.appraiser == appraiser.name]
        planned = sum(key[1] == appraiser.name and key[4] == "reference" for key in wanted)
        yield prove_rig(plan, appraiser.name, planned, own, nominal)


def _lay_over(
    units: Sequence[Unit],
    nominals_mm: Mapping[str, Points],
    presses: Sequence[MeasuredPress],
    proofs: Mapping[str, RigProof],
) -> _Presses:
    """Lay every press of a stamp over its nominal, with what is known of the rig's errors corrected."""
    of_serial = {unit.serial: unit for unit in units}
    seen = _Presses({}, {}, Counter())
    for press in presses:
        if press.kind != "stamp" or press.outcome == "lost" or press.serial not in of_serial:
            continue
        nominal = nominals_mm[of_serial[press.serial].nominal]
        proof = proofs[press.appraiser]
        fit = fit_press(proof.corrected(np.array(press.contacts_mm, np.float64).reshape(-1, 2)), nominal)
        if math.isfinite(fit.residual_mm) and fit.residual_mm > OTHER_STAMP_MM:
            seen.foreign[press.serial] += 1
            continue
        if fit.extra:  # a finger or a palm was there, too
            continue
        seen.fitted.setdefault((press.serial, press.appraiser, press.repeat), []).append(fit)
        if press.levels is not None:
            there = fit.contacts >= 0
            level = np.full(len(nominal), math.nan)
            level[there] = proof.corrected_level(np.array(press.levels)[fit.contacts[there]])
            seen.levels.setdefault(press.serial, []).append(level)
    return seen


def _repeatability(fitted: Mapping[Key, Sequence[FittedPress]]) -> Part:
    """Return the standard deviation of a coordinate in one press, that of the most restless one.

    It is pooled over all measurements, coordinate by coordinate; NaN where none has two whole presses.
    """
    squares: Points | float = 0.0
    freedom = 0
    shape = None
    for fits in fitted.values():
        whole = np.array([fit.deviations_mm for fit in fits if not fit.missing])
        if len(whole) > 1 and (shape is None or whole.shape[1:] == shape):
            shape = whole.shape[1:]
            squares = squares + ((whole - whole.mean(axis=0)) ** 2).sum(axis=0)
            freedom += len(whole) - 1
    largest = math.sqrt(float(np.max(squares)) / freedom) if freedom else math.nan
    return Part("repeatability", largest, freedom or math.inf)


def _budget(
    plan: ValidationPlan,
    nominal_mm: Points,
    by_rig: Mapping[str, Sequence[FittedPress]],
    one_press: Part,
    between: Part,
    proofs: Sequence[RigProof],
    resolution_mm: float,
) -> Budget:
    """Return the uncertainty of a deviation of one stamp, by its parts."""
    whole = sum(not fit.missing for fits in by_rig.values() for fit in fits)
    own = [proof for proof in proofs if proof.appraiser in by_rig] or list(proofs)
    radius_mm = float(np.hypot(*(nominal_mm - nominal_mm.mean(axis=0)).T).max())
    measurement = plan.measurement
    heat = measurement.temperature_u_k
    parts = [
        Part(one_press.name, one_press.u_mm / math.sqrt(max(1, whole)), one_press.freedom),
        Part(between.name, between.u_mm / math.sqrt(max(1, len(by_rig))), between.freedom),
        Part("reference", plan.reference.uncertainty_mm),
        Part(
            "calibration of the rig",
            max(proof.uncertainty_mm for proof in own),
            max(1, min(proof.freedom for proof in own)),
        ),
        Part("resolution", resolution_mm / math.sqrt(12.0) / math.sqrt(max(1, whole))),
        Part("temperature", math.nan if heat is None else heat * measurement.expansion_per_k * radius_mm),
    ]
    return budget(parts)


def _process(
    plan: ValidationPlan,
    units: Sequence[Unit],
    nominals_mm: Mapping[str, Points],
    stamps: Sequence[StampResult],
) -> tuple[dict[str, Capability], MouldFeedback | None]:
    """Return capability of every dimension and feedback to the mould, where all stamps should be alike."""
    if len({unit.nominal for unit in units}) > 1:
        return {}, None
    whole = [stamp for stamp in stamps if not np.isnan(stamp.deviations_mm).any()]
    limit = plan.tolerances.position_mm
    capabilities = {}
    if len(whole) >= FEWEST:
        values = np.array([stamp.deviations_mm for stamp in whole])
        capabilities = {
            f"pad {pad + 1} {'xy'[axis]}": capability(
                values[:, pad, axis], -limit, limit, groups=[stamp.cavity for stamp in whole]
            )
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


def decide_lot(
    plan: ValidationPlan,
    stamps: Sequence[StampResult],
    proofs: Sequence[RigProof],
    gauge: GaugeResult,
    capabilities: Mapping[str, Capability],
    missing: Sequence[str],
) -> tuple[Disposition, tuple[str, ...]]:
    """Return what becomes of a lot, and why, most important first.

    Args:
        plan: tolerances and sampling.
        stamps: of the sample, judged.
        proofs: of the rigs.
        gauge: the study of them.
        capabilities: by dimension.
        missing: what the plan asks for and is not on record.
    """
    sample = plan.sample
    if sample.variables is not None:
        return _lot_by_variables(plan, sample.variables, stamps, proofs, gauge, missing)
    rejected = sum(stamp.disposition is Disposition.REJECT for stamp in stamps)
    again = sum(stamp.disposition is Disposition.AGAIN for stamp in stamps)
    counted = f"{rejected} of {len(stamps)} stamps rejected, at most {sample.accept} may be"
    faults = [f"{proof.appraiser}: {fault}" for proof in proofs for fault in proof.faults]
    poor, unknown = _incapable(plan, capabilities)
    if faults:
        return Disposition.AGAIN, (*faults, *missing, *gauge.reasons(plan), counted)
    if rejected >= sample.reject:
        return Disposition.REJECT, (counted, *missing, *gauge.reasons(plan))
    if missing or not gauge.proven(plan):
        return Disposition.AGAIN, (*missing, *gauge.reasons(plan), counted)
    if poor:
        return Disposition.REJECT, (f"not capable: {'; '.join(poor)}", counted)
    unmeasured = [stamp for stamp in stamps if stamp.unmeasured]
    if unmeasured:
        text = f"{len(unmeasured)} of {len(stamps)} stamps were not measured as planned: "
        whys = sorted({reason for stamp in unmeasured for reason in stamp.reasons})
        return Disposition.AGAIN, (text + "; ".join(whys), counted)
    if rejected + again >= sample.reject:
        return Disposition.AGAIN, (f"{counted}; {again} must be measured again",)
    if unknown:
        return Disposition.AGAIN, (f"{' and '.join(unknown)} asked for and not measured", counted)
    return Disposition.ACCEPT, (counted,)


def _lot_by_variables(
    plan: ValidationPlan,
    variables: VariablesPlan,
    stamps: Sequence[StampResult],
    proofs: Sequence[RigProof],
    gauge: GaugeResult,
    missing: Sequence[str],
) -> tuple[Disposition, tuple[str, ...]]:
    """Judge a lot by the share of its stamps that is estimated to lie beyond any tolerance."""
    faults = [f"{proof.appraiser}: {fault}" for proof in proofs for fault in proof.faults]
    if faults or missing or not gauge.proven(plan):
        return Disposition.AGAIN, (*faults, *missing, *gauge.reasons(plan))
    values = _judged_values(plan, stamps)
    unknown = int(np.isnan([row for row, _, _ in values.values()]).any(axis=0).sum())
    if unknown:
        text = f"{unknown} of {len(stamps)} stamps lack a value: sampling by variables says nothing of them"
        return Disposition.AGAIN, (text,)
    if odd := [name for name, (row, _, _) in values.items() if not looks_normal(row, len(values))]:
        text = f"not normally distributed: {', '.join(odd)}: expected sampling by attributes"
        return Disposition.AGAIN, (text,)
    share = of_any(nonconforming_share(row, lower, upper) for row, lower, upper in values.values())
    largest = variables.largest_share
    text = f"{100.0 * share:.3g} % of the lot estimated nonconforming, at most {100.0 * largest:.3g} % may be"
    return Disposition.ACCEPT if share <= largest else Disposition.REJECT, (text,)


def _judged_values(
    plan: ValidationPlan, stamps: Sequence[StampResult]
) -> dict[str, tuple[Points, float | None, float | None]]:
    """Return the values of the stamps that have limits, by name, with lower and upper limit."""
    limits = plan.tolerances
    values: dict[str, tuple[Points, float | None, float | None]] = {}
    off = np.array([stamp.deviations_mm for stamp in stamps])
    levels = np.array([stamp.levels for stamp in stamps])
    for pad in range(off.shape[1]):
        for axis in range(2):
            name = f"pad {pad + 1} {'xy'[axis]}"
            values[name] = off[:, pad, axis], -limits.position_mm, limits.position_mm
        if limits.level is not None:
            values[f"level of pad {pad + 1}"] = levels[:, pad], *limits.level
    if limits.evenness is not None:
        values["evenness"] = np.array([stamp.evenness for stamp in stamps]), None, limits.evenness
    if limits.flatness_mm is not None:
        values["flatness"] = np.array([stamp.flatness_mm for stamp in stamps]), None, limits.flatness_mm
    return values


def _incapable(plan: ValidationPlan, capabilities: Mapping[str, Capability]) -> tuple[list[str], list[str]]:
    """Return what is not capable with its whole interval, and which indices could not be measured."""
    poor, unknown = [], []
    for name, least in (("Ppk", plan.tolerances.ppk), ("Cpk", plan.tolerances.cpk)):
        if least is None:
            continue
        found = {
            dimension: one.overall if name == "Ppk" else one.within for dimension, one in capabilities.items()
        }
        known = {dimension: one for dimension, one in found.items() if one is not None}
        below = [dimension for dimension, one in known.items() if one.actual_high < least]
        if below:
            poor.append(f"{name} of {', '.join(below)} is below {least:g} with its whole interval")
        if not known:
            unknown.append(f"{name} of at least {least:g}")
    return poor, unknown
