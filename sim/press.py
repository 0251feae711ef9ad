"""The hand: one press from approach to lift, drawn at random or given."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
from stampbench.firmware_emulator.errors import InputError
from stampbench.firmware_emulator.kernels import kernel
from stampbench.firmware_emulator.link.commands import PressCommand, WireKeyframe
from stampbench.firmware_emulator.settings import setting, settings_from_mapping, settings_to_mapping
from stampbench.sim.hold import Hold
from stampbench.sim.panel import Profile
from stampbench.sim.stamps.objects import TouchObject, resolve_object

_ANY_WAY: Final = (0.0, 2 * math.pi)
REST_FRAMES: Final = 4
"""Scans of the untouched panel before a press starts: the controller takes its baseline from them."""


class Keyframe(NamedTuple):
    """The object at one moment of a press; between two keyframes everything changes linearly.

    >>> sb.Keyframe(t_us=40_000, hold=sb.Hold(30.0, 50.0, force=0.8)).hold.force
    0.8

    Attributes:
        t_us: since the press started, microseconds.
        hold: where the object is then, and how it is pressed.
    """

    t_us: int
    hold: Hold

    @classmethod
    def of(cls, values: Sequence[float]) -> Keyframe:
        """Build a keyframe from time and pose, eight numbers, as plans and records have them."""
        return cls(int(values[0]), Hold.of(values[1:]))

    @property
    def values(self) -> tuple[int, float, float, float, float, float, float, float]:
        """Time and pose, as plans and records have them."""
        return (self.t_us, *self.hold.values)


@dataclass(frozen=True, slots=True)
class Press:
    """One stamping: which object, and where it is from approach to lift.

    >>> above = sb.Keyframe(0, sb.Hold(30.0, 50.0, force=0.0))
    >>> down = sb.Keyframe(40_000, sb.Hold(30.0, 50.0))
    >>> sb.Press("p5-60k/777", (above, down)).at(10_000).force
    0.25

    Attributes:
        object: name, see :func:`stampbench.sim.stamps.objects.resolve_object`.
        keyframes: at least one, ``t_us`` rising, first at 0 or later.

    Raises:
        InputError: no keyframe, or times that do not rise.
    """

    object: str
    keyframes: tuple[Keyframe, ...]

    def __post_init__(self) -> None:
        times = [t_us for t_us, _ in self.keyframes]
        if not times or times[0] < 0:
            raise InputError(
                f"press of {self.object!r}: keyframes at {times} us: expected at least one, from 0 us on"
            )
        if any(later <= earlier for earlier, later in itertools.pairwise(times)):
            raise InputError(f"press of {self.object!r}: keyframes at {times} us: expected rising times")

    @property
    def duration_us(self) -> int:
        """Time of the last keyframe."""
        return self.keyframes[-1].t_us

    def at(self, t_us: int) -> Hold:
        """Return the object's pose at a time; before the first keyframe and after the last, as there."""
        return Hold.of(self.holds(np.array([t_us], np.int64))[0].tolist())

    def holds(self, times_us: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """Return the object's poses at times (n,), as :meth:`at` does: (n, 7) as ``Hold.values``."""
        known = np.array([keyframe.values for keyframe in self.keyframes], np.float64)
        holds = np.empty((len(times_us), known.shape[1] - 1))
        _interpolate(known, times_us, holds)
        return holds

    def rounded(self) -> Press:
        """Return the press in the units of the link, as a rig carries it out and as it is recorded."""
        return Press(
            self.object,
            tuple([Keyframe(round(t_us), Hold.of_link(hold.link_values)) for t_us, hold in self.keyframes]),
        )

    def command(self, seed: int) -> PressCommand:
        """Return the command that asks a rig for this press, in the units of the link.

        Args:
            seed: 0 to 2^64 - 1; a simulated rig draws its noise from it.
        """
        keyframes = (WireKeyframe(round(t_us), *hold.link_values) for t_us, hold in self.keyframes)
        return PressCommand(seed, self.object, tuple(keyframes))

    @classmethod
    def of_command(cls, command: PressCommand) -> Press:
        """Build the press that a command asks for."""
        wire = (keyframe.values() for keyframe in command.keyframes)
        return cls(command.object_name, tuple(Keyframe(t_us, Hold.of_link(pose)) for t_us, *pose in wire))


@kernel
def _interpolate(
    known: npt.NDArray[np.float64], times_us: npt.NDArray[np.int64], out: npt.NDArray[np.float64]
) -> None:
    """Fill ``out`` (n, k) at times (n,), linear between the rows (m, 1 + k) of times and values."""
    last = known.shape[0] - 1
    for n in range(times_us.shape[0]):
        after = 0
        while after <= last and known[after, 0] <= times_us[n]:
            after += 1
        begin, end = max(after - 1, 0), min(after, last)
        share = 0.0
        if begin < end:
            share = (times_us[n] - known[begin, 0]) / (known[end, 0] - known[begin, 0])
        for k in range(out.shape[1]):
            out[n, k] = (1.0 - share) * known[begin, 1 + k] + share * known[end, 1 + k]


@dataclass(frozen=True, slots=True)
class Handling:
    """How people press: each pair is the range from which a press draws evenly.

    Attributes:
        approach_ms: from the first touch of the lowest pad to full contact.
        dwell_ms: at full contact.
        lift_ms: from full contact to none.
        force: share of the pads' area in contact while dwelling, 0..1.
        grip: how well the hand grounds the stamp, 0..1.
        tilt_deg: slope of the face left while dwelling, in any direction.
        landing_tilt_deg: slope of the face at first touch and at lift-off, in any direction.
        rotation_deg: orientation on the panel.
        slide_mm: way the stamp creeps while dwelling, in any direction.
        spread: share of the free room around the middle of the panel that is used, 0..1; 1 is anywhere.
        grip_drop: what the grip loses while the stamp dwells: the hand lets go.
        wear: what use has done to the stamp's pads, as after ``~`` in object names; empty = new.
        margin_pitch: least distance of a pad's rim from the edge of the active area, in node pitches.
    """

    approach_ms: tuple[float, float] = setting((20.0, 60.0), low=1.0, high=10_000.0)
    dwell_ms: tuple[float, float] = setting((120.0, 220.0), low=1.0, high=600_000.0)
    lift_ms: tuple[float, float] = setting((20.0, 50.0), low=1.0, high=10_000.0)
    force: tuple[float, float] = setting((0.9, 1.0), low=0.0, high=1.0)
    grip: tuple[float, float] = setting((0.98, 1.0), low=0.0, high=1.0)
    tilt_deg: tuple[float, float] = setting((0.0, 0.1), low=0.0, high=45.0)
    landing_tilt_deg: tuple[float, float] = setting((0.2, 2.0), low=0.0, high=45.0)
    rotation_deg: tuple[float, float] = setting((-180.0, 180.0), low=-360.0, high=360.0)
    slide_mm: tuple[float, float] = setting((0.0, 0.2), low=0.0, high=100.0)
    spread: float = setting(1.0, low=0.0, high=1.0)
    grip_drop: tuple[float, float] = setting((0.0, 0.0), low=0.0, high=1.0)
    wear: str = ""
    margin_pitch: float = setting(1.0, low=-5.0, high=5.0)

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any], where: str = "handling") -> Handling:
        """Read from a plan.

        Raises:
            InputError: an unknown key, a wrong type, a value outside its range, or swapped ends.
        """
        handling = settings_from_mapping(cls, mapping, where)
        for name, value in handling.to_mapping().items():
            if isinstance(value, list) and value[0] > value[1]:
                raise InputError(f"{where}: {name} = {value}: expected the smaller number first")
        return handling

    def to_mapping(self) -> dict[str, Any]:
        """Return plain data that :meth:`from_mapping` reads back."""
        return settings_to_mapping(self)


