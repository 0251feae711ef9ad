"""Records of a run: JSON lines, each flushed as it is written.

The first line is the header, then comes one line per press, and the last line is the end. A file that stops
anywhere, be it in the middle of a line, is read up to there. Readers ignore fields they do not know;
``format`` grows only when an old reader would misunderstand. Wall-clock time stands in the header and the end
only: two runs of one plan with one seed write the same press lines.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import msgspec
from msgspec import Struct

from firmware_emulator.errors import InputError, StampbenchError

FORMAT = 1
FILE_NAME = "records.jsonl"


class Outcome(StrEnum):
    """How a press ended. The first two say something about the stamp; the others are faults of the bench."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    TIMEOUT = "timeout"

    @property
    def judged(self) -> bool:
        """True if the press counts in the measurements."""
        return self in (Outcome.PASSED, Outcome.FAILED)


class RigIdentity(Struct, frozen=True, kw_only=True):
    """The rig as it introduced itself."""

    port: str
    virtual: bool
    serial_number: str = ""
    profile: str = ""
    firmware: str = ""
    protocol: int = 0


class RunHeader(Struct, frozen=True, kw_only=True, tag_field="line", tag="run"):
    """First line: all that is needed to repeat the run.

    Attributes:
        format: version of this format.
        plan_path, plan_text, plan_sha256: the plan, whole.
        seed: of the run.
        versions: of the software, by name.
        station: where it ran.
        profiles: that were pressed; all of the plan's, or the one of the rig on a port.
        rigs: identity of the rig, by profile.
        workers: processes that pressed.
        started_at: wall clock, ISO 8601 with zone.
    """

    format: int
    plan_path: str
    plan_text: str
    plan_sha256: str
    seed: int
    versions: dict[str, str]
    station: str
    profiles: list[str]
    rigs: dict[str, RigIdentity]
    workers: int
    started_at: str


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


class PressRecord(Struct, frozen=True, kw_only=True, tag_field="line", tag="press"):
    """One press: what was done, what was read, how it was judged.

    Attributes:
        press: place in the run, from 1; what ``stampbench replay --press`` takes.
        profile, case, kind, number: its place in the plan.
        object, code: the truth; code None for foreign objects.
        seed: of the panel's noise in this press; below 2**53, so that every JSON reader keeps it whole.
        condition: settings of the panel.
        keyframes: of the hand, each (t_us, x_mm, y_mm, theta_rad, force, grip, tilt_x_rad, tilt_y_rad); empty
            when a person pressed.
        outcome, message: how it ended, and why if the bench failed.
        contacts: of the decisive report.
        decisive_us: device time of that report since the first scan of the press.
        link: faults of the link in this press, by kind.
    """

    press: int
    profile: str
    case: str
    kind: Literal["genuine", "foreign"]
    number: int
    object: str
    code: int | None
    seed: int
    condition: dict[str, Any]
    keyframes: list[tuple[float, ...]]
    outcome: Outcome
    message: str = ""
    reading: ReadingRecord | None = None
    timing: Timing | None = None
    contacts: list[ContactRecord] = []
    decisive_us: int | None = None
    link: dict[str, int] = {}

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
    def time_to_decision_ms(self) -> float | None:
        """From the first contact to the decision."""
        if self.timing is None or self.timing.decided_us is None or self.timing.first_contact_us is None:
            return None
        return (self.timing.decided_us - self.timing.first_contact_us) / 1000.0

    @property
    def _right_code(self) -> bool:
        return self.reading is not None and self.reading.code == self.code


class RunEnd(Struct, frozen=True, kw_only=True, tag_field="line", tag="end"):
    """Last line: how the run ended. Its absence says that the run was killed.

    Attributes:
        status: "complete", "interrupted", or "error" with ``message``.
        seconds: wall clock, from the first press to the last; ``prepare_seconds`` for what came before.
        link: counters of the link, summed over the run.
    """

    status: Literal["complete", "interrupted", "error"]
    presses: int
    seconds: float
    prepare_seconds: float
    finished_at: str
    message: str = ""
    link: dict[str, int] = {}


_Line = RunHeader | PressRecord | RunEnd


@dataclass(frozen=True, slots=True)
class Run:
    """A run as its records tell it.

    Attributes:
        path: of the records.
        end: None if the run was killed.
        cut: True if the last line was cut and dropped.
    """

    path: Path
    header: RunHeader
    presses: tuple[PressRecord, ...]
    end: RunEnd | None
    cut: bool = False

    def press(self, number: int) -> PressRecord:
        """The press of this number.

        Raises:
            InputError: there is none.
        """
        for record in self.presses:
            if record.press == number:
                return record
        known = f"1 to {self.presses[-1].press}" if self.presses else "none: the run has no presses"
        raise InputError(f"{self.path}: press {number}: no such press: expected {known}")


class RecordWriter:
    """Writes the lines of a run, flushing each; a context manager.

    Raises:
        InputError: the file cannot be made.
        StampbenchError: a line cannot be written, as on a full disk.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._encoder = msgspec.json.Encoder()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("wb")
        except OSError as error:
            raise InputError(
                f"{path}: cannot be written: {error.strerror}: expected a writable place"
            ) from None

    def write(self, line: _Line) -> None:
        """Append one line and hand it to the operating system, so that killing this process loses nothing."""
        try:
            self._file.write(self._encoder.encode(line) + b"\n")
            self._file.flush()
        except OSError as error:
            raise StampbenchError(f"{self.path}: cannot be written: {error.strerror}") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._file.close()


def read_run(path: Path) -> Run:
    """Read the records of a run, whole or cut short; ``path`` is the file or the directory it lies in.

    Raises:
        InputError: no such file, not records, or a line in the middle that is damaged.
    """
    if path.is_dir():
        path = path / FILE_NAME
    lines = _read_lines(path)
    header = next(lines, None)
    if not isinstance(header, RunHeader):
        raise InputError(f"{path}: line 1: no header of a run: expected the records of stampbench run")
    if header.format > FORMAT:
        raise InputError(
            f"{path}: line 1: format = {header.format}: expected at most {FORMAT}; stampbench is too old"
        )
    presses: list[PressRecord] = []
    end = None
    cut = False
    for line in lines:
        if isinstance(line, PressRecord):
            presses.append(line)
        elif isinstance(line, RunEnd):
            end = line
        elif line is None:
            cut = True
        else:
            raise InputError(f"{path}: a second header: expected the records of one run")
    return Run(path, header, tuple(presses), end, cut)


def _read_lines(path: Path) -> Iterator[_Line | None]:
    """Every line; None for a last one that was cut."""
    decoder = msgspec.json.Decoder(_Line)
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            for number, line in enumerate(file, start=1):
                try:
                    yield decoder.decode(line)
                except (msgspec.DecodeError, UnicodeDecodeError) as error:
                    if line.endswith(b"\n") or file.tell() < size:
                        raise InputError(
                            f"{path}: line {number}: {error}: expected a line of stampbench run's records"
                        ) from None
                    yield None
    except FileNotFoundError:
        raise InputError(f"{path}: no such file: expected the records of a run ({FILE_NAME})") from None
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}: expected the records of a run ({FILE_NAME})") from None


def finite(value: float | None) -> float | None:
    """The value, or None where it is infinite or NaN, which JSON cannot say."""
    return value if value is not None and math.isfinite(value) else None
