from __future__ import annotations

import numpy as np
import pytest
from stampbench.sim.decoder.frame_model import FULL_NODES, Bodies, FrameModel, Stripes
from stampbench.sim.panel import load_profile

from .frame_reference import noise_covariance, pads_image

ROWS, COLS = 27, 15
ONE = np.array([18.3, 40.2, 27.9, 44.4, 0.7, 1.1])
OTHER = np.array([40.0, 80.5, 31.2, 90.0, 0.1, 1.0])
HELD = np.array([18.3, 40.2, 27.9, 44.4, 0.1, 1.0])


@pytest.fixture(scope="module")
def profile():
    return load_profile("nexus-5")


@pytest.fixture(scope="module")
def model(profile):
    return FrameModel(profile, 6.0, 1.0)


def bodies_of(*frees):
    points = np.concatenate([free[:-2].reshape(-1, 2) for free in frees])
    body = np.repeat(np.arange(len(frees)), [(len(free) - 2) // 2 for free in frees])
    return Bodies(points, body, np.array([free[-2:] for free in frees]))


def test_the_image_is_the_sum_of_those_of_the_bodies(model, profile):
    expected = sum(pads_image(free, profile, 6.0) for free in (ONE, OTHER))
    np.testing.assert_allclose(model.image(bodies_of(ONE, OTHER)), expected, atol=0.01)
    np.testing.assert_allclose(model.derivatives(bodies_of(ONE, OTHER))[-1], expected, atol=0.01)


def test_derivatives_are_those_of_the_slow_twin(model, profile):
    bodies = bodies_of(ONE, OTHER)
    derivatives = model.derivatives(bodies)
    for parameter in range(len(bodies.free)):
        step = np.zeros(len(bodies.free))
        step[parameter] = 1e-4
        up, down = (
            sum(pads_image(np.append(b.points_mm[b.body == n], b.grounding[n]), profile, 6.0) for n in (0, 1))
            for b in (bodies.moved_to(bodies.free + sign * step) for sign in (1, -1))
        )
        np.testing.assert_allclose(derivatives[parameter], (up - down) / 2e-4, atol=0.05)


def test_a_pad_beyond_the_edge_shows_its_near_part(model, profile):
    free = np.array([-1.0, 50.0, 0.0, 1.0])
    image = model.image(bodies_of(free))
    np.testing.assert_allclose(image, pads_image(free, profile, 6.0), atol=0.01)
    assert image[12, 0] > 50.0


@pytest.mark.parametrize("stripe_sd", [0.0, 3.0])
def test_products_go_through_the_inverse_covariance(profile, stripe_sd):
    model = FrameModel(profile, 6.0, 1.5)
    coupling, mean = np.linspace(0.0, 1.0, COLS), 2.0
    covariance = noise_covariance(profile, 1.5)
    stripes = None
    if stripe_sd:
        pattern = np.kron(np.eye(ROWS), coupling[:, None])
        own = stripe_sd**2 * np.eye(ROWS) + mean**2
        bracket = np.linalg.inv(own) + pattern.T @ np.linalg.solve(covariance, pattern)
        stripes = Stripes(coupling, np.linalg.inv(bracket))
        covariance += pattern @ own @ pattern.T
    images = np.random.default_rng(0).normal(size=(4, ROWS, COLS)) + np.arange(4)[:, None, None]
    flat = images.reshape(4, -1)
    expected = flat @ np.linalg.solve(covariance, flat.T)
    np.testing.assert_allclose(model.products(images, stripes), expected, rtol=1e-9)
    if stripes is None:
        np.testing.assert_allclose(model.chi_squares(images), np.diag(expected), rtol=1e-9)


def coupling_of(profile, model):
    held = pads_image(np.append(HELD[:-2], [0.0, 1.0]), profile, 6.0)
    return np.minimum(1.0, (1.0 - HELD[-2]) * held.sum(axis=0) / (FULL_NODES * model.response[0]))


def noisy_frames(profile, model, strengths, count):
    noise = np.random.default_rng(0).standard_normal((count, ROWS * COLS))
    noise = noise @ np.linalg.cholesky(noise_covariance(profile)).T
    clean = model.image(bodies_of(HELD)) + np.outer(strengths, coupling_of(profile, model))
    return clean + noise.reshape(count, ROWS, COLS)


def test_stripes_are_those_of_weighted_least_squares(profile, model):
    deltas = noisy_frames(profile, model, np.random.default_rng(1).normal(3.5, 3.0, ROWS), 1)[0]
    stripes = model.find_stripes(deltas, bodies_of(HELD))
    pattern = np.kron(np.eye(ROWS), coupling_of(profile, model)[:, None])
    weighted = np.linalg.solve(noise_covariance(profile), pattern)
    precision = pattern.T @ weighted
    strengths = np.linalg.solve(precision, weighted.T @ (deltas - model.image(bodies_of(HELD))).ravel())
    variance = strengths.var() - np.linalg.inv(precision)[0, 0]
    own = variance * np.eye(ROWS) + strengths.mean() ** 2
    assert stripes is not None
    np.testing.assert_allclose(stripes.pattern, coupling_of(profile, model), atol=1e-3)
    expected = np.linalg.inv(np.linalg.inv(own) + precision)
    np.testing.assert_allclose(stripes.inverse, expected, rtol=0.01, atol=1e-3)


def test_noise_alone_hardly_ever_passes_for_stripes(profile, model):
    frames = noisy_frames(profile, model, np.zeros(ROWS), 60)
    assert sum(model.find_stripes(deltas, bodies_of(HELD)) is not None for deltas in frames) <= 2


def test_nothing_grounded_carries_stripes(profile, model):
    released = np.append(HELD[:-2], [1.0, 1.0])
    deltas = noisy_frames(profile, model, np.full(ROWS, 50.0), 1)[0]
    assert model.find_stripes(deltas, bodies_of(released)) is None
