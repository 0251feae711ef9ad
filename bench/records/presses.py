"""What is recorded of one press: its result, and all that is needed to make it again."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from enum import StrEnum
from typing import Any, Literal, TypeAlias

import msgspec
from msgspec import Struct

_DIGEST_BYTES = 16

SaidContact: TypeAlias = tuple[int, int, int, int, float | None, float | None, float | None]


class Outcome(StrEnum):
    """How a press ended. The first two say something about the stamp, the next two are faults of the bench.

    A press that the operator broke off or passed over is neither.
    """

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    TIMEOUT = "timeout"
    ABORTED = "aborted"
    SKIPPED = "skipped"

    @property
    def judged(self) -> bool:
        """True if the press counts in the measurements."""
        return self in (Outcome.PASSED, Outcome.FAILED)


class ReadingRecord(Struct, frozen=True, kw_only=True):
    """What the decoder said; distances are None where there are none (infinite)."""

    code: int | None
    verdict: str
    distance_mm: float | None
    margin_mm: float | None
    margin_is_bound: bool = False
    """The decoder looked no further: the margin is at least ``margin_mm``."""
    pose: tuple[float, float, float] | None
    """x (mm), y (mm), theta (rad)."""


class Timing(Struct, frozen=True, kw_only=True):
    """Device time since the first scan of the press, microseconds; None where it never happened."""

    first_contact_us: int | None
    all_pads_us: int | None
    decided_us: int | None
    reports: int
    """Scans the decision rests on."""


class ContactRecord(Struct, frozen=True, kw_only=True):
    """One contact of the decisive report, in mm from the top left corner."""

    id: int
    x_mm: float
    y_mm: float


class PressResult(Struct, frozen=True, kw_only=True):
    """What a press came to: all that measurements look at.

    Attributes:
        press: place in the run, from 1; what ``stampbench replay --press`` takes.
        profile, case, kind, number: its place in the plan.
        code: of the stamp that was pressed; None for foreign objects.
        outcome, message: how it ended, and why if the bench failed or the phone cancelled all touches.
        again: True if the operator broke it off and made it again: a further record has the same number.
    """

    press: int
    profile: str
    case: str
    kind: Literal["genuine", "foreign"]
    number: int
    code: int | None
    outcome: Outcome
    message: str = ""
    reading: ReadingRecord | None = None
    timing: Timing | None = None
    again: bool = False

    @property
    def verdict(self) -> str:
        """The decoder's verdict, or "none" where there is no reading."""
        return self.reading.verdict if self.reading else "none"

    @property
    def misread(self) -> bool:
        """True if a genuine stamp was read as another code."""
        return self.kind == "genuine" and self.verdict == "read" and not self._right_code

    @property
    def read_right(self) -> bool:
        """True if a genuine stamp was read as its own code."""
        return self.kind == "genuine" and self.verdict == "read" and self._right_code

    @property
    def accepted(self) -> bool:
        """True if a foreign object was read as some code."""
        return self.kind == "foreign" and self.verdict == "read"

    @property
    def as_it_should(self) -> bool:
        """True if a genuine stamp was read as its code, or a foreign object was not read."""
        return self.read_right if self.kind == "genuine" else not self.accepted

    @property
    def time_to_decision_ms(self) -> float | None:
        """From the first contact to the decision."""
        if self.timing is None or self.timing.decided_us is None or self.timing.first_contact_us is None:
            return None
        return (self.timing.decided_us - self.timing.first_contact_us) / 1000.0

    @property
    def time_from_last_pad_ms(self) -> float | None:
        """From the report that had all pads to the decision."""
        if self.timing is None or self.timing.decided_us is None or self.timing.all_pads_us is None:
            return None
        return (self.timing.decided_us - self.timing.all_pads_us) / 1000.0

    @property
    def _right_code(self) -> bool:
        return self.reading is not None and self.reading.code == self.code


class PressRecord(PressResult, frozen=True, kw_only=True, tag_field="line", tag="press"):
    """One press, whole: what was done, what was read, how it was judged.

    Attributes:
        object: what was pressed, by name.
        seed: of the panel's noise in this press; below 2**53, so that every JSON reader keeps it whole.
        condition: settings of the panel.
        keyframes: of the hand, each (t_us, x_mm, y_mm, theta_rad, force, grip, tilt_x_rad, tilt_y_rad); empty
            when a person pressed.
        contacts: of the decisive report.
        decisive_us: device time of that report since the first scan of the press.
        link: reports of this press, faults of the link in it, and what was odd about its reports, by kind.
        said: the reports, where no seed says them again: of each the time since the first (us) and its
            contacts, each (id, 1 if it touches, x, y, x_mm, y_mm, size_mm) as the device has it.
        own_reading: what our decoder read of the same reports, where a device under test was judged.
        delivery: of each report that was sent into a device under test when it was due: that time and when it
            had been sent, us since the first was due.
    """

    object: str
    seed: int
    condition: dict[str, Any]
    keyframes: list[tuple[int | float, ...]]
    contacts: list[ContactRecord] = []
    decisive_us: int | None = None
    link: dict[str, int] = {}
    said: list[tuple[int, list[SaidContact]]] = []
    own_reading: ReadingRecord | None = None
    delivery: list[tuple[int, int]] = []

    @property
    def fingerprint(self) -> int:
        """Number that stands for what was pressed and what was read; the link leaves no trace in it."""
        said = (
            self.profile,
            self.case,
            self.number,
            self.object,
            self.seed,
            self.outcome,
            self.reading,
            self.timing,
            self.contacts,
            self.decisive_us,
        )
        digest = hashlib.blake2b(msgspec.json.encode(said), digest_size=_DIGEST_BYTES).digest()
        return int.from_bytes(digest, "big")


def combined(fingerprints: Iterable[int]) -> int:
    """Return one number for many presses, whatever their order."""
    return sum(fingerprints) % (1 << 8 * _DIGEST_BYTES)


def finite(value: float | None) -> float | None:
    """Return the value, or None where it is infinite or NaN, which JSON cannot say."""
    return value if value is not None and math.isfinite(value) else None
