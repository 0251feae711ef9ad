"""One-time passwords: HOTP (RFC 4226) and TOTP (RFC 6238)."""

from __future__ import annotations

import hmac
from typing import Literal, TypeAlias

from stampbench.sim.credentials.secrets import Secret

Digest: TypeAlias = Literal["sha1", "sha256", "sha512"]
STEP_S = 30


def hotp(key: Secret, counter: int, digits: int = 6, digest: Digest = "sha1") -> str:
    """Return the password of a counter, as decimal digits (RFC 4226, section 5.3)."""
    mac = hmac.digest(key.reveal(), counter.to_bytes(8, "big"), digest)
    start = mac[-1] & 0xF
    number = int.from_bytes(mac[start : start + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**digits:0{digits}d}"


def step_at(time_s: float, step_s: int = STEP_S) -> int:
    """Return the step of a time, in seconds since 1970 (RFC 6238, section 4.2)."""
    return int(time_s // step_s)


def totp(key: Secret, time_s: float, digits: int = 6, digest: Digest = "sha1", step_s: int = STEP_S) -> str:
    """Return the password of a time, in seconds since 1970."""
    return hotp(key, step_at(time_s, step_s), digits, digest)


def find_counter(
    key: Secret, password: str, first: int, last: int, digits: int = 6, digest: Digest = "sha1"
) -> int | None:
    """Return the counter from ``first`` to ``last`` whose password this is, or None.

    All of them are computed and compared in constant time, whichever it is.
    """
    found = None
    for counter in range(max(0, first), last + 1):
        right = hotp(key, counter, digits, digest)
        if hmac.compare_digest(right.encode(), password.encode()):
            found = counter
    return found
