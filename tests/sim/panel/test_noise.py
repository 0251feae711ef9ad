from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.hold import Hold
from stampbench.sim.panel import Condition, Panel, PlacedObject, load_profile, noise, profile_names
from stampbench.sim.panel.field import Image, new_image
from stampbench.sim.panel.profile import NoiseFigures
from stampbench.sim.stamps.objects import resolve_object

NEXUS = load_profile("nexus-5")


def rest_frames(panel: Panel, count: int) -> np.ndarray:
    return np.array([panel.frame(0).deltas for _ in range(count)])


@pytest.mark.parametrize("name", ["nexus-5", "raspberry-pi-7", "mxt2954t2-15"])
def test_rest_frames_show_the_noise_split_of_the_profile(name: str) -> None:
    profile = load_profile(name)
    split = noise.noise_split(rest_frames(Panel(profile, seed=3), 1500))
    figures = profile.noise
    assert split.residual_sd == pytest.approx(figures.residual_sd, rel=0.02)
    assert split.tx_line_sd == pytest.approx(figures.tx_line_sd, rel=0.04)
    assert split.rx_line_sd == pytest.approx(figures.rx_line_sd, rel=0.05)
    assert split.frame_sd == pytest.approx(figures.frame_sd, rel=0.06)
    assert split.static_sd == pytest.approx(
        math.hypot(figures.static_sd, split.total_sd / 1500**0.5), rel=0.3
    )


def test_the_nexus_5_at_rest_is_as_noisy_as_the_recordings() -> None:
    """Measured: sd 1.60-1.65 counts per node, 99.9 % of the nodes below 5.7."""
    frames = rest_frames(Panel(NEXUS, seed=4), 1500)
    assert 1.60 <= noise.noise_split(frames).total_sd <= 1.66
    assert np.percentile(np.abs(frames), 99.9) == pytest.approx(5.7, abs=0.8)


@pytest.mark.parametrize("name", profile_names())
def test_parts_put_together_give_the_figures_back(name: str) -> None:
    profile = load_profile(name)
    figures, rows, cols = profile.noise, profile.grid.rows, profile.grid.cols
    parts = noise.noise_parts(figures, rows, cols, rounding=False)
    node_and_rx = parts.node_sd**2 + parts.rx_sd**2
    tx_line = parts.frame_sd**2 + parts.tx_sd**2 + node_and_rx / cols
    assert math.sqrt(node_and_rx * (1 - 1 / cols)) == pytest.approx(figures.residual_sd, rel=0.02)
    assert math.sqrt(tx_line) == pytest.approx(figures.tx_line_sd, rel=0.02)


def test_figures_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(InputError, match=r"tx_line_sd = 0\.1 contradicts"):
        noise.noise_parts(NoiseFigures(1.26, 0.1, 0.67, 0.54, 0.08), 27, 15)


def test_noise_scales_and_switches_off() -> None:
    quiet = Panel(NEXUS, Condition(noise=0.0))
    assert not rest_frames(quiet, 5).any()
    assert noise.noise_split(rest_frames(Panel(NEXUS, Condition(noise=3.0)), 300)).total_sd == pytest.approx(
        3 * 1.63, rel=0.05
    )


def test_stripes_lie_on_touched_rx_lines_at_the_measured_size() -> None:
    """Measured under a large held object: mean +3.5, sd 3.5 on touched lines against 1.86 elsewhere."""
    profile = dataclasses.replace(NEXUS, stripe=dataclasses.replace(NEXUS.stripe, burst_share=0.0))
    coin = PlacedObject(resolve_object("coin"), Hold(7.5 * NEXUS.geometry.pitch_x_mm, 60.0))
    panel = Panel(profile, Condition(memory=0.0), seed=5)
    extra = np.array([panel.frame(0, [coin]).deltas for _ in range(600)]) - panel.signal([coin])
    under, beside = extra[:, :, 7], extra[:, :, [0, 14]]
    assert under.mean() == pytest.approx(3.5, abs=0.2)
    assert under.std() == pytest.approx(3.4, abs=0.3)
    assert beside.mean() == pytest.approx(0.0, abs=0.2)
    assert beside.std() == pytest.approx(1.65, abs=0.1)
    # One value per TX line, shared by the lines that are touched alike.
    rows = extra[:, :, 6] - extra[:, :, 6].mean(), extra[:, :, 8] - extra[:, :, 8].mean()
    assert np.corrcoef(rows[0].ravel(), rows[1].ravel())[0, 1] > 0.7


