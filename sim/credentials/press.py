"""A hardened press: what the panel read and what the stamp proved, bundled with times into one evidence.

The pattern of pads says which stamp it claims to be, the second factor proves it. Together they name stamps
without limit: a code of the family and a credential, of which there may be any number for each code.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.credentials.guard import Ticket

if TYPE_CHECKING:
    from stampbench.sim.decoder.reading import Reading


class Factor(StrEnum):
    """By which way a stamp proves itself."""

    NFC = "nfc"
    BLE = "ble"
    SOUND = "sound"


class Reason(StrEnum):
    """Why an action is accepted or refused."""

    ACCEPTED = "accepted"
    NO_TOUCH = "no touch"
    NOT_READ = "touch not read"
    NO_FACTOR = "second factor missing"
    FACTOR_UNKNOWN = "second factor not set up"
    TOO_OLD = "proof too old"
    NOT_YET = "proof from the future"
    TOO_FAR_APART = "touch and proof too far apart in time"
    TOO_WEAK = "signal too weak"
    MALFORMED = "malformed"
    NOT_GENUINE = "not genuine"
    OUT_OF_TIME = "recorded, or battery changed"
    REPEATED = "window shown before the battery change"
    NOT_BOUND = "not bound to this session"
    AGE_UNPROVEN = "age of the proof rests on the phone's word"
    UNKNOWN_STAMP = "unknown stamp"
    WRONG_STAMP = "touch and proof of different stamps"
    AMBIGUOUS = "several stamps have this pattern"
    REPLAYED = "replayed"


@dataclass(frozen=True, slots=True)
class Touch:
    """What the panel read.

    Attributes:
        code: of the family; None: contacts, but no stamp.
        at_s: when, in seconds of the server's clock.
    """

    code: int | None
    at_s: float

    @classmethod
    def of(cls, reading: Reading, at_s: float) -> Touch:
        """Return the touch of what the decoder read."""
        return cls(reading.code, at_s)


@dataclass(frozen=True, slots=True)
class Presented:
    """What the phone received from the stamp.

    Attributes:
        factor: by which way.
        payload: as received: the URL, the advertisement, the token.
        at_s: when, in seconds of the server's clock, as the phone says.
        rssi_dbm: how strong, where the way has a strength.
    """

    factor: Factor
    payload: bytes
    at_s: float
    rssi_dbm: int | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that a phone sends of one press.

    Attributes:
        member: whose phone.
        received_s: when it reached the server, by the server's own clock.
        touch: None without one, as when a beacon stamps by itself.
        presented: None without a second factor.
        nonce: given by the server to this session; empty if none was.
    """

    member: str
    received_s: float
    touch: Touch | None = None
    presented: Presented | None = None
    nonce: bytes = b""


@dataclass(frozen=True, slots=True)
class Proof:
    """A second factor that was found genuine.

    Attributes:
        credential: which one, as in "nfc:04782E21801D80".
        ticket: what must be claimed of the replay guard before the proof counts.
        repeated: True if the stamp had shown the same before its battery was changed.
        bound: True if it answers the nonce of this very session.
        aged: False if nobody but the phone knows when it was made, as of a tap: it may have been kept.
    """

    credential: str
    ticket: Ticket
    repeated: bool = False
    bound: bool = False
    aged: bool = True


class SecondFactor(Protocol):
    """Checks what was presented by one way; sound, NFC and Bluetooth each have one."""

    @property
    def factor(self) -> Factor:
        """Its way."""

    def check(self, presented: Presented, evidence: Evidence) -> Proof | Reason:
        """Return the proof, or why there is none; claims nothing yet."""


class StampBook:
    """Stamps by pattern and credential."""

    def __init__(self) -> None:
        self._of_credential: dict[str, tuple[str, int]] = {}
        self._of_code: dict[int, set[str]] = {}

    def enrol(self, stamp: str, code: int, credential: str | None = None) -> None:
        """Add a stamp, or another credential of one.

        Args:
            stamp: its name.
            code: of its pattern; other stamps may have the same.
            credential: what proves it; None for a stamp without a second factor.

        Raises:
            InputError: the credential belongs to a stamp already.
        """
        if credential is not None:
            if credential in self._of_credential:
                owner, _ = self._of_credential[credential]
                raise InputError(
                    f"stamp {stamp}: credential {credential} is that of {owner}: expected another"
                )
            self._of_credential[credential] = (stamp, code)
        self._of_code.setdefault(code, set()).add(stamp)

    def proved(self, credential: str, touch: Touch | None) -> str | Reason:
        """Return the stamp of a credential, if the touch is not that of another."""
        found = self._of_credential.get(credential)
        if found is None:
            return Reason.UNKNOWN_STAMP
        stamp, code = found
        return stamp if touch is None or touch.code == code else Reason.WRONG_STAMP

    def touched(self, code: int) -> str | Reason:
        """Return the stamp of a pattern, where it alone has it."""
        stamps = self._of_code.get(code, set())
        if not stamps:
            return Reason.UNKNOWN_STAMP
        return next(iter(stamps)) if len(stamps) == 1 else Reason.AMBIGUOUS
