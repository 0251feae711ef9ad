"""What is on and over the glass: stamps, fingers, a palm, water; moved and pressed by a person."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Literal

import numpy as np
from stampbench.sim.hold import Hold, Points
from stampbench.sim.panel import PlacedObject
from stampbench.sim.panel.field import PAD_COMPRESSION_MM
from stampbench.sim.stamps.objects import Conductor, TouchObject, resolve_object, round_pads

LARGEST_TILT_RAD: Final = math.radians(15.0)
RIM_MM: Final = 5.0
"""Width of the rim by which a stamp is tilted, inside and outside its edge together."""
FACE_BORDER_MM: Final = 3.0
"""From the outermost pad's edge to the edge of what is drawn as the face."""


class ObjectKind(StrEnum):
    """What an object on the glass is."""

    STAMP = "stamp"
    FINGER = "finger"
    PALM = "palm"
    COIN = "coin"
    WATER = "water"


PRESS_US: Final = {ObjectKind.STAMP: 120_000, ObjectKind.PALM: 120_000}
LIFT_US: Final = {ObjectKind.STAMP: 80_000, ObjectKind.PALM: 80_000}
QUICK_US: Final = 15_000
"""From first touch to full force, of a stamp or a palm; of all else, both ways."""


@dataclass(frozen=True, slots=True, eq=False)
class SceneObject:
    """One object; positions in mm from the top left corner of the active area, as everywhere.

    Attributes:
        key: number that stays with it.
        body: what touches, in its own frame.
        hold: where it is, and how it is pressed and held.
        code: of a stamp of the codebook in use; None for all else.
        pressed: whether the hand pushes it down.
    """

    key: int
    kind: ObjectKind
    body: TouchObject
    hold: Hold
    code: int | None = None
    pressed: bool = False

    @property
    def face_radius_mm(self) -> float:
        """Radius of the circle about its middle that holds all that touches, and a border."""
        reach = np.hypot(self.body.discs[:, 0], self.body.discs[:, 1]) + 0.5 * self.body.discs[:, 4]
        return float(reach.max()) + (FACE_BORDER_MM if self.kind is ObjectKind.STAMP else 0.0)

    @property
    def pads_mm(self) -> Points:
        """Where its pads stand on the panel, shape (pads, 2)."""
        return self.hold.place(self.body.pads)

    def above_glass(self) -> SceneObject:
        """Return the object in its place, but not touching."""
        return dataclasses.replace(self, hold=dataclasses.replace(self.hold, force=0.0), pressed=False)

    def shares(self) -> Points:
        """Return the share of its area with which each pad touches, 0..1, shape (pads,)."""
        hold = self.hold
        arm = self.pads_mm - (hold.x_mm, hold.y_mm)
        height = (arm @ (hold.tilt_x_rad, hold.tilt_y_rad)) / PAD_COMPRESSION_MM
        shares: Points = np.clip(hold.force - (height - height.min()), 0.0, 1.0)
        return shares


@dataclass(frozen=True, slots=True)
class Picked:
    """What lies under the pointer: its key, and whether the rim or the face was met."""

    key: int
    part: Literal["face", "rim"]


