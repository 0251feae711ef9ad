"""What the host's packets carry: one value per command, packed to bytes and read back (see PROTOCOL.md).

Values that do not fit their field raise InputError when packed; payloads that do not follow the layout raise
ProtocolError when read.
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntFlag

from stampbench.firmware_emulator.errors import ProtocolError
from stampbench.firmware_emulator.link.packets import PacketType
from stampbench.firmware_emulator.link.payload import (
    pack_fields,
    pack_text,
    split_fields,
    split_text,
    unpack_text,
)

_PRESS = struct.Struct("<Q")
_KEYFRAME_COUNT = struct.Struct("<H")
_KEYFRAME = struct.Struct("<IiiiHHii")


class Streams(IntFlag):
    """What a rig sends for each scan."""

    CONTACTS = 0x01
    HID_REPORTS = 0x02
    RAW_FRAMES = 0x04


@dataclass(frozen=True, slots=True)
class Identify:
    """Ask the rig who it is: it sends its identity, then the answer."""

    kind = PacketType.IDENTIFY

    def pack(self) -> bytes:
        """Return the empty payload."""
        return b""

    @classmethod
    def unpack(cls, payload: bytes) -> Identify:
        """Read the payload, which is empty."""
        _empty("identify", payload)
        return cls()


@dataclass(frozen=True, slots=True)
class Reset:
    """End a press under way, forget all touches, and stream contacts alone."""

    kind = PacketType.RESET

    def pack(self) -> bytes:
        """Return the empty payload."""
        return b""

    @classmethod
    def unpack(cls, payload: bytes) -> Reset:
        """Read the payload, which is empty."""
        _empty("reset", payload)
        return cls()


@dataclass(frozen=True, slots=True)
class Stream:
    """Say what the rig sends for each scan."""

    streams: Streams

    kind = PacketType.STREAM

    def pack(self) -> bytes:
        """Return the payload."""
        return bytes([self.streams])

    @classmethod
    def unpack(cls, payload: bytes) -> Stream:
        """Read the payload."""
        if len(payload) != 1 or payload[0] & ~int(sum(Streams)):
            raise ProtocolError(f"stream: payload {payload.hex() or 'empty'}, must be one byte from 00 to 07")
        return cls(Streams(payload[0]))


@dataclass(frozen=True, slots=True)
class Configure:
    """Set conditions of the simulated panel: a JSON object as text."""

    json_text: str

    kind = PacketType.CONFIGURE

    def pack(self) -> bytes:
        """Return the payload."""
        return self.json_text.encode()

    @classmethod
    def unpack(cls, payload: bytes) -> Configure:
        """Read the payload."""
        return cls(unpack_text("configure", payload))


@dataclass(frozen=True, slots=True)
class WireKeyframe:
    """Where and how an object is held at one time of a press, in the integers of the link.

    Attributes:
        t_us: from the start of the press.
        x_um, y_um: origin of the object on the panel, micrometres from the top left corner.
        theta_urad: its rotation, microradians.
        force_permille, grip_permille: 0 to 1000.
        tilt_x_urad, tilt_y_urad: tilt, microradians.
    """

    t_us: int
    x_um: int
    y_um: int
    theta_urad: int
    force_permille: int
    grip_permille: int
    tilt_x_urad: int
    tilt_y_urad: int

    def values(self) -> tuple[int, ...]:
        """Return the fields in the order of the link."""
        return (
            self.t_us,
            self.x_um,
            self.y_um,
            self.theta_urad,
            self.force_permille,
            self.grip_permille,
            self.tilt_x_urad,
            self.tilt_y_urad,
        )


@dataclass(frozen=True, slots=True)
class PressCommand:
    """Press an object on the panel.

    Attributes:
        seed: from which a simulated rig draws its noise; 0 to 2^64 - 1.
        object_name: the object, at most 255 bytes of UTF-8.
        keyframes: at least one, their times rising; between them the rig moves in straight lines.
    """

    seed: int
    object_name: str
    keyframes: tuple[WireKeyframe, ...]

    kind = PacketType.PRESS

    def pack(self) -> bytes:
        """Return the payload."""
        return b"".join(
            (
                pack_fields(_PRESS, "press", self.seed),
                pack_text("press", self.object_name),
                pack_fields(_KEYFRAME_COUNT, "press", len(self.keyframes)),
                *(pack_fields(_KEYFRAME, "press", *keyframe.values()) for keyframe in self.keyframes),
            )
        )

    @classmethod
    def unpack(cls, payload: bytes) -> PressCommand:
        """Read the payload."""
        (seed,), rest = split_fields(_PRESS, "press", payload)
        object_name, rest = split_text("press", rest)
        (count,), rest = split_fields(_KEYFRAME_COUNT, "press", rest)
        if count == 0 or len(rest) != count * _KEYFRAME.size:
            right = f"must be one or more of {_KEYFRAME.size} bytes"
            raise ProtocolError(f"press: {count} keyframes in {len(rest)} bytes, {right}")
        keyframes = tuple(WireKeyframe(*values) for values in _KEYFRAME.iter_unpack(rest))
        times = [keyframe.t_us for keyframe in keyframes]
        if any(later <= earlier for earlier, later in itertools.pairwise(times)):
            raise ProtocolError("press: times of keyframes must rise")
        if any(max(keyframe.force_permille, keyframe.grip_permille) > 1000 for keyframe in keyframes):
            raise ProtocolError("press: force and grip must be 0 to 1000 permille")
        return cls(seed, object_name, keyframes)


Command = Identify | Reset | Stream | Configure | PressCommand

_COMMANDS: dict[int, Callable[[bytes], Command]] = {
    PacketType.IDENTIFY: Identify.unpack,
    PacketType.RESET: Reset.unpack,
    PacketType.STREAM: Stream.unpack,
    PacketType.CONFIGURE: Configure.unpack,
    PacketType.PRESS: PressCommand.unpack,
}


def unpack_command(kind: int, payload: bytes) -> Command | None:
    """Return the host's command in a packet, None where the type is no command.

    Raises:
        ProtocolError: the payload does not follow the layout of that command.
    """
    unpack = _COMMANDS.get(kind)
    return None if unpack is None else unpack(payload)


def _empty(what: str, payload: bytes) -> None:
    if payload:
        raise ProtocolError(f"{what}: payload of {len(payload)} bytes, must be empty")
