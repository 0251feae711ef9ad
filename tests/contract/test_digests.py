"""Readings that a change of the code must leave as they are, bit for bit; kept as sums of fingerprints.

A change that is meant to alter readings writes new digests here, and says why in the changelog.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from stampbench.bench.plans.plan import Plan
from stampbench.bench.records.presses import combined
from stampbench.bench.rig.opening import VIRTUAL, open_rig
from stampbench.bench.runs.pressing import Presser, SimulatedPresser
from stampbench.sim.panel import profile_names

QUICKSTART = Plan.read("quickstart")
EVERYWHERE = Plan.parse(
    re.sub(r"profiles = .*", f"profiles = {profile_names()}", QUICKSTART.text)
    .partition("[[limits]]")[0]
    .replace("presses = 300", "presses = 67")
    .replace("presses = 150", "presses = 33"),
    Path("everywhere.toml"),
)
"""A hundred presses on each profile."""
QUICKSTART_DIGEST = 0x5E3B361BD57CDFFE48C1F707C1316D26
EVERYWHERE_DIGEST = 0xF67CDD50F478F73FDCFDA079EDCC6CCE


@pytest.mark.parametrize(
    ("plan", "presses", "digest"),
    [
        pytest.param(QUICKSTART, 900, QUICKSTART_DIGEST, id="quickstart"),
        pytest.param(EVERYWHERE, 1200, EVERYWHERE_DIGEST, id="every profile"),
    ],
)
def test_presses_of_a_campaign_read_as_ever(plan: Plan, presses: int, digest: int) -> None:
    presser = SimulatedPresser(plan, plan.header.seed)
    fingerprints = [presser.press(planned).fingerprint for planned in plan.presses()]
    assert len(fingerprints) == presses
    assert combined(fingerprints) == digest


@pytest.mark.parametrize("profile", profile_names())
def test_presses_over_a_port_read_as_those_of_a_campaign(profile: str) -> None:
    seed = EVERYWHERE.header.seed
    in_memory, on_a_rig = SimulatedPresser(EVERYWHERE, seed), Presser(EVERYWHERE, seed)
    presses = [planned for planned in EVERYWHERE.presses() if planned.profile == profile][::12]
    with open_rig(VIRTUAL, profile) as rig:
        for planned in presses:
            there = on_a_rig.press(rig, planned)
            assert there.fingerprint == in_memory.press(planned).fingerprint
