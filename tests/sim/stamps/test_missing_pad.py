"""Codes of a lattice family of which a pad has no contact."""

from __future__ import annotations

import numpy as np
import pytest
from stampbench.sim.decoder.reference import exhaustive_distances_mm
from stampbench.sim.stamps import FaceGeometry, Family, load_family
from stampbench.sim.stamps.construction import build_coordinates
from stampbench.sim.stamps.index import index_of
from stampbench.sim.stamps.missing_pad import PlaceLimits
from stampbench.sim.stamps.specification import FamilySpec


@pytest.fixture(scope="module", params=["five pads", "four pads"])
def family(request):
    if request.param == "five pads":
        return load_family("p5-60k")
    spec = FamilySpec("small", 400, 4.0, FaceGeometry(4, 5.0, 9.0, 18.0), lattice_mm=4.5)
    return Family(spec, build_coordinates(spec))


def pressed_without_a_pad(pads, rng, sigma_mm):
    angle = rng.uniform(0.0, 2.0 * np.pi)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    contacts = np.delete(pads, rng.integers(len(pads)), axis=0) @ turn.T + rng.uniform(20.0, 60.0, 2)
    return np.ascontiguousarray(rng.permutation(contacts + rng.normal(0.0, sigma_mm, contacts.shape)))


@pytest.mark.parametrize(("sigma_mm", "radius_mm"), [(0.05, 0.05), (0.1, 0.5), (0.3, 1.2), (0.4, 2.0)])
def test_every_code_that_fits_is_found_as_exhaustive_search_finds_it(family, sigma_mm, radius_mm):
    rng = np.random.default_rng(3)
    table, index = family.pads_of(np.arange(family.size)), index_of(family)
    geometry = family.geometry
    limits = PlaceLimits(geometry.spacing_mm, 2.0 * geometry.face_radius_mm, geometry.face_radius_mm)
    for code in rng.integers(family.size, size=4).tolist():
        contacts = pressed_without_a_pad(family.pads(code), rng, sigma_mm)
        distances = exhaustive_distances_mm(contacts, table)
        expected = np.flatnonzero(distances <= radius_mm)
        codes, found_mm = index.within_but_one(contacts, limits, radius_mm)
        assert sorted(codes.tolist()) == expected.tolist()
        np.testing.assert_allclose(found_mm, np.sort(distances[expected]), atol=1e-6)


def test_contacts_that_no_face_holds_fit_no_code(family):
    far_apart = 200.0 * np.eye(family.pads_per_stamp - 1, 2)
    limits = PlaceLimits(0.0, 500.0, 22.0)
    assert index_of(family).within_but_one(far_apart, limits, 0.5)[0].size == 0
