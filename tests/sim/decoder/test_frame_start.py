from __future__ import annotations

import numpy as np
import pytest
from stampbench.sim.decoder.frame_fit import FrameFitter
from stampbench.sim.decoder.frame_reference import pads_image
from stampbench.sim.decoder.frame_start import restore_held, take_pads
from stampbench.sim.panel import load_profile

pytestmark = pytest.mark.kernel

PADS = np.array([18.3, 40.2, 40.9, 44.4, 30.0, 66.0])


@pytest.fixture(scope="module")
def profile():
    return load_profile("nexus-5")


def test_the_held_image_comes_back_from_the_ghosts(profile):
    held = pads_image(np.append(PADS, [0.0, 1.0]), profile, 6.0)
    released = pads_image(np.append(PADS, [0.99, 1.0]), profile, 6.0)
    restored = np.empty(released.shape)
    added = restore_held(released, 8.0, restored)
    assert np.abs(released - held).max() > 40.0
    assert np.abs(restored - held).max() < 12.0
    assert added / restored.sum() == pytest.approx(0.99, abs=0.1)


def test_a_held_image_stays_as_it_is(profile):
    held = pads_image(np.append(PADS, [0.0, 1.0]), profile, 6.0)
    restored = np.empty(held.shape)
    assert restore_held(held, 8.0, restored) == 0.0
    np.testing.assert_array_equal(restored, held)


def test_pads_are_taken_off_until_none_is_left(profile):
    fitter = FrameFitter(profile)
    held = pads_image(np.append(PADS, [0.0, 1.0]), profile, 6.0)
    points = np.empty((6, 2))
    found = take_pads(held, fitter._table, 61.6 / 15, 109.6 / 27, 40.0, points)
    assert found == 3
    order = np.argsort(points[:3, 1])
    np.testing.assert_allclose(points[:3][order], PADS.reshape(-1, 2), atol=0.5)
