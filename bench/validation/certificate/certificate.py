"""The certificate of a lot: what was measured and decided, as plain data that is sealed."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct
from stampbench.bench.validation.certificate.seal import canonical_json, check_seal
from stampbench.bench.validation.sampling.sampling import Severity
from stampbench.firmware_emulator.errors import InputError

FORMAT = 2
NAME = "certificate"
DECISIONS = ("accept", "reject", "measure again")
LARGEST_NUMBER = 1e16
"""Of any number in a certificate: seeds reach 2**53."""


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
    """Capability of one dimension; None stands for infinite.

    Attributes:
        sd_mm, pp, ppk: from all stamps together, with intervals.
        within_sd_mm, cp, cpk: within cavities; all None where there are no cavities with stamps enough.
    """

    name: str
    n: int
    mean_mm: float
    sd_mm: float
    pp: float | None
    pp_low: float | None
    pp_high: float | None
    ppk: float | None
    ppk_low: float | None
    ppk_high: float | None
    within_sd_mm: float | None = None
    cp: float | None = None
    cpk: float | None = None
    cpk_low: float | None = None
    cpk_high: float | None = None


class CertificateGauge(Struct, frozen=True, kw_only=True):
    """The gauge study of all dimensions together; each end of the interval holds at 95 %."""

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
    of_tolerance_low: float
    of_tolerance_high: float
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
        limiting_bad: bad stamps in this very lot with which it is accepted at most one time in ten.
        k, largest_share: of a plan by variables: acceptability constant, and estimated nonconforming share
            up to which the lot is accepted; None by attributes.
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
    limiting_bad: int | None = None
    k: float | None = None
    largest_share: float | None = None


class CertificatePart(Struct, frozen=True, kw_only=True):
    """One part of the uncertainty; ``freedom`` is None where it is infinite."""

    name: str
    u_mm: float
    freedom: float | None


class CertificateBudget(Struct, frozen=True, kw_only=True):
    """The uncertainty of a pad's deviation, of the stamp where it is largest."""

    parts: list[CertificatePart]
    standard_mm: float
    freedom: float | None
    coverage: float
    expanded_mm: float


class CertificateAttempt(Struct, frozen=True, kw_only=True):
    """One measurement of the lot, this one or an earlier one; a decision that is missing was never made."""

    attempt: int
    started_at: str
    decision: str
    measurements_sha256: str


class CertificateRig(Struct, frozen=True, kw_only=True):
    """One appraiser, the rig it measured on, and what the reference said of it.

    Attributes:
        reference_presses, reference_whole: asked for, and with all pads and no more.
        scale, drift: shares by which lengths read too large, and grew from the first look to the last.
        level_gain: of its signals; None where it sends no raw frames.
        faults: what is wrong; a rig without any is proven.
    """

    name: str
    operator: str
    profile: str
    serial_number: str
    firmware: str
    virtual: bool
    reference_presses: int = 0
    reference_whole: int = 0
    scale: float = 0.0
    drift: float = 0.0
    level_gain: float | None = None
    faults: list[str] = []


class CertificateWeakness(Struct, frozen=True, kw_only=True):
    """A panel that reads some stamps badly even as they are drawn: their pads are too close for its pitch.

    Attributes:
        panel: profile of the panel.
        loss: share of presses that it is expected to lose, of the stamp where it is largest.
        serials: of the stamps; empty for all.
    """

    panel: str
    loss: float
    serials: list[str] = []


