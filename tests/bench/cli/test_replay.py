from __future__ import annotations

import json

import pytest
from stampbench.bench.records.files import FILE_NAME


@pytest.fixture
def records(stampbench, plan_file, tmp_path):
    stampbench("run", plan_file(), "--out", tmp_path / "out")
    return tmp_path / "out" / FILE_NAME


@pytest.mark.parametrize("press", [1, 4, 6])
def test_press_is_repeated_bit_for_bit(stampbench, records, press):
    ended = stampbench("replay", records, "--press", press, "--json")
    assert ended.status == 0, ended.err
    answer = json.loads(ended.out)
    assert (answer["identical"], answer["differences"]) == (True, [])
    assert answer["press"]["press"] == press


def test_what_differs_is_told(stampbench, records):
    text = records.read_text()
    lines = text.splitlines(keepends=True)
    recorded = json.loads(lines[1])
    recorded["reading"]["distance_mm"] = 9.5
    recorded["outcome"] = "failed"
    records.write_text("".join([lines[0], json.dumps(recorded) + "\n", *lines[2:]]))
    ended = stampbench("replay", records, "--press", 1)
    assert ended.status == 1
    assert "reading.distance_mm: 9.5 was recorded, now " in ended.out
    assert "outcome: failed was recorded, now passed" in ended.out


def test_other_seed_is_another_press(stampbench, records):
    seed = json.loads(records.read_text().splitlines()[1])["seed"]
    records.write_text(records.read_text().replace(f'"seed":{seed}', f'"seed":{seed + 1}'))
    assert stampbench("replay", records, "--press", 1).status == 1


def test_missing_press_is_status_4(stampbench, records):
    ended = stampbench("replay", records, "--press", 7)
    assert ended.status == 4
    assert "press 7: no such press: expected 1 to 6" in ended.err


def test_press_of_a_real_rig_cannot_be_repeated(stampbench, records):
    records.write_text(records.read_text().replace('"virtual":true', '"virtual":false'))
    ended = stampbench("replay", records, "--press", 1)
    assert ended.status == 4
    assert "was made on a real rig" in ended.err


def test_missing_records_are_status_4(stampbench, tmp_path):
    assert stampbench("replay", tmp_path / FILE_NAME, "--press", 1).status == 4
