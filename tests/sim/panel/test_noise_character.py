"""Tails, unevenness and memory of the noise have the sizes of the profile, keep its variance, can be off."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from stampbench.sim.panel import Condition, Panel, Profile, load_profile

NEXUS = load_profile("nexus-5")
FRAMES = 1500


def moving(condition: Condition, profile: Profile = NEXUS) -> np.ndarray:
    times_us = 10_000 * np.arange(FRAMES)
    counts = Panel(profile, condition, seed=4).scan(times_us, (), np.empty((FRAMES, 0, 7))).astype(float)
    return counts - counts.mean(axis=0)


def excess_kurtosis(values: np.ndarray) -> float:
    return float(np.mean((values / values.std()) ** 4)) - 3.0


def correlation(values: np.ndarray, lag: int) -> float:
    return float(np.mean(values[lag:] * values[:-lag]) / values.var())


@pytest.fixture(scope="module")
def plain() -> np.ndarray:
    return moving(Condition())


def test_loud_frames_give_nodes_the_recorded_tails(plain: np.ndarray) -> None:
    """Measured, rest frames of CapFingerId: excess kurtosis of nodes 0.7 to 0.8."""
    loud = moving(Condition(loud_frames=1.0))
    assert excess_kurtosis(plain) == pytest.approx(0.0, abs=0.1)
    assert excess_kurtosis(loud) == pytest.approx(0.8, abs=0.2)
    assert loud.std() == pytest.approx(plain.std(), rel=0.03)


def test_uneven_nodes_differ_in_variance_as_recorded(plain: np.ndarray) -> None:
    """Measured, rest frames of CapFingerId: 15 % from node to node, beyond chance."""
    uneven = moving(Condition(uneven_nodes=1.0))

    def spread(values: np.ndarray) -> float:
        variances = values.var(axis=0)
        return float(variances.std() / variances.mean())

    assert spread(uneven) == pytest.approx(0.155, rel=0.25)
    assert spread(plain) < 0.08
    assert uneven.std() == pytest.approx(plain.std(), rel=0.03)


@pytest.mark.parametrize(("lag", "expected"), [(1, 0.77), (5, 0.55)])
def test_frames_of_one_controller_resemble_those_before_as_recorded(lag: int, expected: float) -> None:
    """Measured on mXT2954T2: 0.77 at lag 1, 0.55 at lag 5."""
    profile = load_profile("mxt2954t2-15")
    profile = replace(profile, noise=replace(profile.noise, loud_frames=0.0))
    assert correlation(moving(Condition(noise_memory=1.0), profile)[:600], lag) == pytest.approx(
        expected, rel=0.1
    )


def test_what_is_off_leaves_the_noise_as_it_was_bit_for_bit(plain: np.ndarray) -> None:
    without = replace(NEXUS, noise=replace(NEXUS.noise, loud_frames=0.0, uneven_nodes=0.0, memory_share=0.0))
    asked = Condition(loud_frames=1.0, uneven_nodes=1.0, noise_memory=1.0)
    assert np.array_equal(moving(asked, without), plain)
