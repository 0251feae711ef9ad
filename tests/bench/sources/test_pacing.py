from __future__ import annotations

import random

import pytest
from stampbench.bench.sources.pacing import paced
from stampbench.firmware_emulator.errors import InputError
from stampbench.firmware_emulator.touch import TouchReport

TEN_MINUTES = [TouchReport(5_000_000 + 4_000 * scan, ()) for scan in range(150_000)]


class Time:
    """Pauses that last longer than asked for, and work between them."""

    def __init__(self) -> None:
        self.now_s = 77.0
        self._rng = random.Random(1)

    def clock(self) -> float:
        self.now_s += 20e-6
        return self.now_s

    def pause(self, seconds: float) -> None:
        self.now_s += seconds + self._rng.expovariate(1 / 500e-6)


@pytest.mark.parametrize("speed", [1.0, 2.5])
def test_ten_minutes_of_reports_do_not_drift(speed: float) -> None:
    time = Time()
    late_s = [
        time.now_s - 77.0 - (report.t_us - 5_000_000) / 1e6 / speed
        for report in paced(TEN_MINUTES, speed, clock=time.clock, pause=time.pause)
    ]
    assert min(late_s) >= 0.0
    assert max(late_s) < 0.01
    assert sum(late_s[-1000:]) == pytest.approx(sum(late_s[1000:2000]), rel=0.2)


def test_reports_that_are_late_come_at_once_and_then_in_time() -> None:
    time = Time()
    told_s = []
    for report in paced(TEN_MINUTES[:4], clock=time.clock, pause=time.pause):
        told_s.append(time.now_s)
        if report is TEN_MINUTES[1]:
            time.now_s += 0.006
    assert told_s[3] - told_s[0] == pytest.approx(0.012, abs=0.004)


def test_reports_without_time_between_them_need_no_pause() -> None:
    def pause(seconds: float) -> None:
        raise AssertionError(seconds)

    reports = [TouchReport(5, ()), TouchReport(5, ()), TouchReport(3, ())]
    assert list(paced(reports, pause=pause)) == reports


@pytest.mark.parametrize("speed", [0.0, -1.0, float("nan")])
def test_speed_must_be_above_zero(speed: float) -> None:
    with pytest.raises(InputError, match="expected a number above 0"):
        next(paced(TEN_MINUTES, speed))