class Scene:
    """Objects in the order in which they came; the last one lies on top.

    Attributes:
        selected: key of the object that keys act on; None if there is none.
        grip: of stamps that come, and of those that a hand takes.
    """

    def __init__(self) -> None:
        self._objects: dict[int, SceneObject] = {}
        self._keys = 0
        self.selected: int | None = None
        self.grip = 1.0

    def __iter__(self) -> Iterator[SceneObject]:
        return iter(self._objects.values())

    def __len__(self) -> int:
        return len(self._objects)

    def get(self, key: int) -> SceneObject | None:
        """Return the object with this key, if it is there."""
        return self._objects.get(key)

    @property
    def chosen(self) -> SceneObject | None:
        """The selected object."""
        return None if self.selected is None else self._objects.get(self.selected)

    def add(
        self,
        kind: ObjectKind,
        body: TouchObject,
        x_mm: float,
        y_mm: float,
        theta_rad: float = 0.0,
        *,
        code: int | None = None,
    ) -> int:
        """Put an object over the glass, select it and return its key; water lies on the glass at once."""
        self._keys += 1
        wet = kind is ObjectKind.WATER
        grip = self.grip if kind is ObjectKind.STAMP else 1.0
        self._objects[self._keys] = SceneObject(
            self._keys, kind, body, Hold(x_mm, y_mm, theta_rad, force=float(wet), grip=grip), code, wet
        )
        self.selected = self._keys
        return self._keys

    def add_named(self, kind: ObjectKind, x_mm: float, y_mm: float) -> int:
        """Put a finger, a palm, a coin or a drop of water (5 mm wide) there; see :meth:`add`."""
        if kind is ObjectKind.WATER:
            body = TouchObject("water", round_pads(np.zeros((1, 2)), 5.0), (1,), Conductor.WATER)
        else:
            body = resolve_object(kind.value)
        return self.add(kind, body, x_mm, y_mm)

    def remove(self, key: int) -> None:
        """Take an object away."""
        self._objects.pop(key, None)
        if self.selected == key:
            self.selected = next(reversed(self._objects), None)

    def clear(self) -> None:
        """Take everything away."""
        self._objects.clear()
        self.selected = None

    def restore(self, things: Iterable[SceneObject]) -> None:
        """Put these objects in the place of all others, above the glass; water lies on it."""
        self._objects = {
            thing.key: thing if thing.kind is ObjectKind.WATER else thing.above_glass() for thing in things
        }
        if self.selected not in self._objects:
            self.selected = next(reversed(self._objects), None)

    def change(self, key: int, **changes: Any) -> None:
        """Change attributes of an object, by name; nothing happens where it is not there."""
        if key in self._objects:
            self._objects[key] = dataclasses.replace(self._objects[key], **changes)

    def change_hold(self, key: int, **changes: Any) -> None:
        """Change numbers of an object's pose, by name; nothing happens where it is not there."""
        if thing := self.get(key):
            self.change(key, hold=dataclasses.replace(thing.hold, **changes))

    def move(self, key: int, x_mm: float, y_mm: float) -> None:
        """Move an object to a place."""
        self.change_hold(key, x_mm=x_mm, y_mm=y_mm)

    def turn(self, key: int, by_rad: float) -> None:
        """Turn an object, from x towards y."""
        if thing := self.get(key):
            self.change_hold(key, theta_rad=math.remainder(thing.hold.theta_rad + by_rad, math.tau))

    def press(self, key: int) -> None:
        """Begin to push an object down; its force grows with time."""
        self.change(key, pressed=True)

    def lift(self, key: int) -> None:
        """Let an object come off the glass."""
        self.change(key, pressed=False)

    def tilt(self, key: int, tilt_x_rad: float, tilt_y_rad: float) -> None:
        """Tilt the face of an object, by 15 degrees at most."""
        slope = math.hypot(tilt_x_rad, tilt_y_rad)
        scale = min(1.0, LARGEST_TILT_RAD / slope) if slope else 1.0
        self.change_hold(key, tilt_x_rad=scale * tilt_x_rad, tilt_y_rad=scale * tilt_y_rad)

    def tilt_by_rim(self, key: int, x_mm: float, y_mm: float, by_mm: float) -> None:
        """Tilt a face by its rim at (x, y): ``by_mm`` up (negative: down) from the glass."""
        if thing := self.get(key):
            arm_x, arm_y = x_mm - thing.hold.x_mm, y_mm - thing.hold.y_mm
            square = arm_x * arm_x + arm_y * arm_y
            if square > 0.0:
                self.tilt(key, by_mm * arm_x / square, by_mm * arm_y / square)

    def hold(self, grip: float, key: int | None = None) -> None:
        """Hold a stamp (1) or let it go (0), anything between is a loose hand; all stamps without a key."""
        if key is None:
            self.grip = grip
        for thing in tuple(self._objects.values()):
            if thing.key == key or (key is None and thing.kind is ObjectKind.STAMP):
                self.change_hold(thing.key, grip=grip)

    def pick(self, x_mm: float, y_mm: float) -> Picked | None:
        """Return what lies under a point; the topmost, and its rim only if it is a stamp's."""
        for thing in reversed(self._objects.values()):
            reach, radius = math.hypot(x_mm - thing.hold.x_mm, y_mm - thing.hold.y_mm), thing.face_radius_mm
            rim = RIM_MM / 2 if thing.kind is ObjectKind.STAMP else 0.0
            if reach <= radius - rim:
                return Picked(thing.key, "face")
            if reach <= radius + rim:
                return Picked(thing.key, "rim" if rim else "face")
        return None

    def step(self, us: int) -> None:
        """Let time pass: what is pressed sinks in, what is not comes off."""
        for thing in tuple(self._objects.values()):
            force = thing.hold.force
            if thing.pressed and force < 1.0:
                grown = force + us / PRESS_US.get(thing.kind, QUICK_US)
                self.change_hold(thing.key, force=min(1.0, grown))
            elif not thing.pressed and force > 0.0:
                fallen = force - us / LIFT_US.get(thing.kind, QUICK_US)
                self.change_hold(thing.key, force=max(0.0, fallen))

    def placed(self) -> tuple[PlacedObject, ...]:
        """Return what touches, as the panel takes it."""
        things = self._objects.values()
        return tuple(PlacedObject(thing.body, thing.hold) for thing in things if thing.hold.force > 0.0)
