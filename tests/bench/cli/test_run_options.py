"""Runs that go on, in parts, until confident, read again, with settings; pictures are left out."""

from __future__ import annotations

import csv
import json

import pytest
from stampbench.bench.records.files import FILE_NAME, read_run
from stampbench.bench.report import pictures, press_cards


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch):
    monkeypatch.setattr(press_cards, "_picture", lambda *_: None)
    monkeypatch.setattr(pictures, "times_picture", lambda *_: "<svg></svg>")


@pytest.fixture(scope="module")
def whole(tmp_path_factory, request):
    """The records of the small plan in one piece."""
    from pathlib import Path

    from stampbench.bench.plans.plan import Plan
    from stampbench.bench.runs.orders import RunOrder
    from stampbench.bench.runs.running import run

    from tests.bench.cli.conftest import SMALL_PLAN

    directory = tmp_path_factory.mktemp("whole")
    run(RunOrder(Plan.parse(SMALL_PLAN, Path("small.toml")), directory, seed=7))
    return directory


def presses(directory):
    lines = (directory / FILE_NAME).read_bytes().splitlines()
    return [line for line in lines if b'"line":"press"' in line]


def test_run_goes_on_where_it_was_killed(stampbench, plan_file, whole, tmp_path):
    text = (whole / FILE_NAME).read_bytes()
    (tmp_path / "cut").mkdir()
    (tmp_path / "cut" / FILE_NAME).write_bytes(text[: len(text) * 2 // 3])
    assert len(presses(tmp_path / "cut")) < 6
    ended = stampbench("run", plan_file(), "--resume", tmp_path / "cut", "--json")
    assert ended.status == 0, ended.err
    summary = json.loads(ended.out)
    assert (summary["presses"]["done"], summary["sessions"], summary["complete"]) == (6, 2, True)
    assert presses(tmp_path / "cut") == presses(whole)
    assert summary["readings_digest"] == read_run(whole).digest
    again = stampbench("run", "--resume", tmp_path / "cut")
    assert (again.status, "the run is complete" in again.err) == (4, True)


def test_changed_plan_is_not_gone_on_with(stampbench, plan_file, whole, tmp_path):
    (tmp_path / FILE_NAME).write_bytes((whole / FILE_NAME).read_bytes()[:-300])
    ended = stampbench("run", plan_file("presses = 4", "presses = 5"), "--resume", tmp_path)
    assert ended.status == 4
    assert "begun with plan" in ended.err
    for option in (("--out", "x"), ("--shard", "1/2"), ("--dut", "7"), ("--until-confident",)):
        ended = stampbench("run", "--resume", tmp_path, *option)
        assert (ended.status, f"{option[0]}: expected no" in ended.err) == (4, True)


def test_parts_are_joined_into_the_whole_run(stampbench, plan_file, whole, tmp_path):
    for part in ("1/2", "2/2"):
        ended = stampbench("run", plan_file(), "--shard", part, "--out", tmp_path / part[0])
        assert ended.status == 0, ended.err
    ended = stampbench("report", tmp_path / "1", tmp_path / "2", "--out", tmp_path / "both", "--json")
    assert ended.status == 0, ended.err
    assert presses(tmp_path / "both") == presses(whole)
    assert json.loads(ended.out)["readings_digest"] == read_run(whole).digest
    assert (tmp_path / "both" / "report.html").exists()
    refused = stampbench("report", tmp_path / "1", tmp_path / "2")
    assert (refused.status, "--out: missing" in refused.err) == (4, True)


def test_run_until_confident_stops_early_and_says_why(stampbench, plan_file, tmp_path):
    plan = plan_file("presses = 4", "presses = 60")
    ended = stampbench(
        "run",
        plan,
        "--until-confident",
        "--alpha",
        "0.2",
        "--beta",
        "0.2",
        "--set",
        "cases.foreign.presses=60",
        "--out",
        tmp_path / "out",
        "--json",
    )
    assert ended.status == 0, ended.err
    summary = json.loads(ended.out)
    frr = summary["limits"][0]["sequential"]
    assert (frr["decision"], frr["failures"], frr["alpha"], frr["cap"]) == ("accept", 0, 0.2, 60)
    assert frr["trials"] < 10
    assert summary["presses"]["planned"] == 120
    assert (summary["presses"]["done"] < 15, summary["presses"]["not_made"]) == (True, 0)
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "Cases were pressed until their limits were decided" in page
    assert f"decided after {frr['trials']} presses of at most 60 (alpha 0.2, beta 0.2)" in page
    assert "How the cases were stopped" in page


def test_what_a_run_until_confident_leaves_undecided_is_not_passed(stampbench, plan_file, tmp_path):
    """Two foreign objects refused decide nothing between a rate of 12.5 % and one of 50 %."""
    ended = stampbench("run", plan_file(), "--until-confident", "--out", tmp_path / "out", "--json")
    summary = json.loads(ended.out)
    assert (ended.status, summary["verdict"]) == (3, "error")
    assert summary["limits"][1]["result"] == "unset"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--alpha", "0.1"), "expected --until-confident beside them"),
        (("--until-confident", "--alpha", "1.5"), "alpha = 1.5"),
        (("--until-confident", "--shard", "1/2"), "expected one of them"),
        (("--shard", "3/2"), "shard 3/2: expected I/N"),
        (("--dut", "7="), "--dut '7=': expected a serial number, or STAMP=SERIAL"),
        (("--set", "plan.sed=3"), "plan.sed: unknown key"),
        (("--replay", "x"), "--replay: expected --set, --workers, --out and --json alone"),
    ],
)
def test_options_that_do_not_go_together_are_told(stampbench, plan_file, tmp_path, options, expected):
    ended = stampbench("run", plan_file(), "--out", tmp_path / "out", *options)
    assert (ended.status, expected in ended.err) == (4, True)
    assert not (tmp_path / "out").exists()


