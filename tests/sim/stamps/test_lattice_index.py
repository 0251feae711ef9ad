"""Search by lattice points finds what search by cells and exhaustive search find."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from stampbench.sim.decoder.reference import exhaustive_code
from stampbench.sim.stamps import load_family
from stampbench.sim.stamps.index import GridIndex, LatticeIndex, ScanIndex, index_of


@pytest.fixture(scope="module")
def family():
    return load_family("p5-60k")


@pytest.fixture(scope="module")
def lattice(family):
    return index_of(family)


@pytest.fixture(scope="module")
def cells(family):
    return GridIndex(family.index_arrays(), 0.0)


@pytest.fixture(scope="module")
def strangers(family):
    return np.array(list(itertools.islice(family.geometry.random_pads(np.random.default_rng(1)), 600)))


def test_built_in_families_are_searched_by_their_lattice(family, random_catalogue):
    assert isinstance(index_of(family), LatticeIndex)
    assert isinstance(index_of(random_catalogue(5)), ScanIndex)


@pytest.mark.parametrize("share", [0.3, 1.0, 1.7])
def test_nearest_codes_of_strangers_are_those_of_the_cells(share, family, lattice, cells, strangers):
    radius = share * family.min_distance_mm / 2.0
    for found, expected in (
        (lattice.nearest(strangers, radius), cells.nearest(strangers, radius)),
        (lattice.nearest_two(strangers, radius), cells.nearest_two(strangers, radius)),
    ):
        np.testing.assert_array_equal(found[0], expected[0])
        np.testing.assert_allclose(found[1], expected[1], atol=1e-7)


def test_nearest_codes_of_stamps_are_those_of_the_cells(family, lattice, cells, moved):
    rng = np.random.default_rng(2)
    pressed = np.array([moved(family.pads(int(c)), rng, 0.5) for c in rng.integers(family.size, size=600)])
    found, expected = lattice.nearest(pressed, 1.79), cells.nearest(pressed, 1.79)
    np.testing.assert_array_equal(found[0], expected[0])
    np.testing.assert_allclose(found[1], expected[1], atol=1e-7)


def test_all_codes_near_to_any_are_those_of_the_cells(lattice, cells, strangers):
    for few in strangers.reshape(-1, 30, 5, 2):
        found, expected = lattice.within_any(few, 2.5), cells.within_any(few, 2.5)
        np.testing.assert_array_equal(found[0], expected[0])
        np.testing.assert_allclose(found[1], expected[1], atol=1e-7)


def test_more_codes_than_expected_are_all_listed(lattice, cells, strangers):
    found, expected = lattice.within_any(strangers, 3.4), cells.within_any(strangers, 3.4)
    assert len(found[0]) > 1024
    np.testing.assert_array_equal(found[0], expected[0])


def test_no_points_find_no_codes(lattice, cells):
    for index in (lattice, cells):
        codes, distances = index.within_any(np.empty((0, 5, 2)), 1.0)
        assert codes.size == distances.size == 0


@pytest.mark.kernel
def test_the_code_found_is_that_of_exhaustive_search(family, lattice, strangers):
    near = np.unique(lattice.within_any(strangers[:3], 2.5)[0])
    some = np.concatenate([near, np.arange(0, family.size, 3001)])
    table = family.pads_of(some)
    rng = np.random.default_rng(3)
    queries = np.concatenate([strangers[:3], table[-5:] + rng.normal(0.0, 0.2, (5, 5, 2))])
    codes, distances = lattice.nearest(queries, 1.79)
    for points, code, distance in zip(queries, codes, distances, strict=True):
        expected, apart = exhaustive_code(points, table, 1.79)
        assert code == (some[expected] if expected >= 0 else -1)
        assert distance == (pytest.approx(apart, abs=1e-6) if expected >= 0 else math.inf)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e300, 0.0])
def test_points_of_no_shape_find_nothing(value, lattice):
    codes, distances = lattice.nearest(np.full((2, 5, 2), value), 1.79)
    assert codes.tolist() == [-1, -1]
    assert np.isinf(distances).all()
