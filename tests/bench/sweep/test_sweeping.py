from __future__ import annotations

import json
import pickle

import pytest
from stampbench.bench.plans.plan import Plan
from stampbench.bench.records.files import read_run
from stampbench.bench.runs.campaign import campaign
from stampbench.bench.runs.orders import RunOrder
from stampbench.bench.sweep.pictures import sweep_svg
from stampbench.bench.sweep.report import write_sweep
from stampbench.bench.sweep.sweeping import (
    Axis,
    Cell,
    Figure,
    SweepJob,
    SweepResult,
    make_sweep,
    press_point,
    read_sweep,
)
from stampbench.firmware_emulator.errors import InputError

PLAN = """
[plan]
name = "small"
family = "p5-60k"
seed = 3
profiles = ["nexus-5"]

[handling]
margin_pitch = 3.0

[[cases]]
name = "held"
kind = "genuine"
presses = 4
"""
SWEEP = """
[sweep]
title = "noise by panel"
measurements = ["frr", "time_to_decision_p95"]
good = 0.7

[[sweep.axes]]
key = "condition.noise"
values = [1.0, 40.0]

[[sweep.axes]]
key = "plan.profiles"
values = ["elan-11", "iphone-like"]
names = ["ELAN 11", "phone"]
"""


@pytest.fixture(scope="module")
def sweep_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("sweep") / "sweep.toml"
    path.write_text(SWEEP + PLAN)
    return path


@pytest.fixture(scope="module")
def result(sweep_file):
    return make_sweep(read_sweep(sweep_file))


def test_every_point_is_measured_as_a_campaign_of_its_plan(result, tmp_path):
    plan = Plan.parse(PLAN, tmp_path / "plan.toml", ["condition.noise = 40.0", 'plan.profiles = ["elan-11"]'])
    campaign(RunOrder(plan, tmp_path / "run", 3))
    run = read_run(tmp_path / "run")
    assert result.cell(1, 0).digest == run.digest
    assert result.cell(1, 0).figures["frr"].k == sum(not press.read_right for press in run.presses)
    assert len(result.cells) == 4


def test_noise_that_hides_the_stamp_shows(result):
    assert result.cell(0, 0).figures["frr"].k == 0
    assert result.cell(1, 0).figures["frr"].k == 4
    assert (result.is_good(result.cell(0, 0)), result.is_good(result.cell(1, 0))) == (True, False)


def test_a_panel_too_small_for_the_stamp_is_an_empty_cell(result):
    assert (result.cell(0, 1).note, result.cell(0, 1).figures) == ("does not fit", {})


def test_a_point_is_the_same_on_whatever_process_presses_it(result, sweep_file):
    at, plan = read_sweep(sweep_file).points[0]
    job = pickle.loads(pickle.dumps(SweepJob(at, plan, 3, ("frr", "time_to_decision_p95"))))
    assert press_point(job) == result.cells[0]


def test_files_say_what_was_measured(result, tmp_path):
    paths = write_sweep(result, tmp_path, tmp_path / "more" / "map.svg")
    assert [path.name for path in paths] == ["sweep.json", "sweep.svg", "sweep.html", "map.svg"]
    answer = json.loads(paths[0].read_text())
    assert answer["cells"][0]["at"] == [0, 0]
    page = paths[2].read_text()
    for text in ("noise by panel", "does not fit", "4 of 4: 39.8 to 100 %", "ELAN 11"):
        assert text in page
    assert paths[1].read_text() == paths[3].read_text() == sweep_svg(result)


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_heat_map_has_a_panel_for_each_value_of_the_third_axis(axes):
    keys = ["condition.noise", "decoder.sigma_mm", "plan.family"][:axes]
    cells = []
    for number in range(2**axes):
        at = tuple(number >> k & 1 for k in range(axes))
        figure = Figure(value=number / 8, low=0.0, high=0.3, k=number, n=8)
        cells.append(Cell(at=at, figures={"frr": figure}, presses=8))
    result = SweepResult(
        title="t",
        axes=[Axis(key=key, values=[f"{key}-0", f"{key}-1"]) for key in keys],
        measurements=["frr"],
        draw="frr",
        good=0.3,
        seed=0,
        cells=cells,
    )
    picture = sweep_svg(result)
    assert ("plan.family-1" in picture) == (axes == 3)
    assert picture.count("condition.noise-1") >= 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('key = "condition.noise"', 'key = "condition.noisy"'), "noisy"),
        (('"frr", ', '"frrr", '), 'did you mean "frr"'),
        (('names = ["ELAN 11", ', "names = ["), "names: 1: expected 2"),
        (("[sweep]\n", "[sweep]\nplane = 1\n"), "plane"),
        (("good = 0.7", 'good = 0.7\ndraw = "far"'), "sweep.draw"),
        (("values = [1.0, 40.0]", "values = [-1.0]"), "noise = -1"),
    ],
)
def test_a_wrong_sweep_is_refused_with_the_key(tmp_path, change, said):
    path = tmp_path / "sweep.toml"
    path.write_text((SWEEP + PLAN).replace(*change))
    with pytest.raises(InputError, match=said):
        make_sweep(read_sweep(path))


def test_a_sweep_may_name_its_plan(tmp_path):
    (tmp_path / "plan.toml").write_text(PLAN)
    path = tmp_path / "sweep.toml"
    path.write_text(SWEEP.replace("[sweep]\n", '[sweep]\nplan = "plan.toml"\n'))
    sweep = read_sweep(path, presses=7)
    assert (len(sweep.points), sweep.presses) == (4, 28)


def test_a_plan_is_no_sweep(tmp_path):
    path = tmp_path / "plan.toml"
    path.write_text(PLAN)
    with pytest.raises(InputError, match=r"sweep: missing: expected a table \[sweep\]"):
        read_sweep(path)
