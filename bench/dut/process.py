"""A recogniser as a child process that speaks JSON lines: anybody's SDK, in any language.

To it: ``{"begin": {"press": 1, "width_mm": w, "height_mm": h}}``, then a report a line as
``decode --events`` prints it, then ``{"end": true}``. Back comes one line: ``{"code": 20406}``, or
``{"code": null, "why": "..."}``.
"""

from __future__ import annotations

import dataclasses
import queue
import subprocess
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import IO, Annotated, Any, Final, Self

import msgspec
from stampbench.bench.sources.recording import contact_fields, shown
from stampbench.firmware_emulator.errors import InputError, LinkError
from stampbench.firmware_emulator.touch import TouchReport

_encoder = msgspec.json.Encoder()
_ENDED: Final = None
"""Stands in the queue of lines for the end of the process's output."""
_LONGEST_LINE: Final = 1 << 16
TWICE_WITHIN_S: Final = 0.02
"""So long after an answer another one still belongs to the same press; later, it counts as unasked."""


class _Answer(msgspec.Struct):
    code: Annotated[int, msgspec.Meta(ge=0)] | str | None
    why: str = ""


_answers = msgspec.json.Decoder(_Answer)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a device under test said of one press.

    Attributes:
        code: that it read; None: none.
        why: in its own words.
        answered: False where it said nothing in time.
        odd: lines that were no answer to this press, by kind.
    """

    code: int | None
    why: str = ""
    answered: bool = True
    odd: Mapping[str, int] = field(default_factory=dict)


class ProcessUnderTest:
    """A recogniser in a process of its own, started when it is first needed and anew after it failed.

    Args:
        command: that starts it, with its arguments.
        codes: codes by the names that it gives them; empty: it says codes.
        timeout_s: time for an answer after the last report.

    Raises:
        InputError: the command cannot be started.
    """

    def __init__(self, command: Sequence[str], codes: Mapping[str, int], timeout_s: float) -> None:
        self._command = list(command)
        self._codes = codes
        self._timeout_s = timeout_s
        self._process: subprocess.Popen[bytes] | None = None
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()

    def press(self, number: int, size_mm: tuple[float, float], reports: Iterable[TouchReport]) -> Answer:
        """Send one press, and return the answer.

        Raises:
            LinkError: the process ended, or said what is no answer: nothing can be said of the stamp.
        """
        process = self._running()
        odd = {"unasked_answers": self._unread()}
        begin = {"press": number, "width_mm": size_mm[0], "height_mm": size_mm[1]}
        self._send(process, {"begin": begin})
        for report in reports:
            self._send(process, {"t_us": report.t_us, "contacts": [contact_fields(c) for c in report.down]})
        # What came before the press was over answers another one.
        odd["unasked_answers"] += self._unread()
        self._send(process, {"end": True})
        try:
            line = self._lines.get(timeout=self._timeout_s)
        except queue.Empty:
            self.close()  # so that a late answer is not taken for that of the next press
            why = f"no answer within {self._timeout_s:g} s"
            return Answer(None, why, answered=False, odd=_counted(odd))
        if line is _ENDED:
            raise self._died(process)
        answer = self._understood(line)
        for further in self._said_within(TWICE_WITHIN_S):
            odd["unasked_answers"] += 1
            if self._understood(further).code != answer.code:
                self.close()
                raise LinkError(
                    "the device under test gave two answers to one press, "
                    f"{shown(line.decode())} and {shown(further.decode())}: expected one"
                )
        return dataclasses.replace(answer, odd=_counted(odd))

    def _said_within(self, seconds: float) -> Iterator[bytes]:
        """Yield lines until none comes for so long; the next press finds the process ended, where it is."""
        while True:
            try:
                line = self._lines.get(timeout=seconds)
            except queue.Empty:
                return
            if line is _ENDED:
                self.close()
                return
            yield line

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            try:
                self._process = subprocess.Popen(
                    self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
                )
            except OSError as error:
                raise InputError(
                    f"dut.command {shown(' '.join(self._command))}: cannot be started: "
                    f"{error.strerror or error}: expected a program and its arguments"
                ) from None
            self._lines = queue.SimpleQueue()
            reader = threading.Thread(
                target=_read_lines, args=(self._process.stdout, self._lines), daemon=True, name="dut"
            )
            reader.start()
        return self._process

    def _send(self, process: subprocess.Popen[bytes], value: Mapping[str, Any]) -> None:
        stdin = process.stdin
        try:
            data = memoryview(_encoder.encode(value) + b"\n")
            while stdin is not None and data:
                data = data[stdin.write(data) or 0 :]
        except OSError:
            raise self._died(process) from None

    def _unread(self) -> int:
        """Take the lines that lie there; return how many."""
        count = 0
        while not self._lines.empty():
            if self._lines.get() is _ENDED:
                raise self._died(self._process)
            count += 1
        return count

    def _died(self, process: subprocess.Popen[bytes] | None) -> LinkError:
        status = None
        if process is not None:
            try:
                status = process.wait(timeout=1.0)
            except subprocess.TimeoutExpired:
                status = None
        self.close()
        ended = "closed its output" if status is None else f"ended with status {status}"
        return LinkError(f"the device under test {ended} before it answered: expected one line a press")

    def _understood(self, line: bytes) -> Answer:
        try:
            answer = _answers.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            self.close()
            text = shown(line.decode("utf-8", "replace").strip())
            raise LinkError(
                f'the device under test said {text}: {error}: expected {{"code": 20406}} or {{"code": null}}'
            ) from None
        code = answer.code
        if isinstance(code, str):
            if code not in self._codes:
                raise LinkError(
                    f"the device under test read {shown(code)}, which dut.codes does not know: "
                    f"expected one of {', '.join(sorted(self._codes)[:5]) or 'its codes'}"
                )
            code = self._codes[code]
        return Answer(code, answer.why)


def _counted(odd: Mapping[str, int]) -> dict[str, int]:
    return {name: count for name, count in odd.items() if count}


def _read_lines(stream: IO[bytes] | None, lines: queue.SimpleQueue[bytes | None]) -> None:
    """Put what a process prints into a queue, line by line; in a thread, as reading waits."""
    partial = b""
    try:
        while stream is not None and (data := stream.read(_LONGEST_LINE)):
            *whole, partial = (partial + data).split(b"\n")
            for line in whole:
                lines.put(line)
            partial = partial[-_LONGEST_LINE:]
    except (OSError, ValueError):
        pass  # closed here: the process is no longer asked
    if partial.strip():
        lines.put(partial)
    lines.put(_ENDED)
