"""Seals: a file says the SHA-256 of its own bytes, and may be signed with an Ed25519 key.

A digest alone tells damage and careless edits; who wants to deceive can make a new one. A signature tells
that too, to everybody who knows the public key. The last line of a sealed file is its seal; everything before
it is what is sealed.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from stampbench.firmware_emulator.errors import InputError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

MARKS: Final = {".jsonl": (b'{"seal":"', b'"}'), ".html": (b"<!-- ", b" -->"), ".pdf": (b"%", b"")}
"""What stands around a seal in each kind of file."""
SEAL_MARK: Final = b"stampbench seal sha256:"
_SEAL: Final = re.compile(
    SEAL_MARK + rb"(?P<digest>[0-9a-f]{64})"
    rb"(?: ed25519:(?P<signature>[A-Za-z0-9+/]{86}==) key:(?P<key>[A-Za-z0-9+/]{43}=))?"
)


@dataclass(frozen=True, slots=True)
class SealCheck:
    """What a seal says of a file.

    Attributes:
        whole: whether every byte is as it was sealed.
        digest: SHA-256 of what is sealed, as it is now.
        signed_by: public key, base64; None for an unsigned seal.
        signature: True if it is right, False if not; None without one, or without means to check it.
        problem: what is wrong, in words; empty for a seal that holds.
    """

    whole: bool
    digest: str
    signed_by: str | None
    signature: bool | None
    problem: str

    @property
    def holds(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problem


def canonical_json(value: Any) -> bytes:
    """Return the one way to write plain data: keys sorted, no spaces, UTF-8; NaN and infinity are refused."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


def load_signing_key(path: Path) -> Ed25519PrivateKey:
    """Read an Ed25519 private key in PEM, without a password.

    Raises:
        InputError: no such file, another kind of key, or the package ``cryptography`` is missing.
    """
    try:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
    except ImportError:
        raise InputError("signing needs the package cryptography: expected stampbench[hardened]") from None
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}: expected an Ed25519 private key in PEM") from None
    except (ValueError, TypeError):  # what they say is of no help
        raise InputError(
            f"{path}: no key, or one with a password: expected an Ed25519 private key in PEM"
        ) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise InputError(f"{path}: another kind of key: expected an Ed25519 private key in PEM")
    return key


def make_signing_key(path: Path) -> str:
    """Make an Ed25519 key, write its private half as PEM for its owner alone, return the public one, base64.

    Raises:
        InputError: the file is there already or cannot be written, or ``cryptography`` is missing.
    """
    try:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    except ImportError:
        raise InputError("signing needs the package cryptography: expected stampbench[hardened]") from None
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    try:
        with open(path, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            file.write(pem)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}; expected a new file") from None
    return public_key_of(key)


def station_key() -> Ed25519PrivateKey | None:
    """Return the station's own key, made on first use for its owner alone; None without ``cryptography``.

    It lies where the environment variable STAMPBENCH_STATION_KEY says, or in the user's configuration.

    Raises:
        InputError: it cannot be read or made.
    """
    import importlib.util

    if importlib.util.find_spec("cryptography") is None:
        return None
    import platformdirs

    named = os.environ.get("STAMPBENCH_STATION_KEY")
    path = Path(named) if named else platformdirs.user_config_path("stampbench") / "station.pem"
    if not path.exists():
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise InputError(
                f"{path}: the station's key cannot be made: {error.strerror}: expected a writable place, "
                "another one in STAMPBENCH_STATION_KEY, or --no-sign"
            ) from None
        make_signing_key(path)
    return load_signing_key(path)


def public_key_of(key: Ed25519PrivateKey) -> str:
    """Return the public half of a key, base64."""
    return base64.b64encode(key.public_key().public_bytes_raw()).decode()


def data_line(data: bytes, suffix: str) -> bytes:
    """Return the line by which a page or a sheet names the data it shows."""
    before, after = MARKS[suffix]
    return before + b"stampbench data sha256:" + hashlib.sha256(data).hexdigest().encode() + after + b"\n"


def shows_data(page: bytes, suffix: str, data: bytes) -> bool:
    """Return whether a sealed page or sheet shows these data."""
    content, _ = _parted(page)
    return content.endswith(data_line(data, suffix))


def sealed(content: bytes, suffix: str, key: Ed25519PrivateKey | None = None) -> bytes:
    """Return the content of a file with its seal as the last line; signed if there is a key."""
    before, after = MARKS[suffix]
    if not content.endswith(b"\n"):
        content += b"\n"
    seal = SEAL_MARK + hashlib.sha256(content).hexdigest().encode()
    if key is not None:
        public = key.public_key().public_bytes_raw()
        signature = key.sign(hashlib.sha256(content).digest())
        seal += b" ed25519:" + base64.b64encode(signature) + b" key:" + base64.b64encode(public)
    return content + before + seal + after + b"\n"


def check_seal(data: bytes, suffix: str, public_key: str | None = None) -> SealCheck:
    """Check a sealed file.

    Args:
        data: all its bytes.
        suffix: kind of file.
        public_key: base64 of the key that must have signed it; None: any, or none.
    """
    before, after = MARKS[suffix]
    content, line = _parted(data)
    digest = hashlib.sha256(content).hexdigest()
    match = _SEAL.fullmatch(line[len(before) : len(line) - 1 - len(after)]) if line.endswith(b"\n") else None
    framed = line.startswith(before) and line.endswith(after + b"\n")
    if match is None or not framed:
        return SealCheck(False, digest, None, None, "there is no seal at the end, or it was changed")
    key = match["key"].decode() if match["key"] else None
    if match["digest"].decode() != digest:
        return SealCheck(False, digest, key, None, "a byte was changed since it was sealed")
    signature = _signature_holds(match, digest) if key is not None else None
    problem = ""
    if signature is False:
        problem = "the signature is wrong"
    elif public_key is not None and key != public_key:
        problem = "it is not signed" if key is None else "it is signed with another key"
    elif public_key is not None and signature is None:
        problem = "the signature cannot be checked without the package cryptography"
    return SealCheck(True, digest, key, signature, problem)


def _parted(data: bytes) -> tuple[bytes, bytes]:
    """Return what is sealed, and the last line."""
    start = data.rfind(b"\n", 0, max(0, len(data) - 1)) + 1
    return data[:start], data[start:]


def _signature_holds(match: re.Match[bytes], digest: str) -> bool | None:
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError:
        return None
    try:
        raw = [base64.b64decode(match[name], validate=True) for name in ("key", "signature")]
        # The last sign of a base64 text has bits to spare, in which a change would go unnoticed.
        if [base64.b64encode(one) for one in raw] != [match["key"], match["signature"]]:
            return False
        Ed25519PublicKey.from_public_bytes(raw[0]).verify(raw[1], bytes.fromhex(digest))
    except (InvalidSignature, ValueError, binascii.Error):
        return False
    return True
