"""Recordings of ``libinput record``: YAML of which only the few keys that matter are read, line by line.

The tool writes one fixed shape: ``devices:`` is a list; each device has ``evdev:`` with ``name:`` and
``absinfo:`` (code: [minimum, maximum, fuzz, flat, resolution]), and ``events:`` with items ``- [seconds,
microseconds, type, code, value]``. Unknown keys are passed over, as its format description asks; a version
other than 1 is refused.
"""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain

from stampbench.bench.sources.evdev_events import (
    ABS_MT_POSITION_X,
    ABS_MT_POSITION_Y,
    ABS_X,
    ABS_Y,
    AxisRange,
    EvdevAssembler,
    recording_of,
)
from stampbench.bench.sources.recording import Recording, RecordingFormat, RecordingLines, int32, shown
from stampbench.firmware_emulator.errors import InputError

_RECOGNISED = re.compile(
    rb"\A(Recording to '[^'\n]*'\.\r?\n)?(# libinput record|version: \d+\r?\n(.*\n)*?libinput:)"
)
_STARTED = re.compile(r"Recording to '.*'\.\Z")
_UDEV_KIND = re.compile(r"\s+- (ID_INPUT_\w+)=1\s*\Z")
_PROPERTIES = re.compile(r"\s+properties:\s*\[([\d,\s]*)\]")
_CODES = re.compile(r"\s+1:\s*\[([\d,\s]*)\]")
_DIRECT = "1"
"""INPUT_PROP_DIRECT: what is touched is what is seen, as on a screen and not on a touchpad."""
_BTN_TOOL_PEN = "320"
_VERSION = re.compile(r"version:\s*(\d{1,9})\s*\Z")
_KEY = re.compile(r"(\s*)(?:- )?([A-Za-z_]\w*):\s*(.*?)\s*\Z")
_ABSINFO = re.compile(r"\s+(\d{1,4}):\s*\[([-\d\s,]*)\]\s*(?:#.*)?\Z")
_EVENT = re.compile(
    r"\s*- \[\s*(\d{1,12}),\s*(\d{1,6}),\s*(\d{1,5}),\s*(\d{1,5}),\s*(-?\d{1,10})\]\s*(?:#.*)?\Z"
)

Event = tuple[int, int, int, int, int]


def recognises(head: bytes) -> bool:
    """Return whether the heading of libinput record is there."""
    return _RECOGNISED.match(head) is not None


def read(lines: RecordingLines) -> Recording:
    """Read the description; the reports of the touchscreen follow as they are asked for.

    Of several devices it is the one that udev calls a touchscreen, or else the likeliest; from a pipe, the
    first that can be one.

    Raises:
        InputError: a line is malformed, the version is not 1, or there are no events.
    """
    wanted = _survey(lines) if lines.stream.seekable() else None
    reader = _Reader(lines)
    seen: set[int] = set()
    for first in reader.events():
        seen.add(first[0])
        if first[0] == wanted or (wanted is None and reader.devices[first[0]].rank):
            break
    else:
        if not seen:
            raise InputError(
                f"{lines.name}: holds no events; expected a recording made while the panel was touched"
            )
        names = ", ".join(reader.devices[index].name for index in sorted(seen))
        raise InputError(f"{lines.name}: holds events of {names} only; expected those of a touchscreen")
    device = reader.devices[first[0]]
    recording = recording_of(
        device.name, FORMAT.name, EvdevAssembler(device.axes), reader.events_of(first[0], first)
    )
    reader.notes = recording.notes
    return recording


FORMAT = RecordingFormat("libinput", recognises, read)


def _survey(lines: RecordingLines) -> int | None:
    """Return which device with events is most of a touchscreen, None if none is; go back to the start."""
    reader = _Reader(lines)
    seen: set[int] = set()
    with contextlib.suppress(InputError):  # it is said where the events are read
        for event in reader.events():
            seen.add(event[0])
    lines.rewind()
    best = max(sorted(seen), key=lambda index: reader.devices[index].rank, default=None)
    return best if best is not None and reader.devices[best].rank else None


