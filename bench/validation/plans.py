"""Validation plans: which lot is measured, on which rigs, how often, and the tolerances it is held against.

A plan is a TOML file::

    [lot]
    name = "2026-031"
    part = "bakery stamp"
    vendor = "Example Mouldings"
    size = 500                         # stamps in the lot
    nominal = "p5-60k/4711"            # or "catalogue:stamps.toml#bakery", relative to the plan
    stamps = "lot.csv"                 # serial,cavity[,nominal[,object]]; without it they are numbered
    cavities = 4                       # of the mould; stamps without a table take turns
    seed = 3                           # of the draw; without it, one that nobody can foresee

    [sampling]
    aql = 1.0                          # percent nonconforming, ISO 2859-1
    method = "attributes"              # or "variables", ISO 3951-1
    level = "II"
    history = "../lots"                # folder of earlier certificates: severity follows from them
    reduced = true                     # production is steady, and reduced inspection is agreed

    [measurement]
    presses = 6                        # make one measurement
    repeats = 3                        # of the stamps in the gauge study, by every appraiser
    gauge_stamps = 8

    [reference]                        # a stamp whose pads are known, or a calibration card with its pads
    object = "catalogue:reference.toml#R1"
    certificate = "DAkkS 4711"
    uncertainty_mm = 0.004             # standard, of each of its coordinates
    every = 10                         # stamps between two looks at it, besides start and end

    [tolerances]
    position_mm = 0.3                  # of each pad on each axis, both ways
    level = [0.6, 1.4]                 # signal of a pad over that of an ideal one
    evenness = 0.4                     # largest less smallest level over the mean
    flatness_mm = 0.15

    [[appraisers]]                     # rigs, or operators at one rig; without any, one rig
    name = "rig A"
    profile = "nexus-5"

    [made]                             # on simulated rigs: how the lot differs from nominal
    scatter_mm = 0.04
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct
from stampbench.bench.plans.messages import explain
from stampbench.bench.validation.sampling.sampling import (
    AQLS,
    OWN_NUMBERS,
    SamplingPlan,
    Severity,
    by_variables,
    isolated_plan,
    sampling_plan,
)
from stampbench.firmware_emulator.errors import InputError
from stampbench.firmware_emulator.outside import parse_toml
from stampbench.sim.rig.error import RigError

_SEED_BITS = 53
_Positive = Annotated[float, Meta(gt=0.0)]
_Share = Annotated[float, Meta(ge=0.0, le=1.0)]
_Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._+/-]*\Z", max_length=80)]


class LotHeader(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The ``[lot]`` table."""

    name: _Name
    nominal: str
    size: Annotated[int, Meta(ge=2, le=10_000_000)]
    part: str = ""
    vendor: str = ""
    date: str = ""
    stamps: str | None = None
    cavities: Annotated[int, Meta(ge=1, le=1000)] = 1
    seed: Annotated[int, Meta(ge=0, le=2**53)] | None = None


