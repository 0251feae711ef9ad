from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stampbench.firmware_emulator.controller import ControllerSettings, PanelGeometry
from stampbench.firmware_emulator.controller.configuration import parameters
from stampbench.firmware_emulator.controller.filters import common_levels, condition

Image = npt.NDArray[np.float64]


def slow_common_level(line: Image, noise: float, limit: float) -> float:
    low, high = line.min(), line.max()
    for _ in range(6):
        middle = 0.5 * (low + high)
        if 3 * np.count_nonzero(line <= middle) > len(line):
            high = middle
        else:
            low = middle
    touched = line > high + 2 * noise
    beside = np.convolve(touched, [1, 1, 1])[1:-1] > 0
    quiet = (np.abs(line - high) <= noise) & ~beside
    if quiet.sum() < 3:
        return 0.0
    level = line[quiet].mean()
    return float(level) if abs(level) <= limit else 0.0


def common_level(line: Image, noise: float, limit: float) -> float:
    """The level of one line, beside which others stand."""
    lines = np.stack([np.zeros(len(line)), line, line[::-1] + 30.0])
    levels = np.empty(3)
    common_levels(lines, noise, limit, levels)
    return float(levels[1])


def slow_condition(deltas: Image, baseline: Image, p: npt.NDArray[np.void]) -> Image:
    signal = deltas - baseline
    noise, limit = float(p["noise_threshold"][0]), float(p["common_mode_limit"][0])
    signal = signal - np.array([slow_common_level(row, noise, limit) for row in signal])[:, None]
    return signal - np.array([slow_common_level(col, noise, limit) for col in signal.T])[None, :]


def conditioned(counts: Image, geometry: PanelGeometry, settings: ControllerSettings) -> tuple[Image, Image]:
    signal, noisy = np.zeros(counts.shape), np.zeros(counts.shape[1], np.bool_)
    zeros = np.zeros(counts.shape)
    condition(
        np.round(counts).astype(np.int16), zeros, zeros.copy(), signal, noisy, parameters(geometry, settings)
    )
    return signal, noisy


@pytest.mark.kernel
@given(
    st.lists(st.integers(-40, 300), min_size=3, max_size=27),
    st.sampled_from([2.0, 6.0, 16.0]),
    st.sampled_from([10.0, 42.0]),
)
def test_common_level_equals_its_slow_twin(values: list[int], noise: float, limit: float) -> None:
    line = np.array(values, np.float64)
    assert common_level(line, noise, limit) == pytest.approx(slow_common_level(line, noise, limit), abs=1e-9)


@pytest.mark.kernel
def test_condition_equals_its_slow_twin(
    phone: PanelGeometry,
    settings: ControllerSettings,
    press: Callable[..., Image],
    rest: Callable[..., Image],
    stamp: Callable[..., Image],
) -> None:
    rng = np.random.default_rng(1)
    counts = np.round(press(phone, stamp(rng)) + rest(rng, phone))
    expected = slow_condition(counts, np.zeros(counts.shape), parameters(phone, settings))
    np.testing.assert_allclose(conditioned(counts, phone, settings)[0], expected, atol=1e-9)


@pytest.mark.kernel
def test_common_mode_of_touched_lines_is_told_from_their_untouched_nodes() -> None:
    pad = np.array([60.0, 140.0, 130.0, 40.0])
    line = np.concatenate([[0, 0], pad, [0, 0, 0], pad, [0, 0]]) + 12.0
    assert common_level(line, 6.0, 42.0) == pytest.approx(12.0)


@pytest.mark.kernel
def test_line_that_carries_an_object_is_not_flattened() -> None:
    assert common_level(np.full(15, 180.0), 6.0, 42.0) == 0.0


def test_common_mode_filter_removes_line_noise_under_a_stamp(
    phone: PanelGeometry,
    settings: ControllerSettings,
    press: Callable[..., Image],
    rest: Callable[..., Image],
    stamp: Callable[..., Image],
) -> None:
    rng = np.random.default_rng(2)
    clean = press(phone, stamp(rng))
    errors = []
    for _ in range(100):
        errors.append(conditioned(clean + 3 * rest(rng, phone), phone, settings)[0] - clean)
    sd = np.std(errors)
    assert sd < 3 * 1.45  # 3 x 1.87 with the common parts, 3 x 1.26 without


def test_rx_line_filter_removes_a_stripe(phone: PanelGeometry, settings: ControllerSettings) -> None:
    stripe = np.zeros((27, 15))
    stripe[:, 6] = 20.0
    on, _ = conditioned(stripe, phone, settings)
    off, _ = conditioned(stripe, phone, replace(settings, rx_line_filter=False))
    assert np.abs(on).max() == 0.0
    assert off[:, 6].min() == 20.0


def test_rx_line_far_below_rest_is_noisy(phone: PanelGeometry, settings: ControllerSettings) -> None:
    counts = np.zeros((27, 15))
    counts[4, 9] = -23.0
    counts[5, 3] = -21.0
    assert np.flatnonzero(conditioned(counts, phone, settings)[1]).tolist() == [9]


def test_raw_filter_takes_its_weight_of_a_new_frame(
    phone: PanelGeometry, settings: ControllerSettings
) -> None:
    counts = np.zeros((27, 15))
    counts[10, 7] = 100.0
    filtered, _ = conditioned(counts, phone, replace(settings, raw_filter=0.25))
    assert filtered[10, 7] == 25.0
