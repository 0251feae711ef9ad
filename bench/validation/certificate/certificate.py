"""The certificate of a lot: what was measured and decided, as plain data that is sealed."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec
import numpy as np
from msgspec import Struct
from stampbench.bench.validation.certificate.seal import canonical_json, check_seal
from stampbench.bench.validation.judging.judging import LotResult
from stampbench.bench.validation.judging.stamps import StampResult
from stampbench.bench.validation.measuring.lots import Unit, nominal_pads_mm
from stampbench.bench.validation.measuring.measuring import FILE_NAME, MeasuredPress, MeasurementHeader
from stampbench.bench.validation.plans import ValidationPlan
from stampbench.firmware_emulator.errors import InputError

if TYPE_CHECKING:
    from stampbench.bench.validation.judging.capability import Capability

FORMAT = 1
NAME = "certificate"
_DIGITS = 5


class CertificateStamp(Struct, frozen=True, kw_only=True):
    """One stamp; numbers that were not measured are None."""

    serial: str
    cavity: int
    presses: int
    decision: str
    reasons: list[str]
    worst_mm: float | None
    uncertainty_mm: float | None
    level: float | None
    evenness: float | None
    flatness_mm: float | None
    missing: list[int]
    deviations_mm: list[tuple[float | None, float | None]]
    levels: list[float | None]


class CertificateDimension(Struct, frozen=True, kw_only=True):
    """Capability of one dimension; None stands for infinite."""

    name: str
    n: int
    mean_mm: float
    sd_mm: float
    cp: float | None
    cp_low: float | None
    cp_high: float | None
    cpk: float | None
    cpk_low: float | None
    cpk_high: float | None


class CertificateGauge(Struct, frozen=True, kw_only=True):
    """The gauge study; standard deviations of all dimensions together."""

    parts: int
    appraisers: int
    repeats: int
    repeatability_mm: float
    reproducibility_mm: float
    interaction_mm: float
    grr_mm: float
    part_mm: float
    of_total: float
    of_tolerance: float
    categories: int
    grade: str
    worst_dimension: str
    worst_of_tolerance: float


class CertificateCorrection(Struct, frozen=True, kw_only=True):
    """What to apply to one pad of one cavity."""

    cavity: int
    pad: int
    offset_mm: tuple[float, float]
    correction_mm: tuple[float, float]
    uncertainty_mm: float
    n: int
    significant: bool
    sentence: str


class CertificateSampling(Struct, frozen=True, kw_only=True):
    """Which sampling plan was used, and why.

    Attributes:
        ground: why it was so severe; empty where nothing was said of it.
        score: the switching score before this lot.
        earlier_lots: that the ground rests on.
        reduced_agreed: whether reduced inspection may be used.
        resumed: what the vendor did after inspection had been discontinued.
        pass_at_aql: probability that a large lot of AQL quality is accepted, 0..1.
        limiting_quality: share of nonconforming stamps at which it is accepted one time in ten, 0..1.
    """

    lot_size: int
    aql: float
    level: str
    severity: str
    letter: str
    sample: int
    accept: int
    reject: int
    ground: str = ""
    score: int = 0
    earlier_lots: int = 0
    reduced_agreed: bool = False
    resumed: str = ""
    pass_at_aql: float | None = None
    limiting_quality: float | None = None


class CertificateRig(Struct, frozen=True, kw_only=True):
    """One appraiser, and the rig it measured on."""

    name: str
    operator: str
    profile: str
    serial_number: str
    firmware: str
    virtual: bool


class Certificate(Struct, frozen=True, kw_only=True):
    """All that a certificate says.

    ``unknown_cavities`` are those with too few stamps in the sample to say what to correct.
    """

    format: int
    kind: Literal["stampbench certificate"] = "stampbench certificate"
    lot: str
    part: str
    vendor: str
    date: str
    measured_at: str
    station: str
    software: dict[str, str]
    decision: str
    reasons: list[str]
    sampling: CertificateSampling
    tolerances: dict[str, float | list[float] | None]
    rigs: list[CertificateRig]
    nominal_mm: list[tuple[float, float]]
    stamps: list[CertificateStamp]
    dimensions: list[CertificateDimension]
    gauge: CertificateGauge | None
    suspects: list[str]
    corrections: list[CertificateCorrection]
    scatter_mm: float | None
    systematic_mm: float | None
    unknown_cavities: list[int] = []
    presses: int
    lost: int
    plan_sha256: str
    measurements_sha256: str

    def count(self, decision: str) -> int:
        """Stamps with this decision."""
        return sum(stamp.decision == decision for stamp in self.stamps)


def make_certificate(
    plan: ValidationPlan,
    header: MeasurementHeader,
    units: Sequence[Unit],
    presses: Sequence[MeasuredPress],
    result: LotResult,
    measurements: Path,
) -> Certificate:
    """Put a judged lot into a certificate; ``measurements`` is the file with the data behind it."""
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
        ),
        tolerances={
            "position_mm": tolerances.position_mm,
            "level": list(tolerances.level) if tolerances.level else None,
            "evenness": tolerances.evenness,
            "flatness_mm": tolerances.flatness_mm,
            "cpk": tolerances.cpk,
            "gauge": tolerances.gauge,
        },
        rigs=[
            CertificateRig(
                name=appraiser.name,
                operator=appraiser.operator,
                profile=header.rigs[appraiser.name].profile,
                serial_number=header.rigs[appraiser.name].serial_number,
                firmware=header.rigs[appraiser.name].firmware,
                virtual=header.rigs[appraiser.name].virtual,
            )
            for appraiser in plan.appraisers
        ],
        nominal_mm=_nominal_mm(units),
        stamps=[_stamp(stamp) for stamp in result.stamps],
        dimensions=[_dimension(name, one) for name, one in result.capabilities.items()],
        gauge=_gauge(result),
        suspects=list(result.gauge.suspects),
        corrections=_corrections(result),
        scatter_mm=_number(result.mould.scatter_mm if result.mould else math.nan),
        systematic_mm=_number(result.mould.systematic_mm if result.mould else math.nan),
        unknown_cavities=_unknown_cavities(plan, units, result),
        presses=len(presses),
        lost=result.lost,
        plan_sha256=hashlib.sha256(plan.text.encode()).hexdigest(),
        measurements_sha256=hashlib.sha256(measurements.read_bytes()).hexdigest(),
    )


def _nominal_mm(units: Sequence[Unit]) -> list[tuple[float, float]]:
    """Pads that all stamps should have; none where they differ."""
    if len({unit.nominal for unit in units}) > 1:
        return []
    pads = np.round(nominal_pads_mm(units[0].nominal), _DIGITS)
    return [(float(x), float(y)) for x, y in pads]


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
    return CertificateDimension(
        name=name,
        n=one.n,
        mean_mm=round(one.mean, _DIGITS),
        sd_mm=round(one.sd, _DIGITS),
        cp=_number(one.cp),
        cp_low=_number(one.cp_low),
        cp_high=_number(one.cp_high),
        cpk=_number(one.cpk),
        cpk_low=_number(one.cpk_low),
        cpk_high=_number(one.cpk_high),
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
        worst_dimension=worst[0],
        worst_of_tolerance=round(worst[1], _DIGITS),
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
    """Cavities of which the sample has too few whole stamps to tell a systematic error."""
    if result.mould is None:
        return [] if len({unit.nominal for unit in units}) > 1 else list(range(1, plan.lot.cavities + 1))
    known = {one.cavity for one in result.mould.corrections}
    return [cavity for cavity in range(1, plan.lot.cavities + 1) if cavity not in known]


def _number(value: float) -> float | None:
    return round(value, _DIGITS) if math.isfinite(value) else None


def certificate_bytes(certificate: Certificate) -> bytes:
    """The certificate as canonical JSON, one line."""
    return canonical_json(msgspec.to_builtins(certificate)) + b"\n"


def read_certificate(path: Path) -> Certificate:
    """Read a sealed JSON certificate.

    Raises:
        InputError: it cannot be read, its seal does not hold, or it is none.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}: expected a certificate of stampbench validate") from None
    check = check_seal(data, ".jsonl")
    if not check.holds:
        raise InputError(f"{path}: {check.problem}: expected a sealed certificate")
    try:
        return msgspec.json.decode(data.partition(b"\n")[0], type=Certificate)
    except msgspec.DecodeError as error:
        raise InputError(f"{path}: {error}: expected a certificate of stampbench validate") from None


def measurements_beside(path: Path, certificate: Certificate) -> bool | None:
    """Whether the measurements beside a certificate are those it was made from; None if there are none."""
    measurements = path.parent / FILE_NAME
    if not measurements.is_file():
        return None
    return hashlib.sha256(measurements.read_bytes()).hexdigest() == certificate.measurements_sha256
