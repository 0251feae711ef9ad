"""Choices among many contacts."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from stampbench.sim.decoder import constellations
from stampbench.sim.decoder.constellations import FaceLimits, possible_constellations, rival_reach_mm
from stampbench.sim.stamps.geometry import enclosing_circle

LIMITS = FaceLimits(12.0, 44.0, 22.0)


def scattered(count, seed):
    return np.random.default_rng(seed).uniform(0.0, 70.0, (count, 2))


def possible(points, chosen):
    gaps = [math.dist(points[i], points[j]) for i, j in combinations(chosen, 2)]
    return min(gaps) >= 11.0 and enclosing_circle(points[list(chosen)])[1] <= 23.0


@pytest.mark.kernel
def test_every_choice_that_a_stamp_can_have_is_listed():
    points = scattered(9, 1)
    chosen = possible_constellations(points, 5, LIMITS, 1.0)
    listed = {tuple(row) for row in chosen.tolist()}
    assert len(listed) == len(chosen)
    assert listed >= {choice for choice in combinations(range(9), 5) if possible(points, choice)}


def test_a_rival_is_less_than_ten_times_less_likely():
    likelihood = [math.exp(-(mm**2) / (2.0 * 0.3**2)) for mm in (0.5, rival_reach_mm(0.5, 0.3))]
    assert likelihood[0] / likelihood[1] == pytest.approx(10.0)


def test_a_crowd_too_dense_to_be_tried_is_not_read(monkeypatch):
    monkeypatch.setattr(constellations, "MOST_CONSTELLATIONS", 600)
    grid = 12.5 * np.array([(i, j) for i in range(5) for j in range(4)], np.float64)
    rng = np.random.default_rng(2)
    assert possible_constellations(grid + rng.normal(0.0, 0.1, grid.shape), 5, LIMITS, 1.0) is None
