"""A touchscreen of our own as a HID device: its report descriptor, and touch reports as packets.

One packet holds ``contacts_per_packet`` contacts. A scan with more contacts travels as several packets with
the same scan time, of which only the first has the contact count; the others say 0. One contact per packet is
what is called serial mode, as many as the device can report at once parallel mode, anything between hybrid
mode ("Windows Precision Touchscreen Required HID Top-Level Collections", Microsoft).

Packet, little-endian: report id, then per contact a byte with the tip switch in bit 0, the contact id (one
byte), X and Y (two bytes each); then the scan time in 100 us (two bytes, wraps) and the contact count (one).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from stampbench.firmware_emulator.errors import InputError
from stampbench.firmware_emulator.touch import TouchReport

REPORT_ID = 1
FEATURE_REPORT_ID = 2
SCAN_TIME_US = 100
_CONTACT = struct.Struct("<BBHH")
_TRAILER = struct.Struct("<HB")
_UNIT_CM, _EXPONENT_MM_100 = 0x11, 0x0D  # centimetres times 10^-3: hundredths of a mm


@dataclass(frozen=True, slots=True)
class HidDigitizer:
    """A touchscreen that speaks HID.

    Attributes:
        contacts_per_packet: 1 to ``contact_count_max``.
        contact_count_max: most contacts in one scan, at most 64.
        x_max, y_max: logical maximum of the coordinates, 1 to 32767; the minimum is 0.
        width_mm, height_mm: size of the touch area, at most 327.67 mm; told in hundredths of a mm.
        tells_maximum: whether it has the feature report Contact Count Maximum, which a host asks for.

    Raises:
        InputError: a figure is outside its range.
    """

    contacts_per_packet: int
    contact_count_max: int
    x_max: int
    y_max: int
    width_mm: float
    height_mm: float
    tells_maximum: bool = True

    def __post_init__(self) -> None:
        for name, low, high in (
            ("contact_count_max", 1, 64),
            ("contacts_per_packet", 1, self.contact_count_max),
            ("x_max", 1, 0x7FFF),
            ("y_max", 1, 0x7FFF),
            ("width_mm", 0.01, 327.67),
            ("height_mm", 0.01, 327.67),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                raise InputError(f"{name} {value}: expected {low} to {high}")

    def descriptor(self) -> bytes:
        """Return the report descriptor."""
        finger = b"".join(
            (
                _item(0x04, 0x0D),  # usage page: digitizers
                _item(0x08, 0x22),  # usage: finger
                _item(0xA0, 0x02),  # collection: logical
                _item(0x14, 0),  # logical 0 to 1
                _item(0x24, 1),
                _item(0x08, 0x42),  # tip switch, 1 bit
                _item(0x74, 1),
                _item(0x94, 1),
                _item(0x80, 0x02),
                _item(0x94, 7),  # 7 bits of padding
                _item(0x80, 0x03),
                _item(0x24, 0xFF, size=2),
                _item(0x08, 0x51),  # contact id, 1 byte
                _item(0x74, 8),
                _item(0x94, 1),
                _item(0x80, 0x02),
                _item(0x04, 0x01),  # usage page: generic desktop
                _item(0x74, 16),
                _item(0x54, _EXPONENT_MM_100),
                _item(0x64, _UNIT_CM),
                _item(0x34, 0),
                _axis(0x30, self.x_max, self.width_mm),
                _axis(0x31, self.y_max, self.height_mm),
                _item(0x44, 0),  # no physical size for what follows
                _item(0x54, 0),
                _item(0x64, 0),
                b"\xc0",
            )
        )
        return b"".join(
            (
                _item(0x04, 0x0D),
                _item(0x08, 0x04),  # usage: touch screen
                _item(0xA0, 0x01),  # collection: application
                _item(0x84, REPORT_ID),
                finger * self.contacts_per_packet,
                _item(0x04, 0x0D),
                _item(0x24, 0xFFFF, size=4),
                _item(0x54, 0x0C),  # scan time in 10^-4 s
                _item(0x64, 0x1001, size=2),
                _item(0x08, 0x56),
                _item(0x80, 0x02),
                _item(0x54, 0),
                _item(0x64, 0),
                _item(0x24, self.contact_count_max),
                _item(0x08, 0x54),  # contact count, 1 byte
                _item(0x74, 8),
                _item(0x80, 0x02),
                self._maximum() if self.tells_maximum else b"",
                b"\xc0",
            )
        )

    @staticmethod
    def _maximum() -> bytes:
        """Return the items of Contact Count Maximum, a byte like the contact count ahead of it."""
        return _item(0x84, FEATURE_REPORT_ID) + _item(0x08, 0x55) + _item(0xB0, 0x02)

    @property
    def packet_length(self) -> int:
        """Bytes of one packet, the report id included."""
        return 1 + _CONTACT.size * self.contacts_per_packet + _TRAILER.size

    def encode(self, report: TouchReport) -> list[bytes]:
        """Return the packets of one scan; one packet with a count of zero for a scan without contacts.

        Raises:
            InputError: too many contacts, or an id or a coordinate outside its range.
        """
        contacts = report.contacts
        count = len(contacts)
        if count > self.contact_count_max:
            raise InputError(f"report of {count} contacts: expected at most {self.contact_count_max}")
        per_packet = self.contacts_per_packet
        scan_time = report.t_us // SCAN_TIME_US & 0xFFFF
        packets = []
        for first in range(0, max(count, 1), per_packet):
            packet = bytearray((REPORT_ID,))
            for contact in contacts[first : first + per_packet]:
                if not (
                    0 <= contact.id <= 255 and 0 <= contact.x <= self.x_max and 0 <= contact.y <= self.y_max
                ):
                    raise InputError(
                        f"contact {contact.id} at ({contact.x}, {contact.y}): expected id 0 to 255, "
                        f"x 0 to {self.x_max}, y 0 to {self.y_max}"
                    )
                packet += _CONTACT.pack(contact.tip, contact.id, contact.x, contact.y)
            packet += bytes(self.packet_length - _TRAILER.size - len(packet))
            packet += _TRAILER.pack(scan_time, 0 if first else count)
            packets.append(bytes(packet))
        return packets


def _item(prefix: int, value: int, size: int | None = None) -> bytes:
    """Return a short item; ``prefix`` has its size bits zero, ``size`` bytes of data (as needed)."""
    if size is None:
        size = 1 if value < 0x80 or prefix in (0x54, 0x80, 0xA0, 0xB0) else 2
    return bytes((prefix | (3 if size == 4 else size),)) + value.to_bytes(size, "little")


def _axis(usage: int, maximum: int, size_mm: float) -> bytes:
    return b"".join(
        (
            _item(0x24, maximum, size=2),
            _item(0x44, round(size_mm * 100), size=2),
            _item(0x08, usage),
            _item(0x80, 0x02),
        )
    )
