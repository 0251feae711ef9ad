"""Synthetic frames: flat pads blurred as measured on a Nexus 5, with its noise split."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import numpy.typing as npt
import pytest
from scipy.ndimage import gaussian_filter
from stampbench.firmware_emulator.controller import ControllerSettings, PanelGeometry
from stampbench.firmware_emulator.touch import Frame

Image = npt.NDArray[np.float64]


@cache
def _profile(diameter_mm: float, blur_mm: float) -> tuple[Image, Image]:
    step, reach = 0.1, 160
    axis = np.arange(-reach, reach + 1) * step
    radius = np.hypot(*np.meshgrid(axis, axis))
    disc = np.clip((diameter_mm / 2 - radius) / step + 0.5, 0, 1)
    return axis[reach:], gaussian_filter(disc, blur_mm / step)[reach, reach:]


@pytest.fixture
def phone() -> PanelGeometry:
    return PanelGeometry(27, 15, 4.1, 4.1, 6150, 11070, 61.5, 110.7)


@pytest.fixture
def settings() -> ControllerSettings:
    return ControllerSettings(idle_after_us=0)


@pytest.fixture
def press() -> Callable[..., Image]:
    """Counts that round pads raise: press(geometry, pads_mm) -> (rows, cols)."""

    def image(
        geometry: PanelGeometry,
        pads_mm: Sequence[Sequence[float]] | Image,
        diameter_mm: float = 6.0,
        blur_mm: float = 1.75,
        amplitude: float = 225.0,
    ) -> Image:
        y = (np.arange(geometry.rows) + 0.5)[:, None] * geometry.pitch_y_mm
        x = (np.arange(geometry.cols) + 0.5)[None, :] * geometry.pitch_x_mm
        counts = np.zeros((geometry.rows, geometry.cols))
        for px, py in pads_mm:
            counts += np.interp(np.hypot(x - px, y - py), *_profile(diameter_mm, blur_mm), right=0.0)
        return amplitude * counts

    return image


@pytest.fixture
def rest() -> Callable[..., Image]:
    """Noise of a panel at rest: rest(rng, geometry) -> (rows, cols)."""

    def noise(rng: np.random.Generator, geometry: PanelGeometry, scale: float = 1.0) -> Image:
        shape = (geometry.rows, geometry.cols)
        lines = rng.normal(0, 1.04, (geometry.rows, 1)) + rng.normal(0, 0.67, (1, geometry.cols))
        return scale * (rng.normal(0, 0.54) + lines + rng.normal(0, 1.26, shape))

    return noise


@pytest.fixture
def scan() -> Callable[..., Frame]:
    """A frame of rounded counts: scan(counts, t_us)."""

    def frame(counts: Image, t_us: int = 0) -> Frame:
        return Frame(t_us, np.round(counts).astype(np.int16))

    return frame


@pytest.fixture
def stamp() -> Callable[..., Image]:
    """Five pads at least 12 mm apart in a disc of 22 mm radius: stamp(rng) -> (5, 2) mm."""

    def pads(
        rng: np.random.Generator, centre_mm: tuple[float, float] = (30.75, 55.35), spacing_mm: float = 12.0
    ) -> Image:
        while True:
            points = rng.uniform(-22, 22, (5, 2))
            gaps = np.hypot(*(points[:, None] - points[None]).transpose(2, 0, 1))[np.triu_indices(5, 1)]
            if np.hypot(*points.T).max() < 22 and gaps.min() > spacing_mm:
                return points + centre_mm

    return pads
