from __future__ import annotations

import re
import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from stampbench.bench.validation.sampling.sampling import (
    AQLS,
    LEVELS,
    OWN_NUMBERS,
    SamplingPlan,
    Severity,
    code_letter,
    isolated_plan,
    sampling_plan,
)
from stampbench.firmware_emulator.errors import InputError


@pytest.mark.parametrize(
    ("lot_size", "letters"),
    [(2, "AAB"), (25, "BCD"), (26, "CDE"), (90, "CEF"), (500, "FHJ"), (1200, "GJK"), (3201, "JLM"),
     (500_000, "MPQ"), (500_001, "NQR")],
)  # fmt: skip
def test_code_letters_are_those_of_table_1(lot_size, letters):
    assert [code_letter(lot_size, level) for level in ("I", "II", "III")] == list(letters)


@pytest.mark.parametrize(
    ("lot_size", "letters"),
    [(50, "ABBC"), (90, "BBCC"), (500, "BCDE"), (1200, "CCEF"), (35_000, "CDFH"), (500_001, "DEHK")],
)
def test_code_letters_of_the_special_levels_are_those_of_table_1(lot_size, letters):
    assert [code_letter(lot_size, f"S-{number}") for number in (1, 2, 3, 4)] == list(letters)


@pytest.mark.parametrize(
    ("lot_size", "aql", "letter", "sample", "accept"),
    [(8, 10.0, "C", 5, 1), (8, 15.0, "B", 3, 1), (25, 10.0, "C", 5, 1), (25, 15.0, "C", 5, 2),
     (90, 10.0, "E", 13, 3), (500, 15.0, "H", 50, 14), (1200, 15.0, "J", 80, 21), (3200, 15.0, "J", 80, 21)],
)  # fmt: skip
def test_plans_of_the_columns_10_and_15_are_those_of_table_2_a(lot_size, aql, letter, sample, accept):
    plan = sampling_plan(lot_size, aql)
    assert (plan.letter, plan.sample_size, plan.accept) == (letter, sample, accept)


@pytest.mark.parametrize(("size", "aql"), [(90, 1.0), (500, 2.5), (25, 10.0)])
def test_the_risk_of_a_very_lot_is_hypergeometric(size, aql):
    plan = sampling_plan(size, aql)
    for bad in range(0, size, 7):
        exact = stats.hypergeom.cdf(plan.accept, size, bad, plan.sample_size)
        assert plan.lot_acceptance(bad) == pytest.approx(exact, abs=1e-9)
    limiting = plan.limiting_bad(0.1)
    assert plan.lot_acceptance(limiting) <= 0.1 < plan.lot_acceptance(limiting - 1)


def test_thirteen_of_ninety_pass_with_fourteen_bad_stamps_one_time_in_ten():
    assert sampling_plan(90, 1.0).limiting_bad(0.1) == 14


