from __future__ import annotations

import numpy as np
import pytest
from stampbench.sim.panel.fit.contacts import _derivatives, _images, fit_frame, render, starts

BLOBS = np.array(
    [
        [260.0, 8.3, 4.6, 1.3, 0.2, 1.0],
        [240.0, 8.9, 9.8, 1.1, -0.3, 1.2],
        [230.0, 20.4, 7.1, 0.9, 0.1, 1.4],
    ]
)


@pytest.mark.parametrize("saturation", [np.inf, 280.0])
def test_joint_fit_returns_the_blobs(saturation):
    frame = render(BLOBS, (27, 15), saturation)
    fit = fit_frame(frame, np.ones(frame.shape, bool), frame.max(), 1.0, saturation)
    order = np.argsort(fit.blobs[:, 1])
    np.testing.assert_allclose(fit.blobs[order, :3], BLOBS[:, :3], atol=0.05, rtol=0.01)
    assert fit.r2 > 0.999
    np.testing.assert_allclose(fit.sds[order], 1.0 / np.sqrt(BLOBS[:, 3] * BLOBS[:, 5]), rtol=0.01)


@pytest.mark.parametrize("saturation", [np.inf, 280.0])
def test_derivatives_are_those_of_the_blob(saturation):
    rows, cols = (axis.ravel().astype(float) for axis in np.mgrid[5:12, 2:8])
    derivatives = _derivatives(BLOBS[:1], rows, cols, saturation)[0]
    for parameter, derivative in enumerate(derivatives):
        step = np.zeros((1, 6))
        step[0, parameter] = 1e-6 * max(1.0, abs(BLOBS[0, parameter]))
        up, down = (_images(BLOBS[:1] + sign * step, rows, cols, saturation)[0] for sign in (1, -1))
        np.testing.assert_allclose(derivative, (up - down) / (2 * step.sum()), rtol=1e-4, atol=1e-3)


def test_a_stuck_node_beside_a_blob_is_left_out():
    frame = render(BLOBS[:1], (27, 15))
    frame[8, 7] += 200.0
    fit = fit_frame(frame, np.ones(frame.shape, bool), 250.0, 1.0)
    assert not fit.trusted[8, 7]
    np.testing.assert_allclose(fit.blobs[0, :3], BLOBS[0, :3], atol=0.05, rtol=0.01)


def test_an_empty_frame_has_no_blobs():
    frame = np.zeros((27, 15))
    assert len(starts(frame, 10.0)) == 0
    assert fit_frame(frame, np.ones(frame.shape, bool), 200.0, 1.0).r2 == 0.0
