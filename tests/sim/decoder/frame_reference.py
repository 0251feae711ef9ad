"""The slow, obvious fit of pads to a frame, with which the fast one is compared."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.linalg import cholesky, solve_triangular
from scipy.optimize import least_squares
from scipy.special import chndtr
from stampbench.sim.panel.grounding import floating_image
from stampbench.sim.panel.noise import noise_parts
from stampbench.sim.panel.profile import Profile

Floats = npt.NDArray[np.float64]


def pads_image(free: Floats, profile: Profile, diameter_mm: float) -> Floats:
    """Counts of joined pads, shape (rows, cols); ``free``: x and y of each pad in mm, then k, then g."""
    geometry = profile.geometry
    x = (np.arange(geometry.cols) + 0.5) * geometry.pitch_x_mm
    y = (np.arange(geometry.rows) + 0.5) * geometry.pitch_y_mm
    sd_mm = profile.flat.psf_sd_mm
    held = np.zeros((geometry.rows, geometry.cols))
    for pad_x, pad_y in free[:-2].reshape(-1, 2):
        radius_mm = np.hypot(x[None, :] - pad_x, y[:, None] - pad_y)
        shares = chndtr((diameter_mm / (2.0 * sd_mm)) ** 2, 2.0, (radius_mm / sd_mm) ** 2)
        held += profile.flat.amplitude * np.nan_to_num(shares)
    return floating_image(held, float(free[-2]), float(free[-1]))


def noise_covariance(profile: Profile, noise: float = 1.0) -> Floats:
    """Covariance of the nodes of a frame, row by row, shape (rows cols, rows cols), counts^2."""
    rows, cols = profile.grid.rows, profile.grid.cols
    parts = noise_parts(profile.noise, rows, cols)
    row, col = (axis.ravel() for axis in np.mgrid[:rows, :cols])
    node_var = noise**2 * (parts.node_sd**2 + profile.noise.static_sd**2) + 1.0 / 12.0
    covariance: Floats = (
        node_var * np.eye(rows * cols)
        + (noise * parts.tx_sd) ** 2 * (row[:, None] == row)
        + (noise * parts.rx_sd) ** 2 * (col[:, None] == col)
        + (noise * parts.frame_sd) ** 2
    )
    return covariance


def fit_pads(
    deltas: Floats, start: Floats, profile: Profile, diameter_mm: float, noise: float = 1.0
) -> tuple[Floats, Floats]:
    """Free parameters (n,) of highest likelihood near ``start``, and their covariance (n, n)."""
    lower = cholesky(noise_covariance(profile, noise), lower=True)

    def whitened(free: Floats) -> Floats:
        residual = (pads_image(free, profile, diameter_mm) - deltas).ravel()
        return np.asarray(solve_triangular(lower, residual, lower=True), np.float64)

    fitted = least_squares(whitened, start, jac="3-point", x_scale="jac", xtol=1e-12, ftol=1e-12)
    jacobian = np.asarray(fitted.jac)
    return np.asarray(fitted.x), np.asarray(np.linalg.inv(jacobian.T @ jacobian))
