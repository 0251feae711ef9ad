from __future__ import annotations

import json
import queue
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from stampbench.bench.dut.process import ProcessSink
from stampbench.bench.dut.sink import deliver
from stampbench.bench.judging.assessment import Verdict, assess
from stampbench.bench.judging.early_stops import EarlyStops
from stampbench.bench.records.files import Confidence, Run
from stampbench.bench.records.presses import Outcome
from stampbench.bench.runs.orders import RunOrder
from stampbench.bench.runs.replays import differences, replay_press
from stampbench.bench.runs.running import run as run_order
from stampbench.firmware_emulator.errors import LinkError
from stampbench.firmware_emulator.touch import Contact, TouchReport
from stampbench.sim.device import identity_of
from stampbench.sim.panel import load_profile

import stampbench as sb

PRESSES = 8


@pytest.fixture
def judge(tmp_path: Path) -> Callable[..., tuple[Run, Verdict]]:
    """Runs a plan of genuine presses against a command; the run, and its verdict."""

    def judge(command: list[str], max_frr: float = 0.5, **dut: Any) -> tuple[Run, Verdict]:
        plan = sb.Plan.of(
            {
                "plan": {"name": "dut", "family": "p5-60k", "seed": 3, "profiles": ["nexus-5"]},
                "decoder": {"sigma_mm": 0.15},
                "dut": {"kind": "process", "command": command, "timeout_s": 30.0, **dut},
                "cases": [{"name": "held", "kind": "genuine", "presses": PRESSES}],
                "limits": [{"measurement": "frr", "max": max_frr}],
            }
        )
        run = sb.run(plan, out=tmp_path / "run")
        return run, assess(plan, run).verdict

    return judge


def test_an_app_that_reads_as_we_do_passes(judge, recogniser) -> None:
    run, verdict = judge(recogniser('say({"code": code})'))
    assert verdict is Verdict.PASSED
    assert all(press.read_right for press in run.presses)
    assert [press.reading.code for press in run.presses] == [press.own_reading.code for press in run.presses]


