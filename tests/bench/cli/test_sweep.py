from __future__ import annotations

import json
from pathlib import Path

from stampbench.bench.sweep.sweeping import read_sweep

SWEEPS = sorted((Path(__file__).parents[3] / "fixtures" / "sweeps").glob("*.toml"))

SWEEP = """
[sweep]
measurements = ["frr"]
good = 0.9

[[sweep.axes]]
key = "condition.noise"
values = [1.0]

[plan]
name = "tiny"
family = "p5-60k"
profiles = ["nexus-5"]

[[cases]]
name = "held"
kind = "genuine"
presses = 2
"""


def test_sweep_prints_its_cells_and_draws_them(stampbench, tmp_path):
    file = tmp_path / "tiny.toml"
    file.write_text(SWEEP)
    ended = stampbench("sweep", file, "-o", tmp_path / "out", "--json")
    assert ended.status == 0, ended.err
    answer = json.loads(ended.out)
    assert (answer["title"], answer["cells"][0]["figures"]["frr"]["n"]) == ("tiny", 2)
    assert (tmp_path / "out" / "sweep.svg").is_file()
    before = (tmp_path / "out" / "sweep.json").read_bytes()
    again = stampbench("sweep", file, "-o", tmp_path / "out", "--seed", 9)
    assert (again.status, "another directory by --out" in again.err) == (4, True)
    assert (tmp_path / "out" / "sweep.json").read_bytes() == before


def test_cluster_and_workers_exclude_each_other(stampbench, tmp_path):
    ended = stampbench("sweep", tmp_path / "x.toml", "--dask", "tcp://h:1", "--workers", 2)
    assert (ended.status, "expected one of them" in ended.err) == (4, True)


def test_fixtures_are_sweeps():
    assert SWEEPS
    for path in SWEEPS:
        assert read_sweep(path).presses > 0
