"""PenMount 6250: contacts on RS-232, six bytes each with a checksum, 19200 baud 8N1.

Bytes: ``0x30 + slot``, with 0x40 added while it touches; X low, X high, Y low, Y high; the inverted sum of
these five. There are 12 slots, and no end of a scan. Source: Linux ``drivers/input/touchscreen/penmount.c``.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from stampbench.firmware_emulator.errors import InputError
from stampbench.firmware_emulator.formats.scans import SCAN_GAP_US, ScanCollector
from stampbench.firmware_emulator.touch import Contact, TouchReport

SLOTS = 12
COORDINATE_MAX = 0x3FF
"""Coordinate at the right and the lower edge, as the Linux driver has it; the format would carry 16 bits."""
CONTACT_BYTES = 6
_FIRST, _TIP = 0x30, 0x40
_CONTACT = struct.Struct("<BHH")


@dataclass(slots=True)
class PenMountCounters:
    """What a reader has seen: bytes, contacts, and bytes that belong to no contact with a right checksum."""

    bytes: int = 0
    contacts: int = 0
    stray_bytes: int = 0


def encode(report: TouchReport) -> bytes:
    """Return the bytes of one scan.

    Raises:
        InputError: a coordinate beyond 16 bits, or a slot beyond 11.
    """
    return b"".join(_encode_contact(contact) for contact in report.contacts)


def _encode_contact(contact: Contact) -> bytes:
    x, y, slot = contact.x, contact.y, contact.id
    if not (0 <= x <= 0xFFFF and 0 <= y <= 0xFFFF and 0 <= slot < SLOTS):
        raise InputError(
            f"PenMount 6250: contact {slot} at ({x}, {y}), must be 0 to {SLOTS - 1} at 0 to 65535"
        )
    body = _CONTACT.pack(_FIRST + slot | (_TIP if contact.tip else 0), x, y)
    return body + bytes([_checksum(body)])


def _checksum(body: bytes) -> int:
    return ~sum(body) & 0xFF


class PenMountParser:
    """Reads the bytes of a PenMount 6250; looks for the next contact with a right checksum after any damage.

    Args:
        gap_us: silence that ends a scan.
    """

    def __init__(self, gap_us: int = SCAN_GAP_US) -> None:
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
            slot = (first & ~_TIP) - _FIRST
            if 0 <= slot < SLOTS and _checksum(body) == data[place + CONTACT_BYTES - 1]:
                reports.append(self._scan.add(Contact(slot, bool(first & _TIP), x, y), t_us))
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
