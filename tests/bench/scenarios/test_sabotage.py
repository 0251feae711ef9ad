"""Every trial can fail: each sabotage is found by the trial that is there for it."""

from __future__ import annotations

import importlib
from pathlib import Path

import msgspec
import numpy as np
import pytest
from stampbench.bench.judging.assessment import Judged, Result, Verdict, assess, judge, of_finding
from stampbench.bench.plans.plan import Plan
from stampbench.bench.records.files import read_run
from stampbench.bench.records.findings import Trial
from stampbench.bench.runs.orders import RunOrder
from stampbench.bench.runs.progress import Progress
from stampbench.bench.runs.running import run
from stampbench.bench.scenarios import city_day, rig_faults
from stampbench.bench.scenarios.hardened import Settings
from stampbench.bench.scenarios.sabotage import SABOTAGES, Sabotage, sabotage_of, sabotaged
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.credentials.guard import MemoryGuard

SMALL = {
    "stamps": 2,
    "taps": 3,
    "altered_urls": 1,
    "guesses": 100,
    "threads": 4,
    "rounds": 3,
    "relay_s": 2,
    "days": 2,
    "battery_changes": 3,
    "sound_replay_s": 30,
    "sound_receptions": 50,
    "sound_recordings": 1,
}
SCENARIO = "stampbench.bench.scenarios.hardened"


def draws(name: str) -> np.random.Generator:
    return np.random.default_rng([5, *name.encode()])


def trial_of(part: str, named: str, directory: Path) -> Trial:
    """Return the first trial of a part of the scenario with these words in its name."""
    trials = importlib.import_module(f"{SCENARIO}.{part}").trials
    found = trials(msgspec.convert(SMALL, Settings), draws, directory, Progress())
    return next(one for one in found if isinstance(one, Trial) and named in one.case)


@pytest.mark.parametrize("name", SABOTAGES["hardened"])
def test_trial_finds_the_sabotage(name: str, tmp_path: Path) -> None:
    sabotage = sabotage_of("hardened", name)
    with sabotaged("hardened", name):
        spoilt = trial_of(sabotage.part, sabotage.found_by, tmp_path)
    assert spoilt.wrong > spoilt.allowed * spoilt.tries


def matrix(sabotage: Sabotage, directory: Path) -> Judged:
    """Return what the decision matrix, at its smallest, says of the bar that finds a sabotage."""
    coverage_lots = 4 if "coverage" in sabotage.found_by else 1
    settings = rig_faults.Settings(lots=1, coverage_lots=coverage_lots, faults=[sabotage.part])
    findings = rig_faults.run(settings, seed=5, directory=directory, tell=Progress())
    judged = [judge(*of_finding(finding)) for finding in findings]
    return next(one for one in judged if sabotage.found_by in one.measured.title)


@pytest.mark.parametrize("name", SABOTAGES["rig-faults"])
def test_decision_matrix_finds_the_sabotage(name: str, tmp_path: Path) -> None:
    sabotage = sabotage_of("rig-faults", name)
    with sabotaged("rig-faults", name):
        assert matrix(sabotage, tmp_path).result is Result.FAILED


@pytest.mark.parametrize("name", ["rigs-believed", "gauge-believed", "coverage-of-one"])
def test_decision_matrix_passes_without_a_sabotage(name: str, tmp_path: Path) -> None:
    assert matrix(sabotage_of("rig-faults", name), tmp_path).result is Result.PASSED


CITY = {
    "transport": "asgi",
    "attack_transport": "asgi",
    "panel_presses": 2,
    "panel_share": 0.5,
    "merchants": 1,
    "stores_each": 2,
    "members_each": 12,
    "days": 3,
    "clones": 10,
    "patterns": 2,
    "patterns_offline": 100,
    "enrolled": 5,
    "captures": 1,
    "replays": 2,
    "repeats": 5,
    "thefts": 2,
    "tokens": 1,
    "usage_events": 20,
    "guesses": 5,
    "erasures": 1,
    "relay_s": 1,
    "beacon_days": 1,
    "recordings": 4,
    "battery_changes": 2,
    "sound_replay_s": 32,
    "at_once": 2,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SABOTAGES["city-day"])
def test_city_finds_the_sabotage(name: str, tmp_path: Path) -> None:
    sabotage = sabotage_of("city-day", name)
    settings = msgspec.convert({**CITY, "parts": [sabotage.part]}, city_day.Settings)
    with sabotaged("city-day", name):
        found = city_day.run(settings, seed=3, directory=tmp_path, tell=Progress())
        trial = next(one for one in found if isinstance(one, Trial) and sabotage.found_by in one.case)
    assert trial.wrong > trial.allowed * trial.tries


def test_what_was_sabotaged_is_sound_again_afterwards() -> None:
    sound = MemoryGuard.advance
    with sabotaged("hardened", "guard-forgets"):
        assert MemoryGuard.advance is not sound
    assert MemoryGuard.advance is sound


def test_run_with_a_sabotage_fails_and_says_that_it_was_sabotaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        f"{SCENARIO}.run",
        lambda settings, *, seed, directory, tell: iter([trial_of("press", "pay: accepted", directory)]),
    )
    plan = Plan.of({"plan": {"name": "small", "scenario": "hardened", "seed": 2}, "settings": SMALL})
    run(RunOrder(plan=plan, directory=tmp_path / "run", seed=2, sabotage="pattern-pays"))
    found = read_run(tmp_path / "run")
    judged = assess(plan, found)
    assert found.header.sabotage == "pattern-pays"
    assert judged.verdict is Verdict.FAILED
    assert judged.reason == "sabotaged (pattern-pays): 1 of 1 limits missed"


@pytest.mark.parametrize(
    ("scenario", "name", "said"),
    [
        ("hardened", "pattern-pay", 'did you mean "pattern-pays"'),
        ("", "pattern-pays", "expected a plan that names a scenario"),
    ],
)
def test_unknown_sabotage_is_refused(scenario: str, name: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        sabotage_of(scenario, name)
