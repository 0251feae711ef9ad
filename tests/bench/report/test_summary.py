from __future__ import annotations

import json

from stampbench.bench.judging.assessment import assess
from stampbench.bench.records.files import read_run
from stampbench.bench.report.subject import plan_of
from stampbench.bench.report.summary import render_summary


def summary(run):
    plan = plan_of(run)
    return json.loads(render_summary(plan, run, assess(plan, run)))


def test_summary_tells_verdict_presses_and_limits(write_run, make_press):
    presses = [make_press(1, read=9), make_press(2), make_press(3, kind="foreign", verdict="foreign")]
    found = summary(read_run(write_run(presses)))
    assert (found["verdict"], found["exit_status"], found["complete"]) == ("failed", 1, True)
    assert found["presses"] == {
        "planned": 6,
        "not_made": 3,
        "done": 3,
        "repeated": 0,
        "passed": 2,
        "failed": 1,
        "error": 0,
        "timeout": 0,
        "aborted": 0,
        "skipped": 0,
    }
    frr = found["limits"][0]
    assert (frr["measurement"], frr["k"], frr["n"], frr["value"], frr["max"]) == ("frr", 1, 2, 0.5, 0.5)
    assert frr["low"] < 0.5 < frr["high"]
    assert frr["worst"] == 1


def test_summary_of_a_killed_run_says_so(write_run, make_press):
    found = summary(read_run(write_run([make_press(1)], status=None)))
    assert (found["verdict"], found["complete"], found["finished_at"]) == ("interrupted", False, None)


def test_every_measurement_stands_with_its_unit_and_interval(write_run, make_press):
    found = summary(read_run(write_run([make_press(n) for n in range(1, 9)])))
    times = {entry["measurement"]: entry for entry in found["measurements"]}["time_to_decision_median"]
    assert (times["value"], times["unit"], times["low"], times["high"]) == (60.0, "ms", 60.0, 60.0)
