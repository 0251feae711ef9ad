from __future__ import annotations

import contextlib
import errno
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stampbench.bench.sources.capture import CaptureHeader, CaptureWriter, frames
from stampbench.bench.sources.recording import RecordingLines
from stampbench.bench.sources.recording_formats import open_recording
from stampbench.firmware_emulator.errors import InputError
from stampbench.firmware_emulator.touch import Contact, Frame, TouchReport

HEADER = CaptureHeader(device="rig 7", x_max=1079, y_max=1919, width_mm=61.6, height_mm=109.6)
REPORTS = [
    TouchReport(1_000, (Contact(1, True, 10, 20, 0.57, 1.14, 6.5), Contact(2, True, 30, 40))),
    TouchReport(
        11_000, (Contact(1, False, 10, 20, 0.57, 1.14, 6.5), Contact(2, False, 30, 40, cancelled=True))
    ),
    TouchReport(21_000, ()),
]


def write(path: Path, reports: list[TouchReport]) -> None:
    path.unlink(missing_ok=True)
    with CaptureWriter(path, HEADER) as writer:
        for report in reports:
            writer.report(report)


def read(path: Path) -> list[TouchReport]:
    with open_recording(path) as recording:
        return list(recording)


coordinates = st.floats(-1e6, 1e6)
contacts = st.builds(
    Contact,
    st.integers(-5, 70_000),
    st.booleans(),
    st.integers(-40_000, 40_000),
    st.integers(0, 40_000),
    st.none() | coordinates,
    st.none() | coordinates,
    st.none() | st.floats(0, 50),
)


@given(st.lists(st.builds(TouchReport, st.integers(0, 1 << 60), st.lists(contacts, max_size=5).map(tuple))))
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, reports: list[TouchReport]
) -> None:
    path = tmp_path_factory.getbasetemp() / "round-trip.capture"
    write(path, reports)
    assert read(path) == reports


def test_the_header_tells_the_device(tmp_path: Path) -> None:
    write(tmp_path / "c", REPORTS)
    with open_recording(tmp_path / "c") as recording:
        assert (recording.device, recording.format) == ("rig 7", "capture")
        assert (recording.x_max, recording.width_mm) == (1079, 61.6)


def test_each_line_can_be_read_as_soon_as_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "c"
    with CaptureWriter(path, HEADER) as writer:
        for number, report in enumerate(REPORTS, 1):
            writer.report(report)
            assert read(path) == REPORTS[:number]


def test_a_kill_at_any_byte_leaves_what_was_whole(tmp_path: Path) -> None:
    write(tmp_path / "whole", REPORTS)
    whole = (tmp_path / "whole").read_bytes()
    header_length = whole.index(b"\n") + 1
    for cut in range(header_length, len(whole)):
        (tmp_path / "cut").write_bytes(whole[:cut])
        with open_recording(tmp_path / "cut") as recording:
            reports = list(recording)
        assert reports == REPORTS[: whole[:cut].count(b"\n") - 1]
        assert bool(recording.notes) == (whole[cut - 1 : cut] != b"\n")


def test_a_header_that_is_not_whole_is_an_error(tmp_path: Path) -> None:
    write(tmp_path / "c", [])
    (tmp_path / "c").write_bytes((tmp_path / "c").read_bytes()[:-1])
    with pytest.raises(InputError, match=":1: the last line is cut"):
        read(tmp_path / "c")


def test_unknown_fields_and_lines_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "c"
    write(path, REPORTS)
    lines = path.read_text().splitlines()
    lines[1] = json.dumps({**json.loads(lines[1]), "pressure": [1, 2]})
    lines.insert(2, '{"note": "operator went for coffee", "t_us": 5}')
    path.write_text("\n".join(lines) + "\n")
    assert read(path) == REPORTS


def test_raw_frames_stand_beside_reports(tmp_path: Path) -> None:
    path = tmp_path / "c"
    deltas = np.array([[-3, 0, 220], [1, 32767, -32768]], dtype=np.int16)
    with CaptureWriter(path, HEADER) as writer:
        writer.frame(Frame(7, deltas))
        writer.report(REPORTS[0])
    assert read(path) == REPORTS[:1]
    with path.open("rb") as stream:
        (frame,) = frames(RecordingLines("c", stream))
    assert frame.t_us == 7
    assert np.array_equal(frame.deltas, deltas)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("[1, 2]", "malformed line"),
        ("{", "malformed line"),
        ('{"t_us": "soon", "contacts": []}', "malformed line .*t_us"),
        ('{"t_us": 1, "contacts": [{"id": 1}]}', r"malformed line .*contacts\[0\]"),
        ('{"t_us": 1.5, "contacts": []}', "malformed line"),
    ],
)
def test_a_malformed_line_is_named(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "c"
    write(path, REPORTS)
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(InputError, match=f"c:5: {message}"):
        read(path)


def test_a_higher_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / "c").write_text('{"format":"stampbench-capture","version":2}\n')
    with pytest.raises(InputError, match="c:1: capture of version 2; expected at most version 1"):
        read(tmp_path / "c")


def test_a_ragged_frame_is_refused(tmp_path: Path) -> None:
    (tmp_path / "c").write_text(
        '{"format":"stampbench-capture","version":1}\n{"t_us":1,"deltas":[[1],[2,3]]}\n'
    )
    with (tmp_path / "c").open("rb") as stream, pytest.raises(InputError, match="c:2: raw frame"):
        list(frames(RecordingLines("c", stream)))


def test_a_capture_is_never_overwritten(tmp_path: Path) -> None:
    write(tmp_path / "c", REPORTS)
    with pytest.raises(InputError, match="c: cannot be written: File exists; expected a new file"):
        CaptureWriter(tmp_path / "c", HEADER)
    assert read(tmp_path / "c") == REPORTS


def test_a_file_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        CaptureWriter(tmp_path / "no" / "such", HEADER)


@given(st.binary(max_size=200), st.integers(0, 400))
def test_rubbish_anywhere_raises_nothing_but_our_error(
    tmp_path_factory: pytest.TempPathFactory, rubbish: bytes, at: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "rubbish.capture"
    write(path, REPORTS)
    whole = path.read_bytes()
    path.write_bytes(whole[:at] + rubbish + whole[at:])
    with contextlib.suppress(InputError):
        read(path)


class TightFile(io.FileIO):
    """Takes seven bytes at once, and so many in all."""

    room = 0

    def write(self, data: Any) -> int:
        if not self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        taken = super().write(bytes(data)[: min(7, self.room)])
        self.room -= taken
        return taken


def test_a_disk_that_fills_up_leaves_whole_lines_and_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "full.jsonl"
    writer = CaptureWriter(path, CaptureHeader(device="d"))
    writer._file.close()
    writer._file = TightFile(path, "ab")
    writer._file.room = 1000
    report = TouchReport(0, (Contact(1, True, 5, 6, 0.5, 0.6),))
    for t_us in (0, 1):
        writer.report(report._replace(t_us=t_us))
    writer._file.room = 20
    with pytest.raises(InputError, match=r"full\.jsonl: cannot be written further: No space left on device"):
        writer.report(report._replace(t_us=2))
    writer.close()
    with open_recording(str(path)) as recording:
        assert [read.t_us for read in recording] == [0, 1]
