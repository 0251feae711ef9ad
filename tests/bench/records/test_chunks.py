from __future__ import annotations

import msgspec
import pytest
from stampbench.bench.records.chunks import PressChunk
from stampbench.bench.records.files import FILE_NAME, RecordWriter, read_run
from stampbench.bench.records.presses import Outcome, combined
from stampbench.firmware_emulator.errors import InputError


@pytest.fixture
def records(make_press):
    return [
        make_press(1),
        make_press(2, read=9),
        make_press(3, verdict="partial", decided_ms=None, distance_mm=None, margin_mm=None),
    ]


@pytest.fixture
def written(tmp_path, header, records):
    """Records of a campaign: the same chunk twice, and no end."""
    with RecordWriter(tmp_path / FILE_NAME) as writer:
        writer.write(msgspec.structs.replace(header, campaign=True))
        for first in (1, 4):
            writer.write(msgspec.structs.replace(PressChunk.of(records), first=first, number=first))
    return tmp_path / FILE_NAME


def test_results_of_a_chunk_are_those_of_its_presses(records):
    for result, record in zip(PressChunk.of(records).results(), records, strict=True):
        for field in ("press", "profile", "case", "kind", "number", "code", "outcome", "timing"):
            assert getattr(result, field) == getattr(record, field)
        assert result.reading == msgspec.structs.replace(record.reading, pose=None)


def test_foreign_object_that_was_read_failed(make_press):
    results = list(PressChunk.of([make_press(1, kind="foreign", read=3)]).results())
    assert (results[0].outcome, results[0].accepted) == (Outcome.FAILED, True)


def test_digest_changes_with_any_reading_and_not_with_the_order(records):
    fingerprints = [record.fingerprint for record in records]
    assert combined(fingerprints) == combined(reversed(fingerprints))
    other = msgspec.structs.replace(records[0], seed=records[0].seed + 1)
    assert combined([other.fingerprint, *fingerprints[1:]]) != combined(fingerprints)


def test_link_leaves_no_trace_in_the_digest(make_press):
    assert (
        msgspec.structs.replace(make_press(1), link={"lost": 2, "reports": 30}).fingerprint
        == make_press(1).fingerprint
    )


def test_presses_of_chunks_are_read_as_often_as_wanted(written):
    run = read_run(written)
    assert len(run.presses) == 6
    assert [press.press for press in run.presses] == [1, 2, 3, 4, 5, 6]
    assert [press.press for press in run.presses] == [1, 2, 3, 4, 5, 6]
    assert run.press(5).misread
    assert run.press(5) in run.presses


def test_digest_of_a_campaign_is_that_of_its_presses(written, records):
    assert int(read_run(written).digest, 16) == combined(2 * [record.fingerprint for record in records])


def test_chunk_that_is_cut_is_dropped(written):
    written.write_bytes(written.read_bytes()[:-40])
    run = read_run(written)
    assert (len(run.presses), run.cut) == (3, True)


@pytest.mark.parametrize(
    ("old", "new"), [('"digest":"', '"digest":"x'), ('"rows":[[', '"rows":[["1",'), ("}", "")]
)
def test_damaged_chunk_is_told_by_line(written, old, new):
    lines = written.read_text().splitlines(keepends=True)
    written.write_text(lines[0] + lines[1].replace(old, new) + lines[2])
    with pytest.raises(InputError, match="line 2: "):
        read_run(written)


def test_chunk_in_the_records_of_a_run_is_refused(written):
    written.write_text(written.read_text().replace('"campaign":true', '"campaign":false'))
    with pytest.raises(InputError, match="expected chunks from a campaign"):
        read_run(written)
