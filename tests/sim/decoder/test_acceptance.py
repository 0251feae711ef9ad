from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import gammainc
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.decoder.acceptance import LARGEST_DEFAULT_SIGMA_MM, Acceptance, chi_quantile
from stampbench.sim.decoder.chance import Chance
from stampbench.sim.stamps import FaceGeometry


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


def evenly(codes: int) -> Chance:
    return Chance.evenly(codes, FaceGeometry())


def test_false_acceptance_of_an_even_family_is_ball_over_volume() -> None:
    acceptance = Acceptance.design(pads=5, min_distance_mm=1.5, sigma_mm=0.1, chance=evenly(6_000_000))
    radius = 0.1 * chi_quantile(0.999, 7)
    assert acceptance.far(5) == pytest.approx(6e6 * 4.725 * radius**7 / 1.2e8, rel=1e-2)


def test_the_more_contacts_the_more_false_acceptance() -> None:
    acceptance = Acceptance.design(pads=5, min_distance_mm=3.58, sigma_mm=0.3, chance=evenly(60_000))
    rates = [acceptance.far(contacts) for contacts in (6, 8, 10, 15, 20)]
    assert rates == sorted(rates)
    assert acceptance.far(3) == 0.0


def test_four_contacts_are_a_stamp_with_a_missing_pad_or_nothing() -> None:
    sparse = Acceptance.design(pads=5, min_distance_mm=9.0, sigma_mm=0.1, chance=evenly(1_000))
    dense = Acceptance.design(pads=5, min_distance_mm=3.58, sigma_mm=0.36, chance=evenly(60_000))
    fits = 1_000 * 5 * 5.264 * (0.1 * chi_quantile(0.999, 5)) ** 5 / 9.75e5
    assert sparse.far(4) == pytest.approx(fits * math.exp(-32 * fits), rel=1e-2)
    assert dense.far(4) < 1e-9


@pytest.mark.parametrize("far", [1e-2, 1e-4, 1e-6])
def test_an_acceptance_asked_for_is_kept_for_any_number_of_contacts(far: float) -> None:
    acceptance = Acceptance.design(pads=5, min_distance_mm=3.58, far=far, chance=evenly(60_000))
    assert acceptance.far(5) == pytest.approx(far, rel=0.2)
    assert all(acceptance.far(contacts) <= 1.01 * far for contacts in range(4, 21))


def test_noise_and_acceptance_asked_for_at_once_are_refused() -> None:
    with pytest.raises(InputError, match="one follows from the other"):
        Acceptance.design(pads=5, min_distance_mm=3.0, sigma_mm=0.1, far=0.01, chance=evenly(9))


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


def test_codes_nearby_reject_some_of_what_lies_beyond_half_the_minimum_distance() -> None:
    # Drawn: codes evenly about one at 0, none nearer than 3.58 mm; its presses at a noise of 0.45 mm.
    acceptance = Acceptance.design(pads=5, min_distance_mm=3.58, sigma_mm=0.45, chance=evenly(60_000))
    rng = np.random.default_rng(1)
    reach = acceptance.rival_reach_mm(acceptance.outer_radius_mm())
    mean = acceptance.chance.complete / 4.725 * (2.0 * reach) ** 7  # codes in a box about the press
    read = 0
    for _ in range(4_000):
        press = rng.normal(0.0, 0.45, 7)
        around = press + rng.uniform(-reach, reach, (rng.poisson(mean), 7))
        around = around[np.linalg.norm(around, axis=1) >= 3.58]
        own = float(np.linalg.norm(press))
        second = float(np.linalg.norm(around - press, axis=1).min(initial=np.inf))
        read += own <= acceptance.outer_radius_mm() and second > acceptance.rival_reach_mm(own)
    assert acceptance.predicted_frr() == pytest.approx(1.0 - read / 4_000, abs=0.02)
    assert acceptance.predicted_frr() < 1.0 - float(gammainc(3.5, (1.79 / 0.45) ** 2 / 2.0))
