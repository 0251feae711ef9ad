"""Recordings of evemu: the kernel's input events as text.

``N: name`` and ``A: code minimum maximum fuzz flat [resolution]`` (code hexadecimal) describe the device,
``E: seconds.microseconds type code value`` (type and code hexadecimal) is one event. The description may be
missing; a description without events (``.desc``) is no recording.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain

from stampbench.bench.sources.evdev_events import ABS_MT_SLOT, AxisRange, EvdevAssembler, recording_of
from stampbench.bench.sources.recording import (
    Recording,
    RecordingFormat,
    RecordingLines,
    int32,
    shown,
    timestamp_us,
)
from stampbench.firmware_emulator.errors import InputError

_RECOGNISED = re.compile(
    rb"\A# EVEMU |^(E: \d+\.\d+ [0-9a-fA-F]{4} [0-9a-fA-F]{4} -?\d|[BA]: [0-9a-fA-F]{2} [-0-9a-fA-F])",
    re.MULTILINE,
)
_NAME = re.compile(r'# Input device name: "(.*)"')
_EVENT_CODE = re.compile(r"#\s+Event code (\d+) ")
_VALUE = re.compile(r"#\s+Value\s+(\d{1,4})\s*\Z")
_WHOLE_SYN_REPORT = re.compile(r"E: \S+ 0000 0000 0+\s*(# -+ SYN_REPORT \(\d\) -{10}( \+\d+ms)?)?\s*\Z")
_PASSED_OVER = ("I:", "P:", "B:", "L:", "S:", "W:")

Event = tuple[int, int, int, int]


def recognises(head: bytes) -> bool:
    """Return whether the heading of evemu, an event line or a description line is there."""
    return _RECOGNISED.search(head) is not None


def read(lines: RecordingLines) -> Recording:
    """Read the description; the reports follow as they are asked for.

    Raises:
        InputError: a line is malformed, or there are no events.
    """
    reader = _Reader(lines)
    first = next(reader.events(), None)
    if first is None:
        raise InputError(f"{lines.name}: describes a device but holds no events; expected E: lines")
    assembler = EvdevAssembler(reader.axes, reader.slot)
    return recording_of(reader.name, FORMAT.name, assembler, chain((first,), reader.events()))


FORMAT = RecordingFormat("evemu", recognises, read)


class _Reader:
    def __init__(self, lines: RecordingLines) -> None:
        self.lines = lines
        self.name = ""
        self.axes: dict[int, AxisRange] = {}
        self.slot = 0
        self._commented_code = ""

    def events(self) -> Iterator[Event]:
        """Yield (t_us, type, code, value) of each E: line; takes note of the other lines on the way."""
        lines = self.lines
        for line in lines:
            if not lines.whole and not _complete(line):
                raise lines.cut(line)
            tag = line[:2]
            if tag == "E:":
                yield self.event(line)
            elif line.startswith("#"):
                self.comment(line)
            elif tag == "N:":
                self.name = line[2:].strip()
            elif tag == "A:":
                self.add_axis(line)
            elif line.strip() and tag not in _PASSED_OVER:
                raise lines.wrong(f"{shown(line)} is no line of evemu", "N:, I:, P:, B:, A:, E: or # lines")

    def event(self, line: str) -> Event:
        words = line.split(None, 5)
        try:
            kind, code, value = int(words[2], 16), int(words[3], 16), int32(words[4])
            if len(words) == 6 and not words[5].startswith("#"):
                raise ValueError(words[5])
            return timestamp_us(words[1]), kind, code, value
        except (IndexError, ValueError):
            raise self.lines.wrong(
                f"malformed event {shown(line)}", "'E: seconds.microseconds type code value'"
            ) from None

    def comment(self, line: str) -> None:
        if not self.name and (name := _NAME.match(line)):
            self.name = name[1]
        elif code := _EVENT_CODE.match(line):
            self._commented_code = code[1]
        elif self._commented_code == str(ABS_MT_SLOT) and (value := _VALUE.match(line)):
            self.slot = int(value[1])

    def add_axis(self, line: str) -> None:
        words = line.split()
        try:
            numbers = [int32(word) for word in words[2:]]
            if len(numbers) < 4:
                raise ValueError(line)
            resolution = numbers[4] if len(numbers) > 4 else 0
            self.axes[int(words[1], 16)] = AxisRange(numbers[0], numbers[1], resolution)
        except (IndexError, ValueError):
            raise self.lines.wrong(
                f"malformed axis {shown(line)}", "'A: code minimum maximum fuzz flat resolution'"
            ) from None


def _complete(line: str) -> bool:
    """Return whether a last line without line end is whole: but for SYN_REPORT a digit may be missing."""
    return not line.strip() or _WHOLE_SYN_REPORT.match(line) is not None
