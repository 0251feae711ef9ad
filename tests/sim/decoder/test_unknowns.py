"""Codes that fit all contacts but one missing, by both ways of looking for them."""

from __future__ import annotations

import numpy as np
import pytest

from sim.decoder.constellations import FaceLimits
from sim.decoder.lengths import LengthTable
from sim.decoder.missing import GRID, codes_with_missing_pad, places_of_missing_pad
from sim.decoder.reference import exhaustive_distances_mm
from sim.stamps.index import RigidIndex


@pytest.fixture(scope="module")
def dense(make_codebook):
    return make_codebook(400, min_distance_mm=0.5, seed=3)


@pytest.mark.parametrize("code", range(6))
def test_both_ways_find_what_exhaustive_search_finds(code, dense, press):
    contacts = press(dense.pads(code), np.random.default_rng(code), 0.2)[:4]
    distances = exhaustive_distances_mm(contacts, dense.table)
    radius = float(np.sort(distances)[2]) + 1e-6
    expected = [int(found) for found in np.argsort(distances)[:3]]
    limits = FaceLimits.measure(dense.table)
    by_grid = codes_with_missing_pad(contacts, dense, RigidIndex(dense), limits, radius)
    by_lengths = LengthTable(dense).within(contacts, radius)
    for codes, found in (by_grid, by_lengths):
        assert codes.tolist() == expected
        np.testing.assert_allclose(found, distances[expected], atol=1e-6)


def test_the_grid_covers_the_missing_pad(dense, press):
    limits = FaceLimits.measure(dense.table)
    for code in range(20):
        contacts = press(dense.pads(code), np.random.default_rng(code))
        places = places_of_missing_pad(contacts[:4], limits, 1.0)
        assert np.hypot(*(places - contacts[4]).T).min() <= GRID
