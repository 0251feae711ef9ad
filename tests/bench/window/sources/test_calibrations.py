from __future__ import annotations

from pathlib import Path

from stampbench.bench.window.sources.touch import Calibrations


def test_a_calibration_is_kept_for_each_display(tmp_path: Path) -> None:
    path = tmp_path / "config" / "displays.json"
    assert Calibrations(path).mm_per_px((1920, 1080)) is None
    assert Calibrations(path).keep((1920, 1080), 0.2)
    assert Calibrations(path).keep((1280, 720), 0.3)
    assert Calibrations(path).mm_per_px((1920, 1080)) == 0.2
    assert Calibrations(path).mm_per_px((1280, 720)) == 0.3


def test_a_file_that_is_none_of_ours_is_no_calibration(tmp_path: Path) -> None:
    path = tmp_path / "displays.json"
    for text in ("rubbish", "[1, 2]", '{"1920x1080": -1}', '{"1920x1080": "wide"}'):
        path.write_text(text, "utf-8")
        assert Calibrations(path).mm_per_px((1920, 1080)) is None


def test_what_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    assert not Calibrations(tmp_path / "file" / "displays.json").keep((1, 1), 0.2)


def test_without_a_file_calibrations_last_as_long_as_the_window() -> None:
    calibrations = Calibrations(None)
    calibrations.keep((1, 1), 0.2)
    assert calibrations.mm_per_px((1, 1)) == 0.2
    assert Calibrations(None).mm_per_px((1, 1)) is None
