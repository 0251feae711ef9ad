from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from stampbench.bench.judging.comparison import compare_counts, compare_pairs, compare_runs, holm
from stampbench.bench.records.files import Run
from stampbench.bench.records.presses import Outcome
from stampbench.firmware_emulator.errors import InputError

_counts = st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def test_the_interval_of_a_difference_combines_two_exact_ones():
    # 56/70 - 48/80 (Newcombe 1998, table II, example (a)), limits of each by the beta distribution.
    low_a, high_a = stats.beta.ppf([0.025, 0.975], [48, 49], [33, 32])
    low_b, high_b = stats.beta.ppf([0.025, 0.975], [56, 57], [15, 14])
    found = compare_counts(48, 80, 56, 70)
    assert found.estimate == pytest.approx(0.2)
    assert found.low == pytest.approx(0.2 - np.hypot(0.8 - low_b, high_a - 0.6))
    assert found.high == pytest.approx(0.2 + np.hypot(high_b - 0.8, 0.6 - low_a))
    assert found.low < 0.0524
    assert found.high > 0.3339  # Newcombe's own interval, which covers less often than it says


@pytest.mark.parametrize("n", [2, 3, 5, 10, 20])
def test_the_interval_of_a_difference_covers_as_often_as_it_says(n):
    found = {(a, b): compare_counts(a, n, b, n) for a in range(n + 1) for b in range(n + 1)}
    for p_a in (0.01, 0.05, 0.1, 0.3, 0.5):
        for p_b in (0.01, 0.05, 0.1, 0.3, 0.5):
            chance_a, chance_b = (stats.binom.pmf(range(n + 1), n, p) for p in (p_a, p_b))
            covered = sum(
                chance_a[a] * chance_b[b]
                for (a, b), one in found.items()
                if one.low - 1e-12 <= p_b - p_a <= one.high + 1e-12
            )
            assert covered >= 0.94


def test_fisher_is_right_about_the_lady_tasting_tea():
    # Three of four cups right (Fisher, The Design of Experiments, 1935): 17/70 + 1/70 on each side.
    assert compare_counts(1, 4, 3, 4).p_value == pytest.approx(34 / 70)


@given(_counts, _counts)
@settings(max_examples=60, deadline=None)
def test_fisher_agrees_with_scipy(a, b):
    (k_a, n_a), (k_b, n_b) = a, b
    expected = stats.fisher_exact([[k_a, n_a - k_a], [k_b, n_b - k_b]]).pvalue
    assert compare_counts(k_a, n_a, k_b, n_b).p_value == pytest.approx(expected, rel=1e-6)


def test_fisher_bears_a_million_trials():
    found = compare_counts(100, 1_000_000, 160, 1_000_000)
    expected = stats.fisher_exact([[100, 999_900], [160, 999_840]]).pvalue
    assert found.p_value == pytest.approx(expected, rel=1e-5)


@given(st.integers(0, 40), st.integers(0, 40))
@settings(max_examples=40, deadline=None)
def test_mcnemar_is_the_exact_binomial_test_of_the_discordant_pairs(only_a, only_b):
    found = compare_pairs(3, only_a, only_b, 20)
    if only_a + only_b:
        expected = stats.binomtest(only_a, only_a + only_b, 0.5).pvalue
        assert found.p_value == pytest.approx(expected, rel=1e-9)
    else:
        assert found.p_value == 1.0


def test_paired_interval_covers_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(5)
    both, only_a, only_b = 0.1, 0.08, 0.04
    covered = 0
    for counts in rng.multinomial(120, [both, only_a, only_b, 1 - both - only_a - only_b], size=2000):
        found = compare_pairs(*map(int, counts))
        covered += found.low <= only_b - only_a <= found.high
    assert 0.94 <= covered / 2000 <= 0.99


def test_pairs_tell_apart_what_two_samples_cannot():
    # 12 presses fail in one run alone, 1 in the other alone, 30 in both.
    paired = compare_pairs(30, 12, 1, 57)
    assert paired.significant()
    assert not compare_counts(42, 100, 31, 100).significant()
    assert paired.high < 0.0


