"""A recogniser as a child process that speaks JSON lines: anybody's SDK, in any language.

To it: ``{"begin": {"press": 1, "width_mm": w, "height_mm": h}}``, then a report a line as
``decode --events`` prints it, then ``{"end": true}``. Back comes one line: ``{"code": 20406}``, or
``{"code": null, "why": "..."}``.
"""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

import msgspec
from stampbench.bench.dut.answers import Heard, Said
from stampbench.bench.sources.recording import contact_fields, shown
from stampbench.firmware_emulator.errors import InputError, LinkError
from stampbench.firmware_emulator.link.messages import Identity
from stampbench.firmware_emulator.touch import TouchReport

_encoder = msgspec.json.Encoder()
_LONGEST_LINE: Final = 1 << 16
_MANY_CONTACTS: Final = 1 << 16
READS_WITHIN_S: Final = 30.0
"""A process that does not take the reports of a press in this time hangs."""


class _Answer(msgspec.Struct):
    code: Annotated[int, msgspec.Meta(ge=0)] | str | None
    why: str = ""


_answers = msgspec.json.Decoder(_Answer)


class ProcessSink:
    """A recogniser in a process of its own, started when it is first needed and anew after it failed.

    Args:
        command: that starts it, with its arguments.
        panel: that is pressed on.
        heard: where its answers go.
    """

    name: Final = "process"
    contact_limit: Final = _MANY_CONTACTS
    paced: Final = False

    def __init__(self, command: Sequence[str], panel: Identity, heard: Heard) -> None:
        self._command = list(command)
        self._panel = panel
        self._heard = heard
        self._process: subprocess.Popen[bytes] | None = None
        self._watch: threading.Timer | None = None

    def begin(self, press: int) -> None:
        """Start the process where none runs, and tell it of the press.

        Raises:
            InputError: the command cannot be started.
            LinkError: it ended.
        """
        process = self._process or self._start()
        # A full pipe that nobody empties would be waited for, for good.
        self._watch = threading.Timer(READS_WITHIN_S, process.kill)
        self._watch.daemon = True
        self._watch.start()
        width_mm, height_mm = self._panel.width_um / 1000, self._panel.height_um / 1000
        self._write({"begin": {"press": press, "width_mm": width_mm, "height_mm": height_mm}})

    def send(self, report: TouchReport) -> None:
        """Send one report.

        Raises:
            LinkError: the process ended.
        """
        self._write({"t_us": report.t_us, "contacts": [contact_fields(c) for c in report.down]})

    def end(self) -> None:
        """Tell that the press is over.

        Raises:
            LinkError: the process ended.
        """
        self._write({"end": True})
        if self._watch is not None:
            self._watch.cancel()

    def renew(self) -> None:
        """End the process, so that a late answer is not taken for that of the next press."""
        self.close()

    def close(self) -> None:
        """End the process."""
        if self._watch is not None:
            self._watch.cancel()
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()

    def _start(self) -> subprocess.Popen[bytes]:
        try:
            process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
            )
        except OSError as error:
            raise InputError(
                f"dut.command {shown(' '.join(self._command))}: cannot be started: "
                f"{error.strerror or error}: expected a program and its arguments"
            ) from None
        self._process = process
        threading.Thread(target=self._listen, args=(process,), daemon=True, name="dut").start()
        return process

    def _write(self, value: Mapping[str, Any]) -> None:
        process = self._process
        stdin = None if process is None else process.stdin
        if process is None or stdin is None:
            raise LinkError("the device under test is not running: expected begin() ahead of its reports")
        try:
            data = memoryview(_encoder.encode(value) + b"\n")
            while data:
                data = data[stdin.write(data) or 0 :]
        except OSError:
            raise LinkError(_ended(process)) from None

    def _listen(self, process: subprocess.Popen[bytes]) -> None:
        """Hear a process, line by line, until it ends or is closed; in a thread, as reading waits."""
        partial, stream = b"", process.stdout
        try:
            while stream is not None and (data := stream.read(_LONGEST_LINE)):
                *whole, partial = (partial + data).split(b"\n")
                for line in whole:
                    self._hear(process, _understood(line))
                partial = partial[-_LONGEST_LINE:]
        except (OSError, ValueError):
            return  # closed here: the process is no longer asked
        if partial.strip():
            self._hear(process, _understood(partial))
        self._hear(process, Said(time.monotonic(), fault=_ended(process)))

    def _hear(self, process: subprocess.Popen[bytes], said: Said) -> None:
        if process is self._process:
            self._heard.put(said)


def _ended(process: subprocess.Popen[bytes]) -> str:
    try:
        ended = f"ended with status {process.wait(timeout=1.0)}"
    except subprocess.TimeoutExpired:
        ended = "closed its output"
    return f"the device under test {ended} before it answered: expected one line a press"


def _understood(line: bytes) -> Said:
    at_s = time.monotonic()
    try:
        answer = _answers.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        text = shown(line.decode("utf-8", "replace").strip())
        expected = 'expected {"code": 20406} or {"code": null}'
        return Said(at_s, fault=f"the device under test said {text}: {error}: {expected}")
    return Said(at_s, answer.code, answer.why)
