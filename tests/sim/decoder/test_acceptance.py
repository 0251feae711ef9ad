from __future__ import annotations

import math

import numpy as np
import pytest
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.decoder.acceptance import LARGEST_DEFAULT_SIGMA_MM, Acceptance, chi_quantile


def test_default_noise_is_what_the_minimum_distance_survives() -> None:
    acceptance = Acceptance.design(pads=5, min_distance_mm=2.7)
    assert acceptance.sigma_mm == pytest.approx(2.7 / 2.0 / 4.93, rel=1e-3)
    assert acceptance.radius_mm == pytest.approx(1.35)
    assert acceptance.predicted_frr() == pytest.approx(0.001)


def test_less_noise_shrinks_the_radius() -> None:
    acceptance = Acceptance.design(pads=5, min_distance_mm=2.7, sigma_mm=0.1, frr=0.01)
    assert acceptance.radius_mm == pytest.approx(0.1 * chi_quantile(0.99, 7))
    assert acceptance.predicted_frr() == pytest.approx(0.01)


def test_more_noise_than_the_codes_survive_costs_rejections_not_misreads() -> None:
    acceptance = Acceptance.design(pads=5, min_distance_mm=2.0, sigma_mm=0.4)
    assert acceptance.radius_mm == 1.0
    assert acceptance.outer_radius_mm() > 1.0
    assert acceptance.predicted_frr() > 0.4


def test_predicted_rejections_are_those_of_a_simulation() -> None:
    rng = np.random.default_rng(0)
    acceptance = Acceptance.design(pads=5, min_distance_mm=2.0, frr=0.05)
    norms = np.sqrt((rng.normal(0.0, acceptance.sigma_mm, (40_000, 7)) ** 2).sum(axis=1))
    assert np.mean(norms > acceptance.radius_mm) == pytest.approx(0.05, abs=0.004)


def test_predicted_false_accepts_are_ball_over_volume() -> None:
    acceptance = Acceptance.design(pads=5, min_distance_mm=1.5)
    assert acceptance.predicted_far(6_000_000, 1.2e8) == pytest.approx(
        6e6 * 4.725 * 0.75**7 / 1.2e8, rel=1e-3
    )


def test_a_single_stamp_gets_a_finite_radius() -> None:
    acceptance = Acceptance.design(pads=5, min_distance_mm=math.inf)
    assert acceptance.sigma_mm == LARGEST_DEFAULT_SIGMA_MM
    assert acceptance.radius_mm < 3.0


@pytest.mark.parametrize(
    ("sigma_mm", "frr"), [(0.0, 0.1), (-1.0, 0.1), (math.nan, 0.1), (0.1, 0.0), (0.1, 1.0)]
)
def test_nonsense_is_refused(sigma_mm: float, frr: float) -> None:
    with pytest.raises(InputError, match=r"sigma_mm|frr"):
        Acceptance.design(pads=5, min_distance_mm=2.0, sigma_mm=sigma_mm, frr=frr)
