"""The slow twin of the signal kernel: contact masks on a fine grid, blurred numerically."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter, map_coordinates
from stampbench.sim.panel import grounding
from stampbench.sim.panel.profile import Profile
from stampbench.sim.stamps.objects import Conductor

if TYPE_CHECKING:
    from stampbench.sim.panel.placing import PlacedObject

F64 = npt.NDArray[np.float64]

CELL_MM: Final = 0.2
BORDER_MM: Final = 15.0


def disc_mask(discs: F64, width_mm: float, height_mm: float, *, united: bool = False) -> F64:
    """Return contact mask of discs (n, 4): x, y, diameter mm, weight; cells of ``CELL_MM``, with a border.

    Where discs overlap their weights add up; ``united``, the largest counts.
    """
    x = np.arange(-BORDER_MM, width_mm + BORDER_MM, CELL_MM) + CELL_MM / 2
    y = np.arange(-BORDER_MM, height_mm + BORDER_MM, CELL_MM) + CELL_MM / 2
    mask = np.zeros((len(y), len(x)))
    for disc_x, disc_y, diameter_mm, weight in discs:
        # The rim cell counts in part, as far as its middle lies inside.
        inside = diameter_mm / 2 - np.hypot(x[None, :] - disc_x, y[:, None] - disc_y)
        covered = weight * np.clip(inside / CELL_MM + 0.5, 0.0, 1.0)
        mask = np.maximum(mask, covered) if united else mask + covered
    return mask


def node_values(mask: F64, psf_sd_mm: float, profile: Profile) -> F64:
    """Return the mask blurred by the panel's Gaussian, at the nodes; shape (rows, cols)."""
    blurred = gaussian_filter(mask, psf_sd_mm / CELL_MM, mode="constant", truncate=6.0)
    geometry = profile.geometry
    x = (np.arange(geometry.cols) + 0.5) * geometry.pitch_x_mm
    y = (np.arange(geometry.rows) + 0.5) * geometry.pitch_y_mm
    cells = np.meshgrid((y + BORDER_MM) / CELL_MM - 0.5, (x + BORDER_MM) / CELL_MM - 0.5, indexing="ij")
    values: F64 = map_coordinates(blurred, cells, order=3)
    return values


def pressed_discs(
    placed: PlacedObject, first: int, stop: int, compression_mm: float
) -> tuple[F64, npt.NDArray[np.bool_]]:
    """Return discs (n, 4) on the panel of one ground of an object, as pressed and tilted; which are whole."""
    cos, sin = math.cos(placed.hold.theta_rad), math.sin(placed.hold.theta_rad)
    turn = np.array([[cos, -sin], [sin, cos]])
    part = placed.object.discs[first:stop]
    pads = part[:, :2] @ turn.T
    heights = pads @ [placed.hold.tilt_x_rad, placed.hold.tilt_y_rad] / compression_mm
    shares = np.clip(placed.hold.force - (heights - heights.min()), 0.0, 1.0)
    scales = np.sqrt(shares)
    middles = [placed.hold.x_mm, placed.hold.y_mm] + pads + scales[:, None] * (part[:, 2:4] @ turn.T)
    whole = (part[:, 2:4] == 0.0).all(axis=1) & (part[:, 5] > 0.0)
    touches = shares > 0
    return np.column_stack([middles, scales * part[:, 4], part[:, 5]])[touches], whole[touches]


def signal(objects: Sequence[PlacedObject], profile: Profile, compression_mm: float) -> F64:
    """Return counts that the objects cause, before noise and rounding; shape (rows, cols)."""
    grid = profile.grid
    total = np.zeros((grid.rows, grid.cols))
    for placed in objects:
        figures = profile.grounding
        k, g = grounding.factors(figures.released_k, figures.released_gain, placed.hold.grip)
        stops = np.cumsum(placed.object.ground_sizes)
        for first, stop in zip(np.concatenate([[0], stops[:-1]]), stops, strict=True):
            discs, whole = pressed_discs(placed, first, stop, compression_mm)
            size_mm = grid.width_mm, grid.height_mm
            mask = disc_mask(discs[whole], *size_mm, united=True) + disc_mask(discs[~whole], *size_mm)
            if placed.object.conductor is Conductor.FLAT:
                held = profile.flat.amplitude * node_values(mask, profile.flat.psf_sd_mm, profile)
            else:
                finger = profile.finger
                driven = finger.drive * node_values(mask, finger.psf_sd_mm, profile)
                held = -finger.saturation * np.expm1(-driven / finger.saturation)
            total += grounding.floating_image(held, k, g)
    return total
