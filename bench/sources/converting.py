"""Recordings written in another format that can hold the same: contacts, their ids, times, the panel's size.

Kernel events travel by multitouch protocol B. They know a size in whole units per mm only, HID in hundredths
of a mm, and neither that the panel took a touch back: what is lost by that is noted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Final

from stampbench.bench.sources.capture import CaptureHeader, CaptureWriter
from stampbench.bench.sources.evdev_events import (
    ABS_MT_POSITION_X,
    ABS_MT_POSITION_Y,
    ABS_MT_SLOT,
    ABS_MT_TRACKING_ID,
    BTN_TOUCH,
    EV_ABS,
    EV_KEY,
    EV_SYN,
    SYN_REPORT,
)
from stampbench.bench.sources.protocol_b import (
    SLOTS,
    Event,
    EventPanel,
    ProtocolB,
    Slots,
    evemu_description,
    evemu_line,
)
from stampbench.bench.sources.recording import Recording
from stampbench.firmware_emulator.errors import InputError
from stampbench.firmware_emulator.hid.digitizer import HidDigitizer
from stampbench.firmware_emulator.touch import TouchReport

_NAMES: Final = {
    (EV_ABS, ABS_MT_SLOT): "ABS_MT_SLOT",
    (EV_ABS, ABS_MT_TRACKING_ID): "ABS_MT_TRACKING_ID",
    (EV_ABS, ABS_MT_POSITION_X): "ABS_MT_POSITION_X",
    (EV_ABS, ABS_MT_POSITION_Y): "ABS_MT_POSITION_Y",
    (EV_KEY, BTN_TOUCH): "BTN_TOUCH",
    (EV_SYN, SYN_REPORT): "SYN_REPORT",
}
_KINDS: Final = {EV_ABS: "EV_ABS", EV_KEY: "EV_KEY", EV_SYN: "EV_SYN"}


class Target(StrEnum):
    """Formats that are written."""

    CAPTURE = "capture"
    HID_RECORDER = "hid-recorder"
    EVEMU = "evemu"
    LIBINPUT = "libinput"
    GETEVENT = "getevent"


def convert(recording: Recording, target: Target, path: Path) -> int:
    """Write a recording in another format; return how many scans it holds.

    Args:
        recording: as it is read; what the other format cannot hold is added to its notes.
        target: the format.
        path: a new file.

    Raises:
        InputError: the file is there or cannot be written, or the recording does not fit the format.
    """
    if target is Target.CAPTURE:
        return _write_capture(recording, path)
    for name, low, high in (
        ("x", recording.x_min, recording.x_max),
        ("y", recording.y_min, recording.y_max),
    ):
        if low is None or high is None:
            raise InputError(f"{target} tells the range of {name}: expected --range WxH, which {path} lacks")
    recording.reports = _noting_cancelled(recording, recording.reports)
    lines = _LINES[target](recording)
    scans = 0
    try:
        with open(path, "x", encoding="utf-8", newline="\n") as file:
            for line, scan in lines:
                file.write(line + "\n")
                scans += scan
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}: expected a new file") from None
    return scans


def _noting_cancelled(recording: Recording, reports: Iterator[TouchReport]) -> Iterator[TouchReport]:
    cancelled = 0
    for report in reports:
        cancelled += sum(contact.cancelled for contact in report.contacts)
        yield report
    if cancelled:
        recording.notes.append(f"{cancelled} touches that the panel took back are written as lifted")


def _write_capture(recording: Recording, path: Path) -> int:
    scans = 0
    with CaptureWriter(path, CaptureHeader.of(recording)) as writer:
        for report in recording:
            writer.report(report)
            scans += 1
    return scans


def events_of(reports: Iterator[TouchReport]) -> Iterator[list[Event]]:
    """Yield the kernel's events of each scan."""
    return map(ProtocolB().events, reports)


def _panel(recording: Recording) -> EventPanel:
    x_range = recording.x_min or 0, recording.x_max or 0
    y_range = recording.y_min or 0, recording.y_max or 0
    ruler = recording.ruler
    resolutions = 0, 0
    if ruler is not None:
        exact = (
            (x_range[1] - x_range[0]) / ruler.width_mm,
            (y_range[1] - y_range[0]) / ruler.height_mm,
        )
        resolutions = max(1, round(exact[0])), max(1, round(exact[1]))
        worst = max(abs(told / true - 1.0) for told, true in zip(resolutions, exact, strict=True))
        if worst > 1e-4:
            recording.notes.append(
                f"whole units per mm are {100 * worst:.2g} % off; read it with "
                f"--size-mm {ruler.width_mm:g}x{ruler.height_mm:g}"
            )
    return EventPanel(recording.device or "touchscreen", x_range, y_range, resolutions)


