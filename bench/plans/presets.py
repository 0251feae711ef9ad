"""Conditions of the panel and ways to handle a stamp that every plan knows by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

CONDITIONS: Final[Mapping[str, Mapping[str, Any]]] = {
    "ordinary": {},
    "quiet": {"noise": 0.0, "stripe": 0.0, "drift": 0.0, "memory": 0.0},
    "noisy": {"noise": 2.0, "stripe": 2.0},
    # The most that chargers may put on the cable: 2 V peak to peak (EU common charger MoU, annex III).
    "charger": {"charger_v": 2.0},
    # Tempered glass as it is sold for phones: 0.33 mm.
    "protector": {"protector_mm": 0.33},
    "drops": {"water_drops": 8},
    "damp": {"water_film": 0.2},
    "palm": {"palm": True},
    "held device": {"resting_fingers": 4},
    "drifting": {"drift": 20.0},
}
"""Settings of :class:`stampbench.sim.panel.Condition` by the name of the preset."""

HANDLINGS: Final[Mapping[str, Mapping[str, Any]]] = {
    "ordinary": {},
    "brief": {"dwell_ms": [40.0, 80.0]},
    "dry hand": {"grip": [0.3, 0.6]},
    "letting go": {"grip_drop": [0.5, 1.0]},
    "sliding": {"slide_mm": [2.0, 6.0]},
    "tilted": {"tilt_deg": [0.3, 0.8], "landing_tilt_deg": [2.0, 8.0]},
    "light": {"force": [0.5, 0.8]},
    "at the edge": {"spread": 1.0, "margin_pitch": 0.0},
}
"""Settings of :class:`stampbench.sim.press.Handling` by the name of the preset."""
