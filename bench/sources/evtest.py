"""Output of ``evtest``: the kernel's input events as it prints them, after a description of the device.

``Event: time seconds.microseconds, type number (NAME), code number (NAME), value decimal`` is one event, and
``Event: time ..., -------------- SYN_REPORT ------------`` ends a scan. The description gives name and, of
each ``Event code`` of EV_ABS its ``Min``, ``Max``, ``Resolution`` and, for the slot, its ``Value``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain

from stampbench.bench.sources.evdev_events import (
    ABS_MT_SLOT,
    EV_ABS,
    EV_SYN,
    EVENT_CODES,
    AxisRange,
    EvdevAssembler,
    recording_of,
)
from stampbench.bench.sources.recording import (
    Recording,
    RecordingFormat,
    RecordingLines,
    int32,
    shown,
    timestamp_us,
)
from stampbench.firmware_emulator.errors import InputError

_RECOGNISED = re.compile(rb"^(Input driver version is \d|Event: time \d+\.\d+, (type|-))", re.MULTILINE)
_EVENT = re.compile(
    r"Event: time (\d{1,12}\.\d{1,6}), "
    r"(?:type (\d{1,3}) \(\w+\), code (\d{1,5}) \([^)]*\), value (-?[0-9a-f]{1,10})|"
    r"[-+> ]+(SYN_\w+|Config Sync|Report Sync|MT Report Sync) ?[-+< ]*)\Z"
)
_NAME = re.compile(r'Input device name: "(.*)"')
_TYPE = re.compile(r"\s+Event type (\d{1,3}) ")
_CODE = re.compile(r"\s+Event code (\d{1,5}) ")
_NUMBER = re.compile(r"\s+(Value|Min|Max|Resolution)\s+(-?\d{1,10})\s*\Z")
_SYNCS = {**EVENT_CODES["EV_SYN"], "Report Sync": 0, "Config Sync": 1, "MT Report Sync": 2, "SYN_CONFIG": 1}
_EV_MSC = 4
"""Its values are printed in hexadecimal."""

Event = tuple[int, int, int, int]


def recognises(head: bytes) -> bool:
    """Return whether the first line of evtest, or an event of it, is there."""
    return _RECOGNISED.search(head) is not None


def read(lines: RecordingLines) -> Recording:
    """Read the description; the reports follow as they are asked for.

    Raises:
        InputError: a line is malformed, or there are no events.
    """
    reader = _Reader(lines)
    first = next(reader.events(), None)
    if first is None:
        raise InputError(f"{lines.name}: holds no events; expected 'Event: time ...' lines of evtest")
    axes = {
        code: AxisRange(axis.get("Min", 0), axis["Max"], axis.get("Resolution", 0))
        for code, axis in reader.axes.items()
        if "Max" in axis
    }
    assembler = EvdevAssembler(axes, reader.axes.get(ABS_MT_SLOT, {}).get("Value", 0))
    return recording_of(reader.name, FORMAT.name, assembler, chain((first,), reader.events()))


FORMAT = RecordingFormat("evtest", recognises, read)


class _Reader:
    def __init__(self, lines: RecordingLines) -> None:
        self.lines = lines
        self.name = ""
        self.axes: dict[int, dict[str, int]] = {}

    def events(self) -> Iterator[Event]:
        """Yield (t_us, type, code, value) of each event; take note of the other lines on the way."""
        kind = code = -1
        for line in self.lines:
            if line.startswith("Event: "):
                yield self.event(line)
            elif name := _NAME.match(line):
                self.name = name[1]
            elif described := _TYPE.match(line):
                kind = int(described[1])
            elif described := _CODE.match(line):
                code = int(described[1])
            elif kind == EV_ABS and (number := _NUMBER.match(line)):
                self.axes.setdefault(code, {})[number[1]] = int32(number[2])
            elif "\ufffd" in line or not line.replace("\t", " ").isprintable():
                raise self.lines.wrong(f"{shown(line)} is no text", "lines of evtest")

    def event(self, line: str) -> Event:
        event = _EVENT.match(line)
        if event is None or not self.lines.whole:
            if not self.lines.whole:
                raise self.lines.cut(line)
            raise self.lines.wrong(
                f"malformed event {shown(line)}",
                "'Event: time seconds, type n (NAME), code n (NAME), value n'",
            )
        time, kind, code, value, sync = event.groups()
        if sync is not None:
            return timestamp_us(time), EV_SYN, _SYNCS.get(sync, -1), 0
        if int(kind) == _EV_MSC:
            return timestamp_us(time), _EV_MSC, int(code), 0
        try:
            return timestamp_us(time), int(kind), int(code), int32(value)
        except ValueError:
            raise self.lines.wrong(f"value {shown(value)}", "a number of 32 bits") from None
