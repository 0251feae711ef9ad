"""Linux touchscreens as they are touched, through their event device (extra ``evdev``)."""

from __future__ import annotations

import importlib
import select
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from stampbench.bench.sources.capture import CaptureHeader
from stampbench.bench.sources.evdev_events import (
    ABS_MT_SLOT,
    EV_ABS,
    AxisRange,
    EvdevAssembler,
    measured_axes,
)
from stampbench.bench.sources.live import LiveSource
from stampbench.bench.sources.recording import Recording
from stampbench.firmware_emulator.errors import InputError, NoHardwareError
from stampbench.firmware_emulator.touch import Frame, TouchReport

_WAIT_S = 0.1


@contextmanager
def open_event_device(path: str) -> Iterator[LiveSource]:
    """Open ``/dev/input/event*``; other programs go on receiving its events.

    Raises:
        InputError: the extra is not installed, it may not be read, or it is no touchscreen.
        NoHardwareError: there is no such device.
    """
    try:
        evdev = importlib.import_module("evdev")
    except ModuleNotFoundError:
        raise InputError(f"{path}: event devices need the extra: pip install 'stampbench[evdev]'") from None
    try:
        device = evdev.InputDevice(path)
    except PermissionError:
        raise InputError(f"{path}: may not be read by this user; on Linux, join the group input") from None
    except OSError as error:
        raise NoHardwareError(f"{path}: is no event device: {error.strerror or error}") from None
    with closing(device):
        yield live_source(device)


def live_source(device: Any) -> LiveSource:
    """Return what is read from an open ``evdev.InputDevice``.

    Raises:
        InputError: it is no touchscreen.
    """
    infos = dict(device.capabilities(absinfo=True).get(EV_ABS, ()))
    axes = {code: AxisRange(info.min, info.max, info.resolution) for code, info in infos.items()}
    slot = infos[ABS_MT_SLOT].value if ABS_MT_SLOT in infos else 0
    assembler = EvdevAssembler(axes, slot)
    x, y = assembler.x, assembler.y
    if x is None or y is None:
        raise InputError(f"{device.path}: {device.name} is no touchscreen: it has no X and Y")
    received = {"events": 0, "reports": 0}

    def items() -> Iterator[TouchReport | Frame | None]:
        while True:
            if not select.select([device.fd], [], [], _WAIT_S)[0]:
                yield None
                continue
            try:
                events = list(device.read())
            except OSError as error:
                raise NoHardwareError(f"{device.path}: went away: {error.strerror or error}") from None
            for event in events:
                received["events"] += 1
                report = assembler.feed(
                    event.sec * 1_000_000 + event.usec, event.type, event.code, event.value
                )
                if report is not None:
                    received["reports"] += 1
                    yield report

    return LiveSource(
        "evdev",
        CaptureHeader.of(measured_axes(Recording(device.name, "evdev", iter(())), assembler)),
        items(),
        lambda: received | {"dropped": assembler.dropped},
    )
