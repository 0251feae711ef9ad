from __future__ import annotations

import math

import numpy as np
import pytest
from stampbench.sim.decoder.matching import are_apart, best_matching, fit_each, pair_distances
from stampbench.sim.decoder.reference import exhaustive_distances_mm

pytestmark = pytest.mark.kernel


def distance_mm(points, pads, radius_mm, scale=(1.0, 1.0)):
    between_points = np.empty((len(points), len(points)))
    between_pads = np.empty((len(pads), len(pads)))
    pair_distances(points, between_points)
    pair_distances(pads, between_pads)
    matching = np.full(len(points), -1, np.int64)
    motion = np.empty(5)
    square = best_matching(points, between_points, pads, between_pads, radius_mm, *scale, matching, motion)
    return (math.sqrt(square) if square >= 0.0 else math.inf), matching, motion


@pytest.mark.parametrize("pads", [3, 4, 5, 6])
def test_distance_is_that_of_the_slow_twin(pads, stamps, press):
    rng = np.random.default_rng(pads)
    for stamp in stamps(4, pads=pads, seed=1):
        contacts = press(stamp, rng, 0.8)
        expected = exhaustive_distances_mm(contacts, stamp[np.newaxis])[0]
        assert distance_mm(contacts, stamp, expected + 1e-6)[0] == pytest.approx(expected, abs=1e-9)
        assert distance_mm(contacts, stamp, expected - 1e-6)[0] == math.inf


def test_distance_of_any_two_stamps_is_that_of_the_slow_twin(stamps):
    first, second = stamps(2, seed=4)
    assert distance_mm(first, second, 60.0)[0] == pytest.approx(
        exhaustive_distances_mm(first, second[np.newaxis])[0], abs=1e-9
    )


def test_points_are_apart_unless_two_coincide_or_one_is_no_place(stamps):
    stamp = stamps(1)[0]
    least = np.hypot(*np.moveaxis(stamp[:, None] - stamp, 2, 0))[np.triu_indices(len(stamp), 1)].min()
    assert are_apart(stamp, least - 1e-9, 1e5)
    assert not are_apart(stamp, least, 1e5)
    for rubbish in (math.nan, math.inf, -2e5):
        spoilt = stamp.copy()
        spoilt[2, 1] = rubbish
        assert not are_apart(spoilt, 0.01, 1e5)


def test_mirror_images_are_different_stamps(stamps):
    stamp = stamps(1)[0]
    assert distance_mm(stamp * [-1.0, 1.0], stamp, 100.0)[0] > 2.0


def test_motion_lays_the_pads_on_their_contacts(stamps, press):
    stamp = stamps(1)[0]
    contacts = press(stamp, np.random.default_rng(2))
    _, matching, (x, y, cos, sin, scale) = distance_mm(contacts, stamp, 0.1)
    laid = stamp @ np.array([[cos, sin], [-sin, cos]]) + (x, y)
    assert scale == 1.0
    np.testing.assert_allclose(laid[matching], contacts, atol=1e-9)


def test_scale_is_solved_within_its_interval(stamps, press):
    stamp = stamps(1)[0]
    contacts = press(stamp, np.random.default_rng(3)) * 0.8
    distance, _, motion = distance_mm(contacts, stamp, 1.0, (0.65, 1.35))
    assert distance == pytest.approx(0.0, abs=1e-9)
    assert motion[4] == pytest.approx(1.25)
    assert distance_mm(contacts, stamp, 1.0, (0.9, 1.1))[0] == math.inf


@pytest.mark.parametrize("contacts", [3, 4, 5])
@pytest.mark.parametrize("scale", [(1.0, 1.0), (0.65, 1.35)])
def test_every_stamp_is_fitted_as_the_slow_twin_fits_it(contacts, scale, stamps, press):
    table = stamps(20, seed=7)
    points = press(table[3], np.random.default_rng(contacts), 0.3)[:contacts]
    expected = exhaustive_distances_mm(points, table, *scale)
    radius = float(np.sort(expected)[5]) + 1e-6
    squares = np.empty(20)
    fit_each(points, table, radius, *scale, squares)
    near = expected <= radius
    assert (squares >= 0.0).tolist() == near.tolist()
    np.testing.assert_allclose(np.sqrt(squares[near]), expected[near], atol=1e-9)
