"""Touch reports as the Linux kernel's input events, by multitouch protocol B; and those as evemu's text.

After "Multi-touch (MT) Protocol", Linux kernel documentation, and the format of evemu as evemu-device and
Android's ``uinput`` read it: lines N, I, P, B, A in this order, then an E line an event.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

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
from stampbench.firmware_emulator.errors import InputError
from stampbench.firmware_emulator.link.messages import Identity
from stampbench.firmware_emulator.touch import Contact, TouchReport

Event: TypeAlias = tuple[int, int, int, int]
"""t_us, type, code, value."""
SLOTS: Final = 16
"""Contacts at once that can be told."""
INPUT_PROP_DIRECT: Final = 1
"""Of a device whose touches fall on what it shows."""
_UNITS_PER_MM: Final = 100
"""A whole number, as the kernel's resolution is: sizes are told exactly, and places to 5 um."""
_BITS_OF: Final = {EV_KEY: 96, EV_ABS: 8}
"""Bytes of the kernel's bitmaps."""


@dataclass(frozen=True, slots=True)
class EventPanel:
    """What kernel events say of a panel: ranges, and whole units per mm (0 where no size is known)."""

    name: str
    x_range: tuple[int, int]
    y_range: tuple[int, int]
    resolutions: tuple[int, int]

    @classmethod
    def of(cls, panel: Identity) -> EventPanel:
        """Return a panel of the same size, whose units are hundredths of a mm; see :func:`in_its_units`."""
        width, height = (round(um / 1000 * _UNITS_PER_MM) for um in (panel.width_um, panel.height_um))
        return cls(f"stampbench {panel.profile}", (0, width), (0, height), (_UNITS_PER_MM, _UNITS_PER_MM))

    @property
    def axes(self) -> list[tuple[int, int, int, int]]:
        """Code, minimum, maximum and resolution of each axis."""
        return [
            (ABS_MT_SLOT, 0, SLOTS - 1, 0),
            (ABS_MT_POSITION_X, *self.x_range, self.resolutions[0]),
            (ABS_MT_POSITION_Y, *self.y_range, self.resolutions[1]),
            (ABS_MT_TRACKING_ID, 0, 65535, 0),
        ]


def in_its_units(report: TouchReport) -> TouchReport:
    """Return a report whose contacts have places in mm in the units of :meth:`EventPanel.of`."""
    return report._replace(
        contacts=tuple(
            contact._replace(x=round(contact.x_mm * _UNITS_PER_MM), y=round(contact.y_mm * _UNITS_PER_MM))
            for contact in report.contacts
            if contact.x_mm is not None and contact.y_mm is not None
        )
    )


class Slots:
    """Gives each contact that is down a number of its own, the least that is free.

    Attributes:
        of: slot by contact id.
    """

    def __init__(self) -> None:
        self.of: dict[int, int] = {}

    def take(self, contact: Contact) -> int:
        """Return the slot of a contact.

        Raises:
            InputError: none is free.
        """
        if contact.id not in self.of:
            free = next((slot for slot in range(SLOTS) if slot not in self.of.values()), None)
            if free is None:
                raise InputError(f"more than {SLOTS} contacts at once: expected at most {SLOTS}")
            self.of[contact.id] = free
        return self.of[contact.id]


class ProtocolB:
    """Turns reports into the kernel's events; remembers what is down."""

    def __init__(self) -> None:
        self._slots = Slots()
        self._touching = False

    def events(self, report: TouchReport) -> list[Event]:
        """Return the events of one scan; SYN_REPORT is the last.

        Raises:
            InputError: more contacts than slots.
        """
        t_us, slots = report.t_us, self._slots
        events: list[Event] = []
        for contact in report.contacts:
            known = contact.id in slots.of
            if not contact.tip and not known:
                continue
            events.append((t_us, EV_ABS, ABS_MT_SLOT, slots.take(contact)))
            if not contact.tip:
                events.append((t_us, EV_ABS, ABS_MT_TRACKING_ID, -1))
                del slots.of[contact.id]
                continue
            if not known:
                events.append((t_us, EV_ABS, ABS_MT_TRACKING_ID, contact.id & 0xFFFF))
            events.append((t_us, EV_ABS, ABS_MT_POSITION_X, contact.x))
            events.append((t_us, EV_ABS, ABS_MT_POSITION_Y, contact.y))
        if self._touching != bool(slots.of):
            self._touching = bool(slots.of)
            events.append((t_us, EV_KEY, BTN_TOUCH, int(self._touching)))
        events.append((t_us, EV_SYN, SYN_REPORT, 0))
        return events

    def lifts(self, t_us: int) -> list[Event]:
        """Return events that lift whatever is down; none where nothing is."""
        down = tuple(Contact(id=number, tip=False, x=0, y=0) for number in self._slots.of)
        return self.events(TouchReport(t_us, down)) if down else []


def evemu_description(panel: EventPanel) -> Iterator[str]:
    """Yield the lines that describe a touchscreen, from which a device can be made that is the same."""
    yield "# EVEMU 1.3"
    yield f"N: {panel.name}"
    yield "I: 0018 0000 0000 0000"
    yield f"P: {_bitmap((INPUT_PROP_DIRECT,), 8)}"
    for kind, codes in ((EV_KEY, (BTN_TOUCH,)), (EV_ABS, tuple(axis[0] for axis in panel.axes))):
        bits = _bitmap(codes, _BITS_OF[kind])
        for first in range(0, len(bits), 24):
            yield f"B: {kind:02x} {bits[first : first + 23]}"
    for code, low, high, resolution in panel.axes:
        yield f"A: {code:02x} {low} {high} 0 0 {resolution}"


def evemu_line(event: Event) -> str:
    """Return one event as evemu writes it."""
    t_us, kind, code, value = event
    seconds, microseconds = divmod(t_us, 1_000_000)
    return f"E: {seconds}.{microseconds:06d} {kind:04x} {code:04x} {value}"


def _bitmap(codes: tuple[int, ...], size: int) -> str:
    """Return bits as bytes in hexadecimal, the lowest first."""
    return sum(1 << code for code in codes).to_bytes(size, "little").hex(" ")
