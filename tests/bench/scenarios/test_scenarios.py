from __future__ import annotations

import json
import sys
from xml.etree import ElementTree

import pytest
from stampbench.bench.cli.main import main
from stampbench.bench.judging.assessment import Verdict
from stampbench.bench.plans.plan import Plan
from stampbench.bench.records.files import FILE_NAME, read_run
from stampbench.bench.records.findings import Figure, Trial
from stampbench.bench.report import report_run
from stampbench.bench.runs.orders import RunOrder
from stampbench.bench.runs.running import run
from stampbench.bench.scenarios import load_scenario
from stampbench.firmware_emulator.errors import InputError, StampbenchError


def run_trials(plan, directory):
    return run(RunOrder(Plan.read(plan), directory, seed=3))


@pytest.fixture
def stampbench(monkeypatch, capsys):
    """Runs one command: exit status, stdout, stderr."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["stampbench", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        return int(ended.value.code or 0), captured.out, captured.err

    return call


def test_run_records_every_finding_and_reports_it(stampbench, trial_plan, tmp_path):
    status, out, err = stampbench("run", trial_plan(), "--out", tmp_path / "out", "--json")
    assert status == 0, err
    summary = json.loads(out)
    assert summary["verdict"] == "passed"
    assert summary["reason"] == "all 3 limits met"
    assert [(trial["tries"], trial["wrong"]) for trial in summary["trials"]] == [(1000, 0), (200, 2)]
    assert summary["trials"][0]["high"] == pytest.approx(1 - 0.025 ** (1 / 1000))
    assert summary == json.loads((tmp_path / "out" / "summary.json").read_text())
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert page.index("1 Wrong key") < page.index("a bent key") < page.index("two of the oldest locks")
    lines = (tmp_path / "out" / FILE_NAME).read_text().splitlines()
    assert [json.loads(line)["line"] for line in lines] == [
        "run", "trial", "trial", "figure", "figure", "end",
    ]  # fmt: skip
    assert json.loads(lines[0])["plan_text"] == trial_plan().read_text()


def test_terminal_shows_a_table_per_threat(stampbench, trial_plan, tmp_path):
    status, out, _ = stampbench("run", trial_plan(), "--out", tmp_path / "out")
    assert status == 0
    assert out.index("1 Wrong key") < out.index("a key of another door") < out.index("none wrong")
    assert "weight: 12\u202fkg" in out
    assert "0 \N{EN DASH} 0.368\u202f%" in out
    assert "passed: all 3 limits met" in out


@pytest.mark.parametrize(
    ("setting", "status", "verdict"),
    [
        ("opened = 1", 1, "failed"),
        ("latency_ms = 5.1", 1, "failed"),
        ("tries = 0", 3, "error"),
        ('breaks = "defect"', 3, "error"),
        ('breaks = "interrupt"', 2, "interrupted"),
    ],
)
def test_exit_status_says_how_the_trials_ended(stampbench, trial_plan, tmp_path, setting, status, verdict):
    plan = trial_plan("tries = 1000", setting)
    ended, out, err = stampbench("run", plan, "--out", tmp_path / "out", "--json")
    assert ended == status, err
    assert json.loads(out)["verdict"] == verdict


def test_defect_of_a_scenario_names_its_place_in_one_line(stampbench, trial_plan, tmp_path):
    _, out, _ = stampbench(
        "run", trial_plan("tries = 1000", 'breaks = "defect"'), "--out", tmp_path, "--json"
    )
    assert json.loads(out)["reason"].startswith("ZeroDivisionError: no door (conftest.py:")


def test_reports_are_rendered_again_as_they_were(stampbench, trial_plan, tmp_path):
    out = tmp_path / "out"
    stampbench("run", trial_plan(), "--out", out)
    before = {name: (out / name).read_bytes() for name in ("report.html", "junit.xml", "summary.json")}
    for name in before:
        (out / name).unlink()
    assert stampbench("report", out)[0] == 0
    assert {name: (out / name).read_bytes() for name in before} == before


def test_records_cut_in_the_middle_of_a_line_are_an_interrupted_run(trial_plan, tmp_path):
    run_trials(trial_plan(), tmp_path / "out")
    records = tmp_path / "out" / FILE_NAME
    records.write_bytes(records.read_bytes()[:-200])
    reported = report_run(tmp_path / "out")
    recorded, assessment = reported.run, reported.assessment
    assert 0 < len(recorded.findings) < 4
    assert assessment.verdict is Verdict.INTERRUPTED
    assert "This run did not end" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_damaged_line_in_the_middle_is_refused_with_its_number(trial_plan, tmp_path):
    run_trials(trial_plan(), tmp_path / "out")
    records = tmp_path / "out" / FILE_NAME
    lines = records.read_bytes().splitlines(keepends=True)
    records.write_bytes(b"".join([*lines[:2], b'{"line":"trial"\n', *lines[3:]]))
    with pytest.raises(InputError, match="line 3"):
        read_run(records)


def test_a_run_that_lies_there_is_never_overwritten(trial_plan, tmp_path):
    run_trials(trial_plan(), tmp_path)
    before = (tmp_path / FILE_NAME).read_bytes()
    with pytest.raises(InputError, match="there is a run already: expected --resume"):
        run_trials(trial_plan(), tmp_path)
    assert (tmp_path / FILE_NAME).read_bytes() == before


def test_junit_has_a_case_per_finding_and_one_for_the_bench(trial_plan, tmp_path):
    run_trials(trial_plan("tries = 1000", "opened = 1"), tmp_path)
    report_run(tmp_path)
    suite = ElementTree.parse(tmp_path / "junit.xml").getroot()[0]
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("5", "1", "0")
    failed = next(case for case in suite.iter("testcase") if case.find("failure") is not None)
    assert failed.get("classname") == "doors.1 Wrong key"
    assert "(1 of 10, 95% interval" in failed.find("failure").get("message")


def test_plan_check_and_list_know_trial_plans(stampbench, trial_plan):
    plan = trial_plan()
    assert stampbench("plan", "check", plan)[:2] == (0, f"{plan}: ok, scenario doors\n")
    assert "tries = 1000" in stampbench("plan", "list", plan)[1]
    assert json.loads(stampbench("plan", "list", plan, "--json")[1])["settings"]["opened"] == 0


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('scenario = "doors"', 'scenario = "door"', 'plan.scenario "door": did you mean "doors"?'),
        ("tries = 1000", "trise = 1000", 'settings.trise: unknown key: did you mean "tries"?'),
        ("tries = 1000", "tries = -1", "settings.tries = -1: expected"),
        ("seed = 3", "seeds = 3", 'plan.seeds: unknown key: did you mean "seed"?'),
        ("[settings]", "[handling]", "handling: the plan names a scenario, which presses nothing"),
        (
            "seed = 3",
            'profiles = ["nexus-5"]',
            "plan.profiles: the plan names a scenario",
        ),
    ],
)
def test_wrong_plan_is_refused_in_one_line(trial_plan, old, new, said):
    with pytest.raises(InputError) as refused:
        Plan.read(trial_plan(old, new))
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_settings_of_the_command_line_come_on_top_and_are_recorded(stampbench, trial_plan, tmp_path):
    plan, out = trial_plan(), tmp_path / "out"
    status, said, _ = stampbench(
        "run", plan, "--set", "settings.tries=7", "--set", 'plan.name="other"', "--out", out, "--json"
    )
    summary = json.loads(said)
    assert (status, summary["plan"]["name"], summary["trials"][0]["tries"]) == (0, "other", 7)
    assert stampbench("report", out)[0] == 0
    assert "tries = 8" in stampbench("plan", "list", plan, "--set", "settings.tries=8")[1]
    assert stampbench("plan", "check", plan, "--set", "settings.tries=-8")[0] == 4


@pytest.mark.parametrize("option", [("--rig", "/dev/ttyACM0"), ("--workers", "2")])
def test_options_of_presses_are_refused(stampbench, trial_plan, option):
    status, _, err = stampbench("run", trial_plan(), *option)
    assert status == 4
    assert option[0] in err


def test_trial_keeps_its_bar_exactly():
    assert Trial("t", "c", 1000, 10, allowed=0.01).passed
    assert not Trial("t", "c", 1000, 11, allowed=0.01).passed
    assert not Trial("t", "c", 0, 0).passed


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Trial("t", "c", 5, 6),
        lambda: Trial("t", "c", 5, -1),
        lambda: Trial("t", "c", 5, 0, allowed=1.5),
        lambda: Figure("f", float("nan"), "ms"),
    ],
)
def test_findings_that_contradict_themselves_are_refused(wrong):
    with pytest.raises(InputError, match="expected"):
        wrong()


def test_scenario_whose_extra_is_missing_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "doors_scenario", None)
    with pytest.raises(InputError, match="not installed"):
        load_scenario("doors")


def test_scenario_that_finds_nothing_has_not_passed(trial_plan, tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules["doors_scenario"], "run", lambda *_, **__: iter(()))
    run_trials(trial_plan(), tmp_path)
    assert report_run(tmp_path).assessment.verdict is Verdict.NOTHING_RAN


def test_directory_that_cannot_be_made_is_refused(trial_plan, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StampbenchError, match="cannot be written"):
        run_trials(trial_plan(), tmp_path / "file" / "out")
