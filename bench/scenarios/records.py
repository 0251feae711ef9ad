"""Records of trials: JSON lines like those of a run, each flushed as it is written.

The first line is the header, then comes one line per finding, and the last line is the end. A file that stops
anywhere, be it in the middle of a line, is read up to there.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct
from stampbench.bench.records.files import FILE_NAME
from stampbench.bench.scenarios import Figure, Finding, Trial
from stampbench.firmware_emulator.errors import InputError

FORMAT = 1


class TrialsHeader(Struct, frozen=True, kw_only=True, tag_field="line", tag="trials"):
    """First line: all that is needed to repeat the trials.

    Attributes:
        format: version of this format.
        plan_path, plan_text, plan_sha256: the plan, whole.
        seed: of the run.
        versions: of the software, by name.
        station: where it ran.
        started_at: wall clock, ISO 8601 with zone.
    """

    format: int
    plan_path: str
    plan_text: str
    plan_sha256: str
    seed: int
    versions: dict[str, str]
    station: str
    started_at: str


class TrialsEnd(Struct, frozen=True, kw_only=True, tag_field="line", tag="end"):
    """Last line: how the trials ended. Its absence says that they were killed.

    Attributes:
        status: "complete", "interrupted", or "error" with ``message``.
        findings: how many lines came before.
        seconds: wall clock.
    """

    status: Literal["complete", "interrupted", "error"]
    findings: int
    seconds: float
    finished_at: str
    message: str = ""


_Line = TrialsHeader | Trial | Figure | TrialsEnd


@dataclass(frozen=True, slots=True)
class TrialsRun:
    """Trials as their records tell them.

    Attributes:
        path: of the records.
        end: None if they were killed.
    """

    path: Path
    header: TrialsHeader
    findings: tuple[Finding, ...]
    end: TrialsEnd | None

    @property
    def trials(self) -> tuple[Trial, ...]:
        """The tries."""
        return tuple(finding for finding in self.findings if isinstance(finding, Trial))

    @property
    def figures(self) -> tuple[Figure, ...]:
        """The measured numbers."""
        return tuple(finding for finding in self.findings if isinstance(finding, Figure))


def holds_trials(path: Path) -> bool:
    """True if these records, or those in this directory, are of trials."""
    try:
        with _file_of(path).open("rb") as file:
            return isinstance(msgspec.json.decode(file.readline(), type=_Line), TrialsHeader)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, InputError):
        return False


def read_trials(path: Path) -> TrialsRun:
    """Read the records of trials, whole or cut short; ``path`` is the file or the directory it lies in.

    Raises:
        InputError: no such file, not records, or a line in the middle that is damaged.
    """
    path = _file_of(path)
    try:
        lines = path.read_bytes().splitlines(keepends=True)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}: expected the records of a run ({FILE_NAME})") from None
    header: TrialsHeader | None = None
    findings: list[Finding] = []
    end = None
    for number, text in enumerate(lines, start=1):
        try:
            line = msgspec.json.decode(text, type=_Line)
        except (msgspec.DecodeError, UnicodeDecodeError, InputError) as error:
            if number == len(lines) and not text.endswith(b"\n"):
                break
            raise InputError(f"{path}: line {number}: {error}: expected a line of a run's records") from None
        if isinstance(line, TrialsHeader) != (number == 1):
            raise InputError(f"{path}: line {number}: expected one header, as the first line")
        if isinstance(line, TrialsHeader):
            header = line
        elif isinstance(line, TrialsEnd):
            end = line
        else:
            findings.append(line)
    if header is None:
        raise InputError(f"{path}: line 1: no header: expected the records of stampbench run")
    if header.format > FORMAT:
        raise InputError(
            f"{path}: line 1: format = {header.format}: expected at most {FORMAT}; stampbench is too old"
        )
    return TrialsRun(path, header, tuple(findings), end)


def _file_of(path: Path) -> Path:
    return path / FILE_NAME if path.is_dir() else path
