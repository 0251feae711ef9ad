from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from bench.validation.sampling import (
    AQLS,
    LEVELS,
    Inspection,
    Severity,
    code_letter,
    next_inspection,
    sampling_plan,
)
from firmware_emulator.errors import InputError


@pytest.mark.parametrize(
    ("lot_size", "letters"),
    [(2, "AAB"), (25, "BCD"), (26, "CDE"), (90, "CEF"), (500, "FHJ"), (1200, "GJK"), (3201, "JLM"),
     (500_000, "MPQ"), (500_001, "NQR")],
)  # fmt: skip
def test_code_letters_are_those_of_table_1(lot_size, letters):
    assert [code_letter(lot_size, level) for level in LEVELS] == list(letters)


@pytest.mark.parametrize(
    ("letter_lot", "aql", "sample", "accept"),
    [
        # Table 2-A, normal inspection: whole columns of AQL 1.0, 2.5 and 0.15, level II.
        (16, 1.0, 13, 0),  # C: arrow down to E
        (51, 1.0, 13, 0),  # E
        (91, 1.0, 13, 0),  # F: arrow up to E
        (151, 1.0, 50, 1),  # G: arrow down to H
        (281, 1.0, 50, 1),  # H
        (501, 1.0, 80, 2),  # J
        (1201, 1.0, 125, 3),  # K
        (3201, 1.0, 200, 5),  # L
        (10_001, 1.0, 315, 7),  # M
        (35_001, 1.0, 500, 10),  # N
        (150_001, 1.0, 800, 14),  # P
        (500_001, 1.0, 1250, 21),  # Q
        (281, 2.5, 50, 3),
        (501, 2.5, 80, 5),
        (151, 6.5, 32, 5),
        (91, 4.0, 20, 2),
        (1201, 0.15, 80, 0),  # K: arrow up to J
        (500_001, 0.01, 1250, 0),
    ],
)
def test_normal_plans_are_those_of_table_2a(letter_lot, aql, sample, accept):
    plan = sampling_plan(letter_lot, aql)
    assert (plan.sample_size, plan.accept, plan.reject) == (sample, accept, accept + 1)


@pytest.mark.parametrize(
    ("letter_lot", "aql", "sample", "accept"),
    [
        (91, 1.0, 20, 0),
        (281, 1.0, 80, 1),
        (501, 1.0, 80, 1),
        (1201, 1.0, 125, 2),
        (3201, 1.0, 200, 3),
        (10_001, 1.0, 315, 5),
        (35_001, 1.0, 500, 8),
        (501, 2.5, 80, 3),
    ],
)
def test_tightened_plans_are_those_of_table_2b(letter_lot, aql, sample, accept):
    plan = sampling_plan(letter_lot, aql, severity=Severity.TIGHTENED)
    assert (plan.sample_size, plan.accept) == (sample, accept)


@given(st.integers(2, 10**6), st.sampled_from(AQLS), st.sampled_from(LEVELS))
@settings(max_examples=200, deadline=None)
def test_every_lot_has_a_plan_and_tightened_is_stricter(lot_size, aql, level):
    normal = sampling_plan(lot_size, aql, level)
    tight = sampling_plan(lot_size, aql, level, Severity.TIGHTENED)
    assert 0 <= normal.accept < normal.sample_size <= lot_size
    assert tight.acceptance(aql / 100) <= normal.acceptance(aql / 100) + 1e-12


@pytest.mark.parametrize(("aql", "lot_size"), [(1.0, 3201), (2.5, 501), (0.65, 1201), (4.0, 151)])
def test_a_lot_at_the_aql_is_accepted_as_often_as_the_standard_says(aql, lot_size):
    plan = sampling_plan(lot_size, aql)
    probability = plan.acceptance(aql / 100)
    assert 0.88 <= probability <= 0.995
    assert probability == pytest.approx(stats.binom.cdf(plan.accept, plan.sample_size, aql / 100))


def test_a_small_lot_is_inspected_whole():
    assert sampling_plan(9, 1.0).sample_size == 9


def test_two_rejected_of_five_lots_tighten_inspection_and_five_accepted_relax_it():
    assert next_inspection([True, False, True, True, True, True, False]) is Inspection.NORMAL
    assert next_inspection([True, False, True, True, False]) is Inspection.TIGHTENED
    tight = [False, False]
    assert next_inspection([*tight, *[True] * 4]) is Inspection.TIGHTENED
    assert next_inspection([*tight, *[True] * 5]) is Inspection.NORMAL
    assert next_inspection([*tight, *[True, False] * 4, False]) is Inspection.DISCONTINUED
    assert next_inspection([]) is Inspection.NORMAL


@pytest.mark.parametrize(
    ("arguments", "named"),
    [((1, 1.0), "lot size 1"), ((100, 0.9), "aql = 0.9"), ((100, 1.0, "IV"), "inspection level 'IV'")],
)
def test_what_is_not_in_the_tables_is_refused(arguments, named):
    with pytest.raises(InputError, match=named):
        sampling_plan(*arguments)
