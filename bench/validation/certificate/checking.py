"""Checking a certificate: its seal, and the data behind it where that is still beside it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from stampbench.bench.validation.certificate.certificate import measurements_beside, read_certificate
from stampbench.bench.validation.certificate.seal import MARKS, SealCheck, check_seal
from stampbench.firmware_emulator.errors import InputError


@dataclass(frozen=True, slots=True)
class CertificateCheck:
    """What became of one certificate.

    Attributes:
        path: of the file.
        seal: what its seal says.
        measurements: whether the measurements beside a JSON certificate are those it was made from; None
            where there are none, or for another kind of file.
    """

    path: Path
    seal: SealCheck
    measurements: bool | None

    @property
    def holds(self) -> bool:
        """Whether nothing is wrong."""
        return self.seal.holds and self.measurements is not False

    @property
    def sentence(self) -> str:
        """For people."""
        if not self.seal.holds:
            return f"{self.path}: CHANGED: {self.seal.problem}"
        if self.measurements is False:
            return f"{self.path}: CHANGED: the measurements beside it are not those it was made from"
        signed = {True: f", signed by {self.seal.signed_by}", False: "", None: ", not signed"}
        text = signed[self.seal.signature]
        if self.seal.signature is None and self.seal.signed_by is not None:
            text = ", signed, but the signature cannot be checked without the package cryptography"
        behind = "; the measurements beside it are those it was made from" if self.measurements else ""
        return f"{self.path}: as it was sealed{text}{behind}"

    def to_mapping(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "path": str(self.path),
            "holds": self.holds,
            "measurements": self.measurements,
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
        seal = check_seal(path.read_bytes(), suffix, public_key)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}: expected a certificate of stampbench validate") from None
    same = None
    if seal.holds and suffix == ".jsonl":
        same = measurements_beside(path, read_certificate(path))
    return CertificateCheck(path, seal, same)
