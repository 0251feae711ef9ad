from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stampbench.sim.hold import Hold

lengths = st.floats(-1000.0, 1000.0)
angles = st.floats(-6.3, 6.3)
shares = st.floats(0.0, 1.0)
holds = st.builds(
    Hold, lengths, lengths, angles, force=shares, grip=shares, tilt_x_rad=angles, tilt_y_rad=angles
)


@given(holds)
def test_a_pose_is_its_seven_numbers(hold: Hold) -> None:
    assert Hold.of(hold.values) == hold


@given(holds)
def test_rounded_to_the_link_a_pose_stays_within_half_a_unit_and_is_rounded_no_further(hold: Hold) -> None:
    rounded = Hold.of_link(hold.link_values)
    units = (1e-3, 1e-3, 1e-6, 1e-3, 1e-3, 1e-6, 1e-6)
    for value, told, unit in zip(hold.values, rounded.values, units, strict=True):
        assert abs(value - told) <= 0.5001 * unit
    assert rounded.link_values == hold.link_values


@given(holds, holds)
def test_the_way_from_one_pose_to_another_begins_and_ends_there(one: Hold, other: Hold) -> None:
    assert one.towards(other, 0.0) == one
    assert one.towards(other, 1.0) == other


def test_the_link_counts_micrometres_microradians_and_thousandths() -> None:
    hold = Hold(1.5, -2.0, 0.1, force=0.25, grip=1.0, tilt_x_rad=-0.01, tilt_y_rad=0.0)
    assert hold.link_values == (1500, -2000, 100_000, 250, 1000, -10_000, 0)


def test_a_point_of_the_object_is_turned_from_x_towards_y_and_moved() -> None:
    placed = Hold(10.0, 20.0, math.pi / 2).place(np.array([[1.0, 0.0], [0.0, 1.0]]))
    assert placed == pytest.approx(np.array([[10.0, 21.0], [9.0, 20.0]]))
