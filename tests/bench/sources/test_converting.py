from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stampbench.bench.sources.converting import Target, convert
from stampbench.bench.sources.protocol_b import SLOTS
from stampbench.bench.sources.recording import Recording, Ruler
from stampbench.bench.sources.recording_formats import open_recording
from stampbench.firmware_emulator.errors import InputError
from stampbench.firmware_emulator.touch import Contact, TouchReport

Scan = dict[int, tuple[int, int]]


def reports_of(scans: list[Scan]) -> list[TouchReport]:
    """Reports 10 ms apart in which contacts that are no longer there lift."""
    reports, before = [], Scan()
    for n, scan in enumerate(scans):
        down = tuple(Contact(id_, True, x, y, 0.1 * x, 0.1 * y) for id_, (x, y) in scan.items())
        lifted = tuple(Contact(id_, False, *place) for id_, place in before.items() if id_ not in scan)
        reports.append(TouchReport(n * 10_000, down + lifted))
        before = scan
    return reports


def recorded(scans: list[Scan]) -> Recording:
    ruler = Ruler(100.0, 50.0, "made up")
    return Recording("Panel", "made up", iter(reports_of(scans)), 0, 1000, 0, 500, ruler)


def places(path: Path) -> list[list[tuple[int, int]]]:
    with open_recording(path) as recording:
        return [sorted((contact.x, contact.y) for contact in report.down) for report in recording]


scans = st.lists(
    st.dictionaries(st.integers(0, 60), st.tuples(st.integers(0, 1000), st.integers(0, 500)), max_size=6),
    min_size=1,
    max_size=12,
)


@pytest.mark.parametrize("target", list(Target))
@given(made=scans)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
def test_what_is_down_in_each_scan_stays_the_same(target: Target, made: list[Scan], tmp_path_factory) -> None:
    path = tmp_path_factory.mktemp("converted") / "out"
    if target is not Target.CAPTURE and not any(made):
        return  # a recording without a touch is none
    assert convert(recorded(made), target, path) == len(made)
    wanted = [sorted(scan.values()) for scan in made]
    found = places(path)
    if target is Target.GETEVENT:  # what comes before the first touch tells nothing there
        first = next(n for n, scan in enumerate(wanted) if scan)
        wanted, found = wanted[first:], found[-len(wanted[first:]) :]
    assert found == wanted


@pytest.mark.parametrize("target", list(Target))
def test_the_size_of_the_panel_stays_the_same(target: Target, tmp_path: Path) -> None:
    convert(recorded([{1: (10, 20)}]), target, tmp_path / "out")
    with open_recording(tmp_path / "out") as recording:
        assert (recording.device, recording.width_mm, recording.height_mm) == ("Panel", 100.0, 50.0)
        assert [(c.x_mm, c.y_mm) for report in recording for c in report.down] == [pytest.approx((1.0, 2.0))]


def test_a_size_that_whole_units_per_mm_cannot_tell_is_noted(tmp_path: Path) -> None:
    recording = recorded([{1: (10, 20)}])
    recording.ruler = Ruler(344.0, 194.0, "made up")
    convert(recording, Target.EVEMU, tmp_path / "out")
    (note,) = recording.notes
    assert note.endswith("--size-mm 344x194")


def test_a_touch_that_was_cancelled_is_still_cancelled(tmp_path: Path) -> None:
    cancelled = [
        TouchReport(0, (Contact(1, True, 10, 20),)),
        TouchReport(10_000, (Contact(1, False, 10, 20, cancelled=True),)),
    ]
    recording = recorded([])
    recording.reports = iter(cancelled)
    convert(recording, Target.CAPTURE, tmp_path / "out")
    with open_recording(tmp_path / "out") as again:
        assert [c.cancelled for report in again for c in report.contacts] == [False, True]


def test_a_touch_that_kernel_events_cannot_tell_as_cancelled_is_noted(tmp_path: Path) -> None:
    recording = recorded([])
    recording.reports = iter(
        [
            TouchReport(0, (Contact(1, True, 10, 20),)),
            TouchReport(10_000, (Contact(1, False, 10, 20, cancelled=True),)),
        ]
    )
    convert(recording, Target.EVEMU, tmp_path / "out")
    assert recording.notes == ["1 touches that the panel took back are written as lifted"]


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("precious")
    with pytest.raises(InputError, match="expected a new file"):
        convert(recorded([{1: (1, 1)}]), Target.EVEMU, tmp_path / "out")
    assert (tmp_path / "out").read_text() == "precious"


def test_more_contacts_than_there_are_slots_are_told(tmp_path: Path) -> None:
    crowd = {id_: (id_, id_) for id_ in range(SLOTS + 1)}
    with pytest.raises(InputError, match="expected at most 16"):
        convert(recorded([crowd]), Target.EVEMU, tmp_path / "out")
