from __future__ import annotations

import numpy as np
import pytest
from stampbench.bench.validation.sampling.sampling import by_variables, sampling_plan
from stampbench.bench.validation.sampling.variables import (
    VariablesPlan,
    looks_normal,
    nonconforming_share,
    of_any,
    tail_share,
    variables_plan,
)
from stampbench.firmware_emulator.errors import InputError


def test_size_and_constant_are_the_published_ones():
    # Lawson, An Introduction to Acceptance Sampling and SPC with R, 2021, chapter 3: 1 % and 6 %, s unknown.
    plan = variables_plan(0.01, 0.06)
    assert (plan.size, plan.k) == (42, pytest.approx(1.905285, abs=5e-7))
    assert plan.acceptance(0.01) == pytest.approx(0.95)
    assert 0.09 < plan.acceptance(0.06) <= 0.10


@pytest.mark.parametrize(
    ("size", "k", "limiting"), [(5, 1.53, 0.28), (10, 1.72, 0.152), (20, 1.82, 0.093), (50, 1.93, 0.054)]
)
def test_limiting_quality_of_the_plans_of_ansi_z1_9(size, k, limiting):
    # ANSI/ASQC Z1.9-1980, AQL 1 %: quality of which one lot in ten passes, as printed.
    assert VariablesPlan(size, k).passes_at(0.10) == pytest.approx(limiting, abs=0.005)


@pytest.mark.parametrize(("lot", "aql"), [(90, 1.0), (500, 1.0), (150, 2.5), (3000, 0.65), (50, 4.0)])
def test_fewer_stamps_keep_the_risks_of_the_plan_by_attributes(lot, aql):
    single = sampling_plan(lot, aql)
    plan = by_variables(single)
    assert plan.sample_size < single.sample_size
    assert plan.acceptance(single.passes_at(0.95)) >= 0.95 - 1e-9
    assert plan.acceptance(single.passes_at(0.10)) <= 0.10 + 1e-9


def test_a_lot_smaller_than_its_sample_is_not_sampled_by_variables():
    with pytest.raises(InputError, match='expected method = "attributes"'):
        by_variables(sampling_plan(2, 6.5))


def test_shares_beyond_a_limit_are_estimated_without_bias():
    rng = np.random.default_rng(4)
    shares = [nonconforming_share(rng.normal(0.0, 1.0, 8), upper=1.645) for _ in range(4000)]
    assert np.mean(shares) == pytest.approx(0.05, abs=0.003)


def test_both_limits_count_and_each_alone_counts_less():
    values = [197, 188, 184, 205, 201]
    one, other = nonconforming_share(values, upper=209), nonconforming_share(values, lower=180)
    assert nonconforming_share(values, 180, 209) == pytest.approx(one + other)
    assert one > 0.0
    assert other > 0.0


@pytest.mark.parametrize(
    ("values", "lower", "upper", "share"),
    [([1.0, 1.0, 1.0], 0.0, 2.0, 0.0), ([3.0, 3.0, 3.0], 0.0, 2.0, 1.0), ([0.0, 1.0, 2.0], None, 50.0, 0.0)],
)
def test_values_without_spread_or_far_from_a_limit(values, lower, upper, share):
    assert nonconforming_share(values, lower, upper) == share


def test_a_lot_is_accepted_up_to_its_constant_and_not_beyond():
    plan = VariablesPlan(20, 1.8)
    assert tail_share(1.8 + 1e-9, 20) < plan.largest_share < tail_share(1.8 - 1e-9, 20)


def test_several_characteristics_break_a_lot_together():
    assert of_any([0.01, 0.02]) == pytest.approx(0.0298)
    assert of_any([]) == 0.0


@pytest.mark.parametrize("values", [[1.0, 2.0], [1.0, 2.0, float("nan")]])
def test_too_few_values_are_refused(values):
    with pytest.raises(InputError, match="at least 3 finite values"):
        nonconforming_share(values, 0.0)


def test_two_heaps_are_not_normal():
    rng = np.random.default_rng(2)
    assert looks_normal(rng.standard_normal(20), 20)
    assert not looks_normal(np.repeat([0.0, 1.0], 10) + 0.01 * rng.standard_normal(20), 20)
