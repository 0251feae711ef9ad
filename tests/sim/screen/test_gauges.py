from __future__ import annotations

import numpy as np
import pytest
from stampbench.firmware_emulator.touch import Contact, Frame, TouchReport
from stampbench.sim.screen.gauges import KEPT, UNITS, Gauge, Gauges, resting_jitter_mm, snr_db
from stampbench.sim.screen.sources import PanelInfo

PANEL = PanelInfo("p", "p", 60.0, 100.0, 25, 15)


def report(t_us: int, x_mm: float = 30.0, y_mm: float = 50.0) -> TouchReport:
    return TouchReport(t_us, (Contact(1, True, 0, 0, x_mm, y_mm),))


def test_snr_is_peak_over_noise_in_decibels() -> None:
    deltas = np.zeros((25, 15), np.int16)
    deltas[::2, ::2], deltas[1::2, 1::2] = 2, -2
    deltas[12, 7] = 200
    noise = deltas[:8].std()
    found = snr_db(Frame(0, deltas), report(0), PANEL)
    assert found == pytest.approx(20 * np.log10(200 / noise), abs=0.5)


def test_snr_needs_contacts_and_noise() -> None:
    quiet = Frame(0, np.zeros((25, 15), np.int16))
    assert snr_db(quiet, report(0), PANEL) is None
    assert snr_db(quiet, TouchReport(0, ()), PANEL) is None


def test_jitter_is_that_of_a_contact_at_rest() -> None:
    rng = np.random.default_rng(1)
    places = 30.0 + 0.02 * rng.standard_normal((400, 2))
    assert resting_jitter_mm(places) == pytest.approx(0.02 * np.sqrt(2.0), rel=0.1)
    moving = places + np.linspace(0.0, 2.0, 400)[:, None]
    assert resting_jitter_mm(moving) is None


def test_gauges_are_sampled_twenty_times_a_second_of_device_time() -> None:
    gauges = Gauges()
    for n in range(201):
        if gauges.report(report(n * 10_000)):
            gauges.sample(PANEL, 1.5)
    assert {key: gauge.unit for key, gauge in gauges.all.items()} == UNITS
    assert len(gauges.all["interval"].values) == 41
    assert gauges.all["interval"].value == 10.0
    assert gauges.all["nearest"].value == 1.5
    assert gauges.all["jitter"].value == 0.0
    assert gauges.all["snr"].value is None


def test_a_gauge_keeps_the_newest_and_shows_gaps() -> None:
    gauge = Gauge("mm")
    for n in range(3 * KEPT):
        gauge.add(n, None if n % 2 else float(n))
    assert len(gauge.values) == KEPT
    assert list(gauge.times_us) == list(range(2 * KEPT, 3 * KEPT))
    assert np.isnan(gauge.values[1::2]).all()
    assert gauge.value is None
