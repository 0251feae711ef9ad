from __future__ import annotations

import numpy as np
import pytest
from stampbench.sim.stamps import FaceGeometry, load_family
from stampbench.sim.stamps.density import E7_DENSITY, false_accept_rate, family_figures, space_volume
from stampbench.sim.stamps.index import index_of


def test_the_volume_is_that_of_an_independent_calculation():
    # Families facts, Monte Carlo: 8.2e6 mm^7 for radius 18 and spacing 12.
    assert space_volume(FaceGeometry(face_radius_mm=18.0)) == pytest.approx(8.2e6, rel=0.1)


def test_p5_60k_is_denser_than_random_insertion_and_below_the_best_lattice():
    figures = family_figures(load_family("p5-60k"))
    assert 0.07 < figures.density < E7_DENSITY
    assert figures.design_sigma_mm == pytest.approx(3.58 / 2 / 4.93, rel=0.01)


def test_random_objects_are_accepted_as_often_as_predicted():
    family = load_family("p5-60k")
    stamps = family.geometry.random_pads(np.random.default_rng(0))
    points = np.array([next(stamps) for _ in range(4000)])
    radius_mm = 1.5
    codes, _ = index_of(family).nearest(points, radius_mm)
    assert 0.5 < (codes >= 0).mean() / false_accept_rate(family, radius_mm) < 2.0
