from __future__ import annotations

import json


def test_an_empty_station_is_no_quiet_one(stampbench, tmp_path):
    ended = stampbench("watch", tmp_path, "--once", "-o", tmp_path / "charts.svg")
    assert (ended.status, ended.out.strip().endswith("0 lots, 0 runs, 0 alarms")) == (5, True)
    assert "expected certificates or records" in ended.err
    assert "nothing to follow yet" in (tmp_path / "charts.svg").read_text()


def test_a_broken_seal_fails(stampbench, tmp_path):
    lot = tmp_path / "lot"
    lot.mkdir()
    (lot / "certificate.jsonl").write_text('{"lot":"1"}\n{"seal":"none"}\n')
    ended = stampbench("watch", tmp_path, "--once", "--json")
    answer = json.loads(ended.out)
    assert (ended.status, [alarm["kind"] for alarm in answer["alarms"]]) == (1, ["seal"])


def test_a_directory_that_is_not_there_is_one_line_of_error(stampbench, tmp_path):
    ended = stampbench("watch", tmp_path / "none", "--once")
    assert (ended.status, "no such directory" in ended.err) == (4, True)
