"""How often foreign contacts fit a code, against counts of objects drawn on their own."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from stampbench.sim.decoder import Decoder
from stampbench.sim.decoder.chance import Chance
from stampbench.sim.stamps import Catalogue, FaceGeometry, load_family
from stampbench.sim.stamps.density import space_volume
from stampbench.sim.stamps.geometry import ball_volume
from stampbench.sim.stamps.index import index_of


def drawn(geometry: FaceGeometry, count: int, seed: int) -> Catalogue:
    stamps = itertools.islice(geometry.random_pads(np.random.default_rng(seed)), count)
    return Catalogue([f"S{number}" for number in range(count)], np.array(list(stamps)))


@pytest.mark.parametrize(
    "geometry",
    [FaceGeometry(4), FaceGeometry(5), FaceGeometry(4, spacing_mm=17.0, face_radius_mm=21.0)],
    ids=["four pads", "five pads", "four that fill the face"],
)
def test_so_many_codes_are_near_to_objects_as_are_counted_there(geometry: FaceGeometry) -> None:
    codebook = drawn(geometry, 1_000, seed=1)
    objects = np.array(list(itertools.islice(geometry.random_pads(np.random.default_rng(2)), 5_000)))
    near = index_of(codebook).count_within(objects, 2.0).sum()
    assert near > 40
    within = Chance.counted(codebook, geometry).within(np.array(2.0))
    assert within == pytest.approx(near / len(objects), rel=0.25)


def test_codes_of_a_family_lie_evenly_in_the_space_that_is_left_to_objects() -> None:
    family = load_family("p5-60k")
    evenly = family.size * ball_volume(7) * 2.0**7 / space_volume(family.geometry)
    within = Chance.counted(family, family.geometry).within(np.array(2.0))
    assert within == pytest.approx(0.8 * evenly, rel=0.15)


def test_eight_pads_that_fill_a_face_are_counted_beside_looser_objects() -> None:
    geometry = FaceGeometry(8, spacing_mm=12.0, face_radius_mm=21.0)
    assert len(geometry.drawn(np.random.default_rng(3), 20_000)) == 0
    ring = 17.0 * np.exp(2j * np.pi * np.arange(8) / 8.0)
    ring[0] = 0.0
    stamp = np.stack([ring.real, ring.imag], axis=1)
    catalogue = Catalogue(["ring", "wider"], np.array([stamp, 1.1 * stamp]))
    assert 0.0 < Chance.counted(catalogue, geometry).complete < 1e-9


def test_a_catalogue_of_one_stamp_knows_its_chances() -> None:
    # Its geometry leaves room for no other object: those drawn to count chances keep a looser one.
    decoder = Decoder(Catalogue(["only"], load_family("p5-60k").pads(777)[np.newaxis]))
    assert 0.0 < decoder.acceptance.chance_within(0.1) < 1e-6
