from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stampbench.bench.judging.sequential import SequentialDecision, SequentialTest
from stampbench.firmware_emulator.errors import InputError


def test_boundaries_have_the_slope_of_the_published_plan_and_keep_each_risk_alone():
    # NIST/SEMATECH e-Handbook 6.2.6 has Wald's: -0.939 + 0.0397 n and 1.205 + 0.0397 n. These lie outside:
    # ln 0.1 and -ln 0.05 over ln 11, where Wald has ln(0.1 / 0.95) and ln(0.9 / 0.05).
    test = SequentialTest(0.01, 0.10, alpha=0.05, beta=0.10)
    for trials in range(1, 400):
        line = math.log(0.99 / 0.9) / math.log(11.0) * trials
        assert test.accept_at(trials) == math.floor(line - 0.96026)
        assert test.reject_at(trials) == math.ceil(line + 1.24933)


@pytest.mark.parametrize("p", [0.01, 0.02, 0.04, 0.08])
def test_operating_characteristic_agrees_with_simulation(p):
    test = SequentialTest(0.01, 0.05, cap=600)
    rng = np.random.default_rng(7)
    endings = []
    for failures in rng.random((2500, 600)) < p:
        one = SequentialTest(0.01, 0.05, cap=600)
        for failed in failures:
            if one.add(bool(failed)) is not SequentialDecision.GO_ON:
                break
        endings.append((one.decision, one.trials))
    exact = test.outcome_at(p)
    accepted = np.mean([decision is SequentialDecision.ACCEPT for decision, _ in endings])
    trials = np.array([trials for _, trials in endings])
    assert accepted == pytest.approx(exact.accept, abs=4 * math.sqrt(0.25 / 2500))
    assert trials.mean() == pytest.approx(exact.trials, abs=4 * trials.std() / math.sqrt(2500))


@pytest.mark.parametrize("cap", [None, 60, 300])
@pytest.mark.parametrize("risk", [0.01, 0.05, 0.1])
@pytest.mark.parametrize(("p0", "p1"), [(0.005, 0.02), (0.01, 0.05), (0.02, 0.08), (0.1, 0.3), (0.3, 0.5)])
def test_exact_risks_keep_what_is_stated_with_and_without_a_cap(p0, p1, risk, cap):
    test = SequentialTest(p0, p1, alpha=risk, beta=risk, cap=cap)
    assert test.outcome_at(p0).reject <= risk
    assert test.outcome_at(p1).accept <= risk


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
    while test.add(False) is SequentialDecision.GO_ON:
        pass
    assert (test.decision, test.trials, test.failures) == (SequentialDecision.ACCEPT, trials, 0)
    assert "below 5 %" in test.claim


def test_trials_after_the_decision_do_not_count():
    test = SequentialTest(0.01, 0.5)
    while test.add(True) is SequentialDecision.GO_ON:
        pass
    assert test.decision is SequentialDecision.REJECT
    before = test.trials
    assert test.add(False) is SequentialDecision.REJECT
    assert test.trials == before


def test_at_the_cap_nothing_is_claimed():
    test = SequentialTest(0.1, 0.3, cap=6)
    for failed in (False, True, False, False, False, False):
        decision = test.add(failed)
    assert decision is SequentialDecision.UNDECIDED
    assert test.claim == "1 of 6: undecided between 10 % and 30 % at the cap"


@given(st.lists(st.booleans(), max_size=300))
@settings(max_examples=60, deadline=None)
def test_boundaries_and_likelihood_ratio_decide_alike(outcomes):
    test = SequentialTest(0.05, 0.2)
    for failed in outcomes:
        decision = test.add(failed)
        ratio = test.log_likelihood_ratio
        assert (ratio <= math.log(0.05) + 1e-9) == (decision is SequentialDecision.ACCEPT)
        assert (ratio >= -math.log(0.05) - 1e-9) == (decision is SequentialDecision.REJECT)
        if decision is not SequentialDecision.GO_ON:
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
