from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from stampbench.bench.records.files import FILE_NAME


def test_reports_are_rendered_again_as_they_were(stampbench, plan_file, tmp_path):
    out = tmp_path / "out"
    stampbench("run", plan_file(), "--out", out)
    before = {name: (out / name).read_bytes() for name in ("report.html", "junit.xml", "summary.json")}
    for name in before:
        (out / name).unlink()
    assert stampbench("report", out).status == 0
    assert {name: (out / name).read_bytes() for name in before} == before


def test_report_of_a_file_cut_in_the_middle_of_a_line_shows_what_is_there(stampbench, plan_file, tmp_path):
    out = tmp_path / "out"
    stampbench("run", plan_file(), "--out", out)
    records = (out / FILE_NAME).read_bytes()
    (out / FILE_NAME).write_bytes(records[: len(records) * 2 // 3])
    ended = stampbench("report", out, "-o", tmp_path / "elsewhere", "--json")
    assert ended.status == 2
    summary = json.loads(ended.out)
    assert summary["verdict"] == "interrupted"
    assert 0 < summary["presses"]["done"] < 6
    assert "This run did not end" in (tmp_path / "elsewhere" / "report.html").read_text(encoding="utf-8")


def test_directory_without_a_run_is_status_4(stampbench, tmp_path):
    ended = stampbench("report", tmp_path)
    assert ended.status == 4
    assert "expected the records of stampbench run" in ended.err


class TestFailIfWorse:
    """``report --baseline EARLIER --fail-if-worse``."""

    @pytest.fixture
    def runs(self, stampbench, plan_file, tmp_path):
        def made(name, noise):
            stampbench("campaign", plan_file(), "--presses", 40, "--set", f"condition.noise={noise}",
                       "--out", tmp_path / name)  # fmt: skip
            return tmp_path / name

        return made

    def test_a_significantly_worse_run_fails(self, stampbench, runs):
        ended = stampbench("report", runs("now", 8.0), "--baseline", runs("then", 1.0), "--fail-if-worse")
        assert ended.status == 1
        assert "worse than" in ended.err
        assert "the plans differ" in ended.out

    def test_a_better_run_passes(self, stampbench, runs):
        ended = stampbench("report", runs("now", 1.0), "--baseline", runs("then", 8.0), "--fail-if-worse")
        assert ended.status == 0

    def test_it_needs_a_baseline(self, stampbench, tmp_path):
        ended = stampbench("report", tmp_path, "--fail-if-worse")
        assert (ended.status, "--baseline" in ended.err) == (4, True)


@pytest.mark.parametrize("columns", [60, 80])
def test_no_figure_is_cut_in_a_narrow_window(columns, stampbench, plan_file, tmp_path, monkeypatch):
    stampbench("run", plan_file(), "--out", tmp_path / "out")
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("FORCE_COLOR", "1")
    shown = stampbench("report", tmp_path / "out").out.replace("\N{NARROW NO-BREAK SPACE}", " ")
    rows = [line for line in shown.splitlines() if "0 of 4" in line or "0 of 2" in line]
    assert len(rows) == 2
    assert all(len(row) <= columns and "≤ 50.0 %" in row for row in rows)


def test_the_command_that_repeats_a_press_works_where_the_run_was_started(
    stampbench, plan_file, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    stampbench("run", plan_file(), "--out", "runs/a")
    shown = re.findall(r"<code>stampbench (replay .+?)</code>", Path("runs/a/report.html").read_text())
    assert shown
    assert stampbench(*shlex.split(shown[0])).status == 0