def test_pairs_that_agree_do_not_differ():
    found = compare_pairs(2, 0, 0, 98)
    assert (found.estimate, found.p_value) == (0.0, 1.0)
    assert found.low < 0.0 < found.high


def test_holm_is_the_worked_example():
    # 0.01, 0.04, 0.03, 0.005 at four tests: 0.005*4, 0.01*3, 0.03*2, then not below the one before.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx((0.03, 0.06, 0.06, 0.02))
    assert holm([]) == ()


@pytest.mark.parametrize(("k", "n"), [(3, 2), (-1, 2), (0, 0)])
def test_impossible_counts_are_refused(k, n):
    with pytest.raises(InputError, match=f"k_a = {k} of n_a = {n}"):
        compare_counts(k, n, 1, 2)


def test_impossible_pairs_are_refused():
    with pytest.raises(InputError, match="not all 0"):
        compare_pairs(0, 0, 0, 0)


def run_of(header, presses, *, seed=4):
    return Run(Path("records.jsonl"), msgspec.structs.replace(header, seed=seed), tuple(presses), None)


def row_of(comparison, name, case=None):
    return next(row for row in comparison.rows if (row.name, row.case) == (name, case))


@pytest.fixture
def held(make_press):
    """Presses of which those with the given numbers are not read."""

    def held(missed, count=40, **others):
        return [
            make_press(n, **others, **({"verdict": "foreign", "read": None} if n in missed else {}))
            for n in range(1, count + 1)
        ]

    return held


def test_runs_of_one_seed_are_compared_press_by_press(header, held):
    comparison = compare_runs(run_of(header, held({1, 2})), run_of(header, held({2, *range(20, 30)})))
    row = row_of(comparison, "frr", "held")
    assert comparison.paired
    assert (row.before.k, row.after.k, row.only_before, row.only_after) == (2, 11, 1, 10)
    assert row.p_value == pytest.approx(stats.binomtest(1, 11, 0.5).pvalue)
    assert row.difference == pytest.approx(9 / 40)


def test_runs_of_two_seeds_are_compared_as_a_whole(header, held):
    comparison = compare_runs(run_of(header, held({1, 2})), run_of(header, held(set(range(9))), seed=5))
    row = row_of(comparison, "frr", "held")
    assert not comparison.paired
    assert row.only_before is None
    assert row.p_value == pytest.approx(stats.fisher_exact([[2, 38], [8, 32]]).pvalue)


def test_presses_lost_to_the_bench_in_either_run_do_not_count(header, held, make_press):
    before, after = held({1}), held({1, 5})
    before[4] = make_press(5, outcome=Outcome.ERROR)
    row = row_of(compare_runs(run_of(header, before), run_of(header, after)), "frr", "held")
    assert (row.before.n, row.after.n, row.only_after) == (39, 39, 0)


def test_a_run_does_not_differ_from_itself(header, held, make_press):
    run = run_of(header, [*held({3}), make_press(41, kind="foreign", verdict="foreign")])
    comparison = compare_runs(run, run)
    assert comparison.significant == ()
    assert all(row.difference == 0.0 for row in comparison.rows)


def test_slower_decisions_are_significant_by_their_bootstrap_interval(header, held):
    before = run_of(header, held(set(), decided_ms=60.0))
    comparison = compare_runs(before, run_of(header, held(set(), decided_ms=80.0)))
    row = row_of(comparison, "time_to_decision_median", "held")
    assert (row.difference, row.low, row.high, row.significant) == (20.0, 20.0, 20.0, True)
    assert row.p_value is None


def test_many_rates_are_tested_with_their_number_in_mind(header, held):
    comparison = compare_runs(run_of(header, held(set())), run_of(header, held(set(range(1, 7)))))
    row = row_of(comparison, "frr", "held")
    assert row.p_value == pytest.approx(2 * 0.5**6)
    assert row.p_adjusted == pytest.approx(3 * row.p_value)  # FRR, FTA and misread were tested
    assert not row.significant
