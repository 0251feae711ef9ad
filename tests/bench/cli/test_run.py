from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from stampbench.bench.records.files import FILE_NAME, read_run

CHECKOUT = Path(__file__).parents[3]
COMMAND = (sys.executable, "-c", "from stampbench.bench.cli.main import main; main()")


def readings(directory):
    """The lines of the presses, byte by byte."""
    return (directory / FILE_NAME).read_bytes().splitlines()[1:-1]


def test_run_leaves_records_and_reports_and_prints_the_summary_alone(stampbench, plan_file, tmp_path):
    ended = stampbench("run", plan_file(), "--out", tmp_path / "out", "--json")
    assert ended.status == 0, ended.err
    summary = json.loads(ended.out)
    assert (summary["verdict"], summary["presses"]["done"], summary["seed"]) == ("passed", 6, 7)
    assert summary["link"]["packets"] > 6
    assert summary == json.loads((tmp_path / "out" / "summary.json").read_text())
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "junit.xml",
        "records.jsonl",
        "report.html",
        "summary.json",
    ]
    assert (tmp_path / "out" / "report.html").read_text(encoding="utf-8").count("<svg role") >= 7


def test_records_hold_truth_reading_and_timings_of_every_press(stampbench, plan_file, tmp_path):
    stampbench("run", plan_file(), "--out", tmp_path / "out")
    run = read_run(tmp_path / "out")
    assert run.header.rigs["nexus-5"].virtual
    assert run.end is not None
    assert run.end.status == "complete"
    genuine = run.presses[0]
    assert genuine.object == f"p5-60k/{genuine.code}"
    assert genuine.read_right
    assert len(genuine.contacts) == 5
    assert genuine.timing is not None
    assert genuine.timing.first_contact_us <= genuine.timing.all_pads_us <= genuine.timing.decided_us
    assert genuine.timing.decided_us == genuine.decisive_us
    assert genuine.link["reports"] > 10
    foreign = run.presses[5]
    assert (foreign.object[:10], foreign.code, foreign.condition) == ("fingers/5/", None, {"noise": 0.5})


def test_same_seed_gives_the_same_presses_and_another_seed_others(stampbench, plan_file, tmp_path):
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        stampbench("run", plan_file(), "--out", tmp_path / name, "--seed", seed)
    assert readings(tmp_path / "a") == readings(tmp_path / "b")
    assert not set(readings(tmp_path / "a")) & set(readings(tmp_path / "c"))


def test_press_does_not_depend_on_those_before_it(stampbench, plan_file, tmp_path):
    stampbench("run", plan_file(), "--out", tmp_path / "all")
    stampbench("run", plan_file("presses = 4", "presses = 2"), "--out", tmp_path / "two")
    assert readings(tmp_path / "two")[:2] == readings(tmp_path / "all")[:2]


@pytest.mark.slow
def test_two_workers_give_the_same_records_as_one(stampbench, plan_file, tmp_path):
    plan = plan_file("presses = 4", "presses = 44")
    for workers in (1, 2):
        stampbench("run", plan, "--out", tmp_path / str(workers), "--workers", workers)
    assert readings(tmp_path / "1") == readings(tmp_path / "2")


@pytest.mark.slow
@pytest.mark.kernel
def test_compiled_and_plain_kernels_give_the_same_records(plan_file, tmp_path):
    plan = plan_file("presses = 4", "presses = 1")
    for disabled in ("0", "1"):
        subprocess.run(
            [*COMMAND, "run", plan, "--out", tmp_path / disabled],
            env={**os.environ, "NUMBA_DISABLE_JIT": disabled},
            cwd=CHECKOUT,
            check=True,
            capture_output=True,
        )
    assert readings(tmp_path / "0") == readings(tmp_path / "1")