def test_run_without_a_plan_is_told(stampbench):
    ended = stampbench("run")
    assert (ended.status, "PLAN: expected a plan, or --resume or --replay" in ended.err) == (4, True)


def test_old_records_are_read_again(stampbench, whole, tmp_path):
    lines = (whole / FILE_NAME).read_bytes().splitlines(keepends=True)
    lines[1] = lines[1].replace(b'"verdict":"read"', b'"verdict":"foreign"').replace(b'"passed"', b'"failed"')
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / FILE_NAME).write_bytes(b"".join(lines))
    ended = stampbench("run", "--replay", tmp_path / "old", "--out", tmp_path / "new")
    assert ended.status == 0, ended.err
    assert "1 of 6 presses read otherwise" in ended.out
    assert "foreign then, read rightly now: 1" in ended.out
    changes = json.loads((tmp_path / "new" / "summary.json").read_text())["baseline"]["changes"]
    assert (changes["changed"], changes["first"][0]["press"]) == (1, 1)
    assert "read otherwise" in (tmp_path / "new" / "report.html").read_text(encoding="utf-8")


def test_reading_again_ends_as_the_limits_say(stampbench, whole, tmp_path):
    ended = stampbench(
        "run",
        "--replay",
        whole,
        "--set",
        "limits.far.max=0.0",
        "--set",
        "limits.frr.min=0.4",
        "--out",
        tmp_path,
    )
    assert ended.status == 1, ended.err


def test_header_tells_station_operator_devices_and_settings(stampbench, plan_file, tmp_path):
    out = tmp_path / "out"
    who = ("--station", "line 3", "--operator", "Kim", "--dut", "LOT-7", "--dut", "7=SN-1")
    ended = stampbench("run", plan_file(), "--set", "condition.noise=0.9", *who, "--out", out)
    assert ended.status == 0, ended.err
    header = read_run(out).header
    assert (header.station, header.operator) == ("line 3", "Kim")
    assert header.duts == {"*": "LOT-7", "7": "SN-1"}
    assert header.settings == ["condition.noise=0.9"]
    assert "noise = 0.9" in header.plan_text
    assert read_run(out).presses[0].condition == {"noise": 0.9}
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "by Kim" in page
    assert "--set condition.noise=0.9 --seed 7" in page


def test_faults_of_the_plan_befall_the_line_and_are_counted(stampbench, plan_file, tmp_path):
    ended = stampbench(
        "run",
        plan_file("presses = 4", "presses = 12"),
        "--set",
        "rig.faults.drop_packet=0.02",
        "--set",
        "plan.bench_faults=1.0",
        "--out",
        tmp_path / "out",
        "--json",
    )
    summary = json.loads(ended.out)
    assert summary["injected"]["drop_packet"] > 0
    assert summary["link"]["lost"] == summary["injected"]["spoiled"] > 0
    assert summary["presses"]["error"] > 0
    assert summary["presses"]["failed"] == 0


