from __future__ import annotations

import shutil

import pytest
from stampbench.bench.perf import dut
from stampbench.bench.perf.dut import Counted, count, reports_at

SENT = reports_at(100, 50)
TOUCHED = [
    ["move" if n else "down", 10.0 * n, contact.id, 6.0 * contact.x_mm, 6.0 * contact.y_mm, 18.0]
    for n, report in enumerate(SENT)
    for contact in report.down
]


def test_a_page_that_had_all_of_it_agrees() -> None:
    assert count(SENT, TOUCHED) == Counted(lost=0, reordered=0, error_px=0.0)


def test_a_report_that_never_came_is_lost() -> None:
    assert count(SENT, TOUCHED[:100] + TOUCHED[105:]).lost == 1


def test_two_reports_that_changed_places_are_reordered() -> None:
    changed = TOUCHED[:100] + TOUCHED[105:110] + TOUCHED[100:105] + TOUCHED[110:]
    assert count(SENT, changed).reordered == 1


def test_a_place_that_is_off_is_told_in_px() -> None:
    off = [one if n else [*one[:3], one[3] + 0.01, *one[4:]] for n, one in enumerate(TOUCHED)]
    assert count(SENT, off).error_px == pytest.approx(0.01)


@pytest.mark.skipif(
    shutil.which("chromium") is None or shutil.which("chromedriver") is None,
    reason="no chromium and chromedriver: expected Debian's chromium and chromium-driver",
)
def test_nothing_is_lost_reordered_or_moved_on_the_way_into_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dut, "REPORTS", 60)
    monkeypatch.setattr(dut, "AWAITED_REPORTS", 5)
    figures = dut.measure()
    assert figures["reports_lost"].value == 0
    assert figures["reports_reordered"].value == 0
    assert figures["coordinate_error_px"].value < 0.001
    assert 0.0 < figures["reports_on_time_share"].value <= 1.0
    assert figures["late_p99_ms"].value > 0.0
