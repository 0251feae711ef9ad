from __future__ import annotations

import numpy as np
import pytest
from stampbench.bench.sources.summary import PressReader, SummaryBuilder, resting_jitter_mm
from stampbench.firmware_emulator.touch import Contact, TouchReport


def summarise(reports: list[TouchReport]):
    builder = SummaryBuilder()
    for report in reports:
        builder.add(report)
    return builder.summary()


def contact(id_: int, x_mm: float = 1.0, y_mm: float = 1.0) -> Contact:
    return Contact(id_, True, round(x_mm * 10), round(y_mm * 10), x_mm, y_mm)


def test_scans_touches_and_contacts_are_counted() -> None:
    reports = [
        TouchReport(0, (contact(1),)),
        TouchReport(10, (contact(1), contact(2))),
        TouchReport(20, (Contact(1, False, 0, 0), contact(2))),
        TouchReport(30, (contact(1),)),
    ]
    summary = summarise(reports)
    assert (summary.scans, summary.contacts_max, summary.touches) == (4, 2, 3)
    assert summary.duration_s == 30e-6


def test_the_report_rate_is_per_contact() -> None:
    fast = [TouchReport(t * 5_000, (contact(1),)) for t in range(41)]
    slow = [TouchReport(1_000_000 + t * 20_000, (contact(2),)) for t in range(41)]
    middle = [TouchReport(3_000_000 + t * 10_000, (contact(3),)) for t in range(41)]
    summary = summarise(fast + slow + middle)
    assert summary.report_rate_min_hz == pytest.approx(50.0)
    assert summary.report_rate_median_hz == pytest.approx(100.0)


def test_a_contact_handed_on_unmentioned_is_no_report_of_it() -> None:
    held = contact(1)
    reports = [TouchReport(t * 1_000, (held if t % 10 else (held := contact(1)),)) for t in range(401)]
    assert summarise(reports).report_rate_min_hz == pytest.approx(100.0)


def test_short_touches_have_no_rate() -> None:
    summary = summarise([TouchReport(t * 1_000, (contact(1),)) for t in range(5)])
    assert summary.report_rate_min_hz is None
    assert summary.resting_jitter_mm is None


def test_jitter_of_a_resting_contact_is_its_rms_distance_from_the_mean() -> None:
    offset_mm = 0.03
    reports = [
        TouchReport(t * 10_000, (contact(1, 20.0 + (offset_mm if t % 2 else -offset_mm)),)) for t in range(64)
    ]
    assert summarise(reports).resting_jitter_mm == pytest.approx(offset_mm)


@pytest.mark.parametrize("step_mm", [0.05, -0.05])
def test_a_moving_contact_does_not_rest(step_mm: float) -> None:
    x_mm = 20.0 + step_mm * np.arange(16)
    assert resting_jitter_mm(np.column_stack([x_mm, x_mm])) is None
    assert resting_jitter_mm(np.full((16, 2), 20.0)) == 0.0


def test_nothing_is_known_of_no_reports() -> None:
    summary = summarise([])
    assert (summary.scans, summary.duration_s, summary.report_rate_median_hz) == (0, 0.0, None)


class FakePress:
    def __init__(self) -> None:
        self.reports = 0

    def feed(self, report: TouchReport) -> None:
        self.reports += 1

    def finish(self) -> int:
        return self.reports


def test_presses_are_cut_where_nothing_is_down_for_a_while() -> None:
    reader = PressReader(FakePress)  # type: ignore[arg-type]
    times_us = [0, 10_000, 20_000, 60_000, 400_000, 410_000]
    ended = [reader.feed(TouchReport(t, (contact(1),))) for t in times_us]
    assert ended == [None, None, None, None, 4, None]
    assert reader.finish() == 2
    assert reader.finish() is None