def _evemu(recording: Recording) -> Iterator[tuple[str, int]]:
    panel = _panel(recording)
    for line in evemu_description(panel):
        yield line, 0
    for events in events_of(recording.reports):
        for event in events:
            yield evemu_line(event), int(event[1] == EV_SYN)


def _libinput(recording: Recording) -> Iterator[tuple[str, int]]:
    panel = _panel(recording)
    name = panel.name.replace('"', "'")
    for line in (
        "# libinput record",
        "version: 1",
        "ndevices: 1",
        "libinput:",
        '  version: "unknown"',
        "devices:",
        "- node: /dev/input/event0",
        "  evdev:",
        f'    name: "{name}"',
        "    absinfo:",
        *(f"      {code}: [{low}, {high}, 0, 0, {resolution}]" for code, low, high, resolution in panel.axes),
        "    properties: [1]",
        "  udev:",
        "    properties:",
        "    - ID_INPUT_TOUCHSCREEN=1",
        "  events:",
    ):
        yield line, 0
    for events in events_of(recording.reports):
        yield "  - evdev:", 0
        for t_us, kind, code, value in events:
            seconds, microseconds = divmod(t_us, 1_000_000)
            yield f"    - [{seconds}, {microseconds}, {kind}, {code}, {value}]", int(kind == EV_SYN)


def _getevent(recording: Recording) -> Iterator[tuple[str, int]]:
    panel = _panel(recording)
    path = "/dev/input/event0"
    name = panel.name.replace('"', "'")
    yield f"add device 1: {path}", 0
    yield f'  name:     "{name}"', 0
    for n, (code, low, high, resolution) in enumerate(panel.axes):
        head = "    ABS (0003): " if n == 0 else " " * 16
        axis = _NAMES[EV_ABS, code]
        yield (
            f"{head}{axis:<22}: value 0, min {low}, max {high}, fuzz 0, flat 0, resolution {resolution}",
            0,
        )
    for events in events_of(recording.reports):
        for t_us, kind, code, value in events:
            seconds, microseconds = divmod(t_us, 1_000_000)
            said = f"{value & 0xFFFFFFFF:08x}"
            if kind == EV_KEY:
                said = "DOWN" if value else "UP"
            time = f"[{seconds:>8}.{microseconds:06d}]"
            yield f"{time} {path}: {_KINDS[kind]:<12} {_NAMES[kind, code]:<20} {said}", int(kind == EV_SYN)


def _hid_recorder(recording: Recording) -> Iterator[tuple[str, int]]:
    ruler = recording.ruler
    if ruler is None:
        raise InputError("hid-recorder tells the size of the panel: expected --size-mm WxH with it")
    x_min, y_min = recording.x_min or 0, recording.y_min or 0
    device = HidDigitizer(
        SLOTS,
        SLOTS,
        (recording.x_max or 0) - x_min,
        (recording.y_max or 0) - y_min,
        round(ruler.width_mm, 2),
        round(ruler.height_mm, 2),
    )
    descriptor = device.descriptor()
    yield "D: 0", 0
    yield f"R: {len(descriptor)} {descriptor.hex(' ')}", 0
    yield f"N: {recording.device or 'touchscreen'}", 0
    yield "I: 3 0000 0000", 0
    slots = Slots()
    for report in recording.reports:
        told = [contact for contact in report.contacts if contact.tip or contact.id in slots.of]
        contacts = tuple(
            contact._replace(id=slots.take(contact), x=contact.x - x_min, y=contact.y - y_min)
            for contact in told
        )
        for contact in told:
            if not contact.tip:
                del slots.of[contact.id]
        seconds, microseconds = divmod(report.t_us, 1_000_000)
        for n, packet in enumerate(device.encode(TouchReport(report.t_us, contacts))):
            yield f"E: {seconds}.{microseconds:06d} {len(packet)} {packet.hex(' ')}", int(n == 0)


_LINES: Final[dict[Target, Callable[[Recording], Iterator[tuple[str, int]]]]] = {
    Target.HID_RECORDER: _hid_recorder,
    Target.EVEMU: _evemu,
    Target.LIBINPUT: _libinput,
    Target.GETEVENT: _getevent,
}
