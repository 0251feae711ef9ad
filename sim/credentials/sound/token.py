"""Tokens that a stamp sounds: who it is, and a proof that holds for half a minute and once.

    4 bytes  identifier of the stamp
    1 byte   number of the press within its window, so that two presses do not sound alike
    8 bytes  HMAC-SHA256 over identifier, window, number and nonce, its first 8 bytes (RFC 2104)

A window is ten seconds. A stamp that is connected sounds the nonce that the server gave to the session of the
press, which binds the proof to it; one that is not leaves it empty. The MAC of a token is compared with three
windows at the most, with and without the nonce: one guess is right with a chance below 6 * 2**-64, 3.3e-19,
so that of 1e5 wrong payloads 3e-14 are expected to be accepted.
"""

from __future__ import annotations

import hmac
import threading
from dataclasses import dataclass
from typing import Final

from stampbench.firmware_emulator.errors import InputError, ProtocolError
from stampbench.sim.credentials.secrets import Secret

WINDOW_S: Final = 10
LATE_S: Final = 15.0
"""How long after its window a token may arrive: it is never older than 25 s."""
EARLY_S: Final = 2.0
"""By how much a stamp's clock may be fast."""
STAMP_BYTES: Final = 4
MAC_BYTES: Final = 8
TOKEN_BYTES: Final = STAMP_BYTES + 1 + MAC_BYTES
KEY_BYTES: Final = 32
MAX_NONCE_BYTES: Final = 64
_DOMAIN: Final = b"stampbench sound 1"


@dataclass(frozen=True, slots=True)
class SoundToken:
    """What is sounded.

    Attributes:
        stamp: its identifier, 4 bytes.
        number: of the press within the window, 0 to 255.
        mac: 8 bytes.

    Raises:
        ProtocolError: parts of another size.
    """

    stamp: bytes
    number: int
    mac: bytes

    def __post_init__(self) -> None:
        if not (len(self.stamp) == STAMP_BYTES and 0 <= self.number <= 255 and len(self.mac) == MAC_BYTES):
            raise ProtocolError(
                f"sound token with an identifier of {len(self.stamp)} bytes, number {self.number} and a MAC "
                f"of {len(self.mac)} bytes: expected {STAMP_BYTES}, 0 to 255 and {MAC_BYTES}"
            )

    @property
    def encoded(self) -> bytes:
        """The payload."""
        return self.stamp + bytes([self.number]) + self.mac

    @classmethod
    def parse(cls, payload: bytes) -> SoundToken:
        """Return the token in a payload.

        Raises:
            ProtocolError: a payload of another length.
        """
        if len(payload) != TOKEN_BYTES:
            raise ProtocolError(f"sound token of {len(payload)} bytes: expected {TOKEN_BYTES}")
        return cls(payload[:STAMP_BYTES], payload[STAMP_BYTES], payload[STAMP_BYTES + 1 :])


def window_at(time_s: float) -> int:
    """Return the window of a time."""
    return int(time_s // WINDOW_S)


def token_of(key: Secret, stamp: bytes, window: int, number: int, nonce: bytes = b"") -> SoundToken:
    """Return the token of a stamp.

    Args:
        key: of the stamp, 32 bytes.
        stamp: its identifier, 4 bytes.
        window: in which it is pressed.
        number: of the press within the window.
        nonce: of the session, up to 64 bytes; empty: none.

    Raises:
        InputError: a nonce that is longer.
        ProtocolError: an identifier or a number outside its range.
    """
    if len(nonce) > MAX_NONCE_BYTES:
        raise InputError(f"nonce of {len(nonce)} bytes: expected {MAX_NONCE_BYTES} at most")
    token = SoundToken(stamp, number, bytes(MAC_BYTES))
    signed = _DOMAIN + stamp + bytes([number]) + window.to_bytes(8, "big", signed=True) + nonce
    return SoundToken(stamp, token.number, hmac.digest(key.reveal(), signed, "sha256")[:MAC_BYTES])


def window_of(
    token: SoundToken, key: Secret, first: int, last: int, nonces: tuple[bytes, ...] = (b"",)
) -> tuple[int, bytes] | None:
    """Return the window from ``first`` to ``last``, and the nonce, whose token this is, or None.

    All of them are tried and compared in constant time, whichever it is.
    """
    found = None
    for window in range(first, last + 1):
        for nonce in nonces:
            right = token_of(key, token.stamp, window, token.number, nonce)
            if hmac.compare_digest(right.mac, token.mac):
                found = window, nonce
    return found


class SoundStamp:
    """A stamp that sounds a token at each press.

    Args:
        stamp: its identifier, 4 bytes.
        key: 32 bytes.
        clock_error_s: by which its clock is fast.
    """

    def __init__(self, stamp: bytes, key: Secret, clock_error_s: float = 0.0) -> None:
        self.stamp, self._key, self._error_s = stamp, key, clock_error_s
        self._window: int | None = None
        self._number = 0

    def press(self, time_s: float, nonce: bytes = b"") -> SoundToken:
        """Return the token of a press at this time.

        Raises:
            InputError: more than 256 presses within ten seconds.
        """
        window = window_at(time_s + self._error_s)
        self._number = self._number + 1 if window == self._window else 0
        self._window = window
        if self._number > 255:
            raise InputError(f"{self._number + 1} presses within {WINDOW_S} s: expected 256 at most")
        return token_of(self._key, self.stamp, window, self._number, nonce)


@dataclass(frozen=True, slots=True)
class Verified:
    """A token that is genuine.

    Attributes:
        stamp: its identifier.
        window: in which it was pressed.
        number: of the press within the window.
        bound: True if it answers the nonce.
    """

    stamp: bytes
    window: int
    number: int
    bound: bool


class SoundVerifier:
    """Knows stamps by their keys; for any number of threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._keys: dict[bytes, Secret] = {}
        self._nobody = Secret(bytes(KEY_BYTES), KEY_BYTES)

    def register(self, stamp: bytes, key: Secret) -> None:
        """Get to know a stamp.

        Raises:
            InputError: an identifier of another length or one that is taken, or a key all zeros or not of
                32 bytes.
        """
        with self._lock:
            if len(stamp) != STAMP_BYTES or stamp in self._keys:
                raise InputError(f"stamp {stamp.hex()}: expected {STAMP_BYTES} bytes that are not known yet")
            if key.is_factory or len(key.reveal()) != KEY_BYTES:
                raise InputError(f"key of stamp {stamp.hex()}: expected {KEY_BYTES} bytes, not all zeros")
            self._keys[stamp] = key

    def verify(self, token: SoundToken, time_s: float, nonce: bytes = b"") -> Verified | None:
        """Return whether this is a token of a known stamp that may arrive now; None if it is not.

        All windows are tried with and without the nonce, whether the stamp is known or not. That it is used
        once is for a replay guard to see.

        Args:
            token: as received.
            time_s: of the server's clock.
            nonce: that the server gave to this session; empty: none.
        """
        with self._lock:
            key = self._keys.get(token.stamp)
        first, last = window_at(time_s - LATE_S), window_at(time_s + EARLY_S)
        found = window_of(token, key or self._nobody, first, last, (b"", nonce))
        if key is None or found is None:
            return None
        window, answered = found
        return Verified(token.stamp, window, token.number, bound=answered != b"")

    def __repr__(self) -> str:
        return f"SoundVerifier({len(self._keys)} stamps)"
