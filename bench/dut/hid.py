"""HID out of reports, and a USB gadget of this machine that poses as a touchscreen where it is plugged in.

The report descriptor has no feature report: behind ``/dev/hidgN`` and Android's ``hid`` command nobody
answers GET_FEATURE, and a kernel that asks for Contact Count Maximum gives the device up.
"""

from __future__ import annotations

import os
import select
from pathlib import Path
from typing import Final, Literal

from stampbench.bench.sources.protocol_b import EventPanel, in_its_units
from stampbench.firmware_emulator.errors import InputError, LinkError, NoHardwareError
from stampbench.firmware_emulator.hid.digitizer import HidDigitizer
from stampbench.firmware_emulator.link.messages import Identity
from stampbench.firmware_emulator.touch import TouchReport

Contacts = Literal[5, 10]
_TAKEN_WITHIN_S: Final = 0.1
"""A host asks a touchscreen for its reports every few ms."""


def digitizer_of(panel: Identity, contacts: Contacts) -> HidDigitizer:
    """Return a HID touchscreen of a panel's size, in hundredths of a mm, all contacts in one packet.

    Args:
        panel: that is pressed on.
        contacts: that it tells; ten fit in the 64 bytes of a full-speed interrupt packet.

    Raises:
        InputError: the panel is too large for HID's hundredths of a mm.
    """
    told = EventPanel.of(panel)
    return HidDigitizer(
        contacts,
        contacts,
        told.x_range[1],
        told.y_range[1],
        panel.width_um / 1000,
        panel.height_um / 1000,
        tells_maximum=False,
    )


class HidTouches:
    """Turns reports into packets; remembers what is down, so that it can be lifted.

    Args:
        digitizer: that speaks.
    """

    def __init__(self, digitizer: HidDigitizer) -> None:
        self._digitizer = digitizer
        self._last = TouchReport(0, ())

    def packets(self, report: TouchReport) -> list[bytes]:
        """Return the packets of one report.

        Raises:
            LinkError: more contacts, down and lifted, than fit; or one outside the panel.
        """
        self._last = report
        try:
            return self._digitizer.encode(in_its_units(report))
        except InputError as error:
            raise LinkError(f"the report at {report.t_us} us does not fit the device: {error}") from None

    def lifts(self) -> list[bytes]:
        """Return packets that lift whatever is down; none where nothing is."""
        down = tuple(contact._replace(tip=False) for contact in self._last.down)
        return self.packets(TouchReport(self._last.t_us, down)) if down else []


class GadgetSink:
    """A USB gadget's HID function, which examples/usb_touchscreen.py sets up; one write is one packet.

    Args:
        path: such as ``/dev/hidg0``.
        panel: that is pressed on.
        contacts: that the gadget was set up for.
    """

    name: Final = "gadget"
    paced: Final = True

    def __init__(self, path: Path, panel: Identity, contacts: Contacts = 10) -> None:
        self._path = path
        self.contact_limit = int(contacts)
        self._touches = HidTouches(digitizer_of(panel, contacts))
        self._file: int | None = None

    def begin(self, press: int) -> None:
        """Open the gadget where it is not open.

        Raises:
            NoHardwareError: it is not there, or may not be written.
        """
        if self._file is None:
            try:
                self._file = os.open(self._path, os.O_WRONLY | getattr(os, "O_NONBLOCK", 0))
            except OSError as error:
                raise NoHardwareError(
                    f"{self._path}: cannot be opened: {error.strerror}: expected a gadget that "
                    "examples/usb_touchscreen.py has set up, plugged into the device under test"
                ) from None

    def send(self, report: TouchReport) -> None:
        """Send one report.

        Raises:
            LinkError: the host does not take it, or is gone.
        """
        self._write(self._touches.packets(report))

    def end(self) -> None:
        """Do nothing: a packet that has been written is on its way."""

    def renew(self) -> None:
        """Lift whatever is down, where the host still listens, and close the gadget."""
        lifts = self._touches.lifts()
        try:
            self.begin(0)
            self._write(lifts)
        except (LinkError, NoHardwareError):
            pass  # nobody is there to whom something could be down; begin() tells it
        self.close()

    def close(self) -> None:
        """Close the gadget."""
        file, self._file = self._file, None
        if file is not None:
            os.close(file)

    def _write(self, packets: list[bytes]) -> None:
        if self._file is None:
            raise LinkError(f"{self._path}: is not open: expected begin() ahead of its reports")
        for packet in packets:
            try:
                if not select.select([], [self._file], [], _TAKEN_WITHIN_S)[1]:
                    raise LinkError(
                        f"{self._path}: the host takes no reports: expected it plugged in and awake"
                    )
                written = os.write(self._file, packet)
            except OSError as error:
                raise LinkError(
                    f"{self._path}: {error.strerror}: expected a host that is plugged in"
                ) from None
            if written != len(packet):
                raise LinkError(
                    f"{self._path}: took {written} bytes of {len(packet)}: expected whole packets; was the "
                    f"gadget set up for {self.contact_limit} contacts?"
                )
