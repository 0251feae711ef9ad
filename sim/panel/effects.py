"""Every effect of the panel and of how an object is handled, each shown off and on, alone.

One effect is switched on at a time; noise, stripes, drift and memory are off unless they are the effect.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from stampbench.sim.hold import Hold
from stampbench.sim.panel.condition import Condition
from stampbench.sim.panel.panel import Panel
from stampbench.sim.panel.placing import PlacedObject
from stampbench.sim.panel.profile import Profile
from stampbench.sim.stamps.objects import resolve_object

STAMP: Final = "random-stamp/1"
TURN_RAD: Final = 0.4
QUIET: Final[Mapping[str, Any]] = {"noise": 0.0, "stripe": 0.0, "drift": 0.0, "memory": 0.0}


@dataclass(frozen=True, slots=True)
class Shot:
    """What stands on the panel, and which of its scans is shown.

    Attributes:
        condition: keys of :class:`~stampbench.sim.panel.condition.Condition` beyond ``QUIET``.
        object: name of what stands in the middle; None = nothing.
        force, grip, tilt_deg: how it is pressed and held; the slope lifts its right side.
        lands, lifts: first scan with the object, and first without it again.
        scans: the last of so many is shown.
        interval_ms: between scans; None = the profile's.
        wildest: show the scan that departs most from the objects' own signal instead.
    """

    condition: Mapping[str, Any] = field(default_factory=dict)
    object: str | None = STAMP
    force: float = 1.0
    grip: float = 1.0
    tilt_deg: float = 0.0
    lands: int = 0
    lifts: int = 1_000_000
    scans: int = 6
    interval_ms: float | None = None
    wildest: bool = False

    def take(self, profile: Profile) -> npt.NDArray[np.int16]:
        """Return counts of the scan, shape (rows, cols)."""
        panel = Panel(profile, Condition.from_mapping({**QUIET, **self._lines(profile)}), seed=1)
        interval_us = profile.frame_interval_us if self.interval_ms is None else self.interval_ms * 1000
        placed = self._placed(profile)
        clean = panel.signal(placed)
        frames = [
            panel.frame(round(n * interval_us), placed if self.lands <= n < self.lifts else []).deltas
            for n in range(self.scans)
        ]
        return max(frames, key=lambda counts: float(np.std(counts - clean))) if self.wildest else frames[-1]

    def _lines(self, profile: Profile) -> dict[str, Any]:
        """Return the condition, lines and rows given as shares of the panel put in numbers."""
        grid = profile.grid
        lines = {"dead_tx": grid.rows, "dead_rx": grid.cols, "shorted_tx": grid.rows, "shorted_rx": grid.cols}
        condition = dict(self.condition)
        for key, value in condition.items():
            if key in lines:
                condition[key] = [int(value * lines[key])]
            elif key == "torn_rows":
                condition[key] = int(value * grid.rows)
        return condition

    def _placed(self, profile: Profile) -> list[PlacedObject]:
        if self.object is None:
            return []
        geometry = profile.geometry
        return [
            PlacedObject(
                resolve_object(self.object),
                Hold(
                    geometry.width_mm / 2,
                    geometry.height_mm / 2,
                    TURN_RAD,
                    force=self.force,
                    grip=self.grip,
                    tilt_x_rad=math.radians(self.tilt_deg),
                ),
            )
        ]


@dataclass(frozen=True, slots=True)
class Effect:
    """One effect, ready to be shown.

    Attributes:
        name: the key of the condition or of the handling, with its value where there are several.
        title: what it is, and how large in the picture.
        look_for: what a person should see.
        off, on: without and with it.
        full_scale: counts at the ends of the colour scale, as a share of full amplitude.
    """

    name: str
    title: str
    look_for: str
    off: Shot
    on: Shot
    full_scale: float = 1.0


def _of_condition(
    name: str, value: object, title: str, look_for: str, full_scale: float = 1.0, **shot: Any
) -> Effect:
    return Effect(name, title, look_for, Shot(**shot), Shot({name: value}, **shot), full_scale)


def _of_handling(name: str, title: str, look_for: str, **shot: Any) -> Effect:
    return Effect(name, title, look_for, Shot(), Shot(**shot))


EFFECTS: Final[tuple[Effect, ...]] = (
    _of_condition(
        "noise",
        1.0,
        "Noise of the untouched panel",
        "Grain on every node; whole rows a count up or down.",
        0.03,
        object=None,
    ),
    Effect(
        "loud_frames",
        "Loud frames, twice as uneven as measured",
        "The frame that departs most: all of it is louder than any without.",
        Shot({"noise": 1.0}, object=None, scans=30, wildest=True),
        Shot({"noise": 1.0, "loud_frames": 2.0}, object=None, scans=30, wildest=True),
        0.05,
    ),
    Effect(
        "uneven_nodes",
        "Uneven nodes, three times as much as measured",
        "Some nodes are louder than their neighbours, always the same ones.",
        Shot({"noise": 1.0}, object=None),
        Shot({"noise": 1.0, "uneven_nodes": 3.0}, object=None),
        0.05,
    ),
    Effect(
        "noise_memory",
        "Memory of the noise, as measured",
        "Grain as before; the next frame resembles it.",
        Shot({"noise": 1.0}, object=None),
        Shot({"noise": 1.0, "noise_memory": 1.0}, object=None),
        0.03,
    ),
    _of_condition(
        "stripe",
        1.0,
        "Display stripes",
        "Columns under the coin flicker from row to row, all along.",
        0.08,
        object="coin",
        wildest=True,
    ),
    _of_condition(
        "drift",
        1.0,
        "Drift, after one hour",
        "The whole panel rises evenly.",
        0.3,
        object=None,
        scans=2,
        interval_ms=3.6e6,
    ),
    _of_condition(
        "memory",
        1.0,
        "Memory, just after a touch of 18 s",
        "Where the coin stood, nodes rest below zero.",
        0.03,
        object="coin",
        lifts=181,
        scans=182,
        interval_ms=100.0,
    ),
    _of_condition(
        "charger_v",
        2.0,
        "Charger, 2 V, in a burst",
        "Columns under the coin go wild in either sign.",
        0.3,
        object="coin",
        wildest=True,
        scans=60,
    ),
    _of_condition(
        "protector_mm", 0.5, "Screen protector, 0.5 mm of glass", "The same pads, paler and slightly wider."
    ),
    _of_condition(
        "water_drops", 8, "Water, 8 drops", "Negative spots anywhere, weaker than pads.", 0.3, object=None
    ),
    _of_condition(
        "water_film", 0.5, "Film of water, half", "All of the panel lies below zero; pads are wider.", 0.6
    ),
    _of_condition(
        "palm",
        True,
        "Palm",
        "A long area along the lower edge, weaker than a touch; the pads stay as they were.",
    ),
    _of_condition(
        "resting_fingers", 3, "Three resting fingers", "Strong touches on the long edges; the pads stay."
    ),
    _of_condition("dead_tx", 0.5, "Dead TX line", "One row reads zero.", object="coin"),
    _of_condition("dead_rx", 0.5, "Dead RX line", "One column reads zero.", object="coin"),
    _of_condition(
        "shorted_tx", 0.5, "Two shorted TX lines", "Two neighbouring rows in the middle read alike."
    ),
    _of_condition(
        "shorted_rx", 0.5, "Two shorted RX lines", "Two neighbouring columns in the middle read alike."
    ),
    _of_condition("stuck_nodes", 8, "Eight stuck nodes", "Single nodes away from the pads, of either sign."),
    _of_condition(
        "torn_rows",
        0.5,
        "Torn read-out, upper half late",
        "In the first scan after landing the upper half is still empty.",
        lands=5,
    ),
    _of_handling(
        "grip", "Grip: released", "Pads fade; negative ghosts where rows and columns of pads cross.", grip=0.0
    ),
    _of_handling("grip half", "Grip: half", "As released, half as strong.", grip=0.5),
    _of_handling("force", "Force: 40 %", "All pads smaller and weaker alike.", force=0.4),
    _of_handling(
        "tilt_deg",
        "Tilt: 1 degree",
        "Pads are weaker the further right, the last ones gone.",
        tilt_deg=1.0,
    ),
    _of_handling(
        "wear worn", "Wear: worn by half", "Every pad half as high, no smaller.", object=f"{STAMP}~worn=0.5"
    ),
    _of_handling(
        "wear hollow",
        "Wear: hollow, 4 mm",
        "Every pad weaker; the grid is too coarse to show the hole.",
        object=f"{STAMP}~hollow=4",
    ),
    _of_handling(
        "wear broken",
        "Wear: pad 1 broken in half",
        "One pad weaker and shifted; the others as before.",
        object=f"{STAMP}~broken=1",
    ),
    _of_handling(
        "wear missing",
        "Wear: pad 1 missing",
        "One pad gone; the others as before.",
        object=f"{STAMP}~missing=1",
    ),
)
"""In the order of the condition's fields, then what the hand and use do."""
