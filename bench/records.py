"""Records of a run: JSON lines, each flushed as it is written.

The first line is the header, then comes one line per press, in a campaign one per chunk of presses, and the
last line is the end. A file that stops anywhere, be it in the middle of a line, is read up to there. Readers
ignore fields they do not know; ``format`` grows only when an old reader would misunderstand. Wall-clock time
stands in the header and the end only: two runs of one plan with one seed write the same lines in between.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import msgspec
from msgspec import Struct

from bench.press_chunks import ChunkedPresses, PressChunk
from bench.press_records import PressRecord, PressResult, combined
from firmware_emulator.errors import InputError, StampbenchError

FORMAT = 1
FILE_NAME = "records.jsonl"


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
        campaign: True if panel, controller and decoder were joined in memory, without a link.
        presses_per_case: where it was asked for instead of the plan's own numbers.
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
    campaign: bool = False
    presses_per_case: int | None = None


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


_Line = RunHeader | PressRecord | PressChunk | RunEnd


@dataclass(frozen=True, slots=True)
class Run:
    """A run as its records tell it.

    Attributes:
        path: of the records.
        presses: whole, or from a campaign their results alone.
        end: None if the run was killed.
        cut: True if the last line was cut and dropped.
    """

    path: Path
    header: RunHeader
    presses: tuple[PressRecord, ...] | ChunkedPresses
    end: RunEnd | None
    cut: bool = False

    @property
    def digest(self) -> str:
        """What was pressed and read in all presses, as one number, whatever their order and the link."""
        if isinstance(self.presses, ChunkedPresses):
            number = self.presses.digest
        else:
            number = combined(record.fingerprint for record in self.presses)
        return f"{number:032x}"

    def press(self, number: int) -> PressResult:
        """The press of this number.

        Raises:
            InputError: there is none.
        """
        last = None
        for last in self.presses:
            if last.press == number:
                return last
        known = f"1 to {last.press}" if last is not None else "none: the run has no presses"
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
    header, _, _ = next(lines, (None, 0, 0))
    if not isinstance(header, RunHeader):
        raise InputError(f"{path}: line 1: no header of a run: expected the records of stampbench run")
    if header.format > FORMAT:
        raise InputError(
            f"{path}: line 1: format = {header.format}: expected at most {FORMAT}; stampbench is too old"
        )
    presses: list[PressRecord] = []
    chunks = ChunkedPresses(path)
    end = None
    cut = False
    for line, offset, length in lines:
        if isinstance(line, PressRecord):
            presses.append(line)
        elif isinstance(line, PressChunk):
            chunks.add(line, offset, length)
        elif isinstance(line, RunEnd):
            end = line
        elif line is None:
            cut = True
        else:
            raise InputError(f"{path}: a second header: expected the records of one run")
    if presses if header.campaign else len(chunks):
        raise InputError(f"{path}: presses and chunks: expected chunks from a campaign, presses from a run")
    return Run(path, header, chunks if header.campaign else tuple(presses), end, cut)


def _read_lines(path: Path) -> Iterator[tuple[_Line | None, int, int]]:
    """Every line with its offset and length in bytes; None for a last one that was cut."""
    decoder = msgspec.json.Decoder(_Line)
    offset = 0
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            for number, line in enumerate(file, start=1):
                try:
                    yield decoder.decode(line), offset, len(line)
                except (msgspec.DecodeError, UnicodeDecodeError) as error:
                    if line.endswith(b"\n") or file.tell() < size:
                        raise InputError(
                            f"{path}: line {number}: {error}: expected a line of stampbench run's records"
                        ) from None
                    yield None, offset, len(line)
                offset += len(line)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file: expected the records of a run ({FILE_NAME})") from None
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}: expected the records of a run ({FILE_NAME})") from None
