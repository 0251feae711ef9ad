from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from stampbench.bench.judging.statistics import (
    clustered_rate,
    count_interval,
    det_curve,
    percentile,
    rate,
    zero_failure_success,
)
from stampbench.firmware_emulator.errors import InputError


def test_rate_of_zero_failures_has_the_closed_form_interval():
    result = rate(0, 200)
    assert (result.estimate, result.low) == (0.0, 0.0)
    assert result.high == pytest.approx(1 - 0.025 ** (1 / 200), rel=1e-12)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
@settings(max_examples=40, deadline=None)
def test_rate_interval_is_that_of_the_exact_binomial_test(counts):
    k, n = counts
    result = rate(k, n, confidence=0.9)
    exact = stats.binomtest(k, n).proportion_ci(confidence_level=0.9, method="exact")
    assert (result.low, result.high) == pytest.approx((exact.low, exact.high), abs=1e-9)


def test_rate_without_trials_knows_nothing():
    result = rate(0, 0)
    assert (result.estimate, result.low, result.high) == (None, 0.0, 1.0)


@pytest.mark.parametrize(("k", "n"), [(3, 2), (-1, 5), (0, -1)])
def test_rate_refuses_impossible_counts(k, n):
    with pytest.raises(InputError, match=f"k = {k} of n = {n}"):
        rate(k, n)


@pytest.mark.parametrize(("success", "trials"), [(0.95, 59), (0.99, 299), (0.999, 2_995), (0.9999, 29_956)])
def test_success_that_trials_without_a_failure_prove_is_the_published_one(success, trials):
    assert zero_failure_success(trials) >= success > zero_failure_success(trials - 1)


@pytest.mark.parametrize(("success", "trials"), [(0.95, 72), (0.99, 368), (0.999, 3_688), (0.9999, 36_887)])
def test_two_sided_intervals_need_more_trials(success, trials):
    assert 1 - rate(0, trials).high >= success > 1 - rate(0, trials - 1).high


def test_percentile_is_an_observed_value_at_the_nearest_rank():
    values = list(range(1, 21))
    assert percentile(values, 0.95).estimate == 19
    assert percentile(values, 0.5).estimate == 10
    assert percentile(values, 0.951).estimate == 20


def test_percentile_interval_covers_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(11)
    truth = stats.norm.ppf(0.5)
    results = [percentile(rng.normal(size=80), 0.5) for i in range(300)]
    covered = sum(result.low <= truth <= result.high for result in results)
    assert 0.91 <= covered / 300 <= 0.99


@pytest.mark.parametrize("q", [0.05, 0.5, 0.95])
@pytest.mark.parametrize("n", [2, 3, 5, 8, 20, 58, 72, 80, 300])
def test_percentile_interval_covers_in_any_distribution_or_has_no_end(n, q):
    # An end at rank r is beyond the percentile unless fewer (or more) values lie below it: a binomial number.
    result = percentile(np.arange(1.0, n + 1), q)
    assert result.low is None or stats.binom.cdf(result.low - 1, n, q) <= 0.025 + 1e-12
    assert result.high is None or stats.binom.cdf(result.high - 1, n, q) >= 0.975 - 1e-12


@pytest.mark.parametrize(("q", "enough"), [(0.95, 72), (0.5, 6)])
def test_the_upper_end_of_a_percentile_needs_so_many_values(q, enough):
    assert percentile(np.arange(float(enough - 1)), q).high is None
    assert percentile(np.arange(float(enough)), q).high == enough - 1


@pytest.mark.parametrize(("n", "q"), [(80, 0.95), (300, 0.95), (50, 0.5), (1000, 0.05)])
def test_percentile_interval_is_no_narrower_than_the_exact_one(n, q):
    values = np.arange(1.0, n + 1)
    result = percentile(values, q)
    # Values below the percentile are binomial: P(first <= q-quantile < last) is the sum between their ranks.
    assert stats.binom.cdf(result.low - 1, n, q) <= 0.025
    assert stats.binom.cdf(result.high - 1, n, q) >= 0.975
    assert "too few" not in result.method


def test_percentile_of_too_few_values_says_so():
    result = percentile(np.arange(20.0), 0.95)
    assert result.high is None
    assert result.method.endswith("too few values for an end beyond the largest")
    assert percentile(np.arange(20.0), 0.05).method.endswith("beyond the smallest")


def test_percentile_does_not_depend_on_the_order_of_its_values():
    values = [5.0, 1.0, 4.0, 2.0, 9.0, 7.0]
    assert percentile(values, 0.5) == percentile(sorted(values), 0.5)


def test_percentile_of_few_values_has_no_interval():
    assert percentile([], 0.5).estimate is None
    single = percentile([7.0], 0.95)
    assert (single.estimate, single.low, single.high) == (7.0, None, None)


