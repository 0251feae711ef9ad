"""PenMount 6250 and 3000: contacts on RS-232, six bytes each with a checksum, 8N1 at 19200 and 38400 baud.

Bytes: which slot, and whether it touches; X low, X high, Y low, Y high; the inverted sum of these five. There
is no end of a scan. Source: Linux ``drivers/input/touchscreen/penmount.c``.

- 6250: the first byte is ``0x30 + slot``, with 0x40 added while it touches; 12 slots, coordinates to 0x3FF.
- 3000: it is ``0x40 + slot``, with 0x30 or a part of it added while it touches; 2 slots, to 0x7FF.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from stampbench.firmware_emulator.errors import InputError
from stampbench.firmware_emulator.formats.scans import SCAN_GAP_US, ScanCollector
from stampbench.firmware_emulator.touch import Contact, TouchReport

CONTACT_BYTES = 6
_CONTACT = struct.Struct("<BHH")


@dataclass(frozen=True, slots=True)
class Model:
    """A controller of the series.

    Attributes:
        name: for messages.
        first: what the first byte is without slot and tip.
        tip: bits of it of which one or more are set while it touches.
        slots: how many there are.
        coordinate_max: at the right and the lower edge, as the Linux driver has it; 16 bits would be carried.
    """

    name: str
    first: int
    tip: int
    slots: int
    coordinate_max: int

    def slot_of(self, byte: int) -> int | None:
        """Return the slot that a first byte names; None if it is none."""
        slot = (byte & ~self.tip) - self.first
        return slot if 0 <= slot < self.slots else None


PM_6250 = Model("PenMount 6250", 0x30, 0x40, 12, 0x3FF)
PM_3000 = Model("PenMount 3000", 0x40, 0x30, 2, 0x7FF)


@dataclass(slots=True)
class PenMountCounters:
    """What a reader has seen: bytes, contacts, and bytes that belong to no contact with a right checksum."""

    bytes: int = 0
    contacts: int = 0
    stray_bytes: int = 0


def encode(report: TouchReport, model: Model = PM_6250) -> bytes:
    """Return the bytes of one scan.

    Raises:
        InputError: a coordinate beyond 16 bits, or a slot beyond 11.
    """
    return b"".join(_encode_contact(contact, model) for contact in report.contacts)


def _encode_contact(contact: Contact, model: Model) -> bytes:
    x, y, slot = contact.x, contact.y, contact.id
    if not (0 <= x <= 0xFFFF and 0 <= y <= 0xFFFF and 0 <= slot < model.slots):
        raise InputError(
            f"{model.name}: contact {slot} at ({x}, {y}), must be 0 to {model.slots - 1} at 0 to 65535"
        )
    body = _CONTACT.pack(model.first + slot | (model.tip if contact.tip else 0), x, y)
    return body + bytes([_checksum(body)])


def _checksum(body: bytes) -> int:
    return ~sum(body) & 0xFF


class PenMountParser:
    """Reads the bytes of a PenMount; looks for the next contact with a right checksum after any damage.

    Args:
        model: which it is.
        gap_us: silence that ends a scan.
    """

    def __init__(self, model: Model = PM_6250, gap_us: int = SCAN_GAP_US) -> None:
        self._model = model
        self.counters = PenMountCounters()
        self._partial = b""
        self._scan = ScanCollector(gap_us)

    def feed(self, data: bytes, t_us: int) -> list[TouchReport]:
        """Take bytes that arrived at ``t_us``, none to let time pass; return the scans that have ended."""
        self.counters.bytes += len(data)
        reports = [self._scan.at(t_us)]
        data, place = self._partial + data, 0
        while len(data) - place >= CONTACT_BYTES:
            body = data[place : place + CONTACT_BYTES - 1]
            first, x, y = _CONTACT.unpack(body)
            slot = self._model.slot_of(first)
            if slot is not None and _checksum(body) == data[place + CONTACT_BYTES - 1]:
                reports.append(self._scan.add(Contact(slot, bool(first & self._model.tip), x, y), t_us))
                self.counters.contacts += 1
                place += CONTACT_BYTES
            else:
                self.counters.stray_bytes += 1
                place += 1
        self._partial = data[place:]
        return [report for report in reports if report is not None]

    def end(self) -> list[TouchReport]:
        """Return the last scan, when no more bytes will come."""
        report = self._scan.end()
        return [] if report is None else [report]
