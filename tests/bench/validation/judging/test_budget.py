from __future__ import annotations

import math

import numpy as np
import pytest
from stampbench.bench.validation.judging.budget import Budget, Part, budget


def test_degrees_of_freedom_are_those_of_the_gum_s_gauge_block():
    # JCGM 100:2008, H.1.6, in nanometres: u_c = 32, 16.7 effective degrees of freedom.
    block = Budget((Part("a", 25.0, 18), Part("b", 9.7, 25.6), Part("c", 2.9, 50), Part("d", 16.6, 2)))
    assert block.standard_mm == pytest.approx(31.7, abs=0.05)
    assert block.freedom == pytest.approx(16.7, abs=0.5)


def test_what_is_known_from_elsewhere_has_a_coverage_factor_of_1_96():
    known = budget([Part("reference", 0.005), Part("temperature", math.nan)])
    assert [part.name for part in known.parts] == ["reference"]
    assert known.coverage == pytest.approx(1.95996, abs=1e-5)
    assert known.expanded_mm == pytest.approx(0.0098, abs=1e-4)


@pytest.mark.parametrize("n", [2, 3, 5, 20])
def test_the_expanded_uncertainty_of_a_mean_covers_it_in_95_percent(n):
    values = np.random.default_rng(2).standard_normal((1000, n))
    covered = [
        abs(row.mean()) <= budget([Part("scatter", row.std(ddof=1) / math.sqrt(n), n - 1)]).expanded_mm
        for row in values
    ]
    assert np.mean(covered) >= 0.935  # 0.95 less two standard errors


def test_a_rig_without_a_ruler_gives_no_finite_uncertainty():
    assert math.isinf(budget([Part("calibration", math.inf, 1)]).expanded_mm)
