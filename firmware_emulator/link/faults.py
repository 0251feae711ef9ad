"""Seeded faults of a serial line and of a rig's firmware, with counts of what was done to the stream.

At most one fault befalls a packet, so that a reader's counters can be compared with what was injected.
"""

from __future__ import annotations

import dataclasses
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np
from cobs import cobs
from stampbench.firmware_emulator.errors import InputError
from stampbench.firmware_emulator.outside import parse_toml
from stampbench.firmware_emulator.touch import Contact, TouchReport

Share = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
_U32 = Annotated[int, msgspec.Meta(ge=0, lt=1 << 32)]
_NUMBERS = struct.Struct("<II")
_CRC = struct.Struct("<I")
_WRAP = 1 << 32


class Faults(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which faults befall a rig; shares are of the packets, and of the scans for faults of contacts.

    Attributes:
        flip_byte, drop_byte, insert_byte, repeat_byte: one byte of a packet becomes another, is lost, is
            put in, is doubled.
        cut_packet: a packet loses its end, but not the 00 after it.
        join_packets: the 00 after a packet is lost.
        noise: all bytes of a packet are at random, as at a wrong baud rate.
        drop_packet, repeat_packet, swap_packets: a packet is lost, comes twice, comes after the next.
        stall: the line holds still for ``stall_ms`` before a packet, and catches up in a burst.
        reboot: the rig starts to count anew, from 0.
        clock_jump: the device clock jumps by ``clock_jump_ms``, which may be negative.
        clock_drift_ppm: the device clock runs fast by so many parts in a million.
        first_sequence, first_t_us: where number and clock stand at first; near 2^32 they wrap soon.
        flip_command, drop_command: a byte of a packet from the host becomes another; such a packet is lost.
        unplug_after: bytes after which the line goes dead for good; None leaves it alone.
        ghost_contact: a scan shows a contact that is not there.
        merge_contacts: two contacts of a scan become one between them.
        lose_lift: the lift of a contact goes unreported.
        half_rate: every other scan goes unreported.
    """

    flip_byte: Share = 0.0
    drop_byte: Share = 0.0
    insert_byte: Share = 0.0
    repeat_byte: Share = 0.0
    cut_packet: Share = 0.0
    join_packets: Share = 0.0
    noise: Share = 0.0
    drop_packet: Share = 0.0
    repeat_packet: Share = 0.0
    swap_packets: Share = 0.0
    stall: Share = 0.0
    stall_ms: Annotated[float, msgspec.Meta(ge=0.0, le=60_000.0)] = 100.0
    reboot: Share = 0.0
    clock_jump: Share = 0.0
    clock_jump_ms: Annotated[float, msgspec.Meta(ge=-2e6, le=2e6)] = 5000.0
    clock_drift_ppm: Annotated[float, msgspec.Meta(ge=-1e5, le=1e5)] = 0.0
    first_sequence: _U32 = 0
    first_t_us: _U32 = 0
    flip_command: Share = 0.0
    drop_command: Share = 0.0
    unplug_after: Annotated[int, msgspec.Meta(ge=0)] | None = None
    ghost_contact: Share = 0.0
    merge_contacts: Share = 0.0
    lose_lift: Share = 0.0
    half_rate: bool = False

    def __post_init__(self) -> None:
        for what, shares in (
            ("packet faults", self.shares().values()),
            ("command faults", (self.flip_command, self.drop_command)),
        ):
            total = sum(shares)
            if total > 1.0 + 1e-9:
                raise ValueError(f"shares of {what} add up to {total:g}, at most 1 is possible")

    def shares(self) -> dict[str, float]:
        """Return the shares of the faults of which at most one befalls a packet, by name."""
        return {name: getattr(self, name) for name in PACKET_FAULTS}

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any], where: str = "faults") -> Faults:
        """Read from a plan or a fault file.

        Raises:
            InputError: an unknown key, a wrong type, or a value outside its range.
        """
        try:
            return msgspec.convert(dict(mapping), cls)
        except msgspec.ValidationError as error:
            raise InputError(f"{where}: {error}; known keys are {', '.join(cls.__struct_fields__)}") from None

    @classmethod
    def read(cls, path: Path) -> Faults:
        """Read a fault file: these attributes as TOML keys.

        Raises:
            InputError: no such file, no TOML, or not such faults.
        """
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise InputError(f"{path}: cannot be read: {error.strerror}") from None
        except UnicodeDecodeError as error:
            raise InputError(f"{path}: not TOML: {error}") from None
        return cls.parse(text, str(path))

    @classmethod
    def parse(cls, text: str, where: str = "faults") -> Faults:
        """Read the text of a fault file.

        Raises:
            InputError: no TOML, or not such faults.
        """
        return cls.from_mapping(parse_toml(text, where), where)


BYTE_FAULTS = ("flip_byte", "drop_byte", "insert_byte", "repeat_byte", "cut_packet", "noise")
PACKET_FAULTS = (
    *BYTE_FAULTS,
    "join_packets",
    "drop_packet",
    "repeat_packet",
    "swap_packets",
    "stall",
    "reboot",
    "clock_jump",
)


@dataclass(slots=True)
class Injected:
    """What was done to a stream: how often each fault, and what a reader must find.

    Attributes:
        spoiled: packets that no longer arrive whole, for whatever reason; the reader's ``lost`` must be that
            and ``late`` together, as long as the rig did not reboot.
        stretches: damaged stretches between two 00; the reader's ``damaged``.
    """

    flip_byte: int = 0
    drop_byte: int = 0
    insert_byte: int = 0
    repeat_byte: int = 0
    cut_packet: int = 0
    noise: int = 0
    join_packets: int = 0
    drop_packet: int = 0
    repeat_packet: int = 0
    swap_packets: int = 0
    stall: int = 0
    reboot: int = 0
    clock_jump: int = 0
    flip_command: int = 0
    drop_command: int = 0
    unplug: int = 0
    ghost_contact: int = 0
    merge_contacts: int = 0
    lose_lift: int = 0
    half_rate: int = 0
    packets: int = 0
    spoiled: int = 0
    stretches: int = 0

    def to_mapping(self) -> dict[str, int]:
        """Return the counts by name."""
        return dataclasses.asdict(self)


class WireFaults:
    """Does to a stream of packets what a bad line and a bad clock do.

    Args:
        faults: what, and how often.
        rng: from which the faults are drawn.
        injected: where they are counted.

    Attributes:
        active: False lets no further fault befall the line; what it holds back comes with the next packet.
    """

    def __init__(self, faults: Faults, rng: np.random.Generator, injected: Injected | None = None) -> None:
        self.injected = Injected() if injected is None else injected
        self.active = True
        self._faults = faults
        self._rng = rng
        shares = faults.shares()
        self._names = list(shares)
        self._bounds = np.cumsum(list(shares.values()))
        self._held = b""
        self._spared = False
        self._joined = b""
        self._sequence_shift = faults.first_sequence
        self._time_shift_us = float(faults.first_t_us)
        self._rewriting = bool(
            faults.first_sequence
            or faults.first_t_us
            or faults.clock_drift_ppm
            or faults.reboot
            or faults.clock_jump
        )

    def carry(self, packet: bytes) -> tuple[float, bytes]:
        """Take one packet with its 00; return how many seconds the line stalls, and what it then carries."""
        injected = self.injected
        injected.packets += 1
        fault = self._draw()
        if fault:
            setattr(injected, fault, getattr(injected, fault) + 1)
        if self._rewriting:
            packet = self._rewritten(packet, fault)
        if self._joined:
            # Without the 00 between them, this packet is damaged too.
            packet, self._joined = self._joined + packet, b""
            injected.spoiled += 2
            injected.stretches += 1
        if fault == "swap_packets":
            self._held, self._spared = packet, True
            return 0.0, b""
        if fault == "join_packets":
            self._joined, self._spared = packet[:-1], True
            return 0.0, b""
        packet, self._held = packet + self._held, b""
        if fault == "drop_packet":
            injected.spoiled += 1
            return 0.0, b""
        if fault == "repeat_packet":
            return 0.0, packet + packet
        if fault == "stall":
            return self._faults.stall_ms / 1000, packet
        if fault in BYTE_FAULTS:
            body = self._damaged(fault, packet[:-1])
            injected.spoiled += 1
            injected.stretches += sum(map(bool, body.split(b"\0")))
            return 0.0, body + b"\0"
        return 0.0, packet

    def _draw(self) -> str:
        """Return the name of the fault that befalls the next packet, or nothing."""
        chance = self._rng.random()
        if self._spared:
            # The partner of a swapped or joined packet is left alone, or the counts would not be exact.
            self._spared = False
            return ""
        if not self.active:
            return ""
        place = int(np.searchsorted(self._bounds, chance, side="right"))
        return self._names[place] if place < len(self._names) else ""

    def _damaged(self, fault: str, body: bytes) -> bytes:
        rng = self._rng
        place = int(rng.integers(len(body)))
        if fault == "flip_byte":
            return body[:place] + bytes([body[place] ^ int(rng.integers(1, 256))]) + body[place + 1 :]
        if fault == "drop_byte":
            return body[:place] + body[place + 1 :]
        if fault == "insert_byte":
            return body[:place] + bytes([int(rng.integers(1, 256))]) + body[place:]
        if fault == "repeat_byte":
            return body[: place + 1] + body[place:]
        if fault == "cut_packet":
            return body[: max(1, place)]
        return rng.bytes(len(body))

    def _rewritten(self, packet: bytes, fault: str) -> bytes:
        """Return the packet with the number and time of this rig's life and clock."""
        body = bytearray(cobs.decode(packet[:-1]))  # type: ignore[no-untyped-call]
        sequence, t_us = _NUMBERS.unpack_from(body, 2)
        if fault == "reboot":
            self._sequence_shift = -sequence
        if fault == "clock_jump":
            self._time_shift_us += 1000 * self._faults.clock_jump_ms
        drifted_us = t_us * (1 + self._faults.clock_drift_ppm / 1e6) + self._time_shift_us
        _NUMBERS.pack_into(body, 2, (sequence + self._sequence_shift) % _WRAP, int(drifted_us) % _WRAP)
        _CRC.pack_into(body, len(body) - 4, zlib.crc32(body[:-4]))
        coded: bytes = cobs.encode(body)  # type: ignore[no-untyped-call]
        return coded + b"\0"


class CommandFaults:
    """Does to what the host sends what a bad line does, while ``active``."""

    def __init__(self, faults: Faults, rng: np.random.Generator, injected: Injected | None = None) -> None:
        self.injected = Injected() if injected is None else injected
        self.active = True
        self._faults = faults
        self._rng = rng

    def hear(self, data: bytes) -> bytes:
        """Take bytes from the host; return what of them arrives. Packets that end in them are damaged."""
        if not (self.active and (self._faults.flip_command or self._faults.drop_command)):
            return data
        *packets, rest = data.split(b"\0")
        return b"\0".join([*(self._spoiled(packet) if packet else packet for packet in packets), rest])

    def _spoiled(self, packet: bytes) -> bytes:
        faults, rng = self._faults, self._rng
        chance = rng.random()
        if chance < faults.flip_command:
            self.injected.flip_command += 1
            place = int(rng.integers(len(packet)))
            other = (packet[place] - 1 + int(rng.integers(1, 255))) % 255 + 1
            return packet[:place] + bytes([other]) + packet[place + 1 :]
        if chance < faults.flip_command + faults.drop_command:
            self.injected.drop_command += 1
            return b""
        return packet


class ReportFaults:
    """Does to touch reports what a bad controller does; what never was a packet is no fault of the link."""

    _GHOST_ID = 200

    def __init__(self, faults: Faults, rng: np.random.Generator, injected: Injected | None = None) -> None:
        self.injected = Injected() if injected is None else injected
        self._faults = faults
        self._rng = rng
        self._scan = 0

    def spoil(self, report: TouchReport, x_max: int, y_max: int) -> TouchReport | None:
        """Return what the controller says instead of ``report``; None if nothing."""
        faults, rng, injected = self._faults, self._rng, self.injected
        lift_chance, merge_chance, ghost_chance = rng.random(3)
        self._scan += 1
        if faults.half_rate and self._scan % 2 == 0:
            injected.half_rate += 1
            return None
        contacts = report.contacts
        if lift_chance < faults.lose_lift and any(not contact.tip for contact in contacts):
            injected.lose_lift += sum(not contact.tip for contact in contacts)
            contacts = tuple(contact for contact in contacts if contact.tip)
        if merge_chance < faults.merge_contacts and len(contacts) >= 2:
            injected.merge_contacts += 1
            first, second, *others = contacts
            middle = first._replace(x=(first.x + second.x) // 2, y=(first.y + second.y) // 2)
            contacts = (middle, *others)
        if ghost_chance < faults.ghost_contact:
            injected.ghost_contact += 1
            place = int(rng.integers(x_max + 1)), int(rng.integers(y_max + 1))
            contacts = (*contacts, Contact(self._GHOST_ID, True, *place))
        return TouchReport(report.t_us, contacts)
