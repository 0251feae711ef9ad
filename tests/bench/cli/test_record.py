from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from stampbench.bench.sources.recording_formats import open_recording
from stampbench.sim.rig import open_channel, served
from stampbench.sim.rig.pattern import PatternDevice

STAMPBENCH = [sys.executable, "-c", "from stampbench.bench.cli.main import main; main()"]
FOREIGN = ["--format", "3m-px", "--object", "fingers/2/1", "--json"]


def stampbench(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*STAMPBENCH, *arguments], capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture(scope="module")
def foreign_port():
    """Port of somebody else's hardware, pressed by two fingers again and again."""
    with subprocess.Popen([*STAMPBENCH, "rig", *FOREIGN], stdout=subprocess.PIPE, text=True) as process:
        yield process.stdout.readline().strip()
        process.kill()


def test_recording_of_foreign_hardware_is_decoded(foreign_port: str, tmp_path: Path) -> None:
    capture = tmp_path / "px.capture"
    done = stampbench(
        "record", foreign_port, "-o", capture, "--seconds", "2", "--size-mm", "61x109", "--json"
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["format"], told["contacts_max"]) == ("3m-px", 2)
    assert told["counters"]["stray_bytes"] <= 5
    with open_recording(capture) as recording:
        reports = list(recording)
    assert len(reports) == told["reports"] > 0
    assert (recording.width_mm, recording.x_max) == (61.0, 0x3FFF)
    assert all(0 <= contact.x_mm <= 61 for report in reports for contact in report.contacts)


def test_source_is_decoded_without_a_recording(foreign_port: str) -> None:
    done = stampbench("decode", "--source", foreign_port, "--seconds", "1", "--events")
    assert done.returncode == 0, done.stderr
    scans = [json.loads(line) for line in done.stdout.splitlines()]
    assert max(len(scan["contacts"]) for scan in scans) == 2


@pytest.mark.skipif(os.name == "nt", reason="a process cannot be interrupted alone")
def test_recording_ends_in_good_order_when_interrupted(tmp_path: Path) -> None:
    capture = tmp_path / "rig.capture"
    with (
        served(PatternDevice("SN-4"), open_channel()) as port,
        subprocess.Popen(
            [*STAMPBENCH, "record", port, "-o", str(capture), "--json"], stdout=subprocess.PIPE, text=True
        ) as process,
    ):
        while not capture.exists() and process.poll() is None:
            pass
        process.send_signal(signal.SIGINT)
        told = json.loads(process.communicate(timeout=60)[0])
        assert process.returncode == 0
    assert (told["device"], told["reports"]) == ("pattern SN-4", 0)
    with open_recording(capture) as recording:
        assert list(recording) == []


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["record", "PORT", "-o", "OUT"], 77, "does not exist"),
        (["record", "PORT", "-o", "OUT", "--nodes", "21"], 4, "--nodes 21"),
        (["record", "PORT", "-o", "OUT", "--size-mm", "wide"], 4, "--size-mm wide"),
        (["decode"], 4, "expected recordings, or --source"),
        (["decode", "OUT", "--source", "PORT"], 4, "expected recordings, or --source"),
    ],
)
def test_wrong_arguments_are_told_in_one_line(
    arguments: list[str], status: int, said: str, tmp_path: Path
) -> None:
    named = {"PORT": str(tmp_path / "none"), "OUT": str(tmp_path / "out")}
    done = stampbench(*(named.get(argument, argument) for argument in arguments))
    assert done.returncode == status
    assert len(done.stderr.splitlines()) == 1
    assert said in done.stderr


def test_file_that_is_there_is_not_overwritten(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.write_text("precious")
    with served(PatternDevice(), open_channel()) as port:
        done = stampbench("record", port, "-o", kept, "--seconds", "0")
    assert done.returncode == 4
    assert "expected a new file" in done.stderr
    assert kept.read_text() == "precious"
