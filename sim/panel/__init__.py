"""The touch panel: device profiles, the response to what touches it, noise, and scanned frames."""

from __future__ import annotations

from stampbench.sim.panel.condition import Condition
from stampbench.sim.panel.panel import Panel
from stampbench.sim.panel.placing import PlacedObject
from stampbench.sim.panel.profile import Profile, load_profile, profile_names

__all__ = ["Condition", "Panel", "PlacedObject", "Profile", "load_profile", "profile_names"]
