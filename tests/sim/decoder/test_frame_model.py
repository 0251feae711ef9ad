from __future__ import annotations

import numpy as np
import pytest
from stampbench.sim.decoder.frame_fit import FrameFitter
from stampbench.sim.decoder.frame_model import picture, weigh
from stampbench.sim.decoder.frame_reference import noise_covariance, pads_image
from stampbench.sim.panel import load_profile

pytestmark = pytest.mark.kernel

FREE = np.array([18.3, 40.2, 27.9, 44.4, 0.7, 1.1])


@pytest.fixture(scope="module")
def fitter():
    return FrameFitter(load_profile("nexus-5"), noise=1.5)


def test_the_image_is_that_of_the_slow_twin(fitter):
    image = fitter.derivatives(FREE)[-1]
    np.testing.assert_allclose(image, pads_image(FREE, fitter.profile, 6.0), atol=0.01)


def test_derivatives_are_those_of_the_slow_twin(fitter):
    derivatives = fitter.derivatives(FREE)
    for parameter in range(len(FREE)):
        step = np.zeros(len(FREE))
        step[parameter] = 1e-4
        up, down = (pads_image(FREE + sign * step, fitter.profile, 6.0) for sign in (1, -1))
        np.testing.assert_allclose(derivatives[parameter], (up - down) / 2e-4, atol=0.05)


def test_a_pad_beyond_the_edge_shows_its_near_part(fitter):
    free = np.array([-1.0, 50.0, 0.0, 1.0])
    image = fitter.derivatives(free)[-1]
    np.testing.assert_allclose(image, pads_image(free, fitter.profile, 6.0), atol=0.01)
    assert image[12, 0] > 50.0


def test_the_image_alone_is_that_with_derivatives(fitter):
    image = np.empty((27, 15))
    picture(FREE, fitter._table, *fitter._pitch, image, np.empty(27), np.empty(15))
    np.testing.assert_allclose(image, fitter.derivatives(FREE)[-1], atol=1e-9)


@pytest.mark.parametrize("stripe_sd", [0.0, 3.0])
def test_products_go_through_the_inverse_covariance(fitter, stripe_sd):
    rows, cols = 27, 15
    coupling, mean = np.linspace(0.0, 1.0, cols), 2.0
    covariance = noise_covariance(fitter.profile, 1.5)
    stripes = np.zeros(cols + 2)
    if stripe_sd:
        pattern = np.kron(np.eye(rows), coupling[:, None])
        own = stripe_sd**2 * np.eye(rows) + mean**2
        bracket = np.linalg.inv(own) + pattern.T @ np.linalg.solve(covariance, pattern)
        inverse = np.linalg.inv(bracket)
        stripes[:cols], stripes[cols + 1] = coupling, -inverse[0, 1]
        stripes[cols] = inverse[0, 0] - inverse[0, 1]
        covariance += pattern @ own @ pattern.T
    images = np.random.default_rng(0).normal(size=(4, rows, cols)) + np.arange(4)[:, None, None]
    products = np.empty((4, 4))
    weigh(images, fitter.weights, stripes, np.empty((4, rows)), np.empty((4, cols)), products)
    flat = images.reshape(4, -1)
    expected = flat @ np.linalg.solve(covariance, flat.T)
    np.testing.assert_allclose(products, expected, rtol=1e-9)
