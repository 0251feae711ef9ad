"""A scenario made up for the tests, and a plan that names it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Annotated

import msgspec
import pytest
from stampbench.bench.records.findings import Figure, Trial
from stampbench.bench.scenarios import SCENARIOS

PLAN = """
[plan]
name = "doors"
description = "Doors that must stay shut."
scenario = "doors"
seed = 3

[settings]
tries = 1000
"""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    tries: Annotated[int, msgspec.Meta(ge=0)] = 10
    opened: int = 0
    latency_ms: float = 4.0
    breaks: str = ""


def run(settings, *, seed, directory, tell):
    tell.say(f"seed {seed}")
    tell.tried(1, 2)
    yield Trial("1 Wrong key", "a key of another door", settings.tries, settings.opened)
    if settings.breaks == "defect":
        raise ZeroDivisionError("no\ndoor")
    if settings.breaks == "interrupt":
        raise KeyboardInterrupt
    yield Trial("1 Wrong key", "a bent key", 200, 2, allowed=0.01, note="two of the oldest locks")
    yield Figure("latency, 99 %", settings.latency_ms, "ms", max=5.0)
    yield Figure("weight", 12.0, "kg")


@pytest.fixture(autouse=True)
def doors(monkeypatch):
    module = ModuleType("doors_scenario")
    module.Settings, module.run = Settings, run
    monkeypatch.setitem(sys.modules, "doors_scenario", module)
    monkeypatch.setitem(SCENARIOS, "doors", "doors_scenario")


@pytest.fixture
def trial_plan(tmp_path: Path) -> Callable[..., Path]:
    """Writes the plan, with something replaced."""

    def write(old: str = "", new: str = "") -> Path:
        assert old in PLAN
        path = tmp_path / "doors.toml"
        path.write_text(PLAN.replace(old, new) if old else PLAN)
        return path

    return write
