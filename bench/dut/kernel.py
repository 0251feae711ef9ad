"""Sinks that speak the Linux kernel's input events: a uinput device of this machine, and a file of evemu.

The units are hundredths of a mm, so that the kernel's resolution, whole units per mm, says the true size.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from stampbench.bench.dut.sink import deliver
from stampbench.bench.plans.messages import choose
from stampbench.bench.sources.evdev_events import BTN_TOUCH, EV_ABS, EV_KEY
from stampbench.bench.sources.protocol_b import (
    INPUT_PROP_DIRECT,
    SLOTS,
    Event,
    EventPanel,
    ProtocolB,
    evemu_description,
    evemu_line,
    in_its_units,
)
from stampbench.firmware_emulator.errors import InputError, LinkError, NoHardwareError
from stampbench.firmware_emulator.link.messages import Identity
from stampbench.firmware_emulator.touch import TouchReport

if TYPE_CHECKING:
    from stampbench.bench.plans.draws import Draw
    from stampbench.bench.plans.plan import Plan, PlannedPress

_UINPUT: Final = Path("/dev/uinput")
_SETTLES_S: Final = 0.3
"""Programs that look for new devices open one a moment after it is there; what it says before is lost."""
_BETWEEN_PRESSES_US: Final = 1_000_000


class EvemuSink:
    """A file of input events, to be played elsewhere by evemu-play; presses follow one another in its time.

    Args:
        path: of the file, which must be new.
        panel: that is pressed on.
    """

    name: Final = "evemu"
    contact_limit: Final = SLOTS
    paced: Final = False

    def __init__(self, path: Path, panel: Identity) -> None:
        self._path = path
        self._panel = EventPanel.of(panel)
        self._file: IO[str] | None = None
        self._begun = False
        self._protocol = ProtocolB()
        self._base_us = self._last_us = 0
        self._first_us: int | None = None

    @property
    def now_us(self) -> int:
        """Time of the file at which the next press begins."""
        return self._last_us + _BETWEEN_PRESSES_US

    def begin(self, press: int) -> None:
        """Open the file where it is not open, and leave a second between two presses.

        Raises:
            InputError: there is one already, or it cannot be written.
        """
        if self._file is None:
            try:
                self._file = self._path.open("a" if self._begun else "x", encoding="utf-8", newline="\n")
            except OSError as error:
                raise InputError(
                    f"{self._path}: cannot be written: {error.strerror}: expected a new file"
                ) from None
        if not self._begun:
            self._begun = True
            self._write(*evemu_description(self._panel))
        self._base_us, self._first_us = self.now_us, None

    def send(self, report: TouchReport) -> None:
        """Write the events of one report."""
        if self._first_us is None:
            self._first_us = report.t_us
        self._last_us = self._base_us + report.t_us - self._first_us
        self._tell(self._protocol.events(in_its_units(report._replace(t_us=self._last_us))))

    def end(self) -> None:
        """Have it on the disk."""
        self._write()

    def renew(self) -> None:
        """Lift whatever is down; a file that cannot be written is opened again."""
        lifts = self._protocol.lifts(self._last_us)
        try:
            self._tell(lifts)
        except LinkError:
            self.close()
            self.begin(0)
            self._tell(lifts)

    def close(self) -> None:
        """Close the file."""
        file, self._file = self._file, None
        if file is not None:
            file.close()

    def _tell(self, events: list[Event]) -> None:
        self._write(*map(evemu_line, events))

    def _write(self, *lines: str) -> None:
        try:
            if self._file is None:
                raise ValueError("closed")
            self._file.writelines(f"{line}\n" for line in lines)
            self._file.flush()
        except (OSError, ValueError) as error:
            raise LinkError(
                f"{self._path}: cannot be written further: {error}: expected room on the disk"
            ) from None


def write_presses(plan: Plan, profile: str, path: Path) -> Iterator[tuple[float, PlannedPress, Draw]]:
    """Press a plan on one panel into a file of evemu.

    Args:
        plan: what is pressed.
        profile: one of its panels.
        path: of the file, which must be new.

    Yields:
        When each press begins in the file's time, s, and what it is.

    Raises:
        InputError: the plan does not press on that panel, or names something that does not exist; or the file
            cannot be written.
    """
    from stampbench.bench.plans.draws import PressDrawer, check_plan
    from stampbench.sim.device import Device
    from stampbench.sim.panel import Condition, load_profile

    check_plan(plan)
    if profile not in plan.header.profiles:
        raise InputError(f"{plan.path}: profile {profile}: {choose(profile, plan.header.profiles)}")
    drawer, device = PressDrawer(plan, plan.header.seed), Device(load_profile(profile))
    sink = EvemuSink(path, device.identity)
    try:
        for planned in plan.presses():
            if planned.profile != profile:
                continue
            draw = drawer.draw(planned)
            device.configure(Condition.from_mapping(plan.condition_of(planned.case)))
            begins_s = sink.now_us / 1e6
            deliver(sink, planned.index, list(device.reports(draw.press, draw.seed)))
            yield begins_s, planned, draw
    finally:
        sink.close()


class UinputSink:
    """A touchscreen that this machine's kernel has: every program here sees it, the desktop's, too.

    Args:
        panel: that is pressed on.
    """

    name: Final = "uinput"
    contact_limit: Final = SLOTS
    paced: Final = True

    def __init__(self, panel: Identity) -> None:
        self._panel = EventPanel.of(panel)
        self._protocol = ProtocolB()
        self._device: Any = None

    def begin(self, press: int) -> None:
        """Make the device where there is none, and wait until it is there.

        Raises:
            NoHardwareError: no /dev/uinput that may be written, or no python-evdev.
            LinkError: the device does not appear.
        """
        if self._device is None:
            self._device = self._made()

    def send(self, report: TouchReport) -> None:
        """Write the events of one report.

        Raises:
            LinkError: the device is gone.
        """
        self._write(self._protocol.events(in_its_units(report)))

    def end(self) -> None:
        """Do nothing: the kernel takes events as they are written."""

    def renew(self) -> None:
        """Take the device away, and all that is down on it."""
        self.close()

    def close(self) -> None:
        """Take the device away."""
        device, self._device = self._device, None
        self._protocol = ProtocolB()
        if device is not None:
            device.close()

    def _made(self) -> Any:
        try:
            evdev = importlib.import_module("evdev")
        except ImportError:
            raise NoHardwareError(
                "uinput: python-evdev is not installed: expected pip install 'stampbench[evdev]' on Linux"
            ) from None
        axes = [
            (code, evdev.AbsInfo(0, low, high, 0, 0, resolution))
            for code, low, high, resolution in self._panel.axes
        ]
        try:
            device = evdev.UInput(
                {EV_KEY: [BTN_TOUCH], EV_ABS: axes}, name=self._panel.name, input_props=[INPUT_PROP_DIRECT]
            )
        except (OSError, evdev.UInputError) as error:
            raise NoHardwareError(
                f"uinput: {_UINPUT} cannot be opened: {error}: expected the kernel module uinput, and a user "
                "who may write it"
            ) from None
        if device.device is None:
            device.close()
            raise LinkError("uinput: the device did not appear in /dev/input: expected it to be there soon")
        time.sleep(_SETTLES_S)
        return device

    def _write(self, events: list[Event]) -> None:
        if self._device is None:
            raise LinkError("uinput: the device is not there: expected begin() ahead of its reports")
        try:
            for _, kind, code, value in events:
                self._device.write(kind, code, value)
        except OSError as error:
            raise LinkError(f"uinput: {error.strerror}: expected the device to stay") from None
