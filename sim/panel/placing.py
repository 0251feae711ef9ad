"""Objects on the glass, and those that the condition puts there: water, a palm, resting fingers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from stampbench.sim.hold import Hold
from stampbench.sim.panel.condition import Condition
from stampbench.sim.panel.profile import Profile
from stampbench.sim.stamps.objects import Conductor, TouchObject, resolve_object, round_pads

DROP_DIAMETERS_MM: Final = (2.0, 7.0)
FIRST_SCAN: Final = 2
"""Scans of the clean panel before they arrive; the controller has its baseline by then."""


@dataclass(frozen=True, slots=True)
class PlacedObject:
    """An object on the panel, and how it is held there."""

    object: TouchObject
    hold: Hold


def objects_of_condition(
    profile: Profile, condition: Condition, rng: np.random.Generator
) -> tuple[PlacedObject, ...]:
    """Place what the condition asks for: drops anywhere, palm and fingers where a hand holds the device."""
    geometry = profile.geometry
    width_mm, height_mm = geometry.width_mm, geometry.height_mm
    placed: list[PlacedObject] = []
    if condition.water_drops:
        spots = rng.random((condition.water_drops, 2)) * [width_mm, height_mm]
        drops = round_pads(spots, rng.uniform(*DROP_DIAMETERS_MM, condition.water_drops))
        body = TouchObject("water", drops, (1,) * condition.water_drops, Conductor.WATER)
        placed.append(PlacedObject(body, Hold(0.0, 0.0)))
    for _ in range(condition.resting_fingers):
        # Fingers that hold the device rest on its long edges.
        along, far_side = rng.random(), rng.random() < 0.5
        long_mm, short_mm = max(width_mm, height_mm), min(width_mm, height_mm)
        spot = (along * long_mm, short_mm - 2.0 if far_side else 2.0)
        x_mm, y_mm = spot if width_mm >= height_mm else spot[::-1]
        placed.append(PlacedObject(resolve_object("finger"), Hold(x_mm, y_mm)))
    if condition.palm:
        x_mm = width_mm * rng.uniform(0.3, 0.7)
        theta_rad = rng.uniform(-0.3, 0.3)
        placed.append(
            PlacedObject(
                resolve_object(f"palm/{rng.integers(1 << 31)}"), Hold(x_mm, height_mm - 8.0, theta_rad)
            )
        )
    return tuple(placed)
