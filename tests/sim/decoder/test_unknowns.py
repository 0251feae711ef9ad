"""Codes that fit contacts of which a pad is missing or the scale is unknown."""

from __future__ import annotations

import numpy as np
import pytest
from stampbench.sim.decoder.constellations import FaceLimits
from stampbench.sim.decoder.reference import exhaustive_distances_mm
from stampbench.sim.decoder.unknowns import (
    GRID,
    codes_at_some_scale,
    codes_with_missing_pad,
    places_of_missing_pad,
)
from stampbench.sim.stamps.index import index_of


@pytest.fixture(scope="module")
def dense(make_codebook):
    return make_codebook(400, min_distance_mm=0.5, seed=3)


@pytest.fixture(params=["all codes", "a grid"])
def way(request, monkeypatch):
    if request.param == "a grid":
        monkeypatch.setattr("stampbench.sim.decoder.unknowns.FEW_CODES", 0)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("code", range(6))
def test_a_missing_pad_is_found_as_exhaustive_search_finds_it(code, dense, press):
    contacts = press(dense.pads(code), np.random.default_rng(code), 0.2)[:4]
    distances = exhaustive_distances_mm(contacts, dense.table)
    radius = float(np.sort(distances)[2]) + 1e-6
    limits = FaceLimits.measure(dense.table)
    codes, found = codes_with_missing_pad(contacts, dense, index_of(dense), limits, radius)
    assert codes.tolist() == np.argsort(distances)[:3].tolist()
    np.testing.assert_allclose(found, distances[codes], atol=1e-6)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("factor", [0.66, 1.0, 1.34])
def test_an_unknown_scale_is_found_as_exhaustive_search_finds_it(factor, dense, press):
    contacts = press(dense.pads(7), np.random.default_rng(7), 0.2) / factor
    distances = exhaustive_distances_mm(contacts, dense.table, 0.65, 1.35)
    radius = float(np.sort(distances)[3]) + 1e-6
    limits = FaceLimits.measure(dense.table)
    codes, found = codes_at_some_scale(contacts, dense, index_of(dense), limits, radius, 0.65, 1.35)
    assert codes.tolist() == np.argsort(distances)[:4].tolist()
    np.testing.assert_allclose(found, distances[codes], atol=1e-6)


def test_contacts_larger_than_any_stamp_fit_at_no_scale(dense):
    limits = FaceLimits.measure(dense.table)
    codes, _ = codes_at_some_scale(dense.pads(0) * 1e3, dense, index_of(dense), limits, 1.0, 0.65, 1.35)
    assert codes.size == 0


def test_the_grid_covers_the_missing_pad(dense, press):
    limits = FaceLimits.measure(dense.table)
    for code in range(20):
        contacts = press(dense.pads(code), np.random.default_rng(code))
        places = places_of_missing_pad(contacts[:4], limits, 1.0)
        assert np.hypot(*(places - contacts[4]).T).min() <= GRID


def test_contacts_too_far_apart_leave_no_place_for_a_pad(dense):
    limits = FaceLimits.measure(dense.table)
    contacts = np.array([[0.0, 0.0], [500.0, 0.0], [0.0, 500.0], [500.0, 500.0]])
    assert places_of_missing_pad(contacts, limits, 1.0).shape == (0, 2)


def test_a_radius_far_below_any_noise_asks_no_more_questions_than_a_small_one(dense, monkeypatch):
    monkeypatch.setattr("stampbench.sim.decoder.unknowns.FEW_CODES", 0)
    asked = []

    class Search:
        def within_but_one(self, points, limits, radius_mm):
            return None

        def within_any(self, tried, radius_mm):
            asked.append(len(tried))
            return np.empty(0, np.int64), np.empty(0)

    limits = FaceLimits.measure(dense.table)
    for radius_mm in (0.5, 1e-6):
        codes_with_missing_pad(dense.pads(5)[:4], dense, Search(), limits, radius_mm)
    assert asked[0] == asked[1] > 0
