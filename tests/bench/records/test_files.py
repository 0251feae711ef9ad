from __future__ import annotations

import json

import msgspec
import pytest
from stampbench.bench.records.files import FILE_NAME, check_place, read_run
from stampbench.bench.records.presses import Outcome
from stampbench.firmware_emulator.errors import InputError


@pytest.mark.parametrize("place", ["file/run/records.jsonl", "file"])
def test_a_place_that_cannot_be_written_is_refused_before_anything_is_made(tmp_path, place):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"cannot be written|a run already"):
        check_place(tmp_path / place)


def test_run_is_read_back_as_written(write_run, make_press, header):
    presses = [make_press(1), make_press(2, kind="foreign", verdict="foreign", decided_ms=None)]
    run = read_run(write_run(presses))
    assert run.header == header
    assert list(run.presses) == presses
    assert run.end is not None
    assert run.end.status == "complete"
    assert not run.cut


def test_file_cut_at_any_byte_is_read_up_to_there(write_run, make_press):
    path = write_run([make_press(1), make_press(2)]) / FILE_NAME
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    for length in range(len(lines[0]), len(whole)):
        path.write_bytes(whole[:length])
        run = read_run(path)
        # A line that lacks nothing but its newline is still whole.
        complete = sum(length >= len(b"".join(lines[: n + 1])) - 1 for n in (1, 2))
        assert len(run.presses) == complete
        assert run.end is None or length == len(whole) - 1


def test_cut_header_is_no_run(write_run, make_press):
    path = write_run([make_press(1)]) / FILE_NAME
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(InputError, match="line 1: no header of a run"):
        read_run(path)


def test_fields_of_later_versions_are_passed_over(write_run, make_press):
    path = write_run([make_press(1)]) / FILE_NAME
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line in lines:
        line["added_later"] = {"x": 1}
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert read_run(path).presses == (make_press(1),)


def test_later_format_is_refused(write_run):
    path = write_run([]) / FILE_NAME
    path.write_text(path.read_text().replace('"format":2', '"format":3'))
    with pytest.raises(InputError, match="format = 3: expected at most 2"):
        read_run(path)


def test_damage_in_the_middle_is_told_by_line(write_run, make_press):
    path = write_run([make_press(1), make_press(2)]) / FILE_NAME
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[1][:50] + b"\n" + lines[2])
    with pytest.raises(InputError, match="line 2: "):
        read_run(path)


@pytest.mark.parametrize("content", [b"", b"\x00\xff\x80", b"[1, 2]\n", b'{"line":"press"}\n'])
def test_other_files_are_no_records(tmp_path, content):
    (tmp_path / FILE_NAME).write_bytes(content)
    with pytest.raises(InputError, match="line 1: "):
        read_run(tmp_path)


def test_missing_records_are_told(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_run(tmp_path)


def test_missing_press_is_told(write_run, make_press):
    run = read_run(write_run([make_press(1), make_press(2)]))
    assert run.press(2).press == 2
    with pytest.raises(InputError, match="press 9: no such press: expected 1 to 2"):
        run.press(9)


def botched(record):
    return msgspec.structs.replace(record, outcome=Outcome.ABORTED, again=True)


def test_of_a_press_that_was_made_again_the_last_record_is_the_press(write_run, make_press):
    run = read_run(write_run([make_press(1), botched(make_press(2)), make_press(2, verdict="foreign")]))
    assert run.press(2).outcome is Outcome.FAILED
    assert run.last == 2


def test_a_run_that_ended_before_a_botched_press_was_made_again_goes_on_with_it(write_run, make_press):
    assert read_run(write_run([make_press(1), botched(make_press(2))])).last == 1


def test_truth_and_reading_say_what_happened(make_press):
    assert make_press(1).read_right
    misread = make_press(2, read=8)
    assert misread.misread
    assert not misread.read_right
    accepted = make_press(3, kind="foreign", read=8)
    assert accepted.accepted
    assert not accepted.misread
    assert accepted.outcome is Outcome.FAILED


def test_time_to_decision_counts_from_the_first_contact(make_press):
    assert make_press(1, decided_ms=85.0).time_to_decision_ms == 85.0
    assert make_press(1, decided_ms=None).time_to_decision_ms is None


def test_records_of_the_first_format_are_read(write_run, make_press):
    path = write_run([make_press(1), make_press(2)]) / FILE_NAME
    head, *lines = [json.loads(line) for line in path.read_text().splitlines()]
    later = ("operator", "duts", "settings", "includes", "codebook_sha256", "shard", "shard_block")
    for key in (*later, "until_confident", "replay_of"):
        del head[key]
    head["format"] = 1
    for line in lines:
        line.pop("said", None)
        line.pop("injected", None)
    path.write_text("".join(json.dumps(line) + "\n" for line in (head, *lines)))
    run = read_run(path)
    assert run.presses == (make_press(1), make_press(2))
    assert (run.header.shard, run.header.duts, run.sessions) == ((1, 1), {}, 1)
