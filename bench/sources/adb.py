"""An Android phone's own digitizer, live through ``adb shell getevent -lt``: no root, nothing installed.

getevent holds its last touches back where its output is no terminal: it runs on one, at both ends of adb.
"""

from __future__ import annotations

import io
import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from stampbench.bench.sources.capture import CaptureHeader
from stampbench.bench.sources.evdev_events import EVENT_CODES, EvdevAssembler, measured_axes
from stampbench.bench.sources.getevent import EventReader
from stampbench.bench.sources.live import RETURN_WITHIN_S, LiveSource
from stampbench.bench.sources.recording import Recording, RecordingLines
from stampbench.firmware_emulator.errors import InputError, NoHardwareError
from stampbench.firmware_emulator.touch import Frame, TouchReport

ANSWER_WITHIN_S: Final = 20.0
LOOK_EVERY_S: Final = 0.5
_WAIT_S: Final = 0.1
_POSITION_X: Final = EVENT_CODES["EV_ABS"]["ABS_MT_POSITION_X"]
_POSITION_Y: Final = EVENT_CODES["EV_ABS"]["ABS_MT_POSITION_Y"]


@contextmanager
def open_adb(name: str) -> Iterator[LiveSource]:
    """Open the touchscreen of a phone.

    Args:
        name: ``adb`` for the only phone there is, or ``adb:SERIAL``.

    Raises:
        NoHardwareError: no adb, no such phone, or one that has not allowed debugging; or it went and did not
            come back.
        InputError: several phones and no serial number, or no touchscreen.
    """
    adb = shutil.which("adb")
    if adb is None:
        raise NoHardwareError(f"{name}: no program adb: expected Android's platform tools on the PATH")
    serial = name.partition(":")[2] or _only_phone(name, adb)
    command = [adb, "-s", serial, "shell"]
    reader = _described(name, [*command, "getevent", "-lip"])
    path, device = next(
        ((p, d) for p, d in reader.devices.items() if _POSITION_X in d.axes and _POSITION_Y in d.axes),
        (None, None),
    )
    if path is None or device is None:
        raise InputError(f"{name}: {serial} shows no touchscreen: expected ABS_MT_POSITION_X in getevent -p")
    assembler = EvdevAssembler(device.axes)
    counts = {"events": 0, "reports": 0, "reconnects": 0}

    def items() -> Iterator[TouchReport | Frame | None]:
        while True:
            for line in _lines([*command, "-tt", "getevent", "-lt"]):
                event = None if line is None else reader.event_of(line)
                if event is None:
                    yield None
                elif event[0] in (path, ""):
                    counts["events"] += 1
                    report = assembler.feed(*event[1:])
                    if report is not None:
                        counts["reports"] += 1
                        yield report
            yield from _until_back(name, serial, [adb, "-s", serial, "get-state"])
            counts["reconnects"] += 1

    phone = measured_axes(Recording(f"{device.name or path} {serial}", "adb", iter(())), assembler)
    yield LiveSource("adb", CaptureHeader.of(phone), items(), lambda: counts | {"dropped": assembler.dropped})


def _only_phone(name: str, adb: str) -> str:
    """Return the serial number of the one phone that adb sees."""
    lines = [line.split() for line in _answer(name, [adb, "devices"]).splitlines()[1:]]
    states = {words[0]: words[1] for words in lines if len(words) >= 2}
    ready = [serial for serial, state in states.items() if state == "device"]
    if len(ready) > 1:
        raise InputError(f"{name}: several phones: expected one of {', '.join(f'adb:{s}' for s in ready)}")
    if not ready:
        seen = ", ".join(f"{serial} is {state}" for serial, state in states.items()) or "none is connected"
        raise NoHardwareError(f"{name}: {seen}: expected a phone on which USB debugging is allowed")
    return ready[0]


def _answer(name: str, command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, timeout=ANSWER_WITHIN_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoHardwareError(f"{name}: adb does not answer: {error}") from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().partition("\n")[0]
        raise NoHardwareError(f"{name}: {said or 'adb failed'}: expected a phone that is connected")
    return done.stdout.decode(errors="replace")


def _described(name: str, command: list[str]) -> EventReader:
    """Return a reader that knows the devices which getevent describes."""
    text = io.BytesIO(_answer(name, command).encode())
    reader = EventReader(RecordingLines(name, io.BufferedReader(text)))
    for _ in reader.events():
        pass
    return reader


def _lines(command: list[str]) -> Iterator[str | None]:
    """Yield the lines of a command on a pseudo-terminal as they come, None where none does, to its end."""
    ours, theirs = os.openpty()
    try:
        process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=subprocess.DEVNULL)
    finally:
        os.close(theirs)
    rest = b""
    try:
        while True:
            if not select.select([ours], [], [], _WAIT_S)[0]:
                yield None
                continue
            try:
                data = os.read(ours, 1 << 16)
            except OSError:  # the other end is closed
                data = b""
            if not data:
                return
            *whole, rest = (rest + data).split(b"\n")
            for line in whole:
                yield line.decode(errors="replace").rstrip("\r")
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def _until_back(name: str, serial: str, command: list[str]) -> Iterator[None]:
    """Wait until a phone that went away is there again."""
    until_s = time.monotonic() + RETURN_WITHIN_S
    while time.monotonic() < until_s:
        try:
            if _answer(name, command).strip() == "device":
                return
        except NoHardwareError:
            pass
        yield None
        time.sleep(LOOK_EVERY_S)
    raise NoHardwareError(f"{name}: {serial} went away and did not come back within {RETURN_WITHIN_S:g} s")