@dataclass(slots=True)
class _Device:
    name: str = ""
    axes: dict[int, AxisRange] = field(default_factory=dict)
    kinds: set[str] = field(default_factory=set)
    direct: bool = False
    pen: bool = False

    @property
    def rank(self) -> int:
        """How much of a touchscreen it is; 0: not at all."""
        multitouch = {ABS_MT_POSITION_X, ABS_MT_POSITION_Y} <= self.axes.keys()
        if (
            self.pen
            or "ID_INPUT_TABLET" in self.kinds
            or not (multitouch or {ABS_X, ABS_Y} <= self.axes.keys())
        ):
            return 0
        return 1 + multitouch + 2 * self.direct + 4 * ("ID_INPUT_TOUCHSCREEN" in self.kinds)


class _Reader:
    def __init__(self, lines: RecordingLines) -> None:
        self.lines = lines
        self.devices: list[_Device] = []
        self.notes: list[str] = []

    def events_of(self, device: int, first: Event) -> Iterator[tuple[int, int, int, int]]:
        others = Counter[str]()
        for index, *event in chain((first,), self.events()):
            if index == device:
                yield event[0], event[1], event[2], event[3]
            else:
                others[self.devices[index].name] += 1
        if others:
            self.notes.append(f"left out {others.total()} events of other devices: {', '.join(others)}")

    def events(self) -> Iterator[Event]:
        """Yield (device index, t_us, type, code, value) of each event, and note the other lines."""
        lines, block = self.lines, ""
        for line in lines:
            if not lines.whole and line.strip() and not line.lstrip().startswith("#"):
                raise lines.cut(line)
            if event := _EVENT.match(line):
                if not self.devices:
                    raise lines.wrong("event before any device", "'devices:' first")
                seconds, microseconds, kind, code, value = (int(number) for number in event.groups())
                yield len(self.devices) - 1, seconds * 1_000_000 + microseconds, kind, code, value
            elif udev := _UDEV_KIND.match(line):
                self.described().kinds.add(udev[1])
            elif properties := _PROPERTIES.match(line):
                self.described().direct = _DIRECT in properties[1].replace(",", " ").split()
            elif block == "codes" and (codes := _CODES.match(line)):
                self.described().pen = _BTN_TOOL_PEN in codes[1].replace(",", " ").split()
            elif block == "absinfo" and (absinfo := _ABSINFO.match(line)):
                self.add_axis(int(absinfo[1]), absinfo[2])
            elif block == "evdev" and line.lstrip().startswith("- ["):
                raise lines.wrong(
                    f"malformed event {shown(line)}", "'- [seconds, microseconds, type, code, value]'"
                )
            elif lines.number == 1 and _STARTED.match(line):
                continue  # what the tool says on standard output
            elif version := _VERSION.match(line):
                if version[1] != "1":
                    raise lines.wrong(f"libinput record of version {version[1]}", "version 1")
            elif key := _KEY.match(line):
                if line.startswith("- node:"):
                    self.devices.append(_Device())
                block = key[2]
                if block == "name" and self.devices and not self.devices[-1].name:
                    self.devices[-1].name = key[3].strip("\"'")
            elif "\ufffd" in line or not line.replace("\t", " ").isprintable():
                raise lines.wrong(f"{shown(line)} is no text", "lines of libinput record")

    def described(self) -> _Device:
        if not self.devices:
            raise self.lines.wrong("part of a device before any device", "'- node:' first")
        return self.devices[-1]

    def add_axis(self, code: int, text: str) -> None:
        try:
            numbers = [int32(word) for word in text.split(",")]
            axis = AxisRange(numbers[0], numbers[1], numbers[4] if len(numbers) > 4 else 0)
        except (IndexError, ValueError):
            raise self.lines.wrong(
                f"malformed axis {shown(text)}", "[minimum, maximum, fuzz, flat, resolution]"
            ) from None
        self.described().axes[code] = axis
