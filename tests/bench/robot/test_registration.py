"""The map from machine to glass is found again from its own places, with an interval that holds."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stampbench.bench.robot.registration import Registration
from stampbench.firmware_emulator.errors import InputError

GRID = np.array([[x, y] for x in (0.0, 20.0, 40.0) for y in (0.0, 30.0, 60.0, 90.0)])


@given(
    scale=st.floats(0.9, 1.1),
    turn_deg=st.floats(-20.0, 20.0),
    skew_deg=st.floats(-1.0, 1.0),
    mirrored=st.booleans(),
)
def test_scale_turn_and_skew_are_found(scale, turn_deg, skew_deg, mirrored):
    turn, square = math.radians(turn_deg), math.radians(turn_deg + skew_deg)
    handed = -1.0 if mirrored else 1.0
    matrix = np.array(
        [
            [scale * math.cos(turn), -handed * scale * math.sin(square)],
            [scale * math.sin(turn), handed * scale * math.cos(square)],
        ]
    )
    found = Registration.fit(GRID, GRID @ matrix.T + [3.0, -4.0])
    assert found.scale_x.value == pytest.approx(scale)
    assert found.scale_y.value == pytest.approx(scale)
    assert found.rotation_deg.value == pytest.approx(turn_deg, abs=1e-6)
    assert abs(found.skew_deg.value) == pytest.approx(abs(skew_deg), abs=1e-6)
    assert found.to_machine(found.to_glass(GRID)) == pytest.approx(GRID, abs=1e-9)


def test_the_scale_lies_in_its_interval_as_often_as_stated():
    rng = np.random.default_rng(3)
    held = 0
    for _ in range(400):
        found = Registration.fit(GRID, GRID + rng.normal(0.0, 0.05, GRID.shape))
        held += abs(found.scale_x.value - 1.0) <= found.scale_x.u95
    assert 0.92 < held / 400 < 0.98


@pytest.mark.parametrize("places", [GRID[:3], np.array([[0.0, y] for y in range(5)])])
def test_too_few_places_or_all_on_a_line_are_refused(places):
    with pytest.raises(InputError, match="not on one line"):
        Registration.fit(places, places)
