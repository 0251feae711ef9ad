from __future__ import annotations

import numpy as np
import pytest
from stampbench.sim.decoder.frame_fit import FrameFitter
from stampbench.sim.decoder.frame_reference import noise_covariance, pads_image
from stampbench.sim.decoder.frame_stripes import FULL_NODES, find_stripes
from stampbench.sim.panel import load_profile

pytestmark = pytest.mark.kernel

ROWS, COLS = 27, 15
FREE = np.array([18.3, 40.2, 27.9, 44.4, 0.1, 1.0])


@pytest.fixture(scope="module")
def fitter():
    return FrameFitter(load_profile("nexus-5"))


def coupling_of(fitter):
    held = pads_image(np.append(FREE[:-2], [0.0, 1.0]), fitter.profile, 6.0)
    return np.minimum(1.0, (1.0 - FREE[-2]) * held.sum(axis=0) / (FULL_NODES * fitter._table[0]))


def found(fitter, deltas, free=FREE):
    stripes = np.zeros(COLS + 2)
    tables = (fitter._table, fitter._slope, *fitter._pitch, fitter.weights)
    return find_stripes(deltas, *tables, free, stripes), stripes


def noisy_frames(fitter, strengths, count):
    noise = np.random.default_rng(0).standard_normal((count, ROWS * COLS))
    noise = noise @ np.linalg.cholesky(noise_covariance(fitter.profile)).T
    clean = fitter.derivatives(FREE)[-1] + np.outer(strengths, coupling_of(fitter))
    return clean + noise.reshape(count, ROWS, COLS)


def test_stripes_are_those_of_the_slow_twin(fitter):
    deltas = noisy_frames(fitter, np.random.default_rng(1).normal(3.5, 3.0, ROWS), 1)[0]
    there, stripes = found(fitter, deltas)
    pattern = np.kron(np.eye(ROWS), coupling_of(fitter)[:, None])
    weighted = np.linalg.solve(noise_covariance(fitter.profile), pattern)
    precision = pattern.T @ weighted
    strengths = np.linalg.solve(precision, weighted.T @ (deltas - fitter.derivatives(FREE)[-1]).ravel())
    variance = strengths.var() - np.linalg.inv(precision)[0, 0]
    own = variance * np.eye(ROWS) + strengths.mean() ** 2
    inverse = np.linalg.inv(np.linalg.inv(own) + precision)
    assert there
    np.testing.assert_allclose(stripes[:COLS], coupling_of(fitter), atol=1e-3)
    np.testing.assert_allclose(
        stripes[COLS:], [inverse[0, 0] - inverse[0, 1], -inverse[0, 1]], rtol=0.01, atol=1e-6
    )


def test_noise_alone_hardly_ever_passes_for_stripes(fitter):
    taken = [found(fitter, deltas)[0] for deltas in noisy_frames(fitter, np.zeros(ROWS), 60)]
    assert sum(taken) <= 2


def test_nothing_grounded_carries_stripes(fitter):
    released = np.append(FREE[:-2], [1.0, 1.0])
    there, stripes = found(fitter, noisy_frames(fitter, np.full(ROWS, 50.0), 1)[0], released)
    assert not there
    assert not stripes.any()
