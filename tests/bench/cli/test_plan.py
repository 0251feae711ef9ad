from __future__ import annotations

import json
from pathlib import Path

import pytest

PLANS = sorted((Path(__file__).parents[3] / "fixtures" / "plans").glob("*.toml"))


@pytest.mark.parametrize("path", PLANS, ids=lambda path: path.stem)
def test_plans_that_come_with_the_project_are_sound(stampbench, path):
    assert stampbench("plan", "check", path).status == 0


def test_quickstart_asks_for_enough_presses_on_two_panels(stampbench):
    path = next(path for path in PLANS if path.stem == "quickstart")
    listed = json.loads(stampbench("plan", "list", path, "--json").out)
    presses = dict.fromkeys(("genuine", "foreign"), 0)
    for case in listed["cases"]:
        presses[case["kind"]] += case["presses"]
    assert len(listed["profiles"]) == 2
    assert presses["genuine"] >= 200
    assert presses["foreign"] >= 100


def test_list_tells_cases_and_limits(stampbench, plan_file):
    ended = stampbench("plan", "list", plan_file())
    assert ended.status == 0
    for part in (
        "small: 6 presses of p5-60k",
        "coin, fingers/5",
        "noise = 0.5",
        "measurement = frr, max = 0.5",
    ):
        assert part in ended.out


def test_check_finds_what_is_wrong_without_pressing(stampbench, plan_file):
    ended = stampbench("plan", "check", plan_file("noise = 0.5", "noise = 1000"))
    assert ended.status == 4
    assert "cases[1].condition: " in ended.err
