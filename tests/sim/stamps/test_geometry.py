from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.stamps import FaceGeometry, rigid_distance_mm
from stampbench.sim.stamps.geometry import ball_volume, enclosing_circle, enclosing_circles

coordinates = st.floats(-30.0, 30.0)
pad_sets = st.lists(st.tuples(coordinates, coordinates), min_size=5, max_size=5).map(np.array)


@given(
    pads=pad_sets,
    theta=st.floats(-math.pi, math.pi),
    shift=st.tuples(coordinates, coordinates),
    data=st.data(),
)
def test_rigid_distance_ignores_position_angle_and_order(pads, theta, shift, data):
    order = data.draw(st.permutations(range(5)))
    turn = np.array([[math.cos(theta), -math.sin(theta)], [math.sin(theta), math.cos(theta)]])
    assert rigid_distance_mm(pads, (pads @ turn.T + shift)[list(order)]) < 1e-9


@given(a=pad_sets, b=pad_sets, c=pad_sets)
def test_rigid_distance_is_a_metric(a, b, c):
    assert rigid_distance_mm(a, b) == pytest.approx(rigid_distance_mm(b, a), abs=1e-9)
    assert rigid_distance_mm(a, c) <= rigid_distance_mm(a, b) + rigid_distance_mm(b, c) + 1e-9


def test_rigid_distance_agrees_with_a_search_over_angles():
    rng = np.random.default_rng(1)
    a, b = rng.uniform(-20, 20, (3, 2)), rng.uniform(-20, 20, (3, 2))
    p, q = a @ (1, 1j) - (a @ (1, 1j)).mean(), b @ (1, 1j) - (b @ (1, 1j)).mean()
    angles = np.exp(1j * np.linspace(0, 2 * math.pi, 20_001))
    orders = ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0))
    searched = min(
        np.sqrt(np.square(np.abs(q[None, order] - angles[:, None] * p)).sum(axis=1).min())
        for order in map(list, orders)
    )
    assert rigid_distance_mm(a, b) == pytest.approx(searched, abs=1e-3)


def test_a_mirror_image_is_another_stamp():
    pads = np.array([[0, 0], [15, 0], [3, 14], [-12, 5], [-4, -13.0]])
    assert rigid_distance_mm(pads, pads * [1, -1]) > 1.0


@pytest.mark.parametrize(
    ("a", "b", "said"),
    [
        (np.zeros((5, 2)), np.zeros((4, 2)), r"shape \(4, 2\)"),
        (np.zeros((5, 3)), np.zeros((5, 3)), r"shape \(5, 3\)"),
        (np.full((5, 2), math.nan), np.zeros((5, 2)), "not finite"),
        (np.zeros((9, 2)), np.zeros((9, 2)), "9 pads"),
    ],
)
def test_rigid_distance_refuses_what_is_no_pair_of_pad_sets(a, b, said):
    with pytest.raises(InputError, match=said):
        rigid_distance_mm(a, b)


def test_the_enclosing_circle_touches_two_or_three_points_and_holds_all():
    points = np.random.default_rng(2).uniform(-20, 20, (200, 5, 2))
    centres, radii = enclosing_circles(points)
    away = np.hypot(*(points - centres[:, None]).transpose(2, 0, 1))
    assert (away <= radii[:, None] + 1e-9).all()
    assert ((away > radii[:, None] - 1e-9).sum(axis=1) >= 2).all()


def test_the_enclosing_circle_of_points_on_a_line_has_their_span_as_diameter():
    centre, radius = enclosing_circle([[0, 0], [4, 0], [10, 0]])
    assert centre.tolist() == [5.0, 0.0]
    assert radius == 5.0


def test_random_stamps_are_admissible(admits):
    geometry = FaceGeometry()
    stamps = geometry.random_pads(np.random.default_rng(3))
    assert all(admits(geometry, next(stamps)) for _ in range(50))


def test_ball_volume_of_seven_dimensions():
    assert ball_volume(7) == pytest.approx(4.725, abs=0.001)
