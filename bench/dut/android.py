"""Touchscreens that an Android phone's own commands ``hid`` and ``uinput`` make, by adb and without root.

Both read from standard input what the device is and what it says (AOSP, frameworks/base/cmds/hid and
cmds/uinput), and the device is gone when the input ends. The sinks keep to the sources of these commands;
that a phone takes five contacts from them is not proven yet: look at ``getevent -lt`` on yours. A report
counts as sent when it is written here; what adb adds is not known.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from stampbench.bench.dut.adb import adb_command, ask_adb
from stampbench.bench.dut.hid import Contacts, HidTouches, digitizer_of
from stampbench.bench.sources.protocol_b import (
    SLOTS,
    Event,
    EventPanel,
    ProtocolB,
    evemu_description,
    evemu_line,
    in_its_units,
)
from stampbench.firmware_emulator.errors import LinkError, NoHardwareError
from stampbench.firmware_emulator.link.messages import Identity
from stampbench.firmware_emulator.touch import TouchReport

_APPEARS_WITHIN_S: Final = 10.0
_LOOK_EVERY_S: Final = 0.2
_SETTLES_S: Final = 1.0
"""From the registration to the first event: Android's ``uinput`` holds the first one back half a second."""
_ENDS_WITHIN_S: Final = 2.0
_DEVICE: Final = 1
_VENDOR, _PRODUCT = 0x1209, 0x5350


class _PhoneCommand:
    """A command on the phone that makes a device of what it reads; begun where none runs.

    Args:
        serial: of the phone.
        command: with its arguments.
        device: name of the device that it makes.
    """

    def __init__(self, serial: str, command: Sequence[str], device: str) -> None:
        self._serial = serial
        self._command = shlex.join(command)
        self._device = device
        self._process: subprocess.Popen[bytes] | None = None
        self._begun_s = 0.0

    @property
    def running(self) -> bool:
        """Whether it was begun."""
        return self._process is not None

    @property
    def elapsed_us(self) -> int:
        """Time since it was begun."""
        return round(1e6 * (time.monotonic() - self._begun_s))

    def begin(self, lines: Sequence[str]) -> None:
        """Start the command, tell it what the device is, and wait until the phone has the device.

        Raises:
            NoHardwareError: no adb, no phone, or no such command there.
        """
        self._process = subprocess.Popen(
            [*adb_command(self._serial), "shell", "-T", self._command],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            bufsize=0,
        )
        self._begun_s = time.monotonic()
        self.write(lines)
        while f'"{self._device}"' not in ask_adb(self._serial, "shell", "getevent", "-pl"):
            if self._process.poll() is not None or time.monotonic() > self._begun_s + _APPEARS_WITHIN_S:
                self.close()
                raise NoHardwareError(
                    f"{self._serial}: no device {self._device!r} appeared: expected a phone whose shell has "
                    f"`{self._command}` and may use it"
                )
            time.sleep(_LOOK_EVERY_S)
        time.sleep(max(0.0, self._begun_s + _SETTLES_S - time.monotonic()))

    def write(self, lines: Sequence[str]) -> None:
        """Send lines.

        Raises:
            LinkError: the command, or the way to the phone, ended.
        """
        process = self._process
        if process is None or process.stdin is None:
            raise LinkError(
                f"{self._serial}: {self._command} does not run: expected begin() ahead of reports"
            )
        try:
            data = memoryview("".join(f"{line}\n" for line in lines).encode())
            while data:
                data = data[process.stdin.write(data) or 0 :]
        except OSError:
            raise LinkError(self._ended()) from None

    def check(self) -> None:
        """Check that it still runs.

        Raises:
            LinkError: it ended.
        """
        if self._process is None or self._process.poll() is not None:
            raise LinkError(self._ended())

    def close(self) -> None:
        """End its input: the phone takes the device away, and all that is down on it."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            with suppress(OSError):  # it ended before it read all
                process.stdin.close()
        try:
            process.wait(_ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _ended(self) -> str:
        return f"{self._serial}: {self._command} ended: expected a phone that stays connected and awake"


class AndroidHidSink:
    """A HID touchscreen by AOSP's ``hid``; see the module for what is not proven.

    Args:
        serial: of the phone.
        panel: that is pressed on.
        contacts: that its report descriptor has.
    """

    name: Final = "android-hid"
    paced: Final = True

    def __init__(self, serial: str, panel: Identity, contacts: Contacts = 10) -> None:
        self.contact_limit = int(contacts)
        digitizer = digitizer_of(panel, contacts)
        self._device = f"stampbench {panel.profile}"
        self._descriptor = digitizer.descriptor()
        self._new_touches: Callable[[], HidTouches] = lambda: HidTouches(digitizer)
        self._touches = self._new_touches()
        self._phone = _PhoneCommand(serial, ("hid", "-"), self._device)

    def begin(self, press: int) -> None:
        """Make the device where there is none, and wait until the phone has it."""
        if not self._phone.running:
            self._touches = self._new_touches()
            register = {
                "id": _DEVICE,
                "command": "register",
                "name": self._device,
                "vid": _VENDOR,
                "pid": _PRODUCT,
                "descriptor": [*self._descriptor],
            }
            self._phone.begin([json.dumps(register)])

    def send(self, report: TouchReport) -> None:
        """Send one report."""
        self._phone.write(
            [
                json.dumps({"id": _DEVICE, "command": "report", "report": [*packet]})
                for packet in self._touches.packets(report)
            ]
        )

    def end(self) -> None:
        """Check that the command still runs."""
        self._phone.check()

    def renew(self) -> None:
        """Take the device away, and all that is down on it."""
        self._phone.close()

    def close(self) -> None:
        """Take the device away."""
        self._phone.close()


class AndroidUinputSink:
    """A touchscreen by AOSP's ``uinput``, which reads evemu's text since Android 15; see the module.

    It handles a line once it has the next one: an empty SYN_REPORT, which the kernel drops, pushes each
    report through. Times are set half a second back, so that nothing waits for its time on the phone.

    Args:
        serial: of the phone.
        panel: that is pressed on.
    """

    name: Final = "android-uinput"
    contact_limit: Final = SLOTS
    paced: Final = True

    def __init__(self, serial: str, panel: Identity) -> None:
        self._panel = EventPanel.of(panel)
        self._protocol = ProtocolB()
        self._phone = _PhoneCommand(serial, ("uinput", "-"), self._panel.name)
        self._base_us: int | None = None
        self._press_us = 0

    def begin(self, press: int) -> None:
        """Make the device where there is none, and wait until the phone has it."""
        if not self._phone.running:
            self._protocol = ProtocolB()
            push = evemu_line((0, *_EMPTY))
            description = [line for line in evemu_description(self._panel) if not line.startswith("#")]
            self._phone.begin([*description, push, push])
        self._base_us, self._press_us = None, self._phone.elapsed_us - round(1e6 * _SETTLES_S)

    def send(self, report: TouchReport) -> None:
        """Send one report."""
        if self._base_us is None:
            self._base_us = report.t_us
        t_us = max(0, self._press_us) + report.t_us - self._base_us
        events: list[Event] = self._protocol.events(in_its_units(report._replace(t_us=t_us)))
        self._phone.write([*map(evemu_line, events), evemu_line((t_us, *_EMPTY))])

    def end(self) -> None:
        """Check that the command still runs."""
        self._phone.check()

    def renew(self) -> None:
        """Take the device away, and all that is down on it."""
        self._phone.close()

    def close(self) -> None:
        """Take the device away."""
        self._phone.close()


_EMPTY: Final = (0, 0, 0)
"""Type, code and value of a SYN_REPORT."""
