from __future__ import annotations

import math

import numpy as np
import pytest
from stampbench.bench.validation.judging.charts import (
    chart,
    cusum_limit,
    cusum_run_length,
    ewma_run_length,
    ewma_width,
    innovations,
    lots_to,
)
from stampbench.firmware_emulator.errors import InputError

# NIST/SEMATECH e-Handbook 6.3.2.4.
HANDBOOK = [52.0, 47.0, 53.0, 49.3, 50.1, 47.0, 51.0, 50.1, 51.2, 50.5,
            49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1]  # fmt: skip
HANDBOOK_EWMA = [50.60, 49.52, 50.56, 50.18, 50.16, 49.21, 49.75, 49.85, 50.26, 50.33,
                 50.11, 49.36, 49.52, 50.05, 49.38, 49.92, 50.73, 51.23, 51.94, 51.99]  # fmt: skip
# Montgomery, Introduction to Statistical Quality Control, table 9.1: the mean goes from 10 to 11 at value 21.
MONTGOMERY = [
    9.45,
    7.99,
    9.29,
    11.66,
    12.16,
    10.18,
    8.04,
    11.46,
    9.20,
    10.34,
    9.03,
    11.47,
    10.51,
    9.40,
    10.08,
    9.37,
    10.62,
    10.31,
    8.52,
    10.84,
    10.90,
    9.33,
    12.29,
    11.50,
    10.60,
    11.08,
    10.38,
    11.62,
    11.31,
    10.52,
]


def test_ewma_is_that_of_the_handbook():
    found = chart(HANDBOOK, target=50.0, sigma=2.0539, weight=0.3)
    assert found.ewma == pytest.approx(HANDBOOK_EWMA, abs=0.006)
    steady = ewma_width(370.0 * 2, 0.3) * 2.0539 * math.sqrt(0.3 / 1.7)
    assert found.ewma_half[-1] == pytest.approx(steady, rel=1e-3)


def test_cusum_is_that_of_the_textbook():
    found = chart(MONTGOMERY, target=10.0, sigma=1.0)
    assert found.up[[2, 4, 28, 29]] == pytest.approx([0.0, 2.82, 5.28, 5.30], abs=0.011)
    assert found.down[:3] == pytest.approx([0.05, 1.56, 1.77], abs=0.006)
    assert np.flatnonzero(found.up > 5.0)[0] == 28


@pytest.mark.parametrize(
    ("width", "weight", "shift", "length"),
    # Lucas and Saccucci 1990, table 3.
    [(3.054, 0.40, 0.0, 500), (2.962, 0.20, 0.0, 500), (2.962, 0.20, 1.0, 10.5), (2.814, 0.10, 1.0, 10.3)],
)
def test_run_lengths_of_the_ewma_are_the_published_ones(width, weight, shift, length):
    assert ewma_run_length(width, weight, shift) == pytest.approx(length, rel=0.02)


@pytest.mark.parametrize(
    ("shift", "length"),
    # Montgomery, table 9.3, limit 5: 465, 38.0, 10.4, 4.01.
    [(0.0, 465), (0.5, 38.0), (1.0, 10.4), (2.0, 4.01)],
)
def test_run_lengths_of_the_cusum_are_the_published_ones(shift, length):
    assert cusum_run_length(5.0, shift) == pytest.approx(length, rel=0.04)


def test_limits_are_those_of_the_wanted_run_length():
    assert ewma_width(500.0, 0.2) == pytest.approx(2.962, abs=0.005)
    assert cusum_limit(465.0) == pytest.approx(5.0, abs=0.01)
    assert ewma_width(500.0 * 40) > ewma_width(500.0)


def test_a_drift_alarms_before_the_tolerance_is_reached():
    rng = np.random.default_rng(1)
    drift = 0.012 * np.maximum(0, np.arange(40) - 10)
    found = chart(drift + 0.01 * rng.standard_normal(40), target=0.0, sigma=0.01, series=40)
    first = int(np.flatnonzero(found.alarms)[0])
    assert 11 <= first <= 16
    assert drift[first] < 0.1 < 0.3
    assert lots_to(found.values[: first + 8], -0.3, 0.3) == pytest.approx(
        (0.3 - drift[first + 7]) / 0.012, rel=0.5
    )


@pytest.mark.parametrize("sign", [1, -1])
def test_shifts_to_either_side_alarm(sign):
    found = chart([0.0] * 5 + [sign * 2.0] * 10, target=0.0, sigma=1.0)
    assert not found.alarms[:6].any()
    assert found.alarms[-1]


def test_false_alarms_of_many_series_together_are_rare():
    rng = np.random.default_rng(5)
    alarms = sum(
        chart(rng.standard_normal(30), target=0.0, sigma=1.0, series=40).alarms.any() for _ in range(40 * 8)
    )
    assert alarms <= 4  # 240 lots of 40 series: 0.65 expected


def test_a_series_at_rest_never_reaches_the_limit():
    assert lots_to([0.1] * 8, -1, 1) == math.inf
    assert lots_to([3.0] * 30, -1, 1) == 0.0
    assert lots_to([3.0], -1, 1) == math.inf


def test_innovations_need_no_mean_and_are_independent():
    rng = np.random.default_rng(2)
    u = np.array([innovations(7.0 + rng.standard_normal(12)) for _ in range(20_000)])
    assert (u[:, 0] == 0.0).all()
    np.testing.assert_allclose(u[:, 1:].mean(axis=0), 0.0, atol=0.03)
    np.testing.assert_allclose(np.cov(u[:, 1:].T), np.eye(11), atol=0.05)
    assert innovations([]).size == 0


@pytest.mark.parametrize("sigma", [0.0, -1.0, math.nan])
def test_a_chart_without_spread_is_refused(sigma):
    with pytest.raises(InputError, match="sigma"):
        chart([1.0], target=0.0, sigma=sigma)