def test_what_an_app_reads_wrongly_is_counted_as_in_its_own_log(judge, recogniser, tmp_path) -> None:
    wrong = 'say({"code": code if press % 4 else 7, "why": "every fourth"})'
    run, verdict = judge(recogniser(wrong), max_frr=0.1)
    said = [json.loads(line)["code"] for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [press.reading.code for press in run.presses] == said
    assert sum(press.misread for press in run.presses) == PRESSES // 4
    assert verdict is Verdict.FAILED


def test_an_app_that_never_answers_has_read_nothing(judge, recogniser) -> None:
    run, verdict = judge(recogniser("pass"), timeout_s=0.2)
    assert {(press.outcome, press.verdict) for press in run.presses} == {(Outcome.FAILED, "none")}
    assert all(press.link["no_answer"] == 1 for press in run.presses)
    assert verdict is Verdict.FAILED


def test_an_app_that_dies_fails_no_stamp(judge, recogniser) -> None:
    dies = 'if press == 3: sys.exit(5)\nsay({"code": code})'
    run, verdict = judge(recogniser(dies))
    (lost,) = (press for press in run.presses if not press.outcome.judged)
    assert (lost.press, lost.outcome) == (3, Outcome.ERROR)
    assert "ended with status 5" in lost.message
    assert not verdict.passes
    assert verdict is not Verdict.FAILED


def test_an_answer_given_twice_is_not_taken_for_the_next_press(judge, recogniser) -> None:
    run, _ = judge(recogniser('say({"code": code})\nsay({"code": code})'))
    # Where it comes only after the next press has begun, that one is lost to the bench; none is misread.
    assert all(press.read_right or press.outcome is Outcome.ERROR for press in run.presses)
    assert sum(press.link.get("unasked_answers", 0) for press in run.presses) > 0


def test_the_answer_to_the_press_before_fails_no_stamp(judge, recogniser) -> None:
    late = 'if press > 1: say({"code": last})\nlast = code\nsay({"code": code})'
    run, verdict = judge(recogniser(late))
    assert run.presses[0].read_right
    assert {press.outcome for press in run.presses[1:]} <= {Outcome.ERROR, Outcome.PASSED}
    assert "two answers to one press" in run.presses[1].message
    assert not verdict.passes


def test_names_of_stamps_become_codes(judge, recogniser) -> None:
    named = 'say({"code": "S%d" % code if code is not None else None})'
    run, verdict = judge(recogniser(named), codes={"S1": 1})
    assert {press.outcome for press in run.presses} == {Outcome.ERROR}
    assert "which dut.codes does not know" in run.presses[0].message
    assert not verdict.passes


@pytest.mark.parametrize("body", ["print('ready', flush=True)", 'say({"code": -4})', 'say({"answer": code})'])
def test_what_is_no_answer_is_a_fault_of_the_bench(judge, recogniser, body) -> None:
    run, verdict = judge(recogniser(body))
    assert {press.outcome for press in run.presses} <= {Outcome.ERROR}
    assert not verdict.passes
    assert verdict is not Verdict.FAILED


def test_a_command_that_is_not_there_is_told(judge) -> None:
    run, verdict = judge(["no-such-program"])
    assert "dut.command 'no-such-program': cannot be started" in run.end.message
    assert not verdict.passes


def test_a_campaign_and_a_rig_are_refused_beside_it(tmp_path) -> None:
    plan = tmp_path / "plan.toml"
    plan.write_text(
        '[plan]\nname = "x"\nfamily = "p5-60k"\nprofiles = ["nexus-5"]\n'
        f'[dut]\nkind = "process"\ncommand = [{json.dumps(sys.executable)}]\n'
        '[[cases]]\nname = "held"\nkind = "genuine"\npresses = 1\n'
    )
    with pytest.raises(sb.InputError, match="expected no rig beside it"):
        sb.run(sb.Plan.read(plan), out=tmp_path / "run", rig="loop://")


def test_one_press_is_replayed_into_the_app(judge, recogniser, tmp_path) -> None:
    run, _ = judge(recogniser('say({"code": code})'))
    assert differences(run.press(3), replay_press(run, run.press(3))) == []
    (tmp_path / "recogniser.py").write_text((tmp_path / "recogniser.py").read_text().replace("code})", "7})"))
    told = {name: now for name, _, now in differences(run.press(3), replay_press(run, run.press(3)))}
    assert (told["reading.code"], told["outcome"]) == (7, "failed")


def test_an_app_is_pressed_until_its_limit_is_decided(recogniser, tmp_path) -> None:
    never = recogniser('say({"code": None})')
    tables = {
        "plan": {"name": "x", "family": "p5-60k", "profiles": ["nexus-5"]},
        "dut": {"kind": "process", "command": never},
        "cases": [{"name": "held", "kind": "genuine", "presses": 400}],
        "limits": [{"measurement": "frr", "max": 0.3, "good": 0.05, "confident": True}],
    }
    plan = sb.Plan.of(tables)
    run_order(RunOrder(plan, tmp_path / "run", seed=1, stops=EarlyStops(plan, Confidence())))
    assert 0 < len(sb.read_run(tmp_path / "run").presses) < 100


def test_a_recogniser_that_reads_nothing_does_not_hold_the_bench_up(monkeypatch) -> None:
    monkeypatch.setattr("stampbench.bench.dut.process.READS_WITHIN_S", 0.5)
    panel = identity_of(load_profile("nexus-5"))
    sink = ProcessSink([sys.executable, "-c", "import time; time.sleep(600)"], panel, queue.SimpleQueue())
    contacts = tuple(Contact(id=n, tip=True, x=n, y=n, x_mm=1.0 * n, y_mm=2.0) for n in range(5))
    with pytest.raises(LinkError, match="the device under test ended with status -9"):
        deliver(sink, 1, [TouchReport(n, contacts) for n in range(2000)])
    sink.close()
