"""Readings that a change of the code must leave as they are, bit for bit; kept as sums of fingerprints.

A change that is meant to alter readings writes new digests here, and says why in the changelog.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from stampbench.bench.plans.plan import Plan
from stampbench.bench.records.presses import combined
from stampbench.bench.rig.opening import VIRTUAL, open_rig
from stampbench.bench.runs.pressing import Presser, SimulatedPresser
from stampbench.sim.panel import profile_names

QUICKSTART = Plan.read("quickstart")
HUNDRED = Plan.parse(
    f"""
    [plan]
    name = "hundred"
    family = "p5-60k"
    seed = {QUICKSTART.header.seed}
    profiles = {profile_names()}

    [[cases]]
    name = "held stamp"
    kind = "genuine"
    presses = 67

    [[cases]]
    name = "foreign objects"
    kind = "foreign"
    stamps = ["random-stamp"]
    presses = 33
    """,
    Path("hundred.toml"),
)


def test_dummy() -> None:
    print(QUICKSTART)
