"""Records of a run: JSON lines, each flushed as it is written.

The first line is the header, then comes one line per press, in a campaign one per chunk of presses, of a
scenario one per finding, and the last line is the end. A file that stops anywhere, be it in the middle of a
line, is read up to there. A run that was resumed has an end for each of its sessions. Readers ignore fields
they do not know; ``format`` grows only when an old reader would misunderstand. Wall-clock time stands in the
header and the ends only: two runs of one plan with one seed write the same lines in between.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import msgspec
from msgspec import Struct
from stampbench.bench.records.chunks import ChunkedPresses, PressChunk
from stampbench.bench.records.findings import Figure, Finding, Trial
from stampbench.bench.records.presses import Outcome, PressRecord, PressResult, combined
from stampbench.firmware_emulator.errors import InputError, StampbenchError

FORMAT = 2
"""1: no shards, no presses left out, and no outcomes "aborted" and "skipped"."""
FILE_NAME = "records.jsonl"


class RigIdentity(Struct, frozen=True, kw_only=True):
    """The rig as it introduced itself."""

    port: str
    virtual: bool
    serial_number: str = ""
    profile: str = ""
    firmware: str = ""
    protocol: int = 0


class Confidence(Struct, frozen=True, kw_only=True):
    """With which risks a limit may be decided early.

    Attributes:
        alpha: of missing it with a good stamp.
        beta: of keeping it with a stamp that is just at the limit.
        cap: presses of a case on a profile after which it is given up; None: the plan's own number.
    """

    alpha: float = 0.05
    beta: float = 0.05
    cap: int | None = None


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
        operator: who ran it.
        duts: serial numbers of the devices under test by stamp, or by "*" for all.
        settings: laid on top of the plan by the command line; the text has them already.
        includes: files the plan was put together from; the text holds them.
        codebook_sha256: of the catalogue file; "" for a family, whose name says it all.
        shard: number of the part that was run, and of how many; both from 1.
        shard_block: presses that were dealt out to the parts at once.
        until_confident: risks of deciding limits early; None: everything was pressed.
        replay_of: records whose presses were read again; "" for a run of its own.
        sabotage: fault that was planted to see whether a trial finds it; "" for none.
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
    operator: str = ""
    duts: dict[str, str] = {}
    settings: list[str] = []
    includes: list[str] = []
    codebook_sha256: str = ""
    shard: tuple[int, int] = (1, 1)
    shard_block: int = 1
    until_confident: Confidence | None = None
    replay_of: str = ""
    sabotage: str = ""


class RunEnd(Struct, frozen=True, kw_only=True, tag_field="line", tag="end"):
    """Last line: how the run ended. Its absence says that the run was killed.

    Attributes:
        status: "complete", "interrupted", "timeout", or "error" with ``message``.
        presses: made in this session.
        lines: recorded in this session before this one; None: it was not counted.
        seconds: wall clock, from the first press to the last; ``prepare_seconds`` for what came before.
        link: counters of the link, between the presses too, and ``reconnects``: rigs that were opened anew.
        injected: faults that the plan let befall the line, by kind.
    """

    status: Literal["complete", "interrupted", "timeout", "error"]
    presses: int
    seconds: float
    prepare_seconds: float
    finished_at: str
    message: str = ""
    lines: int | None = None
    link: dict[str, int] = {}
    injected: dict[str, int] = {}

    def after(self, earlier: RunEnd) -> RunEnd:
        """Return both sessions as one that ended as this did."""
        return msgspec.structs.replace(
            self,
            presses=earlier.presses + self.presses,
            lines=None if self.lines is None or earlier.lines is None else earlier.lines + self.lines,
            seconds=round(earlier.seconds + self.seconds, 3),
            prepare_seconds=round(earlier.prepare_seconds + self.prepare_seconds, 3),
            link=dict(Counter(earlier.link) + Counter(self.link)),
            injected=dict(Counter(earlier.injected) + Counter(self.injected)),
        )


_Line = RunHeader | PressRecord | PressChunk | Trial | Figure | RunEnd


@dataclass(frozen=True, slots=True)
class Run:
    """A run as its records tell it.

    Attributes:
        path: of the records.
        presses: whole, or from a campaign their results alone.
        findings: of a scenario.
        lines: presses, chunks and findings that were read.
        end: all sessions as one; None if the last was killed.
        cut: True if the last line was cut and dropped.
        length: bytes of the whole lines.
        sessions: how often the run was begun or resumed.
    """

    path: Path
    header: RunHeader
    presses: tuple[PressRecord, ...] | ChunkedPresses
    end: RunEnd | None
    findings: tuple[Finding, ...] = ()
    lines: int = 0
    cut: bool = False
    length: int = 0
    sessions: int = 1

    @property
    def digest(self) -> str:
        """What was pressed and read in all presses, as one number, whatever their order and the link."""
        if isinstance(self.presses, ChunkedPresses):
            number = self.presses.digest
        else:
            number = combined(record.fingerprint for record in self.presses)
        return f"{number:032x}"

    def chunks(self) -> Iterator[PressChunk]:
        """Yield the chunks of a campaign; none of a run."""
        if isinstance(self.presses, ChunkedPresses):
            yield from self.presses.chunks()

    @property
    def trials(self) -> tuple[Trial, ...]:
        """The findings that are trials."""
        return tuple(finding for finding in self.findings if isinstance(finding, Trial))

    @property
    def figures(self) -> tuple[Figure, ...]:
        """The findings that are measured numbers."""
        return tuple(finding for finding in self.findings if isinstance(finding, Figure))

    @property
    def last(self) -> int:
        """Place of the last press in the run that need not be made again, from 1; 0 without presses."""
        last = self.presses[-1] if self.presses else None
        if last is None:
            return 0
        return last.press - (last.again or last.outcome is Outcome.ABORTED)

    def press(self, number: int) -> PressResult:
        """Return the press of this number; the last one, where the operator made it again.

        Raises:
            InputError: there is none.
        """
        last = None
        for last in self.presses:
            if last.press == number and not last.again:
                return last
        there_are = f"1 to {last.press}" if last is not None else "none: the run has no presses"
        raise InputError(f"{self.path}: press {number}: no such press: expected {there_are}")


def check_place(path: Path) -> None:
    """See early that records can be written to a file, before anything is measured or compiled.

    Raises:
        InputError: the file stands there already, or its directory cannot be made.
    """
    if path.exists():
        raise InputError(
            f"{path}: there is a run already: expected --resume {path.parent} to go on with it, "
            "or another directory by --out"
        )
    above = next(folder for folder in path.absolute().parents if folder.exists())
    if not above.is_dir() or not os.access(above, os.W_OK | os.X_OK):
        why = "Permission denied" if above.is_dir() else "Not a directory"
        raise InputError(f"{path}: cannot be written: {why}: expected a writable place")


class RecordWriter:
    """Writes the lines of a run, flushing each; a context manager.

    Args:
        path: of the file.
        after: bytes of an earlier session to go on after; 0 begins anew.

    Raises:
        InputError: the file cannot be made, or stands there already: what was measured is never overwritten.
        StampbenchError: a line cannot be written, as on a full disk.
    """

    def __init__(self, path: Path, after: int = 0) -> None:
        self.path = path
        self._encoder = msgspec.json.Encoder()
        if not after:
            check_place(path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("r+b" if after else "xb")
            self._file.truncate(after)
            self._file.seek(max(0, after - 1))
            if after and self._file.read() != b"\n":
                self._file.write(b"\n")
        except OSError as error:
            raise InputError(
                f"{path}: cannot be written: {error.strerror}: expected a writable place"
            ) from None

    def write(self, line: Struct) -> None:
        """Append one line and hand it to the operating system, so that killing this process loses nothing."""
        try:
            self._file.write(self._encoder.encode(line) + b"\n")
            self._file.flush()
        except OSError as error:
            raise StampbenchError(f"{self.path}: cannot be written: {error.strerror}") from None

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def read_run(path: str | Path) -> Run:
    """Read the records of a run, whole or cut short; ``path`` is the file or the directory it lies in.

    >>> sb.read_run("runs/none")
    Traceback (most recent call last):
    ...
    stampbench.firmware_emulator.errors.InputError: runs/none: ...

    Raises:
        InputError: no such file, not records, or a line in the middle that is damaged.
    """
    path = Path(path)
    if path.is_dir():
        path = path / FILE_NAME
    lines = read_lines(path, _Line)
    header, _, length = next(lines, (None, 0, 0))
    if not isinstance(header, RunHeader):
        raise InputError(f"{path}: line 1: no header of a run: expected the records of stampbench run")
    if header.format > FORMAT:
        raise InputError(
            f"{path}: line 1: format = {header.format}: expected at most {FORMAT}; stampbench is too old"
        )
    presses: list[PressRecord] = []
    findings: list[Finding] = []
    count = 0
    chunks = ChunkedPresses(path)
    ended: RunEnd | None = None
    running, cut = True, False
    sessions, whole = 1, length
    for line, offset, length in lines:
        if not (running or isinstance(line, RunEnd | None)):
            running, sessions = True, sessions + 1
        if isinstance(line, PressRecord):
            if presses and presses[-1].press == line.press and presses[-1].outcome is Outcome.ABORTED:
                presses[-1] = msgspec.structs.replace(presses[-1], again=True)  # a resumed run made it again
            presses.append(line)
        elif isinstance(line, PressChunk):
            chunks.add(line, offset, length)
        elif isinstance(line, Trial | Figure):
            findings.append(line)
        elif isinstance(line, RunEnd):
            ended = line if ended is None else line.after(ended)
            running = False
        elif line is None:
            cut = True
            continue
        else:
            raise InputError(f"{path}: a second header: expected the records of one run")
        whole = offset + length
        count += not isinstance(line, RunEnd)
    if presses if header.campaign else len(chunks):
        raise InputError(f"{path}: presses and chunks: expected chunks from a campaign, presses from a run")
    made = chunks if header.campaign else tuple(presses)
    return Run(
        path=path,
        header=header,
        presses=made,
        end=None if running else ended,
        findings=tuple(findings),
        lines=count,
        cut=cut,
        length=whole,
        sessions=sessions,
    )


def read_lines(path: Path, kinds: Any, of: str = "stampbench run") -> Iterator[tuple[Any, int, int]]:
    """Yield every line with its offset and length in bytes; None for a last one that was cut.

    Args:
        path: of the file.
        kinds: structs that a line may be, one type or a union.
        of: the command whose records these are, for messages.

    Raises:
        InputError: no such file, or a line in the middle that is damaged.
    """
    decoder = msgspec.json.Decoder(kinds)
    offset = 0
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            for number, line in enumerate(file, start=1):
                try:
                    yield decoder.decode(line), offset, len(line)
                except (msgspec.DecodeError, UnicodeDecodeError, InputError) as error:
                    if line.endswith(b"\n") or file.tell() < size:
                        raise InputError(
                            f"{path}: line {number}: {error}: expected a line of the records of {of}"
                        ) from None
                    yield None, offset, len(line)
                offset += len(line)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file: expected the records of {of}") from None
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}: expected the records of {of}") from None
