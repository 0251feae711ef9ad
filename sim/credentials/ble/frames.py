"""Advertisements of beacons, as bytes: Eddystone UID, TLM and EID, iBeacon, and the one-time-password stamp.

Sources: google/eddystone (protocol specification, and those of the frames) and Apple's Proximity Beacon
Specification. The one-time-password stamp is ours: manufacturer data of company FFFF (reserved for tests by
the Bluetooth SIG), ``53 42`` ("SB"), 8 bytes of stamp id, and the password as a number in 4 bytes,
big-endian.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias
from uuid import UUID

from stampbench.firmware_emulator.errors import ProtocolError

FLAGS, SERVICES, SERVICE_DATA, MANUFACTURER = 0x01, 0x03, 0x16, 0xFF
"""Types of the structures in an advertisement (Bluetooth Assigned Numbers, section 2.3)."""
_EDDYSTONE = bytes.fromhex("AAFE")
_APPLE_IBEACON = bytes.fromhex("4C000215")
_STAMP = bytes.fromhex("FFFF5342")
OTP_DIGITS = 8


@dataclass(frozen=True, slots=True)
class Uid:
    """Eddystone-UID: a beacon that says who it is, to everybody and for ever."""

    namespace: bytes
    instance: bytes
    tx_power_dbm: int = 0

    @property
    def encoded(self) -> bytes:
        """The advertisement."""
        body = b"\x00" + _signed(self.tx_power_dbm) + self.namespace + self.instance + bytes(2)
        return _eddystone(body)


@dataclass(frozen=True, slots=True)
class Tlm:
    """Eddystone-TLM, unencrypted: how the beacon is.

    Attributes:
        battery_mv: 0 if it has none.
        temperature_c: in steps of 1/256.
        advertisements: since power-up.
        uptime_ds: since power-up, in tenths of a second.
    """

    battery_mv: int
    temperature_c: float
    advertisements: int
    uptime_ds: int

    @property
    def encoded(self) -> bytes:
        """The advertisement."""
        numbers = (
            (self.battery_mv, 2),
            (round(self.temperature_c * 256) & 0xFFFF, 2),
            (self.advertisements, 4),
            (self.uptime_ds, 4),
        )
        return _eddystone(b"\x20\x00" + b"".join(value.to_bytes(size, "big") for value, size in numbers))


@dataclass(frozen=True, slots=True)
class Eid:
    """Eddystone-EID: an identifier that changes, and that its resolver alone understands."""

    identifier: bytes
    tx_power_dbm: int = 0

    @property
    def encoded(self) -> bytes:
        """The advertisement."""
        return _eddystone(b"\x30" + _signed(self.tx_power_dbm) + self.identifier)


@dataclass(frozen=True, slots=True)
class IBeacon:
    """iBeacon; ``power_dbm`` is what is received at 1 m."""

    uuid: UUID
    major: int
    minor: int
    power_dbm: int = -59

    @property
    def encoded(self) -> bytes:
        """The advertisement."""
        place = self.major.to_bytes(2, "big") + self.minor.to_bytes(2, "big")
        body = _APPLE_IBEACON + self.uuid.bytes + place + _signed(self.power_dbm)
        return _structure(FLAGS, b"\x06") + _structure(MANUFACTURER, body)


@dataclass(frozen=True, slots=True)
class OtpStamp:
    """A stamp that shows a one-time password of 8 digits beside its id of 8 bytes."""

    stamp: bytes
    password: str

    @property
    def encoded(self) -> bytes:
        """The advertisement."""
        body = _STAMP + self.stamp + int(self.password).to_bytes(4, "big")
        return _structure(FLAGS, b"\x06") + _structure(MANUFACTURER, body)


Frame: TypeAlias = Uid | Tlm | Eid | IBeacon | OtpStamp


def parse_frame(advertisement: bytes) -> Frame | None:
    """Return the frame in an advertisement, or None if it holds none of ours.

    Raises:
        ProtocolError: structures that overrun the advertisement, or a frame of ours of a wrong length.
    """
    for kind, body in structures(advertisement):
        if kind == SERVICE_DATA and body[:2] == _EDDYSTONE:
            return _parse_eddystone(body[2:])
        if kind == MANUFACTURER and body[:4] == _APPLE_IBEACON:
            _check("iBeacon", body, 25)
            return IBeacon(
                UUID(bytes=body[4:20]),
                int.from_bytes(body[20:22], "big"),
                int.from_bytes(body[22:24], "big"),
                _from_signed(body[24]),
            )
        if kind == MANUFACTURER and body[:4] == _STAMP:
            _check("one-time-password stamp", body, 16)
            number = int.from_bytes(body[12:16], "big")
            if number >= 10**OTP_DIGITS:
                raise ProtocolError(f"advertisement: password {number}: expected at most {OTP_DIGITS} digits")
            return OtpStamp(body[4:12], f"{number:0{OTP_DIGITS}d}")
    return None


def structures(advertisement: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield type and body of every structure (Bluetooth Core Specification, volume 3, part C, section 11).

    Raises:
        ProtocolError: one that overruns the advertisement.
    """
    start = 0
    while start < len(advertisement) and (length := advertisement[start]):
        end = start + 1 + length
        if end > len(advertisement):
            raise ProtocolError(
                f"advertisement of {len(advertisement)} bytes: structure at byte {start} says {length}: "
                f"expected at most {len(advertisement) - start - 1}"
            )
        yield advertisement[start + 1], advertisement[start + 2 : end]
        start = end


def _parse_eddystone(body: bytes) -> Uid | Tlm | Eid | None:
    kind = body[0] if body else None
    if kind == 0x00:
        # The last two bytes are reserved, and some beacons leave them out.
        _check("Eddystone-UID", body, 18, 20)
        return Uid(body[2:12], body[12:18], _from_signed(body[1]))
    if kind == 0x20 and body[1:2] == b"\x00":
        _check("Eddystone-TLM", body, 14)
        return Tlm(
            int.from_bytes(body[2:4], "big"),
            int.from_bytes(body[4:6], "big", signed=True) / 256,
            int.from_bytes(body[6:10], "big"),
            int.from_bytes(body[10:14], "big"),
        )
    if kind == 0x30:
        _check("Eddystone-EID", body, 10)
        return Eid(body[2:10], _from_signed(body[1]))
    return None


def _check(name: str, body: bytes, *lengths: int) -> None:
    if len(body) not in lengths:
        expected = " or ".join(map(str, lengths))
        raise ProtocolError(f"advertisement: {name} of {len(body)} bytes: expected {expected}")


def _eddystone(body: bytes) -> bytes:
    head = _structure(FLAGS, b"\x06") + _structure(SERVICES, _EDDYSTONE)
    return head + _structure(SERVICE_DATA, _EDDYSTONE + body)


def _structure(kind: int, body: bytes) -> bytes:
    return bytes([len(body) + 1, kind]) + body


def _signed(value: int) -> bytes:
    return value.to_bytes(1, "big", signed=True)


def _from_signed(value: int) -> int:
    return value - 256 if value > 127 else value
