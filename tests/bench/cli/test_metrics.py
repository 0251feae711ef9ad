from __future__ import annotations

import json

import numpy as np
import pytest
from stampbench.bench.sources.capture import CaptureHeader, CaptureWriter
from stampbench.firmware_emulator.touch import Contact, TouchReport


@pytest.fixture
def record_line(tmp_path):
    """Records a line from (10, 20) to (50, 20) mm, bent by ``bulge_mm`` in its middle, every 10 ms."""

    def record(name, bulge_mm=0.0, late_us=0):
        header = CaptureHeader(
            device="test", x_min=0, x_max=6000, y_min=0, y_max=10000, width_mm=60, height_mm=100
        )
        with CaptureWriter(tmp_path / name, header) as writer:
            for n, x in enumerate(np.linspace(10.0, 50.0, 51)):
                y = 20.0 + bulge_mm * np.sin(np.pi * (x - 10.0) / 40.0)
                contact = Contact(0, True, int(100 * x), int(100 * y), float(x), float(y))
                writer.report(TouchReport(10_000 * n + late_us, (contact,)))
        return tmp_path / name

    return record


def metric(answer, name):
    return next(one for one in answer["metrics"] if one["name"] == name)


@pytest.mark.parametrize("bulge_mm", [2.0, -2.0])
def test_session_of_recordings_is_held_against_its_truth(stampbench, tmp_path, record_line, bulge_mm):
    record_line("straight.jsonl", late_us=20_000)
    session = tmp_path / "session.toml"
    session.write_text(
        '[[gestures]]\nkind = "line"\nrecording = "straight.jsonl"\n'
        "path_mm = [[10, 20], [50, 20]]\npath_ms = [0, 500]\n"
    )
    ended = stampbench("metrics", session, "--json")
    answer = json.loads(ended.out)
    assert ended.status == 0, ended.err
    assert metric(answer, "move_latency")["value"] == pytest.approx(20.0, abs=0.5)
    assert metric(answer, "report_rate_min")["value"] == pytest.approx(100.0)
    assert metric(answer, "accuracy_edge")["passed"] is None

    record_line("bent.jsonl", bulge_mm)
    session.write_text(
        '[[gestures]]\nkind = "line"\nrecording = "bent.jsonl"\npath_mm = [[10, 20], [50, 20]]\n'
    )
    ended = stampbench("metrics", session, "--json")
    linearity = metric(json.loads(ended.out), "linearity_max")
    assert (ended.status, linearity["passed"]) == (1, False)
    assert 1.0 < linearity["value"] < 1.5


def test_recordings_without_truth_are_measured_as_far_as_that_goes(stampbench, record_line):
    ended = stampbench("metrics", record_line("any.jsonl"))
    assert ended.status == 0, ended.err
    assert "Report rate" in ended.out
    assert "unset" in ended.out


def test_files_and_a_panel_exclude_each_other(stampbench, record_line):
    assert stampbench("metrics").status == 4
    assert stampbench("metrics", record_line("any.jsonl"), "--profile", "nexus-5").status == 4


def test_a_simulated_panel_is_measured(stampbench):
    ended = stampbench("metrics", "--profile", "mxt224-4", "--charger-v", 12, "--json")
    answer = json.loads(ended.out)
    assert ended.status == int(any(one["passed"] is False for one in answer["metrics"]))
    assert {"name", "value", "unit", "min", "max", "passed"} <= answer["metrics"][0].keys()