def test_presses_are_written_as_tables(stampbench, whole, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    files = ("--csv", tmp_path / "p.csv", "--parquet", tmp_path / "p.parquet")
    ended = stampbench("report", whole, "--out", tmp_path, *files)
    assert ended.status == 0, ended.err
    with (tmp_path / "p.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    table = parquet.read_table(tmp_path / "p.parquet").to_pylist()
    run = read_run(whole)
    assert [int(row["press"]) for row in rows] == [row["press"] for row in table] == list(range(1, 7))
    assert table[0]["distance_mm"] == float(rows[0]["distance_mm"]) == run.presses[0].reading.distance_mm
    assert (table[0]["object"], table[5]["code"], rows[5]["code"]) == (run.presses[0].object, None, "")


def test_run_is_compared_with_a_baseline(stampbench, plan_file, whole, tmp_path):
    stampbench("run", plan_file(), "--set", "condition.noise=3", "--out", tmp_path / "now")
    ended = stampbench("report", tmp_path / "now", "--baseline", whole, "--json")
    found = json.loads(ended.out)["baseline"]
    assert (found["paired"], found["changes"]) == (True, None)
    assert {row["name"] for row in found["measurements"]} >= {"frr", "far"}
    assert "Compared with a baseline" in (tmp_path / "now" / "report.html").read_text(encoding="utf-8")


def test_run_that_takes_too_long_is_timed_out(stampbench, plan_file, tmp_path):
    ended = stampbench(
        "run", plan_file(), "--set", "plan.timeout_s=0.000001", "--out", tmp_path / "out", "--json"
    )
    summary = json.loads(ended.out)
    assert (ended.status, summary["verdict"], summary["presses"]["done"]) == (3, "timeout", 1)


def test_plan_is_checked_listed_and_resolved_with_settings(stampbench, plan_file, tmp_path):
    plan = plan_file()
    setting = ("--set", 'cases.held.conditions=["quiet", "charger"]')
    listed = json.loads(stampbench("plan", "list", plan, *setting, "--json").out)
    assert [case["case"] for case in listed["cases"]] == ["held @ quiet", "held @ charger", "foreign"]
    assert listed["cases"][1]["condition"] == {"charger_v": 2.0}
    assert json.loads(stampbench("plan", "check", plan, *setting, "--json").out)[0]["presses"] == 10
    (tmp_path / "resolved.toml").write_text(stampbench("plan", "resolve", plan, *setting).out)
    again = json.loads(stampbench("plan", "list", tmp_path / "resolved.toml", "--json").out)
    assert again["cases"] == listed["cases"]
    assert again["sha256"] == listed["sha256"]
    assert "held @ charger" in stampbench("plan", "list", plan, *setting).out


def test_catalogue_plan_presses_its_stamps_by_name(stampbench, tmp_path):
    from stampbench.sim.stamps import Catalogue, load_family

    family = load_family("p5-60k")
    entries = {f"shop-{code}": family.pads(code) for code in (7, 777, 7777)}
    (tmp_path / "stamps.toml").write_text(
        "".join(
            f'[[stamp]]\nname = "{name}"\npads = {[[float(x), float(y)] for x, y in pads]}\n'
            for name, pads in entries.items()
        )
    )
    assert len(Catalogue.read(tmp_path / "stamps.toml").names) == 3
    (tmp_path / "plan.toml").write_text(
        '[plan]\nname = "shops"\ncatalogue = "stamps.toml"\nprofiles = ["nexus-5"]\n'
        '[[cases]]\nname = "each"\nkind = "genuine"\nstamps = ["shop-7", "shop-777", "shop-7777"]\n'
        "presses_per_stamp = 2\n"
        '[[limits]]\nmeasurement = "frr"\nmax = 0.0\n'
    )
    who = ("--dut", "shop-777=SN-2")
    ended = stampbench("run", tmp_path / "plan.toml", *who, "--out", tmp_path / "out", "--json")
    assert ended.status == 0, ended.out + ended.err
    run = read_run(tmp_path / "out")
    assert [press.code for press in run.presses] == [0, 1, 2, 0, 1, 2]
    assert run.presses[1].object.endswith("stamps.toml#shop-777")
    assert len(run.header.codebook_sha256) == 64
    stampbench("report", tmp_path / "out", "--csv", tmp_path / "p.csv")
    with (tmp_path / "p.csv").open(newline="") as file:
        assert [row["dut"] for row in csv.DictReader(file)] == ["", "SN-2", "", "", "SN-2", ""]