def test_stripes_need_a_touch_that_is_grounded_and_can_be_switched_off() -> None:
    def line_sd(condition: Condition, grip: float) -> float:
        placed = PlacedObject(resolve_object("coin"), Hold(30.0, 60.0, grip=grip))
        panel = Panel(NEXUS, condition, seed=6)
        return float(np.array([panel.frame(0, [placed]).deltas[0, 7] for _ in range(400)]).std())

    assert line_sd(Condition(), grip=1.0) > 1.5 * line_sd(Condition(stripe=0.0), grip=1.0)
    assert line_sd(Condition(), grip=0.0) == pytest.approx(line_sd(Condition(stripe=0.0), grip=0.0), rel=0.05)


def test_the_worst_stripes_reach_tens_of_counts() -> None:
    """Measured: worst frames +/-20 to 40 counts."""
    placed = PlacedObject(resolve_object("coin"), Hold(30.0, 60.0))
    panel = Panel(NEXUS, Condition(memory=0.0), seed=7)
    extra = (
        np.array([panel.frame(0, [placed]).deltas[:, 7] for _ in range(1500)]) - panel.signal([placed])[:, 7]
    )
    assert 20 < np.abs(extra).max() < 70
    assert np.mean(np.abs(extra).max(axis=1) > 20) < 0.02


def counts_by_numpy(
    image: Image,
    rest: noise.Rest,
    normals: np.ndarray,
    levels: np.ndarray,
    offset: float,
    memory_rate: float,
    stripe_sd: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Slow twin of add_noise and quantise: (memory, deltas)."""
    rows, cols = image.signal.shape
    node, tx, rx, frame, line = np.split(normals, np.cumsum([rows * cols, rows, cols, 1]))
    memory = rest.memory + memory_rate * (levels[noise.MEMORY_SHARE] * image.held - rest.memory)
    weight = np.clip(image.coupling / levels[noise.STRIPE_FULL], 0.0, 1.0)
    stripe = levels[noise.STRIPE_MEAN] + stripe_sd * line
    counts = (
        image.signal - memory + rest.static + offset + levels[noise.FRAME_SD] * frame
        + levels[noise.TX_SD] * tx[:, None] + levels[noise.RX_SD] * rx + np.outer(stripe, weight)
        + levels[noise.NODE_SD] * node.reshape(rows, cols)
    )  # fmt: skip
    deltas = np.floor(counts + 0.5)
    deltas[np.abs(deltas) <= levels[noise.SQUELCH]] = 0
    return memory, np.clip(deltas, levels[noise.COUNT_MIN], levels[noise.COUNT_MAX])


@pytest.mark.kernel
def test_the_noise_kernels_agree_with_their_slow_twin() -> None:
    rng = np.random.default_rng(8)
    shape = (6, 4)
    levels = np.array([1.2, 0.8, 0.4, 0.5, 0.0, 3.5, 560.0, 0.017, 1.0, -40.0, 90.0, 2.0])
    image = new_image(*shape)
    image.signal[:], image.held[:] = rng.normal(20, 40, shape), rng.uniform(0, 200, shape)
    image.coupling[:] = rng.uniform(-100, 800, 4)
    rest = noise.Rest(rng.normal(0, 0.1, shape), rng.uniform(0, 4, shape))
    normals = rng.standard_normal(noise.draws_per_frame(*shape))
    expected_memory, expected = counts_by_numpy(image, rest, normals, levels, 0.3, 0.01, 3.0)
    counts, deltas = np.empty(shape), np.empty(shape, np.int16)
    noise.add_noise(image, rest, normals, levels, 0.3, 0.01, 3.0, counts)
    noise.quantise(counts, levels, deltas)
    assert np.array_equal(deltas, expected)
    assert np.allclose(rest.memory, expected_memory)
    assert not any(scratch.any() for scratch in image)
