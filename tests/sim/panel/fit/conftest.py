"""Recordings of raw frames with known truth, made with plain NumPy and none of the simulator."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

Disc = tuple[float, float, float]
"""x, y, diameter, mm."""
CELLS = 8
"""Mask cells per node."""


@dataclass(frozen=True)
class Glass:
    """A panel of ``rows`` x ``cols`` nodes at ``pitch_mm``, and noise of a Nexus 5's kind times ``noise``."""

    rows: int
    cols: int
    pitch_mm: float
    noise: float = 1.0

    @property
    def shape(self) -> tuple[int, int]:
        return self.rows, self.cols

    def rest(self, rng: np.random.Generator, frames: int) -> np.ndarray:
        node, tx, rx, whole = (
            rng.normal(0.0, sd, shape)
            for sd, shape in (
                (1.2, (frames, self.rows, self.cols)),
                (0.9, (frames, self.rows, 1)),
                (0.4, (frames, 1, self.cols)),
                (0.5, (frames, 1, 1)),
            )
        )
        return self.noise * (node + tx + rx + whole)

    def mask(self, discs: Sequence[Disc], aspect: float = 1.0) -> np.ndarray:
        cell = self.pitch_mm / CELLS
        x = (np.arange(self.cols * CELLS) + 0.5) * cell
        y = (np.arange(self.rows * CELLS) + 0.5) * cell
        mask = np.zeros((y.size, x.size), bool)
        for disc_x, disc_y, diameter in discs:
            mask |= np.hypot((x[None] - disc_x) * aspect, (y[:, None] - disc_y) / aspect) <= diameter / 2
        return mask

    def blurred(self, mask: np.ndarray, sd_mm: float) -> np.ndarray:
        """Gaussian-blurred mask at the nodes."""
        # The four cells around a node's middle add the variance of a quarter of a cell squared.
        sd = math.sqrt((sd_mm * CELLS / self.pitch_mm) ** 2 - 0.25)
        fine = gaussian_filter(mask.astype(float), sd, mode="constant")
        rows = np.arange(self.rows) * CELLS + CELLS // 2
        cols = np.arange(self.cols) * CELLS + CELLS // 2
        return sum(fine[np.ix_(rows - i, cols - j)] for i in (0, 1) for j in (0, 1)) / 4


@pytest.fixture
def make_glass() -> type[Glass]:
    return Glass


@pytest.fixture
def phone() -> Glass:
    return Glass(27, 15, 4.1)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20)


@pytest.fixture
def tap_recording(rng):
    """Builder of (frames, masks): taps of some fingers that land and lift, with rest in between."""

    def build(glass, frames, fingers, *, sd_mm=3.0, drive=700.0, saturation=250.0):
        deltas = np.zeros((frames, *glass.shape))
        masks = np.zeros((frames, glass.rows * CELLS, glass.cols * CELLS), bool)
        for first in range(4, frames - 4, 9):
            discs = []
            while len(discs) < fingers:
                x = rng.uniform(8.0, glass.cols * glass.pitch_mm - 8.0)
                y = rng.uniform(8.0, glass.rows * glass.pitch_mm - 8.0)
                if all(math.hypot(x - other[0], y - other[1]) > 18.0 for other in discs):
                    discs.append((x, y, rng.uniform(7.0, 11.0)))
            mask = glass.mask(discs, aspect=rng.uniform(0.85, 1.2))
            image = saturation * np.tanh(drive * glass.blurred(mask, sd_mm) / saturation)
            for frame, share in zip(range(first, first + 5), (0.3, 1.0, 1.0, 1.0, 0.6), strict=True):
                deltas[frame] = share * image
                if share == 1.0:
                    masks[frame] = mask
        return deltas + glass.rest(rng, frames), masks

    return build
