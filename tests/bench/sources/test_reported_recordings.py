"""Recordings made after public reports of what other programs read wrongly; fixtures/recordings/README.md."""

from __future__ import annotations

from pathlib import Path

import pytest
from stampbench.bench.sources.recording_formats import open_recording
from stampbench.firmware_emulator.touch import TouchReport


def reports_of(project: Path, name: str) -> list[TouchReport]:
    with open_recording(project / "fixtures" / "recordings" / name) as recording:
        return list(recording)


@pytest.mark.parametrize(
    ("name", "down"),
    [
        ("getevent-tool-type.txt", [1, 0]),
        ("getevent_old_time.txt", [1]),
        ("libinput_keyboard_first.yml", [1, 0]),
        ("libinput_stdout_line.yml", [1, 0]),
        ("btn-touch-lift.txt", [1, 1, 0, 1, 0]),
        ("mt-duplicates-parallel.hid", [2, 2, 2]),
        ("goodix-27c6-0113-duplicates.hid", [1, 1, 1]),
        ("not-seen-means-up-1ff7-0013.hid", [2, 1, 1]),
        ("mt-tool-palm.evemu", [1, 0, 0, 0]),
        ("usage-before-page.hid", [2]),
        ("evtest.txt", [1]),
    ],
)
def test_contacts_down_after_each_scan(project: Path, name: str, down: list[int]) -> None:
    assert [len(report.down) for report in reports_of(project, name)] == down


def test_a_scan_full_of_one_id_shows_its_first_contact(project: Path) -> None:
    first = reports_of(project, "goodix-27c6-0113-duplicates.hid")[0]
    assert [(contact.x, contact.y) for contact in first.down] == [(1000, 2000)]


def test_a_sticky_finger_does_not_stay_between_two_presses(project: Path) -> None:
    reports = reports_of(project, "sticky-finger.hid")
    assert max(len(report.down) for report in reports) == 5
    assert any(not report.down for report in reports[1:-1])