class Sampling(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The ``[sampling]`` table; ``sample`` and ``accept`` together override the standard's tables.

    Attributes:
        method: "attributes" counts bad stamps (ISO 2859-1); "variables" estimates their share from how far
            all are from their limits (ISO 3951-1, s method), with a smaller sample of the same risks.
        severity: set by hand; normal where neither it nor ``history`` is given.
        history: folder with the certificates of earlier lots, relative to the plan: the switching rules say
            how severe this lot's inspection is.
        reduced: production is steady and reduced inspection is agreed; without it, it is never used.
        limiting_quality: percent nonconforming at which a lot that stands alone passes one time in ten; its
            sample is computed, ``accept`` of which may be bad.
        resumed: what the vendor has done since inspection was discontinued.
        keys: public keys, base64; certificates of earlier lots must be signed with one of them.
    """

    method: Literal["attributes", "variables"] = "attributes"
    aql: float = 1.0
    level: Literal["I", "II", "III", "S-1", "S-2", "S-3", "S-4"] = "II"
    severity: Literal["normal", "tightened", "reduced"] | None = None
    history: str | None = None
    reduced: bool = False
    resumed: str = ""
    keys: list[str] = []
    limiting_quality: Annotated[float, Meta(gt=0.0, le=100.0)] | None = None
    sample: Annotated[int, Meta(ge=1)] | None = None
    accept: Annotated[int, Meta(ge=0)] = 0


class Measurement(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The ``[measurement]`` table.

    Attributes:
        presses: whose mean is one measurement of a stamp.
        repeats: measurements of each stamp of the gauge study by each appraiser.
        gauge_stamps: stamps in that study; the others are measured once, by the first appraiser.
        full_touch: counts of a node that is fully covered by a firmly grounded flat conductor.
        pad_diameter_mm: of an ideal pad.
        temperature_u_k: standard uncertainty of the stamps' temperature, where it is known; kelvin.
        expansion_per_k: of the stamps' material.
    """

    presses: Annotated[int, Meta(ge=2, le=1000)] = 6
    repeats: Annotated[int, Meta(ge=2, le=100)] = 3
    gauge_stamps: Annotated[int, Meta(ge=2, le=1000)] = 8
    full_touch: _Positive = 225.0
    pad_diameter_mm: _Positive = 6.0
    temperature_u_k: _Positive | None = None
    expansion_per_k: _Positive = 8e-5


class Reference(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The ``[reference]`` table: a stamp whose pads are known, which proves the rig before it condemns any.

    Attributes:
        object: the reference, as in ``nominal``; on a rig in software the lot's nominal where there is none.
        certificate: of the reference, in words.
        uncertainty_mm: standard uncertainty of each of its coordinates.
        level: of its pads, over that of an ideal one.
        presses: at each look; None: as many as make a measurement.
        every: so many stamps, the reference is pressed again, besides at the start and at the end.
    """

    object: str | None = None
    certificate: str = ""
    uncertainty_mm: Annotated[float, Meta(ge=0.0)] = 0.005
    level: _Positive = 1.0
    presses: Annotated[int, Meta(ge=2, le=1000)] | None = None
    every: Annotated[int, Meta(ge=1)] = 10


class Tolerances(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The ``[tolerances]`` table; one that is missing is not judged.

    Attributes:
        position_mm: of each pad on each axis, both ways, after the best rigid fit.
        level: range of a pad's signal, over that of an ideal pad.
        evenness: largest less smallest level of a stamp's pads over their mean.
        flatness_mm: by how much a pad may stand back from the plane of all.
        ppk: least capability of every dimension, from the scatter of all stamps; the lot is rejected where
            even the upper end of the interval is below.
        cpk: the same from the scatter within cavities.
        gauge: largest precision to tolerance of the measurement (six standard deviations of gauge
            repeatability and reproducibility over the width of ``position_mm``).
        rule: by which a stamp near a tolerance is decided, see ``RULES`` of judging.
    """

    position_mm: _Positive
    level: tuple[float, float] | None = None
    evenness: _Positive | None = None
    flatness_mm: _Positive | None = None
    ppk: float | None = None
    cpk: float | None = None
    gauge: _Positive = 0.3
    rule: Literal["iso-14253-1", "ilac-g8-guarded", "ilac-g8-simple"] = "iso-14253-1"


class Appraiser(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One ``[[appraisers]]`` table: a rig, or an operator at one.

    Attributes:
        profile: panel of a simulated rig.
        condition: of that panel, as in plans.
        operator: who presses, on rigs that cannot by themselves.
        error: how a rig in software is wrong on purpose, see ``RigError``.
    """

    name: _Name
    profile: str = "nexus-5"
    condition: dict[str, Any] = {}
    operator: str = ""
    error: dict[str, Any] = {}


class CavityFault(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One pad of one cavity that is off, in the stamp's own frame; pads and cavities count from 1."""

    cavity: Annotated[int, Meta(ge=1)]
    pad: Annotated[int, Meta(ge=1, le=8)]
    offset_mm: tuple[float, float]


class Made(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The ``[made]`` table: how stamps of a simulated lot differ from nominal.

    Attributes:
        scatter_mm: standard deviation of each pad on each axis.
        cavities: systematic errors.
        missing: share of the stamps that lack a pad.
        worn: share of each pad's area that does not touch.
    """

    scatter_mm: Annotated[float, Meta(ge=0.0, le=5.0)] = 0.03
    cavities: list[CavityFault] = []
    missing: _Share = 0.0
    worn: _Share = 0.0


class _Document(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    lot: LotHeader
    tolerances: Tolerances
    sampling: Sampling = Sampling()
    measurement: Measurement = Measurement()
    reference: Reference = Reference()
    appraisers: list[Appraiser] = []
    handling: dict[str, Any] = {}
    made: Made = Made()


_KEYS = {
    "": _Document.__struct_fields__,
    "lot": LotHeader.__struct_fields__,
    "sampling": Sampling.__struct_fields__,
    "measurement": Measurement.__struct_fields__,
    "reference": Reference.__struct_fields__,
    "tolerances": Tolerances.__struct_fields__,
    "appraisers": Appraiser.__struct_fields__,
    "made": Made.__struct_fields__,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationPlan:
    """A validation plan whose every key has been checked.

    Attributes:
        seed: of the draw and of everything that is pressed: the lot's, or one drawn when the plan was read.
        inspection: how severe it is: as set in the plan, or as
            :func:`~stampbench.bench.validation.sampling.history.inspected_as_due` finds it from earlier lots.
    """

    path: Path
    text: str
    lot: LotHeader
    sampling: Sampling
    measurement: Measurement
    reference: Reference
    tolerances: Tolerances
    appraisers: tuple[Appraiser, ...]
    handling: dict[str, Any]
    made: Made
    seed: int
    inspection: Severity = Severity.NORMAL

    @property
    def sample(self) -> SamplingPlan:
        """How many stamps are drawn, and how many of them may be bad."""
        sampling, size = self.sampling, self.lot.size
        if sampling.limiting_quality is not None:
            return isolated_plan(size, sampling.limiting_quality, sampling.accept, sampling.aql)
        if sampling.sample is None:
            single = sampling_plan(size, sampling.aql, sampling.level, self.inspection)
            return by_variables(single) if sampling.method == "variables" else single
        return SamplingPlan(
            size,
            sampling.aql,
            sampling.level,
            self.inspection,
            OWN_NUMBERS,
            min(size, sampling.sample),
            sampling.accept,
        )


def read_validation_plan(path: Path) -> ValidationPlan:
    """Read and check a plan.

    Raises:
        InputError: the file cannot be read, is not TOML, or says something impossible.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}: expected a validation plan in TOML") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: byte {error.start} is not UTF-8: expected a plan in TOML") from None
    return parse_validation_plan(text, path)


def parse_validation_plan(text: str, path: Path, seed: int | None = None) -> ValidationPlan:
    """Check the text of a plan.

    Args:
        text: TOML.
        path: where it stands, for messages and for the files it names.
        seed: that was drawn for it when it was measured; None: the lot's, or a new one.

    Raises:
        InputError: it is not TOML, or says something impossible.
    """
    raw = parse_toml(text, str(path))
    try:
        document = msgspec.convert(raw, _Document)
    except msgspec.ValidationError as error:
        raise InputError(f"{path}: {explain(str(error), raw, _KEYS)}") from None
    plan = ValidationPlan(
        path=path,
        text=text,
        lot=document.lot,
        sampling=document.sampling,
        measurement=document.measurement,
        reference=document.reference,
        tolerances=document.tolerances,
        appraisers=tuple(document.appraisers) or (Appraiser(name="rig"),),
        handling=document.handling,
        made=document.made,
        seed=_seed(document.lot) if seed is None else seed,
        inspection=Severity(document.sampling.severity or "normal"),
    )
    _check(plan)
    return plan


def _seed(lot: LotHeader) -> int:
    return lot.seed if lot.seed is not None else secrets.randbits(_SEED_BITS)


def _check(plan: ValidationPlan) -> None:
    if plan.sampling.aql not in AQLS:
        known = ", ".join(f"{aql:g}" for aql in AQLS)
        raise InputError(f"{plan.path}: sampling.aql = {plan.sampling.aql:g}: expected one of {known}")
    if plan.sampling.history is not None and plan.sampling.severity is not None:
        raise InputError(
            f'{plan.path}: sampling.severity = "{plan.sampling.severity}": expected severity or history, not '
            "both: the history of earlier lots says how severe inspection is"
        )
    if plan.sampling.history is not None and plan.sampling.sample is not None:
        raise InputError(
            f"{plan.path}: sampling.sample = {plan.sampling.sample}: expected sample or history, not both: "
            "the switching rules are those of the standard's own plans"
        )
    if plan.sampling.limiting_quality is not None:
        for key in ("history", "sample", "severity"):
            if getattr(plan.sampling, key) is not None:
                raise InputError(
                    f"{plan.path}: sampling.{key}: expected limiting_quality or {key}, not both: a lot that "
                    "stands alone has no history and a sample of its own"
                )
    if plan.sampling.method == "variables":
        for key in ("history", "sample", "limiting_quality"):
            if getattr(plan.sampling, key) is not None:
                raise InputError(
                    f'{plan.path}: sampling.{key}: expected method = "variables" or {key}, not both: '
                    "counts of bad stamps are of plans by attributes"
                )
        try:
            plan.sample  # noqa: B018
        except InputError as error:
            raise InputError(f"{plan.path}: sampling.method: {error}") from None
    for key in ("reduced", "resumed"):
        if getattr(plan.sampling, key) and plan.sampling.history is None:
            raise InputError(
                f"{plan.path}: sampling.{key}: expected history with it, the folder of the certificates of "
                "earlier lots"
            )
    for appraiser in plan.appraisers:
        RigError.from_mapping(appraiser.error, f"{plan.path}: appraisers.error of {appraiser.name}")
    names = [appraiser.name for appraiser in plan.appraisers]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f'{plan.path}: appraisers.name: "{name}" stands there twice')
    level = plan.tolerances.level
    if level is not None and not 0.0 <= level[0] < level[1]:
        raise InputError(f"{plan.path}: tolerances.level = {list(level)}: expected the smaller number first")
    for number, fault in enumerate(plan.made.cavities):
        if fault.cavity > plan.lot.cavities:
            raise InputError(
                f"{plan.path}: made.cavities[{number}].cavity = {fault.cavity}: "
                f"expected 1 to {plan.lot.cavities}, the cavities of the lot"
            )
