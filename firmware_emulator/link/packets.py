"""Packets on the serial link: COBS framing, CRC-32, sequence number and device clock (see PROTOCOL.md).

A packet is, before COBS and all little endian: version u8, type u8, sequence u32, device time u32 (us),
payload, CRC-32 u32 over everything before it. On the wire it is COBS-encoded and ended by one 0x00.
"""

from __future__ import annotations

import dataclasses
import secrets
import struct
import zlib
from collections import deque
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from cobs import cobs
from stampbench.firmware_emulator.errors import InputError

PROTOCOL_VERSION = 1
"""The version this module speaks; the first byte of every packet."""

MAX_BODY_BYTES = 32768
"""Longest packet before COBS, header and CRC included: a raw frame of 128 x 127 nodes fits."""

MAX_WIRE_BYTES = MAX_BODY_BYTES + MAX_BODY_BYTES // 254 + 1
"""Longest packet after COBS, its 0x00 left out."""

LONGEST_COUNTED_GAP = 1 << 20
"""A sequence number further ahead than this is a rig that started anew, not that many lost packets."""

LONGEST_SILENCE_US = 1_000_000
"""Device time between neighbouring packets beyond which the clock has jumped: twice the heartbeat."""

_HEADER = struct.Struct("<BBII")
_CRC = struct.Struct("<I")
_CRC_RESIDUE = 0x2144DF1C  # the CRC-32 of any bytes followed by their own CRC-32, little endian
_SHORTEST_BODY = _HEADER.size + _CRC.size
_WRAP = 1 << 32
_FIRST_NUMBERS = 1 << 31
_REMEMBERED = 64


class PacketType(IntEnum):
    """What a packet carries; below 0x40 from the rig, from 0x40 on from the host."""

    IDENTITY = 0x01
    HEARTBEAT = 0x02
    ANSWER = 0x03
    PRESS_DONE = 0x04
    HID_DESCRIPTOR = 0x05
    CONTACTS = 0x10
    HID_REPORT = 0x11
    RAW_FRAME = 0x12
    IDENTIFY = 0x40
    RESET = 0x41
    STREAM = 0x42
    CONFIGURE = 0x43
    PRESS = 0x44


_KNOWN_TYPES = frozenset(int(kind) for kind in PacketType)


class Packet(NamedTuple):
    """One whole packet.

    Attributes:
        type: a :class:`PacketType`.
        sequence: the sender's number, 0 at its start, wraps after 2^32 - 1.
        t_us: device time in microseconds; unwrapped where :class:`PacketParser` delivers it.
        payload: the bytes that :mod:`stampbench.firmware_emulator.link.messages` reads.
    """

    type: int
    sequence: int
    t_us: int
    payload: bytes


