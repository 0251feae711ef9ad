"""Text of Android's ``getevent -lt`` (or ``-t``), from a file or piped live.

``[ seconds.microseconds] /dev/input/eventN: type code value`` is one event: names with ``-l``, hexadecimal
without, values hexadecimal in both, ``DOWN`` and ``UP`` for keys, ``MT_TOOL_FINGER`` and the like for tools
(the tables of labels in Android's getevent). The path is missing where getevent was given one device. Before
Android 4.1 the time was ``seconds-microseconds:``. ``add device`` blocks give names, and ranges where ``-i``
or ``-p`` was given too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain

from stampbench.bench.sources.evdev_events import (
    ABS_MT_SLOT,
    EV_ABS,
    EVENT_CODES,
    EVENT_TYPES,
    MT_TOOL_PALM,
    AxisRange,
    EvdevAssembler,
    recording_of,
)
from stampbench.bench.sources.recording import Recording, RecordingFormat, RecordingLines, shown, timestamp_us
from stampbench.firmware_emulator.errors import InputError

_EVENT = re.compile(
    r"(?:\[\s*(\d+\.\d{1,6})\]|(\d{1,12}-\d{1,6}):)\s+(?:(/dev/\S+):\s+)?"
    r"(\S+)\s+(\S+)\s+([0-9a-f]{1,8}|[A-Z][A-Z_]*)(?:\s+rate \d+)?\s*\Z"
)
_TIME = re.compile(r"\[|\d+-\d+:")
_ADDED = re.compile(r"add device \d+: (\S+)\s*\Z")
_NAME = re.compile(r'\s+name:\s+"(.*)"\s*\Z')
_AXIS = re.compile(
    r"(?:[^:]*:)?\s+(\w{1,32})\s*: value -?\d+, min (-?\d{1,10}), max (-?\d{1,10}), fuzz -?\d+, flat -?\d+"
    r"(?:, resolution (-?\d{1,10}))?"
)
_RECOGNISED = re.compile(
    rb"^(add device \d+: |(\[\s*\d+\.\d+\]|\d{1,12}-\d{1,6}:)\s+(/dev/\S+:\s+)?(EV_\w+|[0-9a-f]{4})\s)",
    re.MULTILINE,
)
_WITHOUT_TIME = re.compile(r"(/dev/\S+:\s+)?(EV_[A-Z]+|[0-9a-f]{4})\s+\S+\s+\S+\s*\Z")
_CODES = {name: code for names in EVENT_CODES.values() for name, code in names.items()}
_VALUES = {
    "UP": 0,
    "DOWN": 1,
    "REPEAT": 2,
    "MT_TOOL_FINGER": 0,
    "MT_TOOL_PEN": 1,
    "MT_TOOL_PALM": MT_TOOL_PALM,
}
"""Values that Android's getevent prints by name."""
_HEXADECIMAL = re.compile(r"[0-9a-f]{1,4}\Z")
_OTHER = -1

Event = tuple[str, int, int, int, int]


def recognises(head: bytes) -> bool:
    """Return whether an event with its time or an ``add device`` line is there."""
    return _RECOGNISED.search(head) is not None


def read(lines: RecordingLines) -> Recording:
    """Read up to the first touch; the reports follow as they are asked for.

    The touchscreen is the first device that sends multitouch events: accelerometers send ABS_X too.

    Raises:
        InputError: a line is malformed, or no device sends touch events.
    """
    reader = EventReader(lines)
    before: list[Event] = []
    for event in reader.events():
        before.append(event)
        if event[2] == EV_ABS and event[3] >= ABS_MT_SLOT:
            break
        del before[:-64]
    else:
        raise InputError(f"{lines.name}: holds no touch events; expected EV_ABS ABS_MT lines of getevent -lt")
    path = before[-1][0]
    device = reader.devices.setdefault(path, _Device())
    events = (event[1:] for event in chain(before, reader.events()) if event[0] == path)
    return recording_of(device.name or path, FORMAT.name, EvdevAssembler(device.axes), events)


FORMAT = RecordingFormat("getevent", recognises, read)


@dataclass(slots=True)
class _Device:
    name: str = ""
    axes: dict[int, AxisRange] = field(default_factory=dict)


class EventReader:
    """The lines of getevent: events, and the devices that they come from."""

    def __init__(self, lines: RecordingLines) -> None:
        self.lines = lines
        self.devices: dict[str, _Device] = {}

    def events(self) -> Iterator[Event]:
        """Yield (device path, t_us, type, code, value) of each event, and note the other lines."""
        lines, described = self.lines, _Device()
        for line in lines:
            event = _EVENT.match(line)
            if event is not None and (lines.whole or len(event[6]) == 8):
                yield self.event(event, line)
            elif not lines.whole and line.strip():
                raise lines.cut(line)
            elif added := _ADDED.match(line):
                described = self.devices.setdefault(added[1], _Device())
            elif name := _NAME.match(line):
                described.name = name[1]
            elif axis := _AXIS.match(line):
                self.add_axis(described, axis)
            elif _WITHOUT_TIME.match(line):
                raise lines.wrong(f"event without time {shown(line)}", "the output of getevent -lt")
            elif _TIME.match(line) or "\ufffd" in line or not line.replace("\t", " ").isprintable():
                raise lines.wrong(
                    f"malformed event {shown(line)}", "'[ seconds] /dev/input/eventN: type code value'"
                )

    def event_of(self, line: str) -> Event | None:
        """Return the event of a line by itself; None where it is none.

        Raises:
            InputError: an event that is malformed.
        """
        event = _EVENT.match(line)
        return None if event is None else self.event(event, line)

    def event(self, event: re.Match[str], line: str) -> Event:
        """Return what a line says that matches an event.

        Raises:
            InputError: type, code or value are none.
        """
        time, old_time, path, kind_text, code_text, value_text = event.groups()
        try:
            named = kind_text.startswith("EV_")
            kind = EVENT_TYPES.get(kind_text, _OTHER) if named else int(kind_text, 16)
            # Under -l, too, a code without a name is printed in hexadecimal.
            code = int(code_text, 16) if _HEXADECIMAL.match(code_text) else _CODES.get(code_text, _OTHER)
            if value_text in _VALUES:
                value = _VALUES[value_text]
            elif code == _OTHER:
                value = 0
            else:
                raw = int(value_text, 16)
                value = raw - (1 << 32) if raw >= 1 << 31 else raw
            t_us = timestamp_us(time) if time else _old_timestamp_us(old_time)
            return path or "", t_us, kind, code, value
        except ValueError:
            raise self.lines.wrong(
                f"malformed event {shown(line)}", "type, code and value in hexadecimal"
            ) from None

    def add_axis(self, device: _Device, axis: re.Match[str]) -> None:
        """Note the range of an axis whose code is known."""
        name = axis[1]
        if name in _CODES:
            code = _CODES[name]
        elif re.fullmatch(r"[0-9a-f]{4}", name):
            code = int(name, 16)
        else:
            return
        device.axes[code] = AxisRange(int(axis[2]), int(axis[3]), int(axis[4] or 0))


def _old_timestamp_us(text: str) -> int:
    """Return the microseconds of ``seconds-microseconds``, as printed before Android 4.1, without zeros."""
    seconds, _, microseconds = text.partition("-")
    return int(seconds) * 1_000_000 + int(microseconds)
