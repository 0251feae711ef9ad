"""No preset outlives itself: back on an ordinary panel, an empty glass is empty."""

from __future__ import annotations

import pytest
from stampbench.bench.window.session.setup import PRESETS
from stampbench.sim.device import Device
from stampbench.sim.panel import Condition, load_profile

CONDITIONS = {preset.key: preset.condition for preset in PRESETS if preset.condition != Condition()}
CONDITIONS["wet through"] = Condition(water_drops=60, water_film=0.6)
CONDITIONS["held by a hand"] = Condition(palm=True, resting_fingers=3)


@pytest.mark.kernel
@pytest.mark.parametrize("condition", CONDITIONS.values(), ids=CONDITIONS)
@pytest.mark.parametrize("profile", ["nexus-5", "raspberry-pi-7"])
def test_an_empty_glass_shows_no_contact_two_seconds_after_a_condition(
    profile: str, condition: Condition
) -> None:
    device = Device(load_profile(profile), seed=3)
    interval_us = device.profile.frame_interval_us
    at_scan = 0
    down = -1
    for acts, lasts_us in ((Condition(), 100_000), (condition, 1_500_000), (Condition(), 2_000_000)):
        device.configure(acts)
        for _ in range(lasts_us // interval_us):
            down = len(device.scan(at_scan * interval_us)[1].down)
            at_scan += 1
    assert down == 0
