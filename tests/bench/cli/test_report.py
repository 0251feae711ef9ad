from __future__ import annotations

import json

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
