"""Conditions by name: what a person tries first when a stamp fails."""

from __future__ import annotations

from dataclasses import dataclass, field

from stampbench.sim.panel import Condition
from stampbench.sim.press import Handling


@dataclass(frozen=True, slots=True)
class Preset:
    """A condition of the panel, and the way the stamps on it are held.

    Attributes:
        key: its name.
        handling: of presses that are made automatically.
        grip: of the stamps on the glass, 0..1.
        wear: of the stamps on the glass, as after ``~`` in object names.
    """

    key: str
    condition: Condition = field(default_factory=Condition)
    handling: Handling = field(default_factory=Handling)
    grip: float = 1.0
    wear: str = ""


PRESETS: tuple[Preset, ...] = (
    Preset("ordinary"),
    # Three times the most that is permitted: 2 V (MoU on common chargers, Annex III).
    Preset("bad charger", Condition(charger_v=6.0)),
    Preset("wet", Condition(water_drops=30, water_film=0.2)),
    Preset("screen protector", Condition(protector_mm=0.4)),
    Preset("worn stamp", handling=Handling(wear="worn=0.45"), wear="worn=0.45"),
    Preset("let go", handling=Handling(grip=(0.0, 0.1)), grip=0.0),
)


def preset(key: str) -> Preset | None:
    """The preset of that name."""
    return next((known for known in PRESETS if known.key == key), None)
