"""Choices among many contacts."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from stampbench.sim.decoder import constellations
from stampbench.sim.decoder.constellations import FaceLimits, fill_inside, possible_constellations
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


@pytest.mark.kernel
def test_contacts_inside_a_triangle_are_marked():
    points = np.array([[0.0, 0.0], [30.0, 0.0], [0.0, 30.0], [5.0, 5.0], [20.0, 20.0]])
    inside = np.zeros((5, 5, 5), np.int64)
    fill_inside(points, inside)
    assert inside[2, 1, 0] == 1 << 3
    assert inside[4, 1, 0] == 0


@pytest.mark.kernel
def test_in_a_crowd_only_choices_without_a_contact_between_them_are_tried(monkeypatch):
    points = scattered(10, 5)
    every = possible_constellations(points, 4, LIMITS, 1.0).tolist()
    monkeypatch.setattr(constellations, "MOST_CONSTELLATIONS", len(every) - 1)
    inside = np.zeros((10, 10, 10), np.int64)
    fill_inside(points, inside)

    def covers(choice):
        between = 0
        for i, j, k in combinations(choice, 3):
            between |= int(inside[k, j, i])
        return between & ~sum(1 << i for i in choice) != 0

    fewer = possible_constellations(points, 4, LIMITS, 1.0).tolist()
    assert fewer == [choice for choice in every if not covers(choice)]
    assert len(fewer) < len(every)


def test_a_crowd_too_dense_to_be_tried_is_not_read():
    grid = 12.5 * np.array([(i, j) for i in range(5) for j in range(4)], np.float64)
    rng = np.random.default_rng(2)
    assert possible_constellations(grid + rng.normal(0.0, 0.1, grid.shape), 5, LIMITS, 1.0) is None
