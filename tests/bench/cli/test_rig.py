from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from stampbench.bench.rig.serial_rig import SerialRig
from stampbench.sim.rig import open_channel, served
from stampbench.sim.rig.pattern import PatternDevice

STAMPBENCH = [sys.executable, "-c", "from stampbench.bench.cli.main import main; main()"]


def stampbench(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*STAMPBENCH, *arguments], capture_output=True, text=True, timeout=120, check=False)


@contextmanager
def running(*arguments: str, stderr: int | None = None) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [*STAMPBENCH, *arguments], stdout=subprocess.PIPE, stderr=stderr, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.skipif(os.name == "nt", reason="a process cannot be interrupted alone")
@pytest.mark.parametrize("listen", ["auto", "tcp"])
def test_rig_prints_its_port_and_serves_until_interrupted(listen: str) -> None:
    with running(
        "rig", "--profile", "raspberry-pi-7", "--listen", listen, "--serial-number", "R2"
    ) as process:
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        with SerialRig(port) as rig:
            assert (rig.identity.profile, rig.identity.serial_number) == ("raspberry-pi-7", "R2")
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 0


def test_rig_with_an_unknown_profile_says_so_in_one_line() -> None:
    done = stampbench("rig", "--profile", "no-such-panel")
    assert done.returncode == 4
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert "no-such-panel" in done.stderr


def test_devices_lists_the_rig_behind_a_port_as_json(tmp_path: Path) -> None:
    with served(PatternDevice("SN-3"), open_channel()) as port:
        done = stampbench("devices", "--port", port, "--port", str(tmp_path / "none"), "--json")
    assert done.returncode == 0
    (rig,) = json.loads(done.stdout)["rigs"]
    assert (rig["port"], rig["serial_number"], rig["x_max"]) == (port, "SN-3", 4095)


def test_ports_prints_json_alone() -> None:
    done = stampbench("ports", "--json")
    assert done.returncode == 0
    assert isinstance(json.loads(done.stdout), list)


@pytest.mark.skipif(os.name == "nt", reason="a process cannot be interrupted alone")
def test_rig_with_faults_counts_them_on_stderr_when_it_ends(tmp_path: Path) -> None:
    faults = tmp_path / "faults.toml"
    faults.write_text("repeat_packet = 1.0\n")
    with running("rig", "--faults", str(faults), "--json", stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        with SerialRig(json.loads(process.stdout.readline())["port"]) as rig:
            assert rig.counters.duplicates > 0
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 0
        assert json.loads(process.stderr.read())["repeat_packet"] > 0


def test_rig_with_a_fault_file_that_makes_no_sense_says_so_in_one_line(tmp_path: Path) -> None:
    faults = tmp_path / "faults.toml"
    faults.write_text("explode = 1.0\n")
    done = stampbench("rig", "--faults", str(faults))
    assert done.returncode == 4
    assert len(done.stderr.splitlines()) == 1
    assert "explode" in done.stderr


def test_a_rig_that_rightly_refuses_what_it_does_not_hold_breaks_nothing() -> None:
    with served(PatternDevice(), open_channel()) as port:
        done = stampbench("rig", "check", port, "--json")
    outcomes = {finding["clause"]: finding["outcome"] for finding in json.loads(done.stdout)}
    assert done.returncode == 0
    assert outcomes["C8"] == "untried"
    assert outcomes["C1"] == outcomes["C5"] == "kept"


def test_a_clause_is_explained_without_a_rig() -> None:
    done = stampbench("rig", "check", "--explain", "p4")
    assert done.stdout.startswith("P4  00 bytes between packets are allowed")
    assert stampbench("rig", "check", "--explain", "Z9").returncode == 4


def test_check_of_a_port_that_does_not_exist_is_missing_hardware(tmp_path: Path) -> None:
    done = stampbench("rig", "check", str(tmp_path / "none"))
    assert done.returncode == 77
    assert len(done.stderr.splitlines()) == 1


def test_soak_prints_json_alone() -> None:
    done = stampbench("rig", "soak", "--minutes", "0.01", "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["lost_uncounted"] == 0
