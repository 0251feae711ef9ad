from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stampbench.bench.judging.sequential import Decision, SequentialTest
from stampbench.firmware_emulator.errors import InputError


@pytest.mark.parametrize(("p0", "p1", "good", "bad"), [(0.01, 0.05, 107, 64), (0.001, 0.01, 393, 188)])
def test_expected_trials_are_the_published_numbers(p0, p1, good, bad):
    test = SequentialTest(p0, p1)
    assert test.expected_trials(p0) == pytest.approx(good, abs=1.0)
    assert test.expected_trials(p1) == pytest.approx(bad, abs=1.0)


def test_boundaries_are_the_lines_of_the_published_plan():
    # NIST/SEMATECH e-Handbook 6.2.6: accept at -0.939 + 0.0397 n, reject at 1.205 + 0.0397 n.
    test = SequentialTest(0.01, 0.10, alpha=0.05, beta=0.10)
    for trials in range(1, 400):
        line = math.log(0.99 / 0.9) / math.log(11.0) * trials
        assert test.accept_at(trials) == math.floor(line - 0.9389)
        assert test.reject_at(trials) == math.ceil(line + 1.2055)
    assert [test.reject_at(trials) for trials in (1, 19, 22)] == [2, 2, 3]
    assert [test.accept_at(trials) for trials in (23, 24)] == [-1, 0]


def test_formula_gives_the_stated_risks_at_both_rates():
    test = SequentialTest(0.02, 0.08, alpha=0.05, beta=0.1)
    assert test.acceptance(0.02) == pytest.approx(0.95, abs=1e-9)
    assert test.acceptance(0.08) == pytest.approx(0.10, abs=1e-9)


def test_formula_holds_where_the_ratio_does_not_drift():
    test = SequentialTest(0.02, 0.08)
    failure, success = math.log(4), math.log(0.92 / 0.98)
    still = success / (success - failure)
    near = [test.acceptance(still * (1 + step)) for step in (-1e-6, 0.0, 1e-6)]
    assert near[0] > near[1] > near[2]
    assert near[0] - near[2] < 1e-4
    assert test.expected_trials(still) == pytest.approx(test.expected_trials(still * (1 + 1e-6)), rel=1e-3)


@pytest.mark.parametrize("p", [0.01, 0.02, 0.04, 0.08])
def test_operating_characteristic_agrees_with_simulation(p):
    test = SequentialTest(0.01, 0.05, cap=600)
    rng = np.random.default_rng(7)
    endings = []
    for failures in rng.random((2500, 600)) < p:
        one = SequentialTest(0.01, 0.05, cap=600)
        for failed in failures:
            if one.add(bool(failed)) is not Decision.GO_ON:
                break
        endings.append((one.decision, one.trials))
    exact = test.outcome_at(p)
    accepted = np.mean([decision is Decision.ACCEPT for decision, _ in endings])
    trials = np.array([trials for _, trials in endings])
    assert accepted == pytest.approx(exact.accept, abs=4 * math.sqrt(0.25 / 2500))
    assert trials.mean() == pytest.approx(exact.trials, abs=4 * trials.std() / math.sqrt(2500))


@pytest.mark.parametrize("p", [0.18, 0.2, 0.21, 0.22, 0.25])
def test_formula_is_exact_where_steps_are_small(p):
    # Wald leaves out the overshoot of the last trial: small beside boundaries that are many steps away.
    test = SequentialTest(0.2, 0.22)
    exact = test.outcome_at(p)
    assert exact.undecided < 1e-9
    assert test.acceptance(p) == pytest.approx(exact.accept, abs=0.006)
    assert test.expected_trials(p) == pytest.approx(exact.trials, rel=0.03)


def test_formula_leaves_out_the_last_step():
    test = SequentialTest(0.01, 0.05)
    for p in (0.01, 0.05, 0.1):
        assert 0.8 * test.outcome_at(p).trials < test.expected_trials(p) < test.outcome_at(p).trials


def test_exact_risks_keep_what_is_stated():
    test = SequentialTest(0.01, 0.05, alpha=0.05, beta=0.05)
    assert test.outcome_at(0.01).reject < 0.05
    assert test.outcome_at(0.05).accept < 0.05


def test_a_cap_leaves_some_undecided_and_makes_no_risk_larger():
    whole, capped = SequentialTest(0.01, 0.05), SequentialTest(0.01, 0.05, cap=100)
    for p in (0.01, 0.03, 0.05):
        ends, cut = whole.outcome_at(p), capped.outcome_at(p)
        assert cut.accept <= ends.accept
        assert cut.reject <= ends.reject
        assert cut.accept + cut.reject + cut.undecided == pytest.approx(1.0)
        assert cut.trials <= 100
    assert capped.outcome_at(0.02).undecided > 0.2


def test_no_failures_accept_after_as_many_trials_as_the_boundary_says():
    test = SequentialTest(0.01, 0.05)
    trials = next(n for n in range(1, 1000) if test.accept_at(n) >= 0)
    while test.add(False) is Decision.GO_ON:
        pass
    assert (test.decision, test.trials, test.failures) == (Decision.ACCEPT, trials, 0)
    assert "below 5 %" in test.claim


def test_trials_after_the_decision_do_not_count():
    test = SequentialTest(0.01, 0.5)
    while test.add(True) is Decision.GO_ON:
        pass
    assert test.decision is Decision.REJECT
    before = test.trials
    assert test.add(False) is Decision.REJECT
    assert test.trials == before


def test_at_the_cap_nothing_is_claimed():
    test = SequentialTest(0.1, 0.3, cap=6)
    for failed in (False, True, False, False, False, False):
        decision = test.add(failed)
    assert decision is Decision.UNDECIDED
    assert test.claim == "1 of 6: undecided between 10 % and 30 % at the cap"


@given(st.lists(st.booleans(), max_size=300))
@settings(max_examples=60, deadline=None)
def test_boundaries_and_likelihood_ratio_decide_alike(outcomes):
    test = SequentialTest(0.05, 0.2)
    for failed in outcomes:
        decision = test.add(failed)
        ratio = test.log_likelihood_ratio
        assert (ratio <= math.log(0.05 / 0.95) + 1e-9) == (decision is Decision.ACCEPT)
        assert (ratio >= math.log(0.95 / 0.05) - 1e-9) == (decision is Decision.REJECT)
        if decision is not Decision.GO_ON:
            break


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"p0": 0.05, "p1": 0.01}, "p0 = 0.05, p1 = 0.01"),
        ({"p0": 0.0, "p1": 0.01}, "p0 = 0"),
        ({"p0": 0.01, "p1": 0.05, "alpha": 0.0}, "alpha = 0"),
        ({"p0": 0.01, "p1": 0.05, "alpha": 0.6, "beta": 0.6}, "alpha \\+ beta"),
        ({"p0": 0.01, "p1": 0.05, "cap": 0}, "cap = 0"),
    ],
)
def test_impossible_tests_are_refused(arguments, named):
    with pytest.raises(InputError, match=named):
        SequentialTest(**arguments)
