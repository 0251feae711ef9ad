from __future__ import annotations

import itertools

import numpy as np
import pytest
from stampbench.sim.decoder import Decoder
from stampbench.sim.decoder.constellations import FaceLimits
from stampbench.sim.decoder.unknown_scale import codes_at_unknown_scale, mean_path_mm, rivals_at_unknown_scale
from stampbench.sim.decoder.unknowns import codes_at_some_scale
from stampbench.sim.stamps import FaceGeometry, load_family
from stampbench.sim.stamps.index import index_of

GEOMETRY = FaceGeometry()


@pytest.fixture(scope="module")
def family():
    return load_family("p5-60k")


def test_rivals_found_in_a_family_are_as_many_as_predicted(family, press):
    acceptance = Decoder(family, scale="unknown").acceptance
    search, limits = index_of(family), FaceLimits(12.0, 44.0, 22.0)
    rng = np.random.default_rng(0)
    rivals = []
    for code in rng.integers(family.size, size=200):
        contacts = press(family.pads(int(code)), rng, acceptance.sigma_mm)
        codes, _ = codes_at_some_scale(
            contacts, family, search, limits, acceptance.outer_radius_mm(), 0.65, 1.35
        )
        rivals.append(np.count_nonzero(codes != code))
    assert 0.5 < np.mean(rivals) / rivals_at_unknown_scale(acceptance, family.size, GEOMETRY) < 2.0


def test_capacity_is_the_number_of_codes_with_that_many_rivals(family):
    acceptance = Decoder(family, sigma_mm=0.15).acceptance
    codes = codes_at_unknown_scale(acceptance, GEOMETRY, 0.02)
    assert rivals_at_unknown_scale(acceptance, codes, GEOMETRY) == pytest.approx(0.02, rel=1e-3)


def test_more_noise_leaves_fewer_codes(family):
    quiet, noisy = (
        codes_at_unknown_scale(Decoder(family, sigma_mm=sigma_mm).acceptance, GEOMETRY)
        for sigma_mm in (0.1, 0.2)
    )
    assert quiet / noisy == pytest.approx(64.0, rel=0.01)


def test_the_path_of_a_stamp_is_shorter_than_its_size_times_the_scales():
    stamps = np.array(list(itertools.islice(GEOMETRY.random_pads(np.random.default_rng(1)), 100)))
    norms = np.sqrt(np.square(stamps - stamps.mean(axis=1, keepdims=True)).sum(axis=(1, 2)))
    assert 0.0 < mean_path_mm(GEOMETRY) < 0.7 * norms.mean()