class Hand:
    """Draws presses as a person would make them."""

    _TURNS_TRIED = 200

    def __init__(self, handling: Handling | None = None) -> None:
        self.handling = Handling() if handling is None else handling

    def press(self, object_name: str, profile: Profile, rng: np.random.Generator) -> Press:
        """Return one press of an object, every pad on the glass.

        Raises:
            InputError: the object is unknown, or does not fit the panel in any orientation tried.
        """
        handling = self.handling
        if handling.wear:
            object_name = f"{object_name}~{handling.wear}"
        body = resolve_object(object_name)
        slide_mm, slide_rad = rng.uniform(*handling.slide_mm), rng.uniform(*_ANY_WAY)
        theta_rad, x_mm, y_mm = self._pose(body, profile, slide_mm, rng)
        touch_us = int(rng.integers(profile.frame_interval_us))  # scan and landing are not in step
        approach_ms, dwell_ms, lift_ms, force, grip, grip_drop, *tilts = _evenly(
            rng,
            handling.approach_ms,
            handling.dwell_ms,
            handling.lift_ms,
            handling.force,
            handling.grip,
            handling.grip_drop,
            *(handling.landing_tilt_deg, _ANY_WAY),
            *(handling.tilt_deg, _ANY_WAY),
            *(handling.landing_tilt_deg, _ANY_WAY),
        )
        landing, dwelling, lifting = (_slopes(*tilts[n : n + 2]) for n in (0, 2, 4))
        down = (x_mm, y_mm, theta_rad)
        slid = (x_mm + slide_mm * math.cos(slide_rad), y_mm + slide_mm * math.sin(slide_rad), theta_rad)
        grip_left = max(0.0, grip - grip_drop)
        full_us = touch_us + _microseconds(approach_ms)
        release_us = full_us + _microseconds(dwell_ms)
        clear_us = release_us + _microseconds(lift_ms)
        return Press(
            object_name,
            (
                Keyframe(touch_us, Hold.of((*down, 0.0, grip, *landing))),
                Keyframe(full_us, Hold.of((*down, force, grip, *dwelling))),
                Keyframe(release_us, Hold.of((*slid, force, grip_left, *dwelling))),
                Keyframe(clear_us, Hold.of((*slid, 0.0, grip_left, *lifting))),
            ),
        )

    def _pose(
        self, body: TouchObject, profile: Profile, slide_mm: float, rng: np.random.Generator
    ) -> tuple[float, float, float]:
        """Return the orientation and place with room for the object, the margin and the slide around it."""
        geometry, handling = profile.geometry, self.handling
        margin_x = handling.margin_pitch * geometry.pitch_x_mm + slide_mm
        margin_y = handling.margin_pitch * geometry.pitch_y_mm + slide_mm
        for _ in range(self._TURNS_TRIED):
            theta_rad = math.radians(rng.uniform(*handling.rotation_deg))
            left, right, top, bottom = body.extent_mm(theta_rad)
            room_x = geometry.width_mm - (right - left) - 2 * margin_x
            room_y = geometry.height_mm - (bottom - top) - 2 * margin_y
            if room_x >= 0 and room_y >= 0:
                x_mm = margin_x - left + room_x * (0.5 + handling.spread * (rng.random() - 0.5))
                y_mm = margin_y - top + room_y * (0.5 + handling.spread * (rng.random() - 0.5))
                return theta_rad, x_mm, y_mm
        raise InputError(
            f"object {body.name!r} is {right - left:.0f} x {bottom - top:.0f} mm and does not fit "
            f"{profile.name!r}, {geometry.width_mm:g} x {geometry.height_mm:g} mm, "
            f"with a margin of {margin_x:.1f} mm; "
            "expected a smaller object or a larger panel"
        )


def _evenly(rng: np.random.Generator, *ranges: tuple[float, float]) -> list[float]:
    """Draw from each range as ``rng.uniform`` does, one after the other, in a tenth of the time."""
    shares = rng.random(len(ranges)).tolist()
    return [low + (high - low) * share for (low, high), share in zip(ranges, shares, strict=True)]


def _slopes(tilt_deg: float, direction_rad: float) -> tuple[float, float]:
    slope = math.radians(tilt_deg)
    return slope * math.cos(direction_rad), slope * math.sin(direction_rad)


def _microseconds(milliseconds: float) -> int:
    return max(1, round(milliseconds * 1000))
