from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stampbench.bench.validation.measuring.pads import (
    evenness,
    fit_press,
    flatness_mm,
    pad_levels,
    resting_on,
)
from stampbench.firmware_emulator.touch import Frame
from stampbench.sim.hold import Hold
from stampbench.sim.stamps.geometry import rigid_distance_mm

NOMINAL = np.array([[0.0, 18.0], [-15.0, 5.0], [-10.0, -14.0], [4.0, -9.0], [16.0, 8.0]])


def placed(pads, x=30.0, y=50.0, theta=0.7):
    cos, sin = math.cos(theta), math.sin(theta)
    return pads @ np.array([[cos, sin], [-sin, cos]]) + (x, y)


@given(st.floats(-3.14, 3.14), st.permutations(range(5)), st.integers(0, 2**32))
@settings(max_examples=50, deadline=None)
def test_deviations_are_free_of_pose_and_order(theta, order, seed):
    off = np.random.default_rng(seed).normal(0, 0.2, (5, 2))
    straight = fit_press(NOMINAL + off, NOMINAL)
    turned = fit_press(placed(NOMINAL + off, theta=theta)[list(order)], NOMINAL)
    np.testing.assert_allclose(turned.deviations_mm, straight.deviations_mm, atol=1e-9)
    assert [order[place] for place in turned.contacts] == [0, 1, 2, 3, 4]
    assert turned.residual_mm == pytest.approx(rigid_distance_mm(NOMINAL, NOMINAL + off), abs=1e-9)


def test_missing_pad_is_named():
    fitted = fit_press(placed(np.delete(NOMINAL, 2, axis=0)), NOMINAL)
    assert fitted.missing == (3,)
    assert np.isnan(fitted.deviations_mm[2]).all()
    np.testing.assert_allclose(np.delete(fitted.deviations_mm, 2, axis=0), 0.0, atol=1e-9)


def test_extra_contact_is_left_out():
    fitted = fit_press(placed(np.vstack([NOMINAL, [[30.0, 30.0]]])), NOMINAL)
    assert (fitted.extra, fitted.missing) == (1, ())
    assert fitted.residual_mm == pytest.approx(0.0, abs=1e-6)


def test_a_mirrored_stamp_does_not_fit():
    assert fit_press(NOMINAL * (-1, 1), NOMINAL).residual_mm > 2.0


def test_resting_on_the_right_pads_gives_the_error_of_the_wrong_one():
    off = NOMINAL.copy()
    off[1] += (0.2, -0.1)
    trusted = np.array([True, False, True, True, True])
    moved, growth = resting_on(fit_press(off, NOMINAL).deviations_mm, NOMINAL, trusted)
    np.testing.assert_allclose(moved[1], (0.2, -0.1), atol=1e-3)
    np.testing.assert_allclose(moved[trusted], 0.0, atol=1e-3)
    assert 1.25 < growth[1] < 2.0


def test_level_of_a_pad_is_its_share_of_the_ideal_one():
    from stampbench.sim.panel import Condition, Panel, PlacedObject, load_profile
    from stampbench.sim.stamps.objects import resolve_object

    profile = load_profile("nexus-5")
    panel = Panel(profile, Condition(noise=0.0, stripe=0.0))
    geometry = profile.geometry
    pitch = geometry.pitch_x_mm, geometry.pitch_y_mm
    levels = {}
    for wear in ("", "~worn=0.4"):
        body = resolve_object(f"p5-60k/11{wear}")
        deltas = panel.signal((PlacedObject(body, Hold(31.0, 55.0, 0.4)),)).round().astype(np.int16)
        levels[wear] = pad_levels(
            [Frame(0, deltas)],
            placed(body.pads, 31.0, 55.0, 0.4),
            pitch_mm=pitch,
            full_touch=225.0,
            pad_diameter_mm=6.0,
        )
    np.testing.assert_allclose(levels[""], 1.0, atol=0.15)
    np.testing.assert_allclose(levels["~worn=0.4"] / levels[""], 0.6, atol=0.04)


def test_evenness_is_the_spread_over_the_mean():
    assert evenness(np.array([0.9, 1.0, 1.1, math.nan])) == pytest.approx(0.2)
    assert math.isnan(evenness(np.array([math.nan])))


@pytest.mark.parametrize("sign", [1, -1])
def test_flatness_is_no_tilt(sign):
    tilted = 1.0 + 0.01 * NOMINAL[:, 0] - 0.005 * NOMINAL[:, 1]
    assert flatness_mm(tilted, NOMINAL) == pytest.approx(0.0, abs=1e-9)
    tilted[3] += sign * 0.3
    assert flatness_mm(tilted, NOMINAL) > 0.05
    assert math.isnan(flatness_mm(np.array([1.0, 1.0, math.nan, math.nan, 1.0]), NOMINAL))
