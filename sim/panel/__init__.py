"""The touch panel: device profiles, the response to what touches it, noise, and scanned frames."""

from __future__ import annotations

from sim.panel.condition import Condition
from sim.panel.panel import Panel
from sim.panel.placing import PlacedObject
from sim.panel.profile import Profile, load_profile, profile_names

__all__ = ["Condition", "Panel", "PlacedObject", "Profile", "load_profile", "profile_names"]
