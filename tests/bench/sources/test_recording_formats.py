from __future__ import annotations

import os
import sys
import types
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from stampbench.bench.sources import recording_formats
from stampbench.bench.sources.recording import (
    MAX_LINE_BYTES,
    Recording,
    RecordingFormat,
    RecordingLines,
    timestamp_us,
)
from stampbench.bench.sources.recording_formats import (
    BUILT_IN,
    ENTRY_POINT_GROUP,
    known_formats,
    open_recording,
)
from stampbench.firmware_emulator.errors import InputError
from stampbench.firmware_emulator.touch import TouchReport


def _read(lines: RecordingLines) -> Recording:
    next(lines)
    return Recording("vendor panel", "vendor", iter([TouchReport(int(line), ()) for line in lines]))


@pytest.fixture
def plugins(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One plugin that works and three that are broken in different ways."""
    package = types.ModuleType("vendor_package")
    package.FORMAT = RecordingFormat("vendor", lambda head: head.startswith(b"VENDOR"), _read)
    package.SEVEN = 7
    monkeypatch.setitem(sys.modules, package.__name__, package)
    points = [
        EntryPoint("absent", "no.such.module:FORMAT", ENTRY_POINT_GROUP),
        EntryPoint("wrong", "vendor_package:SEVEN", ENTRY_POINT_GROUP),
        EntryPoint("missing", "vendor_package:NO_SUCH_NAME", ENTRY_POINT_GROUP),
        EntryPoint("good", "vendor_package:FORMAT", ENTRY_POINT_GROUP),
    ]
    monkeypatch.setattr(recording_formats, "entry_points", lambda group: points)
    known_formats.cache_clear()
    yield
    known_formats.cache_clear()


def test_a_vendor_format_is_read_by_its_plugin(plugins: None, tmp_path: Path) -> None:
    (tmp_path / "v").write_text("VENDOR\n5\n6\n")
    with open_recording(tmp_path / "v") as recording:
        assert (recording.device, [report.t_us for report in recording]) == ("vendor panel", [5, 6])


def test_broken_plugins_are_reported_and_stop_nothing(plugins: None, tmp_path: Path) -> None:
    formats, problems = known_formats()
    assert [known.name for known in formats] == [*(known.name for known in BUILT_IN), "vendor"]
    assert [problem.split(" ")[1] for problem in problems] == ["absent", "wrong", "missing"]
    assert "ModuleNotFoundError" in problems[0]
    assert "is a int, expected" in problems[1]
    (tmp_path / "v").write_text("VENDOR\n")
    with open_recording(tmp_path / "v") as recording:
        assert recording.notes == list(problems)


@pytest.mark.parametrize(
    "content", [b"\x89PNG\r\n\x1a\n" + bytes(100), b"hello\n", bytes(range(256)) * 40, b"{}\n"]
)
def test_a_file_of_no_known_format_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "f").write_bytes(content)
    with (
        pytest.raises(
            InputError, match=r"is of no known format, it begins with .*; expected one of: capture, hid"
        ) as e,
        open_recording(tmp_path / "f"),
    ):
        pass
    assert str(e.value).isprintable()


def test_a_missing_file_and_a_directory_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path, f"{tmp_path}/a\0b"):
        with (
            pytest.raises(InputError, match=r"cannot be opened: .*; expected a recording"),
            open_recording(path),
        ):
            pass


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="the superuser reads every file")
def test_an_unreadable_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("R: 1 00\n")
    (tmp_path / "f").chmod(0)
    with (
        pytest.raises(InputError, match="cannot be opened: Permission denied"),
        open_recording(tmp_path / "f"),
    ):
        pass


def test_a_line_without_end_is_refused(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"# EVEMU 1.3\n# " + b"x" * (MAX_LINE_BYTES + 5))
    with pytest.raises(InputError, match=":2: line of more than"), open_recording(tmp_path / "f"):
        pass


def test_timestamps_are_exact() -> None:
    assert timestamp_us("1352020794.138597") == 1_352_020_794_138_597
    assert timestamp_us("0.5") == 500_000


@pytest.mark.parametrize(
    "text", ["", "1", "1.", ".5", "-1.0", "1.0000001", "1_0.5", "1.5e3", "٣.5", "9" * 20 + ".0"]
)
def test_what_is_no_timestamp_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        timestamp_us(text)


def test_a_byte_order_mark_does_not_matter(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"\xef\xbb\xbf# EVEMU 1.3\nE: 0.1 0000 0000 0\n")
    with open_recording(tmp_path / "f") as recording:
        assert len(list(recording)) == 1
