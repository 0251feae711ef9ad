"""Checking a certificate: its seal, the records behind it judged once more, the data a page shows."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import msgspec
from stampbench.bench.capacity.losses import LossCurve
from stampbench.bench.validation.attempts import Attempt, attempts_until, check_records, latest, read_attempts
from stampbench.bench.validation.certificate.certificate import (
    Certificate,
    certificate_bytes,
    read_certificate,
)
from stampbench.bench.validation.certificate.making import judge_records, make_certificate
from stampbench.bench.validation.certificate.seal import MARKS, SealCheck, check_seal, shows_data
from stampbench.bench.validation.measuring.records import FILE_NAME
from stampbench.bench.validation.plans import ValidationPlan, parse_validation_plan
from stampbench.firmware_emulator.errors import InputError

_TOLD = 4
"""Differences that are told one by one."""
_FIRST = ("decision", "missing", "plan_sha256", "reasons")


@dataclass(frozen=True, slots=True)
class CertificateCheck:
    """What became of one certificate.

    Attributes:
        path: of the file.
        seal: what its seal says.
        recomputed: True if the records beside it give the same certificate, False if not; None where there
            are none, or for a page or sheet.
        problems: what is wrong besides the seal.
        said: what holds, in words.
    """

    path: Path
    seal: SealCheck
    recomputed: bool | None
    problems: tuple[str, ...]
    said: str

    @property
    def holds(self) -> bool:
        """Return whether nothing is wrong."""
        return self.seal.holds and not self.problems

    @property
    def sentence(self) -> str:
        """Return what to tell people."""
        if not self.seal.whole or self.seal.signature is False:
            return f"{self.path}: CHANGED: {self.seal.problem}"
        if self.problems:
            return f"{self.path}: DIFFERS: {'; '.join(self.problems)}"
        if self.seal.problem:
            return f"{self.path}: NOT TRUSTED: as it was sealed, but {self.seal.problem}"
        signed = {True: f", signed by {self.seal.signed_by}", False: "", None: ", not signed"}
        text = signed[self.seal.signature]
        if self.seal.signature is None and self.seal.signed_by is not None:
            text = ", signed, but the signature cannot be checked without the package cryptography"
        return f"{self.path}: {self.said}{text}"

    def to_mapping(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "path": str(self.path),
            "holds": self.holds,
            "recomputed": self.recomputed,
            "problems": list(self.problems),
            "said": self.said,
            **asdict(self.seal),
        }


def check_certificate(path: Path, public_key: str | None = None) -> CertificateCheck:
    """Check a certificate.

    Raises:
        InputError: it cannot be read, or is no kind of file that is sealed.
    """
    suffix = path.suffix.lower()
    if suffix not in MARKS:
        raise InputError(f"{path}: expected a certificate that ends in {', '.join(MARKS)}")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}: expected a certificate of stampbench validate") from None
    seal = check_seal(data, suffix, public_key)
    if not seal.whole:
        return CertificateCheck(path, seal, None, (), "")
    if suffix != ".jsonl":
        return _check_page(path, data, seal)
    certificate = read_certificate(path)
    problems = []
    if certificate.station_key and seal.signed_by != certificate.station_key:
        problems.append("it says that another key signed it than did")
    if not (path.parent / FILE_NAME).is_file():
        return CertificateCheck(path, seal, None, tuple(problems), "as sealed, records absent")
    said = "as sealed and recomputed from the records beside it"
    try:
        log = read_attempts(path.parent if certificate.attempt == 1 else path.parent.parent)
        differences = _recompute(path.parent, certificate, log)
        said += "".join(
            f"; attempt {one.attempt} of {one.started_at} followed: {one.decision or 'no decision'}"
            for one in latest(log)
            if one.attempt > certificate.attempt
        )
    except InputError as error:
        differences = [f"it cannot be recomputed: {error}"]
    return CertificateCheck(path, seal, not differences, (*problems, *differences), said)


def _check_page(path: Path, page: bytes, seal: SealCheck) -> CertificateCheck:
    beside = path.with_suffix(".jsonl")
    if not beside.is_file():
        return CertificateCheck(path, seal, None, (), "as sealed, its data are absent")
    sealed = beside.read_bytes()
    data, _, _ = sealed.rpartition(b'{"seal":')
    problems = []
    if not shows_data(page, path.suffix.lower(), data):
        problems.append(f"it does not show {beside.name} beside it")
    signers = [one or "nobody" for one in (seal.signed_by, check_seal(sealed, ".jsonl").signed_by)]
    if signers[0] != signers[1]:
        problems.append(f"it is signed by {signers[0]}, {beside.name} beside it by {signers[1]}")
    return CertificateCheck(path, seal, None, tuple(problems), f"as sealed, and of {beside.name} beside it")


def _recompute(directory: Path, certificate: Certificate, log: list[Attempt]) -> list[str]:
    """Return in what a certificate differs from what the records beside it give."""
    judged = judge_records(directory, _other_plan(directory, certificate))
    attempts = attempts_until(log, certificate.attempt)
    if certificate.attempts and not attempts:
        return ["the log of attempts is absent"]
    check_records(log, certificate.attempt, "certified", certificate.measurements_sha256)
    curves = {panel: LossCurve(terms) for panel, terms in certificate.loss_curves.items()}
    again = make_certificate(judged, attempts, station_key=certificate.station_key, curves=curves)
    said, found = (json.loads(certificate_bytes(one)) for one in (certificate, again))
    names = [
        name
        for name in sorted(said, key=lambda name: (name not in _FIRST, name))
        if said[name] != found[name]
    ]
    told = [f"{name} is {_short(said[name])}, recomputed {_short(found[name])}" for name in names[:_TOLD]]
    return [*told, *([f"and {len(names) - _TOLD} more"] if len(names) > _TOLD else [])]


def _other_plan(directory: Path, certificate: Certificate) -> ValidationPlan | None:
    """Return the plan that a lot was judged by, where that is not the one it was measured by."""
    if not certificate.other_plan:
        return None
    text = certificate.other_plan_text
    return parse_validation_plan(text, directory / "plan.toml", certificate.seed)


def _short(value: Any) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= 60 else f"{text[:57]}..."
