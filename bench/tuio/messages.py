"""TUIO 1.1 and 2.0: contacts as cursors or pointers, stamps as objects or tokens, over UDP.

Positions are 0 to 1 from the top left corner, angles in radians, velocities in whole lengths or turns a
second. Source: TUIO 1.1 and TUIO 2.0 Protocol Specification, M. Kaltenbrunner, tuio.org; Open Sound Control
1.0 Specification, M. Wright.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import count
from typing import TypeVar

from stampbench.bench.tuio.follower import PlacedStamp
from stampbench.firmware_emulator.errors import InputError
from stampbench.firmware_emulator.touch import TouchReport

PORT = 3333
"""UDP port on which software listens for TUIO."""
SOURCE = "stampbench:0@localhost"
_TURN = 2 * math.pi
_FINGER = 1  # kind of pointer: some finger, of nobody in particular
_AT_ONCE = struct.pack(">Q", 1)


class TuioVersion(StrEnum):
    """Versions of TUIO."""

    V1 = "1.1"
    V2 = "2.0"


@dataclass(frozen=True, slots=True)
class TimeTag:
    """A time as OSC has it.

    Attributes:
        t_us: microseconds.
    """

    t_us: int


Argument = int | float | str | TimeTag
_Place = tuple[float, float, float]
_Key = TypeVar("_Key", int, tuple[int, int])


def osc_message(address: str, *arguments: Argument) -> bytes:
    """Return one OSC message: int32, float32, strings and time tags."""
    tags, data = ",", b""
    for argument in arguments:
        match argument:
            case int():
                tags, data = tags + "i", data + struct.pack(">i", argument)
            case float():
                tags, data = tags + "f", data + struct.pack(">f", argument)
            case str():
                tags, data = tags + "s", data + _padded(argument)
            case TimeTag(t_us):
                seconds, rest_us = divmod(t_us, 1_000_000)
                tags, data = tags + "t", data + struct.pack(">II", seconds, (rest_us << 32) // 1_000_000)
    return _padded(address) + _padded(tags) + data


def osc_bundle(messages: Iterable[bytes]) -> bytes:
    """Return one OSC bundle, to be acted upon at once."""
    return _padded("#bundle") + _AT_ONCE + b"".join(struct.pack(">i", len(m)) + m for m in messages)


def _padded(text: str) -> bytes:
    data = text.encode() + b"\0"
    return data + bytes(-len(data) % 4)


@dataclass(slots=True)
class _Track:
    """Something on the panel from landing to lift: its session number, and how it moves."""

    session: int
    t_us: int
    place: _Place
    velocity: _Place = (0.0, 0.0, 0.0)
    acceleration: float = 0.0
    turn_acceleration: float = 0.0

    def move(self, t_us: int, place: _Place) -> None:
        """Take the next place: x and y of 1, angle in radians."""
        step_s = (t_us - self.t_us) / 1e6
        if step_s <= 0.0:
            return
        x, y, angle = (now - before for now, before in zip(place, self.place, strict=True))
        turned = math.remainder(angle, _TURN) / _TURN
        velocity = (x / step_s, y / step_s, turned / step_s)
        speed, speed_before = math.hypot(*velocity[:2]), math.hypot(*self.velocity[:2])
        self.acceleration = (speed - speed_before) / step_s
        self.turn_acceleration = (velocity[2] - self.velocity[2]) / step_s
        self.t_us, self.place, self.velocity = t_us, place, velocity


class TuioEncoder:
    """Turns scans into the datagrams that software of TUIO follows.

    Args:
        version: of TUIO.
        x_range, y_range: least and largest coordinate of contacts.
        size_mm: width and height of the panel, by which stamps are placed; None where no stamps are read.

    Raises:
        InputError: a range is empty.
    """

    def __init__(
        self,
        version: TuioVersion,
        x_range: tuple[int, int],
        y_range: tuple[int, int],
        size_mm: tuple[float, float] | None = None,
    ) -> None:
        if x_range[1] <= x_range[0] or y_range[1] <= y_range[0]:
            raise InputError(f"TUIO: ranges {x_range} and {y_range} of x and y must not be empty")
        self._encode = self._version_1 if version is TuioVersion.V1 else self._version_2
        self._x_range, self._y_range = x_range, y_range
        self._size_mm = size_mm
        self._sessions = count(1)
        self._frames = count(1)
        self._cursors: dict[int, _Track] = {}
        self._objects: dict[tuple[int, int], _Track] = {}

    def datagrams(self, report: TouchReport, stamps: Sequence[PlacedStamp] = ()) -> list[bytes]:
        """Return what tells of one scan; contacts that are pads of a stamp are the stamp alone."""
        pads = frozenset[int]().union(*(stamp.contact_ids for stamp in stamps))
        (x_min, x_max), (y_min, y_max) = self._x_range, self._y_range
        self._cursors = self._followed(
            self._cursors,
            report.t_us,
            {
                contact.id: (
                    (contact.x - x_min) / (x_max - x_min),
                    (contact.y - y_min) / (y_max - y_min),
                    0.0,
                )
                for contact in report.down
                if contact.id not in pads
            },
        )
        width_mm, height_mm = self._size_mm or (1.0, 1.0)
        self._objects = self._followed(
            self._objects,
            report.t_us,
            {
                (stamp.track, stamp.code): (
                    stamp.x_mm / width_mm,
                    stamp.y_mm / height_mm,
                    stamp.theta_rad % _TURN,
                )
                for stamp in stamps
            },
        )
        return self._encode(report.t_us, next(self._frames))

    def _followed(
        self, before: dict[_Key, _Track], t_us: int, places: dict[_Key, _Place]
    ) -> dict[_Key, _Track]:
        tracks = {}
        for key, place in places.items():
            track = before.get(key)
            if track is None:
                track = _Track(next(self._sessions), t_us, place)
            else:
                track.move(t_us, place)
            tracks[key] = track
        return tracks

    def _version_1(self, t_us: int, frame: int) -> list[bytes]:
        cursors = [
            (track.session, *track.place[:2], *track.velocity[:2], track.acceleration)
            for track in self._cursors.values()
        ]
        objects = [
            (
                track.session,
                code,
                *track.place,
                *track.velocity,
                track.acceleration,
                track.turn_acceleration,
            )
            for (_, code), track in self._objects.items()
        ]
        profiles: list[tuple[str, Sequence[tuple[Argument, ...]]]] = [("/tuio/2Dcur", cursors)]
        if self._size_mm is not None:
            profiles.append(("/tuio/2Dobj", objects))
        return [
            osc_bundle(
                [
                    osc_message(address, "source", SOURCE),
                    osc_message(address, "alive", *(track[0] for track in tracks)),
                    *(osc_message(address, "set", *track) for track in tracks),
                    osc_message(address, "fseq", frame),
                ]
            )
            for address, tracks in profiles
        ]

    def _version_2(self, t_us: int, frame: int) -> list[bytes]:
        messages = [osc_message("/tuio2/frm", frame, TimeTag(t_us), self._dimension(), SOURCE)]
        for number, track in self._cursors.items():
            x, y, _ = track.place
            x_speed, y_speed, _ = track.velocity
            shape = (0.0, 0.0, 0.0, 1.0)  # angle, shear and radius are not known; it presses
            motion = (x_speed, y_speed, 0.0, track.acceleration, 0.0)
            messages.append(osc_message("/tuio2/ptr", track.session, _FINGER, number, x, y, *shape, *motion))
        for (_, code), track in self._objects.items():
            messages.append(
                osc_message(
                    "/tuio2/tok",
                    track.session,
                    0,
                    code,
                    *track.place,
                    *track.velocity,
                    track.acceleration,
                    track.turn_acceleration,
                )
            )
        alive = [track.session for track in (*self._cursors.values(), *self._objects.values())]
        return [osc_bundle([*messages, osc_message("/tuio2/alv", *alive)])]

    def _dimension(self) -> int:
        """Return the width and height of the coordinates in one int32, 16 bits each."""
        width, height = (min(high - low, 0x7FFF) for low, high in (self._x_range, self._y_range))
        return width << 16 | height