class Certificate(Struct, frozen=True, kw_only=True):
    """All that a certificate says.

    Attributes:
        seed: by which the sample was drawn.
        stamps_sha256: of the list it was drawn from; empty for numbered stamps.
        rule: by which stamps near a tolerance were decided.
        reference: that proved the rigs, and its certificate.
        missing: what the plan asks for and was not measured.
        unknown_cavities: with too few stamps in the sample to say what to correct.
        weak: panels on which stamps are weak by their design, the worst first.
        loss_curves: by which that was told, :class:`stampbench.bench.capacity.losses.LossCurve`.
        planned: presses that the plan asks for, those of the reference included.
        attempt, attempts: which measurement of the lot this is, and all up to it.
        attempts_sha256: of the log they stand in, up to this one.
        other_plan: whether it was judged by another plan than the lot was measured by; ``plan_sha256`` is of
            that one, and ``other_plan_text`` is its text.
        station_key: public half of the station's key; empty where it has none.
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
    seed: int = 0
    stamps_sha256: str = ""
    rule: str = ""
    reference: str = ""
    missing: list[str] = []
    tolerances: dict[str, float | list[float] | None]
    rigs: list[CertificateRig]
    nominal_mm: list[tuple[float, float]]
    stamps: list[CertificateStamp]
    dimensions: list[CertificateDimension]
    gauge: CertificateGauge | None
    budget: CertificateBudget | None = None
    suspects: list[str]
    corrections: list[CertificateCorrection]
    scatter_mm: float | None
    systematic_mm: float | None
    unknown_cavities: list[int] = []
    weak: list[CertificateWeakness] = []
    loss_curves: dict[str, tuple[float, float, float]] = {}
    planned: int = 0
    presses: int
    lost: int
    attempt: int = 1
    attempts: list[CertificateAttempt] = []
    attempts_sha256: str = ""
    other_plan: bool = False
    other_plan_text: str = ""
    station_key: str = ""
    plan_sha256: str
    measurements_sha256: str

    def count(self, decision: str) -> int:
        """Return stamps with this decision."""
        return sum(stamp.decision == decision for stamp in self.stamps)


def certificate_bytes(certificate: Certificate) -> bytes:
    """Return the certificate as canonical JSON, one line."""
    return canonical_json(msgspec.to_builtins(certificate)) + b"\n"


def read_certificate(path: Path, keys: Collection[str] = ()) -> Certificate:
    """Read a sealed JSON certificate.

    Args:
        path: of the file.
        keys: public keys, base64, one of which must have signed it; empty: any, or none.

    Raises:
        InputError: it cannot be read, its seal does not hold, nobody trusted signed it, or it is none.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}: expected a certificate of stampbench validate") from None
    check = check_seal(data, ".jsonl")
    if not check.holds:
        raise InputError(f"{path}: {check.problem}: expected a sealed certificate")
    if keys and (check.signed_by not in keys or not check.signature):
        who = f"signed by {check.signed_by}" if check.signed_by else "not signed"
        raise InputError(
            f"{path}: {who}: expected a certificate signed with one of the {len(keys)} listed keys"
        )
    try:
        certificate = msgspec.json.decode(data.partition(b"\n")[0], type=Certificate)
    except (msgspec.DecodeError, RecursionError) as error:
        raise InputError(f"{path}: {error}: expected a certificate of stampbench validate") from None
    for where, why in _impossible(certificate):
        raise InputError(f"{path}: {where}: {why}: expected a certificate of stampbench validate")
    return certificate


def _impossible(certificate: Certificate) -> Iterator[tuple[str, str]]:
    """Yield what no certificate says that was made here: where, and what."""
    for name in ("position_mm", "gauge"):
        value = certificate.tolerances.get(name)
        if not isinstance(value, float) or not value > 0.0:
            yield f"tolerances.{name}", f"{value!r} is no tolerance"
    for name, value in certificate.tolerances.items():
        if isinstance(value, list) and (name != "level" or len(value) != 2):
            yield f"tolerances.{name}", f"{value!r} is no tolerance"
    sampling = certificate.sampling
    if sampling.severity not in list(Severity):
        yield "sampling.severity", f"{sampling.severity!r} is none"
    if certificate.decision not in DECISIONS:
        yield "decision", f"{certificate.decision!r} is none"
    for where, number in _numbers(msgspec.to_builtins(certificate), ""):
        if not abs(number) < LARGEST_NUMBER:
            yield where, f"{number!r} is beyond what is measured"


def _numbers(value: object, where: str) -> Iterator[tuple[str, float]]:
    if isinstance(value, int | float) and not isinstance(value, bool):
        yield where, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _numbers(inner, f"{where}.{key}" if where else str(key))
    elif isinstance(value, list | tuple):
        for place, inner in enumerate(value):
            yield from _numbers(inner, f"{where}[{place}]")
