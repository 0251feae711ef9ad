"""Objects on the glass: the one that is pressed, and its company: water, a palm, resting fingers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from stampbench.sim.panel.condition import Condition
from stampbench.sim.panel.profile import Profile
from stampbench.sim.stamps.objects import Conductor, TouchObject, resolve_object, round_pads

DROP_DIAMETERS_MM: Final = (2.0, 7.0)
FIRST_SCAN: Final = 2
"""Scans of the clean panel before company arrives; the controller has its baseline by then."""


@dataclass(frozen=True, slots=True)
class PlacedObject:
    """An object with its pose and the way it is pressed and held.

    Attributes:
        x_mm, y_mm, theta_rad: pose; a point p of the object stands at R(theta) p + (x, y).
        force: share of its area with which the lowest pad touches, 0..1; 0 is above the glass.
        grip: how well a hand grounds it, 0..1; 1 is firmly held, 0 is released.
        tilt_x_rad, tilt_y_rad: slope of the face along x and y of the panel; positive lifts the right, the
            lower side.
    """

    object: TouchObject
    x_mm: float
    y_mm: float
    theta_rad: float = 0.0
    force: float = 1.0
    grip: float = 1.0
    tilt_x_rad: float = 0.0
    tilt_y_rad: float = 0.0


def company(profile: Profile, condition: Condition, rng: np.random.Generator) -> tuple[PlacedObject, ...]:
    """Place what the condition asks for: drops anywhere, palm and fingers where a hand holds the device."""
    geometry = profile.geometry
    width_mm, height_mm = geometry.width_mm, geometry.height_mm
    placed: list[PlacedObject] = []
    if condition.water_drops:
        spots = rng.random((condition.water_drops, 2)) * [width_mm, height_mm]
        drops = round_pads(spots, rng.uniform(*DROP_DIAMETERS_MM, condition.water_drops))
        body = TouchObject("water", drops, (1,) * condition.water_drops, Conductor.WATER)
        placed.append(PlacedObject(body, 0.0, 0.0))
    for _ in range(condition.resting_fingers):
        # Fingers that hold the device rest on its long edges.
        along, far_side = rng.random(), rng.random() < 0.5
        long_mm, short_mm = max(width_mm, height_mm), min(width_mm, height_mm)
        spot = (along * long_mm, short_mm - 2.0 if far_side else 2.0)
        x_mm, y_mm = spot if width_mm >= height_mm else spot[::-1]
        placed.append(PlacedObject(resolve_object("finger"), x_mm, y_mm))
    if condition.palm:
        x_mm = width_mm * rng.uniform(0.3, 0.7)
        theta_rad = rng.uniform(-0.3, 0.3)
        placed.append(PlacedObject(resolve_object("palm"), x_mm, height_mm - 8.0, theta_rad))
    return tuple(placed)
