"""TUIO 1.1 and 2.0: contacts as cursors or pointers, stamps as objects or tokens, over UDP.

Positions are 0 to 1 from the top left corner, angles in radians, velocities in whole lengths or turns a
second. Source: TUIO 1.1 and TUIO 2.0 Protocol Specification, M. Kaltenbrunner, tuio.org; Open Sound Control
1.0 Specification, M. Wright.
"""

from __future__ import annotations

import math
import struct
import time
from collections.abc import Callable, Iterable, Sequence
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


REDUNDANT_1 = -1
"""Frame number of a bundle that says nothing new (TUIO 1.1, "fseq")."""
REDUNDANT_2 = 0
"""The same in TUIO 2.0, "frm"."""
ALIVE_EVERY_S = 1.0
"""A listener that lost a datagram waits no longer to know what is there."""
_EARLY_S = 0.1
"""So much before its time it is said, for clocks and sleeps that are late."""


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
        self._t_us = 0
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
        self._t_us = report.t_us
        return self._encode(report.t_us, next(self._frames))

    def alive(self) -> list[bytes]:
        """Return what tells again which contacts and stamps are there, for a listener that missed it."""
        return self._encode(self._t_us, None)

    def ended(self) -> list[bytes]:
        """Return what tells that nothing is there any more."""
        self._cursors, self._objects = {}, {}
        return self._encode(self._t_us, next(self._frames))

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

    def _version_1(self, t_us: int, frame: int | None) -> list[bytes]:
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
                    *(osc_message(address, "set", *track) for track in tracks if frame is not None),
                    osc_message(address, "fseq", REDUNDANT_1 if frame is None else frame),
                ]
            )
            for address, tracks in profiles
        ]

    def _version_2(self, t_us: int, frame: int | None) -> list[bytes]:
        number = REDUNDANT_2 if frame is None else frame
        messages = [osc_message("/tuio2/frm", number, TimeTag(t_us), self._dimension(), SOURCE)]
        messages += self._placed() if frame is not None else []
        alive = [track.session for track in (*self._cursors.values(), *self._objects.values())]
        return [osc_bundle([*messages, osc_message("/tuio2/alv", *alive)])]

    def _placed(self) -> list[bytes]:
        messages = []
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
        return messages

    def _dimension(self) -> int:
        """Return the width and height of the coordinates in one int32, 16 bits each."""
        width, height = (min(high - low, 0x7FFF) for low, high in (self._x_range, self._y_range))
        return width << 16 | height


class Teller:
    """Sends what an encoder says, repeats what is there while nothing changes, and takes leave in the end.

    Args:
        encoder: of the datagrams.
        send: sends one.
        clock: tells seconds.
        pause: passes seconds.
    """

    def __init__(
        self,
        encoder: TuioEncoder,
        send: Callable[[bytes], object],
        *,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.datagrams = 0
        self._encoder, self._send, self._clock, self._pause = encoder, send, clock, pause
        self._told_s = clock()

    def tell(self, report: TouchReport, stamps: Sequence[PlacedStamp] = ()) -> None:
        """Send one scan."""
        self._send_all(self._encoder.datagrams(report, stamps))

    def rest(self, seconds: float) -> None:
        """Let time pass without anything new; a listener hears at least once a second what is there."""
        until_s = self._clock() + seconds
        while True:
            now_s = self._clock()
            if now_s - self._told_s >= ALIVE_EVERY_S - _EARLY_S:
                self._send_all(self._encoder.alive())
            if now_s >= until_s:
                return
            self._pause(min(until_s - now_s, max(_EARLY_S, self._told_s + ALIVE_EVERY_S - _EARLY_S - now_s)))

    def end(self) -> None:
        """Say that nothing is there any more."""
        self._send_all(self._encoder.ended())

    def _send_all(self, datagrams: list[bytes]) -> None:
        self._told_s = self._clock()
        for datagram in datagrams:
            self._send(datagram)
            self.datagrams += 1