def test_missed_limit_is_status_1(stampbench, plan_file, tmp_path):
    plan = plan_file(
        'measurement = "frr"\nmax = 0.5', 'measurement = "time_to_decision_p95"\nunit = "us"\nmax = 1'
    )
    ended = stampbench("run", plan, "--out", tmp_path / "out")
    assert ended.status == 1
    assert "1 of 2 limits missed" in ended.out


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("presses = 4", "preses = 4", 'cases[0].preses: unknown key: did you mean "presses"?'),
        ("presses = 4", 'presses = "4"', "cases[0].presses = '4': expected int"),
        ("max = 0.5\n\n", "max = 0.5\nmin = 0.6\n\n", "limits[0].min = 0.6 is above limits[0].max = 0.5"),
        ('"p5-60k"', '"p5-60"', "plan.family: "),
        ('"nexus-5"', '"nexus-6"', "plan.profiles[0]: "),
        ('"coin"', '"corn"', "cases[1].stamps[0]: "),
        ("noise = 0.5", "noise = -0.5", "cases[1].condition: "),
        ("noise = 0.5", "nois = 0.5", "cases[1].condition: "),
        ("presses = 4", "presses = 4\nstamps = [60000]", "cases[0].stamps[0]: 60000 is no code of p5-60k"),
        ("presses = 4", "presses = 4\nhandling = { grip = 2 }", "cases[0].handling: "),
        ("[plan]", "[plan", "line 2"),
    ],
)
def test_bad_plan_is_one_line_and_status_4(stampbench, plan_file, tmp_path, old, new, expected):
    ended = stampbench("run", plan_file(old, new), "--out", tmp_path / "out")
    assert ended.status == 4
    lines = [line for line in ended.err.splitlines() if line.startswith("stampbench: ")]
    assert len(lines) == 1
    assert "small.toml" in lines[0]
    assert expected in lines[0]
    assert "Traceback" not in ended.err
    assert not (tmp_path / "out").exists()


def test_missing_plan_is_status_4(stampbench, tmp_path):
    ended = stampbench("run", tmp_path / "none.toml")
    assert ended.status == 4
    assert "none.toml: no such file" in ended.err


def test_missing_port_is_status_77_before_anything_runs(stampbench, plan_file, tmp_path):
    ended = stampbench("run", plan_file(), "--rig", tmp_path / "no-such-port", "--out", tmp_path / "out")
    assert ended.status == 77
    assert "no-such-port" in ended.err
    assert not (tmp_path / "out").exists()


def test_rig_on_a_port_gives_what_the_virtual_one_gives(stampbench, plan_file, tmp_path):
    from stampbench.sim.rig import virtual_rig

    stampbench("run", plan_file(), "--out", tmp_path / "virtual")
    with virtual_rig("nexus-5") as port:
        ended = stampbench("run", plan_file(), "--rig", port, "--out", tmp_path / "port")
    assert ended.status == 0, ended.err
    there, here = read_run(tmp_path / "port"), read_run(tmp_path / "virtual")
    assert there.digest == here.digest
    assert there.header.rigs["nexus-5"].port == port
    # What a rig on a port said cannot be simulated again, and is kept whole.
    assert len(there.presses[0].said) == there.presses[0].link["reports"] > 10
    assert here.presses[0].said == []


def test_rig_with_a_panel_that_is_not_in_the_plan_is_refused(stampbench, plan_file, tmp_path):
    from stampbench.sim.rig import virtual_rig

    with virtual_rig("elan-11") as port:
        ended = stampbench("run", plan_file(), "--rig", port, "--out", tmp_path / "out")
    assert ended.status == 4
    assert "has the panel 'elan-11': expected one of the plan's profiles, nexus-5" in ended.err


def test_a_run_that_lies_in_the_directory_is_never_overwritten(stampbench, plan_file, tmp_path):
    out = tmp_path / "out"
    stampbench("run", plan_file(), "--out", out, "--seed", 1)
    before = {path: path.read_bytes() for path in out.iterdir()}
    for command in ("run", "campaign"):
        again = stampbench(command, plan_file(), "--out", out, "--seed", 2)
        assert (again.status, f"--resume {out}" in again.err, "--out" in again.err) == (4, True, True)
    assert {path: path.read_bytes() for path in out.iterdir()} == before


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")
@pytest.mark.parametrize(("kill", "status"), [(signal.SIGINT, 2), (signal.SIGTERM, 2), (signal.SIGKILL, -9)])
def test_stopped_run_keeps_its_records(plan_file, stampbench, tmp_path, kill, status):
    out = tmp_path / "out"
    plan = plan_file("presses = 4", "presses = 100000")
    with subprocess.Popen(
        [*COMMAND, "run", plan, "--out", out, "--workers", "2"],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        wait_for_presses(process, out / FILE_NAME)
        process.send_signal(kill)
        said, _ = process.communicate(timeout=60)
    assert process.returncode == status
    assert (f"to go on: stampbench run --resume {out}" in said.decode()) == (kill != signal.SIGKILL)
    ended = stampbench("report", out, "--json")
    assert ended.status == 2
    summary = json.loads(ended.out)
    assert (summary["verdict"], summary["complete"]) == ("interrupted", False)
    assert summary["presses"]["done"] >= 20


def wait_for_presses(process: subprocess.Popen[bytes], records: Path) -> None:
    """Return once some presses are recorded; the bench writes whole lines, so their number can be counted."""
    while process.poll() is None:
        if records.exists() and records.read_bytes().count(b'"line":"press"') >= 20:
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.05)
    raise AssertionError(process.communicate()[0].decode())
