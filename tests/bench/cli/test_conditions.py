"""The catalogue of conditions, and what a sweep over it says of each."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from stampbench.bench.plans.draws import check_plan
from stampbench.bench.plans.plan import Plan
from stampbench.bench.plans.presets import CATALOGUE, REPORTED
from stampbench.bench.sweep.sweeping import Axis, Cell, Figure, SweepResult, read_sweep
from stampbench.sim.panel import Condition
from stampbench.sim.press import Handling

SWEEP = Path(__file__).parents[3] / "fixtures/sweeps/conditions.toml"


def test_at_least_twenty_five_conditions_stand_in_the_catalogue_each_once() -> None:
    assert len(CATALOGUE.conditions) == len(REPORTED) >= 25


@pytest.mark.parametrize("name", REPORTED)
def test_a_condition_has_a_source_advice_and_a_model_that_exists(name: str) -> None:
    one = REPORTED[name]
    Condition.from_mapping(one.condition)
    Handling.from_mapping(one.handling)
    assert one.source.split(":")[0] in ("measured", "stated", "derived", "assumed")
    assert one.advice
    assert not one.then or one.then in REPORTED
    assert one.assumed or "assumed" not in one.source


def test_a_case_takes_panel_and_hand_of_a_condition_by_its_name() -> None:
    text = (
        '[plan]\nname = "p"\nfamily = "p5-60k"\nprofiles = ["nexus-5"]\n'
        '[[cases]]\nname = "held"\nkind = "genuine"\npresses = 1\nconditions = ["rain", "let go"]\n'
    )
    plan = Plan.parse(text, Path("p.toml"))
    check_plan(plan)
    wet, released = plan.cases
    assert (wet.condition, wet.handling) == (REPORTED["rain"].condition, {})
    assert (released.condition, released.handling) == ({}, REPORTED["let go"].handling)


def test_one_sweep_goes_over_every_condition() -> None:
    sweep = read_sweep(SWEEP, presses=1)
    (axis,) = (axis for axis in sweep.header.axes if axis.key == "cases.held.conditions")
    assert axis.values == list(REPORTED)


def test_the_command_lists_conditions_and_what_is_not_modelled(stampbench) -> None:
    text = stampbench("conditions").out
    assert "let go: Nobody holds the stamp" in text
    assert "Not modelled:" in text


def test_the_command_says_what_each_costs_and_what_its_advice_gains(stampbench, tmp_path: Path) -> None:
    result = SweepResult(
        title="t",
        axes=[Axis(key="cases.held.conditions", values=["ordinary", "rain", "drops"])],
        measurements=["frr"],
        draw="frr",
        good=None,
        seed=1,
        cells=[
            Cell(at=(place,), figures={"frr": Figure(value=v, low=v / 2, high=2 * v, k=1, n=9)}, presses=9)
            for place, v in enumerate((0.1, 0.4, 0.2))
        ],
    )
    (tmp_path / "sweep.json").write_bytes(msgspec.json.encode(result))
    found = json.loads(stampbench("conditions", "--measured", tmp_path, "--json").out)
    by_name = {row["name"]: row["effect"] for row in found["conditions"]}
    assert by_name["rain"][0]["frr"] == 0.4
    assert by_name["rain"][0]["interval"] == [0.2, 0.8]
    assert by_name["rain"][0]["gain"] == pytest.approx(0.2)
    assert by_name["ordinary"][0]["gain"] is None
    assert by_name["film"] == []
