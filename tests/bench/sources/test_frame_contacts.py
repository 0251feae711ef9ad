"""Raw frames and printed touches of others, from files; fixtures/recordings/README.md says after what."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from stampbench.bench.sources.frame_files import read_frames
from stampbench.bench.sources.recording_formats import open_recording
from stampbench.bench.sources.ruler import GivenRuler
from stampbench.firmware_emulator.errors import InputError

NODES = (10, 8)
SIZE_MM = (40.0, 50.0)
FRAMES = {
    "mxt-debug-dump.csv": "mxt-app",
    "iptsd-dump.bin": "iptsd",
    "iptsd-dump-2.bin": "iptsd",
    "v4l2-touch-td16.hdr": "v4l2-touch",
    "v4l2-touch-tu16.raw": "v4l2-touch",
    "v4l2-touch-tu08.raw": "v4l2-touch",
    "frames-10x8.csv": "muca",
}
"""All show the same: touches at (2.5, 3) and (5.5, 7.5) nodes, on frames 3 to 9 of 14."""


@pytest.mark.parametrize(("name", "format_name"), FRAMES.items())
def test_two_touches_are_found_where_they_are(project: Path, name: str, format_name: str) -> None:
    given = GivenRuler(nodes=NODES, size_mm=SIZE_MM)
    with open_recording(project / "fixtures" / "recordings" / name, given) as recording:
        assert recording.format == format_name
        reports = list(recording)
    assert len(reports) == 14
    assert [len(report.down) for report in reports][5] == 2
    assert not reports[0].down
    assert not reports[-1].down
    places = sorted((contact.x_mm, contact.y_mm) for contact in reports[8].down)
    for place, right in zip(places, [(12.5, 15.0), (27.5, 37.5)], strict=True):
        assert place == pytest.approx(right, abs=0.5)


@pytest.mark.parametrize(("name", "format_name"), FRAMES.items())
def test_all_frames_of_one_panel_are_the_same(project: Path, name: str, format_name: str) -> None:
    path = project / "fixtures" / "recordings"
    right = read_frames(path / "v4l2-touch-td16.hdr", NODES)
    recorded = read_frames(path / name, NODES)
    for frame, same in zip(recorded.in_time(1), right.in_time(1), strict=True):
        np.testing.assert_allclose(frame.deltas, same.deltas, atol=5)


def test_a_dump_that_tells_the_size_needs_none_to_be_given(project: Path) -> None:
    with open_recording(project / "fixtures" / "recordings" / "iptsd-dump.bin") as recording:
        assert str(recording.ruler) == "40.0 x 50.0 mm by the dump"
        assert [report.t_us for report in recording][:3] == [0, 10_000, 20_000]


def test_times_of_a_dump_go_on_past_midnight(project: Path) -> None:
    recorded = read_frames(project / "fixtures" / "recordings" / "mxt-debug-dump.csv")
    assert recorded.times_us is not None
    assert set(np.diff(recorded.times_us)) == {10_000}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a", struct.pack("<IHHI", 24, 0x045E, 1, 3) + b"\x05\x0d\0", "without heatmaps"),
        ("b", b"Frame,X0Y0_Reference16,X0Y1_Reference16,\n", "references, which show no touch"),
        ("c", b"Frame,X0Y0_Delta16,X9Y9_Delta16,\n", "2 names, the last X9Y9_Delta16; expected 100"),
        ("d", b"rdhV\0\0\0\x50short", "byte 0: no whole frame"),
        ("e", b"1," * 80 + b"\n", "frames of 80 nodes: expected --nodes ROWSxCOLUMNS"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:  # noqa: SIM117
        with open_recording(tmp_path / name) as recording:
            list(recording)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "down"),
    [
        ("muca-touchpoints.txt", [[0], [0, 1], [1], []]),
        ("ft5x06-points.txt", [[1, 2], [1, 2], [1], [], [1], []]),
    ],
)
def test_printed_touches_are_read(project: Path, name: str, down: list[list[int]]) -> None:
    with open_recording(project / "fixtures" / "recordings" / name) as recording:
        reports = list(recording)
    assert [[contact.id for contact in report.down] for report in reports] == down


def test_a_point_that_is_printed_no_more_lifts_after_a_tenth_of_a_second(project: Path) -> None:
    with open_recording(project / "fixtures" / "recordings" / "ft5x06-points.txt") as recording:
        times_us = [report.t_us for report in recording]
    assert times_us[3] - times_us[2] == 100_000
