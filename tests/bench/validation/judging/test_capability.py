from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from stampbench.bench.validation.judging.capability import capability
from stampbench.firmware_emulator.errors import InputError


def with_moments(mean, sd, n):
    """Values of exactly this mean and standard deviation."""
    x = np.random.default_rng(0).normal(size=n)
    return mean + sd * (x - x.mean()) / x.std(ddof=1)


def test_pp_and_ppk_are_those_of_the_handbook_example():
    # NIST/SEMATECH e-Handbook 6.1.6: USL 20, LSL 8, mean 16, sd 2: 1.0 and 0.6667.
    found = capability(with_moments(16.0, 2.0, 50), 8.0, 20.0).overall
    assert (found.potential, found.actual) == pytest.approx((1.0, 2 / 3))


def test_interval_of_pp_is_exact():
    found = capability(with_moments(0.0, 1.0, 30), -3.0, 3.0).overall
    low, high = stats.chi2.ppf([0.025, 0.975], 29)
    assert (found.potential_low, found.potential_high) == pytest.approx(
        (math.sqrt(low / 29), math.sqrt(high / 29))
    )


@pytest.mark.parametrize("shift", [-0.9, 0.9])
def test_intervals_cover_the_truth_as_often_as_they_say(shift):
    rng = np.random.default_rng(8)
    cpk = (3.0 - abs(shift)) / 3.0
    found = [capability(rng.normal(shift, 1.0, 60), -3.0, 3.0).overall for _ in range(1500)]
    assert 0.93 <= np.mean([one.potential_low <= 1.0 <= one.potential_high for one in found]) <= 0.97
    assert 0.92 <= np.mean([one.actual_low <= cpk <= one.actual_high for one in found]) <= 0.975


def test_a_mean_outside_the_tolerance_has_a_negative_index():
    assert capability(with_moments(4.0, 1.0, 20), -3.0, 3.0).overall.actual == pytest.approx(-1 / 3)


def test_values_without_spread_are_capable_where_they_lie_inside():
    assert capability([0.1, 0.1, 0.1], -1.0, 1.0).overall.actual == math.inf
    assert capability([1.1, 1.1, 1.1], -1.0, 1.0).overall.actual == -math.inf


@pytest.mark.parametrize(
    ("values", "lower", "named"),
    [([1.0, 2.0], 0.0, "2 values"), ([1.0, math.nan, 2.0], 0.0, "finite"), ([1.0, 2.0, 3.0], 9.0, "9 to 5")],
)
def test_what_says_nothing_is_refused(values, lower, named):
    with pytest.raises(InputError, match=named):
        capability(values, lower, 5.0)


def test_cp_and_cpk_are_from_the_scatter_within_subgroups():
    # Two subgroups of sd 1, their means 4 apart: Cp knows the 1 alone, Pp the distance, too.
    values = np.concatenate([with_moments(-2.0, 1.0, 20), with_moments(2.0, 1.0, 20)])
    found = capability(values, -6.0, 6.0, groups=[1] * 20 + [2] * 20)
    assert found.within is not None
    assert (found.within.potential, found.within.actual) == pytest.approx((2.0, 2.0))
    assert found.overall.sd == pytest.approx(values.std(ddof=1))
    assert found.overall.potential < 1.0


def test_without_subgroups_nothing_is_said_of_the_scatter_within_them():
    assert capability([1.0, 2.0, 3.0], 0.0, 5.0).within is None
    assert capability([1.0, 2.0, 3.0], 0.0, 5.0, groups=[1, 1, 1]).within is None
