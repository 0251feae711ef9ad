"""From records to a certificate: what was measured is judged by the plan it was measured by."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from stampbench.bench.capacity.losses import WEAK, LossCurve, loss_curves
from stampbench.bench.validation.attempts import Attempt
from stampbench.bench.validation.certificate.certificate import (
    FORMAT,
    Certificate,
    CertificateAttempt,
    CertificateBudget,
    CertificateCorrection,
    CertificateDimension,
    CertificateGauge,
    CertificatePart,
    CertificateRig,
    CertificateSampling,
    CertificateStamp,
    CertificateWeakness,
)
from stampbench.bench.validation.judging.judging import LotResult, judge_lot
from stampbench.bench.validation.judging.stamps import RULES, StampResult
from stampbench.bench.validation.measuring.lots import Unit, draw_sample, nominal_pads_mm, stamps_sha256
from stampbench.bench.validation.measuring.measuring import reference_of
from stampbench.bench.validation.measuring.records import (
    FILE_NAME,
    MeasuredPress,
    MeasurementHeader,
    measured_plan,
    measured_units,
    read_measurements,
)
from stampbench.bench.validation.plans import ValidationPlan
from stampbench.firmware_emulator.errors import InputError

if TYPE_CHECKING:
    from stampbench.bench.validation.judging.capability import Capability

_DIGITS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedLot:
    """Records, and what they come to.

    Attributes:
        records: file of the measurements.
        plan: by which it was judged.
        other_plan: whether that is another one than it was measured by.
    """

    records: Path
    plan: ValidationPlan
    other_plan: bool
    header: MeasurementHeader
    units: tuple[Unit, ...]
    presses: Sequence[MeasuredPress]
    result: LotResult


def judge_records(directory: Path, other_plan: ValidationPlan | None = None) -> JudgedLot:
    """Judge the records in a directory by the plan they hold, or by another one.

    Raises:
        InputError: no records, a measurement that did not end, or a nominal that is no longer there.
    """
    path = directory / FILE_NAME
    header, presses, end = read_measurements(path)
    if end is None or end.status != "complete":
        raise InputError(f"{path}: the measurement is not complete: expected a whole one")
    plan, units = measured_plan(header), measured_units(header)
    if other_plan is not None:
        plan = replace(other_plan, seed=plan.seed, inspection=plan.inspection)
    virtual = {name for name, rig in header.rigs.items() if rig.virtual}
    names = {unit.nominal for unit in units}
    names |= {one.nominal for one in [reference_of(plan, units, virtual=bool(virtual))] if one is not None}
    result = judge_lot(
        plan,
        units,
        {name: nominal_pads_mm(name) for name in names},
        presses,
        drawn=_drawn(plan, header),
        virtual=virtual,
        resolution_mm=max(header.resolution_mm.values(), default=0.0),
    )
    return JudgedLot(
        records=path,
        plan=plan,
        other_plan=hashlib.sha256(plan.text.encode()).hexdigest() != header.plan_sha256,
        header=header,
        units=units,
        presses=presses,
        result=result,
    )


def _drawn(plan: ValidationPlan, header: MeasurementHeader) -> list[str] | None:
    """Return the serials that the seed draws; None where the list of the lot is no longer there.

    Raises:
        InputError: the list is another one than the sample was drawn from.
    """
    today = stamps_sha256(plan)
    if plan.lot.stamps is not None and not today:
        return None
    if today != header.stamps_sha256:
        raise InputError(
            f"{plan.path.parent / str(plan.lot.stamps)}: was changed since the sample was drawn from it: "
            "expected the list of the lot as it was"
        )
    return [unit.serial for unit in draw_sample(plan)]


def make_certificate(
    judged: JudgedLot,
    attempts: Sequence[Attempt] = (),
    *,
    station_key: str = "",
    curves: Mapping[str, LossCurve] | None = None,
) -> Certificate:
    """Put a judged lot into a certificate.

    Args:
        judged: the lot.
        attempts: at it, up to this one, from the log.
        station_key: public half of the key that the station signs with.
        curves: what panels lose of a stamp; None: what is known today.
    """
    curves = loss_curves() if curves is None else curves
    plan, header, units, result = judged.plan, judged.header, judged.units, judged.result
    measurements_sha256 = hashlib.sha256(judged.records.read_bytes()).hexdigest()
    proofs = {proof.appraiser: proof for proof in result.proofs}
    sample, tolerances, due = plan.sample, plan.tolerances, header.switching
    return Certificate(
        format=FORMAT,
        lot=plan.lot.name,
        part=plan.lot.part,
        vendor=plan.lot.vendor,
        date=plan.lot.date or header.started_at[:10],
        measured_at=header.started_at,
        station=header.station,
        software=dict(header.versions),
        decision=result.disposition.value,
        reasons=list(result.reasons),
        sampling=CertificateSampling(
            lot_size=sample.lot_size,
            aql=sample.aql,
            level=sample.level,
            severity=sample.severity.value,
            letter=sample.letter,
            sample=sample.sample_size,
            accept=sample.accept,
            reject=sample.reject,
            ground=due.ground if due else "",
            score=due.score if due else 0,
            earlier_lots=due.lots if due else 0,
            reduced_agreed=plan.sampling.reduced,
            resumed=plan.sampling.resumed,
            pass_at_aql=_number(sample.acceptance(sample.aql / 100.0)),
            limiting_quality=_number(sample.passes_at(0.1)),
            limiting_bad=None if sample.variables else sample.limiting_bad(0.1),
            k=_number(sample.variables.k) if sample.variables else None,
            largest_share=_number(sample.variables.largest_share) if sample.variables else None,
        ),
        tolerances={
            "position_mm": tolerances.position_mm,
            "level": list(tolerances.level) if tolerances.level else None,
            "evenness": tolerances.evenness,
            "flatness_mm": tolerances.flatness_mm,
            "cpk": tolerances.cpk,
            "ppk": tolerances.ppk,
            "gauge": tolerances.gauge,
        },
        seed=plan.seed,
        stamps_sha256=header.stamps_sha256,
        rule=RULES[tolerances.rule][2],
        reference=", ".join(
            filter(None, (plan.reference.object or "ideal, in software", plan.reference.certificate))
        ),
        missing=list(result.missing),
        rigs=[
            CertificateRig(
                name=appraiser.name,
                operator=appraiser.operator,
                profile=header.rigs[appraiser.name].profile,
                serial_number=header.rigs[appraiser.name].serial_number,
                firmware=header.rigs[appraiser.name].firmware,
                virtual=header.rigs[appraiser.name].virtual,
                reference_presses=proofs[appraiser.name].planned,
                reference_whole=proofs[appraiser.name].whole,
                scale=round(proofs[appraiser.name].scale, _DIGITS),
                drift=round(proofs[appraiser.name].drift, _DIGITS),
                level_gain=_number(proofs[appraiser.name].gain),
                faults=list(proofs[appraiser.name].faults),
            )
            for appraiser in plan.appraisers
        ],
        nominal_mm=_nominal_mm(units),
        stamps=[_stamp(stamp) for stamp in result.stamps],
        dimensions=[_dimension(name, one) for name, one in result.capabilities.items()],
        gauge=_gauge(result),
        budget=_budget(result),
        suspects=list(result.gauge.suspects),
        corrections=_corrections(result),
        scatter_mm=_number(result.mould.scatter_mm if result.mould else math.nan),
        systematic_mm=_number(result.mould.systematic_mm if result.mould else math.nan),
        unknown_cavities=_unknown_cavities(plan, units, result),
        weak=_weak(units, curves),
        loss_curves={panel: curve.terms for panel, curve in curves.items()},
        planned=result.planned,
        presses=len(judged.presses),
        lost=result.lost,
        attempt=attempts[-1].attempt if attempts else 1,
        attempts=[
            CertificateAttempt(
                attempt=one.attempt,
                started_at=one.started_at,
                decision=result.disposition.value if one is attempts[-1] else one.decision,
                measurements_sha256=measurements_sha256 if one is attempts[-1] else one.measurements_sha256,
            )
            for one in attempts
        ],
        attempts_sha256=attempts[-1].previous if attempts else "",
        other_plan=judged.other_plan,
        other_plan_text=plan.text if judged.other_plan else "",
        station_key=station_key,
        plan_sha256=hashlib.sha256(plan.text.encode()).hexdigest(),
        measurements_sha256=measurements_sha256,
    )


def _nominal_mm(units: Sequence[Unit]) -> list[tuple[float, float]]:
    """Return pads that all stamps should have; none where they differ."""
    if len({unit.nominal for unit in units}) > 1:
        return []
    pads = np.round(nominal_pads_mm(units[0].nominal), _DIGITS)
    return [(float(x), float(y)) for x, y in pads]


def _weak(units: Sequence[Unit], curves: Mapping[str, LossCurve]) -> list[CertificateWeakness]:
    """Return the panels on which some of the stamps are weak, the worst first."""
    pads = {unit.nominal: nominal_pads_mm(unit.nominal) for unit in units}
    found = []
    for panel, curve in curves.items():
        losses = {nominal: float(curve.losses(pads[nominal][np.newaxis])[0]) for nominal in pads}
        weak = [unit.serial for unit in units if losses[unit.nominal] > WEAK]
        if weak:
            serials = [] if len(weak) == len(units) else weak
            loss = round(max(losses.values()), _DIGITS)
            found.append(CertificateWeakness(panel=panel, loss=loss, serials=serials))
    return sorted(found, key=lambda one: (-one.loss, one.panel))


def _stamp(stamp: StampResult) -> CertificateStamp:
    known = stamp.levels[~np.isnan(stamp.levels)]
    return CertificateStamp(
        serial=stamp.serial,
        cavity=stamp.cavity,
        presses=stamp.presses,
        decision=stamp.disposition.value,
        reasons=list(stamp.reasons),
        worst_mm=_number(stamp.worst_mm),
        uncertainty_mm=_number(stamp.uncertainty_mm),
        level=_number(float(known.mean())) if known.size else None,
        evenness=_number(stamp.evenness),
        flatness_mm=_number(stamp.flatness_mm),
        missing=list(stamp.missing),
        deviations_mm=[(_number(x), _number(y)) for x, y in stamp.deviations_mm.tolist()],
        levels=[_number(level) for level in stamp.levels.tolist()],
    )


def _dimension(name: str, one: Capability) -> CertificateDimension:
    overall, within = one.overall, one.within
    return CertificateDimension(
        name=name,
        n=one.n,
        mean_mm=round(one.mean, _DIGITS),
        sd_mm=round(overall.sd, _DIGITS),
        pp=_number(overall.potential),
        pp_low=_number(overall.potential_low),
        pp_high=_number(overall.potential_high),
        ppk=_number(overall.actual),
        ppk_low=_number(overall.actual_low),
        ppk_high=_number(overall.actual_high),
        within_sd_mm=None if within is None else round(within.sd, _DIGITS),
        cp=None if within is None else _number(within.potential),
        cpk=None if within is None else _number(within.actual),
        cpk_low=None if within is None else _number(within.actual_low),
        cpk_high=None if within is None else _number(within.actual_high),
    )


def _gauge(result: LotResult) -> CertificateGauge | None:
    study, worst = result.gauge.study, result.gauge.worst
    if study is None or worst is None:
        return None
    return CertificateGauge(
        parts=study.parts,
        appraisers=study.appraisers,
        repeats=study.repeats,
        repeatability_mm=round(study.repeatability, _DIGITS),
        reproducibility_mm=round(study.reproducibility, _DIGITS),
        interaction_mm=round(study.interaction, _DIGITS),
        grr_mm=round(study.grr, _DIGITS),
        part_mm=round(study.part, _DIGITS),
        of_total=round(study.of_total, _DIGITS),
        of_tolerance=round(study.of_tolerance or 0.0, _DIGITS),
        categories=study.categories,
        grade=study.grade.value,
        of_tolerance_low=round((study.of_tolerance_interval or (0.0, 0.0))[0], _DIGITS),
        of_tolerance_high=round((study.of_tolerance_interval or (0.0, 0.0))[1], _DIGITS),
        worst_dimension=worst[0],
        worst_of_tolerance=round(worst[1], _DIGITS),
    )


def _budget(result: LotResult) -> CertificateBudget | None:
    """Return the largest uncertainty of all stamps, by its parts; None where none was measured."""
    known = [stamp for stamp in result.stamps if math.isfinite(stamp.uncertainty_mm)]
    if not known:
        return None
    largest = max(known, key=lambda stamp: stamp.uncertainty_mm).budget
    return CertificateBudget(
        parts=[
            CertificatePart(name=part.name, u_mm=round(part.u_mm, _DIGITS), freedom=_number(part.freedom))
            for part in largest.parts
        ],
        standard_mm=round(largest.standard_mm, _DIGITS),
        freedom=_number(largest.freedom),
        coverage=round(largest.coverage, _DIGITS),
        expanded_mm=round(largest.expanded_mm, _DIGITS),
    )


def _corrections(result: LotResult) -> list[CertificateCorrection]:
    if result.mould is None:
        return []
    return [
        CertificateCorrection(
            cavity=one.cavity,
            pad=one.pad,
            offset_mm=(round(one.offset_mm[0], _DIGITS), round(one.offset_mm[1], _DIGITS)),
            correction_mm=(round(one.correction_mm[0], _DIGITS), round(one.correction_mm[1], _DIGITS)),
            uncertainty_mm=round(one.uncertainty_mm, _DIGITS),
            n=one.n,
            significant=one.significant,
            sentence=one.sentence,
        )
        for one in result.mould.corrections
    ]


def _unknown_cavities(plan: ValidationPlan, units: Sequence[Unit], result: LotResult) -> list[int]:
    """Return cavities of which the sample has too few whole stamps to tell a systematic error."""
    if result.mould is None:
        return [] if len({unit.nominal for unit in units}) > 1 else list(range(1, plan.lot.cavities + 1))
    known = {one.cavity for one in result.mould.corrections}
    return [cavity for cavity in range(1, plan.lot.cavities + 1) if cavity not in known]


def _number(value: float) -> float | None:
    return round(value, _DIGITS) if math.isfinite(value) else None