@dataclass(slots=True)
class LinkCounters:
    """What one receiver has seen; all counts only ever grow.

    Attributes:
        bytes: bytes received, of any kind.
        packets: packets delivered.
        lost: packets that the sequence numbers say were sent and that were not delivered.
        late: packets that came after a younger one: not delivered, and counted in ``lost`` already.
        duplicates: exact copies of a packet delivered before: not delivered again.
        restarts: times the sender began to count anew.
        clock_jumps: times the device clock went back, or ahead by more than a second, between neighbours.
        crc_errors, cobs_errors, too_short, too_long: damaged stretches between two 0x00, by their defect.
        unknown_version: sound packets of a version this receiver does not know: not delivered.
        unknown_type: sound packets of a type this receiver does not know: delivered, to be passed over.
        joined_bytes: bytes dropped before the first 0x00 after joining a running stream.
        resyncs: times a sound packet followed a damaged stretch.
    """

    bytes: int = 0
    packets: int = 0
    lost: int = 0
    late: int = 0
    duplicates: int = 0
    restarts: int = 0
    clock_jumps: int = 0
    crc_errors: int = 0
    cobs_errors: int = 0
    too_short: int = 0
    too_long: int = 0
    unknown_version: int = 0
    unknown_type: int = 0
    joined_bytes: int = 0
    resyncs: int = 0

    @property
    def damaged(self) -> int:
        """Stretches between two 0x00 that were no packet."""
        return self.crc_errors + self.cobs_errors + self.too_short + self.too_long

    @property
    def lossless(self) -> bool:
        """True if nothing was lost, damaged or out of order, and the device clock ran on.

        A packet that came twice was delivered once, in its place: nothing is missing or altered.
        """
        return not (self.damaged or self.lost or self.restarts or self.clock_jumps)

    @property
    def faultless(self) -> bool:
        """True if the counts are lossless and no packet came twice."""
        return self.lossless and not self.duplicates

    def copy(self) -> LinkCounters:
        """Return the counts as they are now."""
        return dataclasses.replace(self)

    def __sub__(self, earlier: LinkCounters) -> LinkCounters:
        """Return what was counted since ``earlier``."""
        return LinkCounters(*(getattr(self, name) - getattr(earlier, name) for name in self.names()))

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Return the names of the counts, in order."""
        return tuple(field.name for field in dataclasses.fields(cls))

    def to_mapping(self) -> dict[str, int]:
        """Return the counts by name."""
        return {name: getattr(self, name) for name in self.names()}


def encode_packet(kind: int, sequence: int, t_us: int, payload: bytes = b"") -> bytes:
    """Return one packet as it goes on the wire, ended by 0x00.

    Args:
        kind: a :class:`PacketType`.
        sequence: the sender's packet number; taken modulo 2^32.
        t_us: the sender's clock in microseconds; taken modulo 2^32. A host that keeps no clock sends 0.
        payload: at most ``MAX_BODY_BYTES`` - 14 bytes.

    Raises:
        InputError: the payload is too long.
    """
    room = MAX_BODY_BYTES - _SHORTEST_BODY
    if len(payload) > room:
        raise InputError(f"packet type 0x{kind:02x}: payload of {len(payload)} bytes, at most {room} fit")
    body = _HEADER.pack(PROTOCOL_VERSION, kind, sequence % _WRAP, t_us % _WRAP) + payload
    coded: bytes = cobs.encode(body + _CRC.pack(zlib.crc32(body)))  # type: ignore[no-untyped-call]
    return coded + b"\0"


class PacketSender:
    """Numbers the packets of one sender.

    Args:
        first: number of its first packet.
    """

    def __init__(self, first: int = 0) -> None:
        self.sequence = first
        """Number that the next packet will carry."""

    def encode(self, kind: int, t_us: int, payload: bytes = b"") -> bytes:
        """Return the next packet as it goes on the wire; see :func:`encode_packet`."""
        packet = encode_packet(kind, self.sequence, t_us, payload)
        self.sequence = (self.sequence + 1) % _WRAP
        return packet


def host_sender() -> PacketSender:
    """Return the sender of a host, which begins with any number.

    A rig cannot see that its port was opened anew: the first commands of two hosts in a row, under the same
    numbers, would be duplicates to it.
    """
    return PacketSender(secrets.randbelow(_FIRST_NUMBERS))


class PacketParser:
    """Turns received bytes, in chunks of any size, into packets; counts everything that is not delivered.

    It may join a running stream anywhere. It never delivers a damaged packet beyond what CRC-32 lets through
    (one damaged packet in 2^32), nor a packet twice, nor one older than the last delivered. It holds at most
    one packet's bytes and the last 64 packets.
    """

    def __init__(self) -> None:
        self.counters = LinkCounters()
        self._partial = bytearray()
        self._overlong = False
        self._joining = True
        self._out_of_step = False
        self._expected = -1
        self._epoch_us = 0
        self._last_t_us = 0
        self._recent: deque[Packet] = deque(maxlen=_REMEMBERED)
        self._missing: deque[int] = deque(maxlen=_REMEMBERED)

    def rejoin(self) -> None:
        """Forget a half-received packet, as after the port was opened again; numbers and clock run on."""
        self.counters.joined_bytes += len(self._partial)
        self._partial.clear()
        # A rig that was unplugged begins with the very packets of its last life: no duplicates of them.
        self._recent.clear()
        self._overlong = False
        self._joining = True

    def feed(self, data: bytes) -> list[Packet]:
        """Take received bytes and return the packets they complete, in the order sent."""
        counters = self.counters
        counters.bytes += len(data)
        pieces = data.split(b"\0")
        if len(pieces) == 1:
            self._keep(data)
            return []
        if self._partial or self._overlong:
            pieces[0] = bytes(self._partial) + pieces[0]
            self._partial.clear()
        tail = pieces.pop()
        packets: list[Packet] = []
        for piece in pieces:
            if self._overlong or self._joining or len(piece) > MAX_WIRE_BYTES:
                body = self._first_piece(piece)
            elif piece:
                body = self._body(piece)
            else:
                continue
            if body is not None and (packet := self._in_order(body, packets)) is not None:
                packets.append(packet)
        counters.packets += len(packets)
        self._recent.extend(packets[-_REMEMBERED:])
        self._keep(tail)
        return packets

    def _keep(self, tail: bytes) -> None:
        """Hold the start of a packet until its end arrives, and no more than one packet's length of it."""
        if not self._overlong:
            self._partial += tail
            if len(self._partial) > MAX_WIRE_BYTES:
                self._overlong = True
                if self._joining:
                    self.counters.joined_bytes += len(self._partial)
                self._partial.clear()

    def _first_piece(self, piece: bytes) -> bytes | None:
        """Return the packet body in a piece whose beginning may be missing, or that is too long to be one."""
        overlong = self._overlong or len(piece) > MAX_WIRE_BYTES
        joining, self._joining, self._overlong = self._joining, False, False
        if joining:
            # Who joins in mid-packet has not seen a fault: what is no packet here is passed over.
            body = b"" if overlong else _decoded(piece)
            if _is_sound(body):
                return body
            self.counters.joined_bytes += len(piece)
            return None
        if overlong:
            self.counters.too_long += 1
            self._out_of_step = True
            return None
        return self._body(piece)

    def _body(self, piece: bytes) -> bytes | None:
        """Return what COBS hides in ``piece`` if it is whole; count its defect if not."""
        body = _decoded(piece)
        if _is_sound(body):
            return body
        if not body:
            self.counters.cobs_errors += 1
        elif len(body) < _SHORTEST_BODY:
            self.counters.too_short += 1
        else:
            self.counters.crc_errors += 1
        self._out_of_step = True
        return None

    def _in_order(self, body: bytes, fresh: list[Packet]) -> Packet | None:
        """Return the packet in a sound body if it is new; ``fresh`` holds those of this chunk so far."""
        counters = self.counters
        if self._out_of_step:
            self._out_of_step = False
            counters.resyncs += 1
        version, kind, sequence, t_us = _HEADER.unpack_from(body)
        if version != PROTOCOL_VERSION:
            counters.unknown_version += 1
            return None
        if sequence != self._expected and not self._accept_gap(body, sequence, t_us, fresh):
            return None
        t_us += self._epoch_us
        step_us = t_us - self._last_t_us
        if not 0 <= step_us <= LONGEST_SILENCE_US:
            t_us = self._unwrapped(t_us, follows=sequence == self._expected)
        self._last_t_us = t_us
        self._expected = (sequence + 1) % _WRAP
        if kind not in _KNOWN_TYPES:
            counters.unknown_type += 1
        return Packet(kind, sequence, t_us, body[_HEADER.size : -_CRC.size])

    def _accept_gap(self, body: bytes, sequence: int, t_us: int, fresh: list[Packet]) -> bool:
        """Say whether a packet out of sequence is news, and count what it tells."""
        counters = self.counters
        if self._expected < 0:
            self._last_t_us = t_us
            return True
        ahead = (sequence - self._expected) % _WRAP
        if ahead <= LONGEST_COUNTED_GAP:
            counters.lost += ahead
            self._missing.extend((sequence - back) % _WRAP for back in range(min(ahead, _REMEMBERED), 0, -1))
            return True
        payload = body[_HEADER.size : -_CRC.size]
        for old in (*fresh[-_REMEMBERED:], *self._recent):
            if old.sequence == sequence and old.t_us % _WRAP == t_us and old.payload == payload:
                counters.duplicates += 1
                return False
        if sequence in self._missing:
            self._missing.remove(sequence)
            counters.late += 1
            return False
        counters.restarts += 1
        if sequence <= LONGEST_COUNTED_GAP:
            counters.lost += sequence
        self._missing.clear()
        # Each life of the sender has its own 2^32 us, so that unwrapped time never goes back.
        self._epoch_us += _WRAP
        self._last_t_us = self._epoch_us + t_us
        return True

    def _unwrapped(self, t_us: int, *, follows: bool) -> int:
        """Return the unwrapped device time of a packet that is not within a second of the one before."""
        step_us = (t_us - self._last_t_us + _WRAP // 2) % _WRAP - _WRAP // 2
        self._epoch_us += self._last_t_us + step_us - t_us
        if step_us < 0 or (follows and step_us > LONGEST_SILENCE_US):
            self.counters.clock_jumps += 1
        return self._last_t_us + step_us


def _decoded(piece: bytes) -> bytes:
    """Return what COBS hides in ``piece``, nothing if it is no COBS."""
    try:
        return cobs.decode(piece)  # type: ignore[no-untyped-call]
    except cobs.DecodeError:
        return b""


def _is_sound(body: bytes) -> bool:
    """Say whether a packet body is long enough and ends with its own CRC-32."""
    return len(body) >= _SHORTEST_BODY and zlib.crc32(body) == _CRC_RESIDUE