@pytest.mark.parametrize("values", [[1.0, float("nan")], [float("inf"), 2.0]])
def test_percentile_refuses_values_that_are_not_finite(values):
    with pytest.raises(InputError, match="finite"):
        percentile(values, 0.5)


@pytest.mark.parametrize("q", [0.0, 1.0, -0.1, float("nan")])
def test_percentile_refuses_a_share_outside_the_unit_interval(q):
    with pytest.raises(InputError, match="q = "):
        percentile([1.0, 2.0], q)


def test_det_curve_counts_both_errors_at_each_threshold():
    curve = det_curve([0.1, 0.2, 0.3, float("inf")], [0.25, 0.5, float("inf")])
    counts = {point.threshold: (point.frr.k, point.far.k) for point in curve.points}
    assert counts == {0.1: (3, 0), 0.2: (2, 0), 0.25: (2, 1), 0.3: (1, 1), 0.5: (1, 2)}
    assert curve.equal_error.threshold == 0.3
    assert (curve.points[0].frr.n, curve.points[0].far.n) == (4, 3)


def test_det_curve_finds_the_equal_error_rate_of_two_normal_distributions():
    rng = np.random.default_rng(2)
    curve = det_curve(np.abs(rng.normal(10, 1, 20_000)), np.abs(rng.normal(13, 1, 20_000)))
    truth = stats.norm.sf(1.5)
    assert len(curve.points) == 200
    assert curve.equal_error.threshold == pytest.approx(11.5, abs=0.05)
    assert curve.equal_error.frr.estimate == pytest.approx(truth, abs=0.005)
    assert curve.equal_error.far.estimate == pytest.approx(truth, abs=0.005)


def test_det_curve_is_monotonic():
    rng = np.random.default_rng(4)
    points = det_curve(rng.exponential(1, 300), rng.exponential(2, 300), points=50).points
    rejected, accepted = [point.frr.k for point in points], [point.far.k for point in points]
    assert rejected == sorted(rejected, reverse=True)
    assert accepted == sorted(accepted)


def test_det_curve_of_nothing_has_no_points():
    assert det_curve([], []) == det_curve([float("inf")], [])
    assert det_curve([], []).equal_error is None


@pytest.mark.parametrize("distance", [float("nan"), -0.1])
def test_det_curve_refuses_impossible_distances(distance):
    with pytest.raises(InputError, match="distance"):
        det_curve([distance], [1.0])


@pytest.mark.parametrize(
    ("k", "low", "high"), [(0, 0.0, 3.6889), (1, 0.0253, 5.5716), (5, 1.6235, 11.6683), (10, 4.7954, 18.3904)]
)
def test_a_count_has_garwood_s_interval(k: int, low: float, high: float) -> None:
    """Figures of published tables of exact Poisson limits."""
    assert count_interval(k) == pytest.approx((low, high), abs=1e-4)


def test_a_negative_count_is_refused() -> None:
    with pytest.raises(InputError, match="k = -1"):
        count_interval(-1)


@pytest.mark.parametrize(("stamps", "each"), [(2, 30), (5, 60), (10, 30), (20, 15), (50, 6)])
@pytest.mark.parametrize(("p", "correlation"), [(0.05, 0.1), (0.05, 0.3), (0.2, 0.1)])
def test_the_interval_of_repeated_stamps_covers_as_often_as_it_says(stamps, each, p, correlation):
    rng = np.random.default_rng(5)
    a, b = p * (1 / correlation - 1), (1 - p) * (1 / correlation - 1)
    failures = rng.binomial(each, rng.beta(a, b, (400, stamps)))
    found = [clustered_rate(one, np.full(stamps, each)) for one in failures]
    assert sum(one.low <= p <= one.high for one in found) / 400 >= 0.93  # 0.94 less two standard errors


def test_five_stamps_of_sixty_presses_are_not_three_hundred_stamps():
    # One stamp of five fails in half of its presses: 30 of 300.
    found = clustered_rate([30, 0, 0, 0, 0], [60] * 5)
    alone = rate(30, 300)
    assert (found.k, found.n, found.estimate) == (30, 300, 0.1)
    assert found.low < 0.01 < alone.low
    assert found.high > 0.5 > alone.high
    assert "5 stamps were pressed 60 times each" in found.method


@pytest.mark.parametrize(
    ("failures", "presses"), [([1], [2]), ([3, 0], [2, 2]), ([-1, 0], [2, 2]), ([0], [2, 2])]
)
def test_a_clustered_rate_of_impossible_counts_is_refused(failures, presses):
    with pytest.raises(InputError, match="clustered_rate"):
        clustered_rate(failures, presses)
