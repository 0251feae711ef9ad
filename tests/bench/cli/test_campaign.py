from __future__ import annotations

import json
from pathlib import Path

import pytest
from stampbench.bench.records.files import FILE_NAME


@pytest.fixture
def campaign(stampbench, plan_file, tmp_path):
    """Runs the small plan as a campaign."""

    def call(*options):
        return stampbench(
            "campaign", plan_file(), "--out", tmp_path / "out", "--workers", 1, "--json", *options
        )

    return call


def test_campaign_leaves_records_and_reports_and_prints_the_summary_alone(campaign, tmp_path):
    ended = campaign()
    assert ended.status == 0, ended.err
    summary = json.loads(ended.out)
    assert (summary["verdict"], summary["campaign"], summary["presses"]["done"]) == ("passed", True, 6)
    assert summary == json.loads((tmp_path / "out" / "summary.json").read_text())
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert page.count("<svg role") >= 7
    assert "stampbench campaign " in page


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ((), "PLAN: expected a plan, or --resume with the directory of a campaign"),
        (("hardened",), "names a scenario: expected stampbench run"),
        (("PLAN", "--set", "condition.noize=2"), "condition: unknown key 'noize' = 2"),
        (("PLAN", "--set", "cases.held stamp.presses=5"), 'cases."held stamp".presses=50'),
        (("PLAN", "--dask", "tcp://host:8786", "--workers", "2"), "expected one of them"),
    ],
)
def test_what_a_campaign_cannot_use_is_told(stampbench, plan_file, tmp_path, monkeypatch, given, expected):
    monkeypatch.chdir(Path(__file__).parents[3])
    plan = str(plan_file())
    ended = stampbench("campaign", *(plan if word == "PLAN" else word for word in given), "--out", tmp_path)
    assert (ended.status, ended.out, expected in ended.err) == (4, "", True), ended.err
    assert not (tmp_path / FILE_NAME).exists()


def test_digest_is_that_of_the_run(campaign, stampbench, plan_file, tmp_path):
    in_memory = json.loads(campaign().out)
    over_link = json.loads(stampbench("run", plan_file(), "--out", tmp_path / "run", "--json").out)
    assert in_memory["readings_digest"] == over_link["readings_digest"]
    assert [entry["value"] for entry in in_memory["measurements"]] == [
        entry["value"] for entry in over_link["measurements"]
    ]


def test_presses_can_be_given_for_every_case(campaign, stampbench, tmp_path):
    summary = json.loads(campaign("--presses", 3).out)
    assert summary["presses"]["planned"] == summary["presses"]["done"] == 6
    assert {entry["n"] for entry in summary["measurements"] if entry["measurement"] in ("frr", "far")} == {3}
    again = stampbench("report", tmp_path / "out", "--json")
    assert json.loads(again.out) == summary
    assert "--presses 3" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("press", [1, 4, 6])
def test_press_of_a_campaign_is_repeated(campaign, stampbench, tmp_path, press):
    campaign()
    ended = stampbench("replay", tmp_path / "out", "--press", press, "--json")
    assert ended.status == 0, ended.err
    answer = json.loads(ended.out)
    assert (answer["identical"], answer["press"]["press"]) == (True, press)
    assert answer["press"]["contacts"] is not None


def test_what_differs_from_a_campaign_is_told(campaign, stampbench, tmp_path):
    campaign()
    records = tmp_path / "out" / FILE_NAME
    lines = records.read_text().splitlines(keepends=True)
    chunk = json.loads(lines[1])
    chunk["rows"][0][3] = 9.5
    records.write_text("".join([lines[0], json.dumps(chunk) + "\n", *lines[2:]]))
    ended = stampbench("replay", records, "--press", 1)
    assert ended.status == 1
    assert "reading.distance_mm: 9.5 was recorded, now " in ended.out


def test_bad_plan_is_status_4(stampbench, plan_file, tmp_path):
    ended = stampbench("campaign", plan_file('"p5-60k"', '"p5-60"'), "--out", tmp_path / "out")
    assert ended.status == 4
    assert "small.toml: plan.family: " in ended.err
