"""The hand: one press from approach to lift, drawn at random or given, and performed on a panel."""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from stampbench.firmware_emulator.errors import InputError
from stampbench.firmware_emulator.touch import Frame, TouchReport
from stampbench.sim.panel import Panel, PlacedObject, Profile
from stampbench.sim.settings import setting, settings_from_mapping, settings_to_mapping
from stampbench.sim.stamps.objects import TouchObject, resolve_object

if TYPE_CHECKING:
    from stampbench.firmware_emulator.controller import Controller

REST_FRAMES: Final = 4
"""Scans of the untouched panel before a press starts: the controller takes its baseline from them."""


@dataclass(frozen=True, slots=True)
class Keyframe:
    """The object at one moment of a press; between two keyframes everything changes linearly.

    Attributes:
        t_us: since the press started, microseconds.
        x_mm, y_mm, theta_rad: pose on the panel.
        force: share of its area with which the lowest pad touches, 0..1; 0 is above the glass.
        grip: how well the hand grounds it, 0..1; 1 is firmly held, 0 is released.
        tilt_x_rad, tilt_y_rad: slope of the face along x and y; positive lifts the right, the lower side.
    """

    t_us: int
    x_mm: float
    y_mm: float
    theta_rad: float
    force: float
    grip: float = 1.0
    tilt_x_rad: float = 0.0
    tilt_y_rad: float = 0.0


@dataclass(frozen=True, slots=True)
class Press:
    """One stamping: which object, and where it is from approach to lift.

    >>> from stampbench.sim.press import Keyframe
    >>> above = Keyframe(t_us=0, x_mm=30.0, y_mm=50.0, theta_rad=0.0, force=0.0)
    >>> down = Keyframe(t_us=40_000, x_mm=30.0, y_mm=50.0, theta_rad=0.0, force=1.0)
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
        times = [keyframe.t_us for keyframe in self.keyframes]
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

    def at(self, t_us: int) -> Keyframe:
        """The object at a time; before the first keyframe and after the last, as there."""
        keyframes = self.keyframes
        after = bisect.bisect_right(keyframes, t_us, key=_time)
        if after == 0:
            return keyframes[0]
        if after == len(keyframes):
            return keyframes[-1]
        a, b = keyframes[after - 1], keyframes[after]
        u = (t_us - a.t_us) / (b.t_us - a.t_us)
        v = 1.0 - u
        return Keyframe(
            t_us,
            v * a.x_mm + u * b.x_mm,
            v * a.y_mm + u * b.y_mm,
            v * a.theta_rad + u * b.theta_rad,
            v * a.force + u * b.force,
            v * a.grip + u * b.grip,
            v * a.tilt_x_rad + u * b.tilt_x_rad,
            v * a.tilt_y_rad + u * b.tilt_y_rad,
        )


def _time(keyframe: Keyframe) -> int:
    return keyframe.t_us


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
        """Plain data that :meth:`from_mapping` reads back."""
        return settings_to_mapping(self)


class Hand:
    """Draws presses as a person would make them."""

    _TURNS_TRIED = 200

    def __init__(self, handling: Handling | None = None) -> None:
        self.handling = Handling() if handling is None else handling

    def press(self, object_name: str, profile: Profile, rng: np.random.Generator) -> Press:
        """One press of an object, every pad on the glass.

        Raises:
            InputError: the object is unknown, or does not fit the panel in any orientation tried.
        """
        handling = self.handling
        if handling.wear:
            object_name = f"{object_name}~{handling.wear}"
        body = resolve_object(object_name)
        slide_mm, slide_rad = rng.uniform(*handling.slide_mm), rng.uniform(0.0, 2 * math.pi)
        theta_rad, x_mm, y_mm = self._pose(body, profile, slide_mm, rng)
        touch_us = int(rng.integers(profile.frame_interval_us))  # scan and landing are not in step
        full_us = touch_us + _microseconds(rng.uniform(*handling.approach_ms))
        release_us = full_us + _microseconds(rng.uniform(*handling.dwell_ms))
        clear_us = release_us + _microseconds(rng.uniform(*handling.lift_ms))
        force, grip = rng.uniform(*handling.force), rng.uniform(*handling.grip)
        grip_left = max(0.0, grip - rng.uniform(*handling.grip_drop))
        landing, dwelling, lifting = (
            _tilt(rng, limits)
            for limits in (handling.landing_tilt_deg, handling.tilt_deg, handling.landing_tilt_deg)
        )
        to_x_mm = x_mm + slide_mm * math.cos(slide_rad)
        to_y_mm = y_mm + slide_mm * math.sin(slide_rad)
        return Press(
            object_name,
            (
                Keyframe(touch_us, x_mm, y_mm, theta_rad, 0.0, grip, *landing),
                Keyframe(full_us, x_mm, y_mm, theta_rad, force, grip, *dwelling),
                Keyframe(release_us, to_x_mm, to_y_mm, theta_rad, force, grip_left, *dwelling),
                Keyframe(clear_us, to_x_mm, to_y_mm, theta_rad, 0.0, grip_left, *lifting),
            ),
        )

    def _pose(
        self, body: TouchObject, profile: Profile, slide_mm: float, rng: np.random.Generator
    ) -> tuple[float, float, float]:
        """Orientation and place with room for the object, the margin and the slide around it."""
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


def perform(
    press: Press, panel: Panel, controller: Controller, *, seed: int
) -> Iterator[tuple[Frame, TouchReport]]:
    """Scan one press: rest, the press, and rest until a lift has been reported.

    Panel (with ``seed``) and controller are reset first, so that a press does not depend on those before it.
    Scan n has ``t_us = n * frame_interval_us``; the press starts with scan ``REST_FRAMES``.

    Raises:
        InputError: the press names an unknown object.
    """
    body = resolve_object(press.object)
    interval_us = panel.profile.frame_interval_us
    panel.reset(seed)
    controller.reset()
    pressing = -(-press.duration_us // interval_us)
    for n in range(REST_FRAMES + pressing + panel.profile.controller.liftoff_frames + 2):
        now = press.at((n - REST_FRAMES) * interval_us)
        objects: tuple[PlacedObject, ...] = ()
        if now.force > 0.0 and n >= REST_FRAMES:
            objects = (
                PlacedObject(
                    body,
                    now.x_mm,
                    now.y_mm,
                    now.theta_rad,
                    now.force,
                    now.grip,
                    now.tilt_x_rad,
                    now.tilt_y_rad,
                ),
            )
        frame = panel.frame(n * interval_us, objects)
        yield frame, controller.process(frame)


def _tilt(rng: np.random.Generator, limits_deg: tuple[float, float]) -> tuple[float, float]:
    slope, direction = math.radians(rng.uniform(*limits_deg)), rng.uniform(0.0, 2 * math.pi)
    return slope * math.cos(direction), slope * math.sin(direction)


def _microseconds(milliseconds: float) -> int:
    return max(1, round(milliseconds * 1000))
