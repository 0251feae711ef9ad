from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stampbench.sim.stamps import FaceGeometry, rigid_distance_mm
from stampbench.sim.stamps.canonical import (
    canonical_coordinates,
    canonical_frame,
    centred_pads,
    squared_distance,
)
from stampbench.sim.stamps.index_arrays import reach_mm

coordinates = st.floats(-30.0, 30.0)


@pytest.mark.kernel
@pytest.mark.parametrize("pads", range(3, 8))
def test_the_basis_is_unitary_and_centred(pads):
    frame = canonical_frame(pads)
    basis = frame.basis_re + 1j * frame.basis_im
    assert np.abs(basis @ basis.conj().T - np.eye(pads - 1)).max() < 1e-14
    assert np.abs(basis.sum(axis=1)).max() < 1e-14


@pytest.mark.kernel
@pytest.mark.parametrize("pads", range(3, 7))
def test_coordinates_and_pads_are_two_forms_of_one_stamp(pads):
    stamps = FaceGeometry(pads, spacing_mm=5.0).random_pads(np.random.default_rng(pads))
    points = np.array([next(stamps) for _ in range(5)])
    back = centred_pads(canonical_coordinates(points))
    assert all(rigid_distance_mm(a, b) < 1e-9 for a, b in zip(points, back, strict=True))


@pytest.mark.kernel
def test_coordinates_do_not_depend_on_position_angle_and_order(moved):
    rng = np.random.default_rng(1)
    stamps = FaceGeometry().random_pads(rng)
    for _ in range(5):
        pads = next(stamps)
        same = canonical_coordinates([pads, moved(pads, rng), moved(pads, rng)])
        assert np.abs(same - same[0]).max() < 1e-9


@given(a=st.lists(coordinates, min_size=7, max_size=7), b=st.lists(coordinates, min_size=7, max_size=7))
def test_distances_of_coordinates_are_those_of_turned_pads(a, b):
    p, q = (centred_pads(np.array([row]))[0] @ (1, 1j) for row in (a, b))
    square = np.square(np.abs(p)).sum() + np.square(np.abs(q)).sum() - 2 * abs((p.conj() * q).sum())
    assert squared_distance(np.array(a), np.array(b)) == pytest.approx(square, abs=1e-8)


def test_coordinates_of_near_stamps_lie_within_the_reach(moved):
    rng = np.random.default_rng(2)
    stamps = FaceGeometry().random_pads(rng)
    for _ in range(300):
        pads = next(stamps)
        near = pads + rng.normal(0.0, rng.choice([0.1, 1.0, 3.0]), pads.shape)
        a, b = canonical_coordinates([pads, near])
        distance = math.sqrt(squared_distance(a, b))
        if distance > rigid_distance_mm(pads, near) + 1e-9:
            continue  # stored under another pad order
        assert np.sqrt(np.square(a - b).sum()) <= reach_mm(np.linalg.norm(a), a[0], distance) + 1e-9
