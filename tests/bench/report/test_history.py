"""The page over many runs counts what the records hold, and links every figure to its runs."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from pathlib import Path

import pytest
from stampbench.bench.report import report_run
from stampbench.bench.report.history import read_history, render_history
from stampbench.firmware_emulator.errors import InputError

import stampbench as sb

TABLES = {
    "plan": {"name": "small", "family": "p5-60k", "profiles": ["nexus-5"], "seed": 3},
    "cases": [
        {"name": "held", "kind": "genuine", "presses": 6, "condition": {"noise": 6.0}},
        {"name": "foreign", "kind": "foreign", "stamps": ["fingers/5"], "presses": 2},
    ],
    "limits": [{"measurement": "frr", "max": 1.0}],
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> Path:
    """Three runs: two reported, of two seeds, and one of another station without its reports."""
    folder = tmp_path_factory.mktemp("runs")
    for number, name in enumerate(("a", "b", "deep/c")):
        sb.run(sb.Plan.of(TABLES), out=folder / name, seed=number)
    for name in ("a", "b"):
        report_run(folder / name)
    (folder / "deep/c/summary.json").unlink(missing_ok=True)
    return folder


def counted(folder: Path) -> Counter[str]:
    """Count by brute force from the records."""
    found: Counter[str] = Counter()
    for path in folder.rglob("records.jsonl"):
        for line in path.read_text().splitlines():
            press = json.loads(line)
            if press.get("case") == "held":
                found["genuine"] += 1
                found["right"] += press["reading"]["code"] == press["code"]
            elif press.get("case") == "foreign":
                found["foreign"] += 1
                found["accepted"] += press["reading"]["code"] is not None
    return found


def test_rates_are_the_counts_of_all_records(runs):
    (group,) = read_history(runs).groups(lambda run: [run.plan])
    brute = counted(runs)
    assert (group.read_right.k, group.read_right.n) == (brute["right"], brute["genuine"])
    assert (group.accepted.k, group.accepted.n) == (brute["accepted"], brute["foreign"])
    assert brute["genuine"] == 18


def test_a_run_whose_records_are_newer_than_its_summary_is_judged_anew(runs, tmp_path):
    held = tmp_path / "a"
    held.mkdir()
    for name in ("records.jsonl", "summary.json"):
        (held / name).write_bytes((runs / "a" / name).read_bytes())
    stale = json.loads((held / "summary.json").read_text())
    stale["measurements"] = []
    (held / "summary.json").write_text(json.dumps(stale))
    os.utime(held / "summary.json", (1, 1))
    (group,) = read_history(tmp_path).groups(lambda run: [run.plan])
    assert group.read_right.n == 6


def test_a_limit_is_drawn_over_the_runs_in_their_order(runs):
    (limit,) = read_history(runs).limits_over_time()
    assert [point.run.directory.name for point in limit.points] == ["a", "b", "c"]
    assert [point.x for point in limit.points] == sorted(point.x for point in limit.points)


def test_every_link_of_the_page_leads_to_a_file(runs):
    page = runs / "history.html"
    links = re.findall(r'href="([^"]+)"', render_history(read_history(runs), page))
    assert links
    assert all((page.parent / link).is_file() for link in links)


def test_records_that_cannot_be_read_are_named(runs, tmp_path):
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/records.jsonl").write_text("{")
    found = read_history(tmp_path)
    assert list(found.unreadable) == [tmp_path / "broken"]
    assert "broken" in render_history(found, tmp_path / "history.html")


def test_a_directory_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InputError, match="no such directory"):
        read_history(tmp_path / "nowhere")
