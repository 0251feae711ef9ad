"""3M MicroTouch PX: contacts on RS-232, six bytes each, 115200 baud 8N1.

Bytes: ``1P000000 0 X6..X0 0 X13..X7 0 Y6..Y0 0 Y13..Y7 0 N6..N0``; P is 1 while it touches, X and Y have
14 bits, N is the contact's number from 0 to 127, handed out in rotation. Only the first byte has bit 7 set.
There is no end of a scan and no checksum: contacts come in any order.

Source: 3M manuals M2256PW, C2234PW, C3266PW.
"""

from __future__ import annotations

from dataclasses import dataclass

from stampbench.firmware_emulator.errors import InputError
from stampbench.firmware_emulator.formats.scans import SCAN_GAP_US, ScanCollector
from stampbench.firmware_emulator.touch import Contact, TouchReport

COORDINATE_MAX = 0x3FFF
"""Coordinate at the right and the lower edge."""
CONTACT_NUMBERS = 128
CONTACT_BYTES = 6
_FIRST, _TIP = 0x80, 0x40


@dataclass(slots=True)
class PxCounters:
    """What a reader has seen: bytes, contacts, and bytes that belong to no whole contact."""

    bytes: int = 0
    contacts: int = 0
    stray_bytes: int = 0


def encode(report: TouchReport) -> bytes:
    """Return the bytes of one scan.

    Raises:
        InputError: a coordinate beyond 14 bits, or a contact number beyond 7.
    """
    return b"".join(_encode_contact(contact) for contact in report.contacts)


def _encode_contact(contact: Contact) -> bytes:
    x, y, number = contact.x, contact.y, contact.id
    if not (0 <= x <= COORDINATE_MAX and 0 <= y <= COORDINATE_MAX and 0 <= number < CONTACT_NUMBERS):
        raise InputError(f"3M PX: contact {number} at ({x}, {y}), must be 0 to 127 at 0 to {COORDINATE_MAX}")
    first = _FIRST | (_TIP if contact.tip else 0)
    return bytes([first, x & 0x7F, x >> 7, y & 0x7F, y >> 7, number])


class PxParser:
    """Reads the bytes of a 3M PX controller; in step again at the next first byte after any damage.

    Args:
        gap_us: silence that ends a scan.
    """

    def __init__(self, gap_us: int = SCAN_GAP_US) -> None:
        self.counters = PxCounters()
        self._partial = bytearray()
        self._scan = ScanCollector(gap_us)

    def feed(self, data: bytes, t_us: int) -> list[TouchReport]:
        """Take bytes that arrived at ``t_us``, none to let time pass; return the scans that have ended."""
        counters, partial = self.counters, self._partial
        counters.bytes += len(data)
        reports = [self._scan.at(t_us)]
        for byte in data:
            if byte & _FIRST:
                counters.stray_bytes += len(partial)
                partial.clear()
                if byte & 0x3F:
                    counters.stray_bytes += 1
                    continue
            elif not partial:
                counters.stray_bytes += 1
                continue
            partial.append(byte)
            if len(partial) == CONTACT_BYTES:
                first, x_low, x_high, y_low, y_high, number = partial
                contact = Contact(number, bool(first & _TIP), x_high << 7 | x_low, y_high << 7 | y_low)
                reports.append(self._scan.add(contact, t_us))
                counters.contacts += 1
                partial.clear()
        return [report for report in reports if report is not None]

    def end(self) -> list[TouchReport]:
        """Return the last scan, when no more bytes will come."""
        report = self._scan.end()
        return [] if report is None else [report]