@pytest.mark.parametrize(("size", "quality", "accept"), [(90, 8.0, 0), (500, 5.0, 1), (40, 20.0, 0)])
def test_an_isolated_lot_of_limiting_quality_passes_at_most_one_time_in_ten(size, quality, accept):
    plan = isolated_plan(size, quality, accept, 1.0)
    bad = -(-size * quality // 100)
    assert stats.hypergeom.cdf(accept, size, bad, plan.sample_size) <= 0.1
    assert stats.hypergeom.cdf(accept, size, bad, plan.sample_size - 1) > 0.1


def test_an_isolated_lot_whose_bad_stamps_may_all_pass_has_no_plan():
    with pytest.raises(InputError, match="limiting_quality = 1: 1 of 90"):
        isolated_plan(90, 1.0, 1, 1.0)


LARGEST_LOT = {
    "A": 8, "B": 15, "C": 25, "D": 50, "E": 90, "F": 150, "G": 280, "H": 500, "J": 1200, "K": 3200,
    "L": 10_000, "M": 35_000, "N": 150_000, "P": 500_000, "Q": 1_000_000, "R": 0,
}  # fmt: skip
"""Lot of each code letter at level II; R needs level III."""


@pytest.mark.parametrize("severity", list(Severity))
def test_plans_are_those_of_the_tables_of_the_standard(request, severity):
    golden = tomllib.loads((request.config.rootpath / "fixtures/golden/iso-2859-1.toml").read_text())
    assert tuple(golden["aqls"]) == AQLS[:-2]
    for letter, lot in LARGEST_LOT.items():
        for aql, cell in zip(golden["aqls"], golden[severity][letter].split(), strict=True):
            used, size, accept = re.fullmatch(r"([A-S])(\d+)/(\d+)", cell).groups()
            plan = sampling_plan(lot or 10**6, aql, "II" if lot else "III", severity)
            assert (plan.letter, plan.accept) == (used, int(accept)), (letter, aql)
            assert plan.sample_size == min(int(size), plan.lot_size)
            assert plan.reject == plan.accept + 1


@given(st.integers(2, 10**6), st.sampled_from(AQLS), st.sampled_from(LEVELS))
@settings(max_examples=200, deadline=None)
def test_reduced_inspection_takes_fewer_stamps_and_lets_more_lots_pass(lot_size, aql, level):
    normal = sampling_plan(lot_size, aql, level)
    reduced = sampling_plan(lot_size, aql, level, Severity.REDUCED)
    assert reduced.sample_size <= normal.sample_size
    assert reduced.acceptance(aql / 100) >= normal.acceptance(aql / 100) - 0.05


@given(st.sampled_from(AQLS), st.sampled_from(sorted(LARGEST_LOT)), st.sampled_from(list(Severity)))
@settings(max_examples=200, deadline=None)
def test_operating_characteristics_are_those_of_the_binomial_distribution(aql, letter, severity):
    plan = sampling_plan(LARGEST_LOT[letter] or 10**6, aql, "II", severity)
    at_aql = plan.acceptance(aql / 100)
    assert at_aql == pytest.approx(stats.binom.cdf(plan.accept, plan.sample_size, aql / 100))
    if plan.sample_size < plan.lot_size / 10:  # the lot is large beside its sample
        bad = round(plan.lot_size * aql / 100)
        exact = stats.hypergeom.cdf(plan.accept, plan.lot_size, bad, plan.sample_size)
        assert exact == pytest.approx(plan.acceptance(bad / plan.lot_size), abs=0.03)
    # A lot of AQL quality seldom fails, most often where no stamp of the sample may be bad.
    assert at_aql >= {"normal": 0.87, "tightened": 0.79, "reduced": 0.87}[severity]
    limiting = plan.passes_at(0.1)
    assert limiting > aql / 100
    assert plan.acceptance(limiting) == pytest.approx(0.1)


@pytest.mark.parametrize(("lot", "aql"), [(90, 1.0), (3200, 1.0), (10_000, 2.5)])
def test_limiting_quality_is_what_an_accepted_sample_still_allows_with_90_percent_confidence(lot, aql):
    plan = sampling_plan(lot, aql)
    bound = stats.binomtest(plan.accept, plan.sample_size, alternative="less").proportion_ci(0.9, "exact")
    assert plan.passes_at(0.1) == pytest.approx(bound.high)


def test_next_smaller_aql_has_the_number_to_its_left():
    plan = sampling_plan(1200, 1.0)
    assert (plan.letter, plan.accept, plan.one_aql_tighter) == ("J", 2, 1)
    assert sampling_plan(1200, 0.65).accept == 1
    own = SamplingPlan(500, 1.0, "II", Severity.NORMAL, OWN_NUMBERS, 10, 1)
    assert own.one_aql_tighter is None


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


@pytest.mark.parametrize(
    ("arguments", "named"),
    [((1, 1.0), "lot size 1"), ((100, 0.9), "aql = 0.9"), ((100, 1.0, "IV"), "inspection level 'IV'")],
)
def test_what_is_not_in_the_tables_is_refused(arguments, named):
    with pytest.raises(InputError, match=named):
        sampling_plan(*arguments)
