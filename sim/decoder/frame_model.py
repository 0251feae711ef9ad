"""The frame that stamps give on one panel, its derivatives, and how likely it is under the panel's noise.

The pads of one body are joined. Its held image u is the sum of the pads' blurred discs; with r and c its row
and column sums and S its sum, it shows g (u - k r c' / S); several bodies add up.

Noise is independent on nodes, and common to TX lines, RX lines and the frame. Its covariance has four
eigenspaces: deviations of row means, deviations of column means, the mean, and the rest. So a product with
its inverse needs no more than row and column sums.

A display puts one value per TX line on the RX lines under a grounded touch, each as far as it is touched:
node (r, c) reads ``s_r q_c`` more. Taken as random, with a mean and a deviation to be found, these stripes
add to the covariance: with W the inverse covariance without them, Q their pattern, S their own covariance,

    W' = W - W Q (S^-1 + Q' W Q)^-1 Q' W.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import chndtr
from stampbench.sim.panel.noise import noise_parts
from stampbench.sim.panel.profile import Profile

Floats = npt.NDArray[np.float64]

TABLE_STEP_MM: Final = 0.02
"""Radii at which the response of a pad is tabulated."""
CUTOFF_SD: Final = 4.5
"""Beyond a pad's rim by this many standard deviations its response is below 4e-6 of full coverage."""
FULL_NODES: Final = 2.5
"""Covered nodes at which an RX line feels stripes in full; as :mod:`stampbench.sim.panel.noise` has it."""
SURE_SD: Final = 4.0
"""Leftovers of the lines must exceed what noise makes of them by so many standard deviations."""
LEAST_COUPLING: Final = 1e-3
"""Sum of squares of the stripes' pattern below which nothing is touched and grounded."""


@dataclass(frozen=True, slots=True, eq=False)
class Bodies:
    """Pads on a panel, each joined to the others of its body.

    Attributes:
        points_mm: where the pads stand, shape (n, 2).
        body: number of each pad's body, shape (n,).
        grounding: k and g of each body, shape (bodies, 2): k is 0 firmly held to 1 floating (noise carries it
            a little beyond), g is 1 for the amplitude of the profile.
    """

    points_mm: Floats
    body: npt.NDArray[np.int64]
    grounding: Floats

    @property
    def free(self) -> Floats:
        """The free parameters: x and y of each pad, then k and g of each body."""
        return np.concatenate([self.points_mm.ravel(), self.grounding.ravel()])

    def moved_to(self, free: Floats) -> Bodies:
        """Return the same pads and bodies with other free parameters."""
        places = self.points_mm.size
        return Bodies(free[:places].reshape(-1, 2), self.body, free[places:].reshape(-1, 2))


@dataclass(frozen=True, slots=True, eq=False)
class Stripes:
    """Stripes in the noise: q of each RX line (cols,), and the bracket's inverse (rows, rows)."""

    pattern: Floats
    inverse: Floats


class FrameModel:
    """Frames of one panel under pads of one diameter.

    Args:
        profile: response and noise of the panel.
        diameter_mm: of the pads.
        noise: scale of the profile's noise, as in :class:`stampbench.sim.panel.Condition`.
    """

    def __init__(self, profile: Profile, diameter_mm: float, noise: float) -> None:
        geometry, sd_mm = profile.geometry, profile.flat.psf_sd_mm
        rows, cols = self.shape = geometry.rows, geometry.cols
        self.pitch_mm = np.array([geometry.pitch_x_mm, geometry.pitch_y_mm])
        self._x_mm = (np.arange(cols) + 0.5) * geometry.pitch_x_mm
        self._y_mm = (np.arange(rows) + 0.5) * geometry.pitch_y_mm
        # A disc blurred by a Gaussian, see stampbench.sim.panel.response.
        radii = np.arange(0.0, 0.5 * diameter_mm + CUTOFF_SD * sd_mm + 2 * TABLE_STEP_MM, TABLE_STEP_MM)
        shares = chndtr((diameter_mm / (2.0 * sd_mm)) ** 2, 2.0, (radii / sd_mm) ** 2)
        self.response = profile.flat.amplitude * np.nan_to_num(shares)
        self.response[-1] = 0.0  # from there on
        self._steps = np.append(np.diff(self.response), 0.0)
        slope = np.gradient(self.response, TABLE_STEP_MM, edge_order=2)
        slope[0] = slope[-1] = 0.0
        self._slope, self._slope_steps = slope, np.append(np.diff(slope), 0.0)
        parts = noise_parts(profile.noise, rows, cols)
        node = noise**2 * (parts.node_sd**2 + profile.noise.static_sd**2) + 1.0 / 12.0
        of_rest = 1.0 / node
        row_var, col_var = cols * (noise * parts.tx_sd) ** 2, rows * (noise * parts.rx_sd) ** 2
        of_rows, of_cols = 1.0 / (node + row_var), 1.0 / (node + col_var)
        of_mean = 1.0 / (node + row_var + col_var + rows * cols * (noise * parts.frame_sd) ** 2)
        # Projecting on rows gives row sums over cols, and so on.
        self._of_rest, self._of_rows = of_rest, (of_rows - of_rest) / cols
        self._of_cols = (of_cols - of_rest) / rows
        self._of_mean = (of_mean - of_rows - of_cols + of_rest) / (rows * cols)

    def discs(self, points_mm: Floats) -> Floats:
        """Return the held image of each pad alone, shape (n, rows, cols), counts."""
        _, _, i, part = self._radii(points_mm)
        counts: Floats = self.response[i] + part * self._steps[i]
        return counts

    def floating(self, held: Floats, k: float, g: float) -> Floats:
        """Return what a body of these held images (..., rows, cols) shows with its grounding."""
        total = np.maximum(held.sum(axis=(-2, -1), keepdims=True), 1e-9)
        spread = held.sum(axis=-1, keepdims=True) * held.sum(axis=-2, keepdims=True) / total
        shown: Floats = g * (held - k * spread)
        return shown

    def image(self, bodies: Bodies) -> Floats:
        """Return the frame without noise, shape (rows, cols), counts."""
        discs, image = self.discs(bodies.points_mm), np.zeros(self.shape)
        for number, (k, g) in enumerate(bodies.grounding):
            image += self.floating(discs[bodies.body == number].sum(axis=0), k, g)
        return image

    def derivatives(self, bodies: Bodies) -> Floats:
        """Return the derivatives of the image by each free parameter, last the image: (n + 1, rows, cols)."""
        dx, dy, i, part = self._radii(bodies.points_mm)
        places = bodies.points_mm.size
        planes = np.empty((places + bodies.grounding.size + 1, *self.shape))
        fall = -(self._slope[i] + part * self._slope_steps[i]) / np.maximum(np.hypot(dx, dy), 1e-9)
        planes[0:places:2], planes[1:places:2] = fall * dx, fall * dy
        discs = self.response[i] + part * self._steps[i]
        planes[-1] = 0.0
        for number, (k, g) in enumerate(bodies.grounding):
            own = np.repeat(bodies.body == number, 2)
            u = discs[own[::2]].sum(axis=0)
            total = max(float(u.sum()), 1e-9)
            r, c = u.sum(axis=1) / total, u.sum(axis=0)
            moved = planes[:places][own]
            by_row, by_col = moved.sum(axis=2), moved.sum(axis=1)
            by_row = (by_row - r * by_row.sum(axis=1, keepdims=True)) / total
            moved -= k * (by_row[:, :, None] * c + r[:, None] * by_col[:, None])
            planes[:places][own] = g * moved
            spread = r[:, None] * c
            planes[places + 2 * number] = -g * spread
            planes[places + 2 * number + 1] = u - k * spread
            planes[-1] += g * (u - k * spread)
        return planes

    def weigh(self, planes: Floats) -> Floats:
        """Return images (m, rows, cols) times the inverse covariance without stripes, 1 / counts^2."""
        rows, cols = planes.sum(axis=2), planes.sum(axis=1)
        lines = self._of_rows * rows + self._of_mean * rows.sum(axis=1, keepdims=True)
        weighed: Floats = self._of_rest * planes + lines[:, :, None] + self._of_cols * cols[:, None]
        return weighed

    def products(self, planes: Floats, stripes: Stripes | None = None) -> Floats:
        """Return the products of m images with each other through the inverse covariance, shape (m, m)."""
        weighed = self.weigh(planes)
        flat = len(planes), -1
        products: Floats = planes.reshape(flat) @ weighed.reshape(flat).T
        if stripes is not None:
            under = weighed @ stripes.pattern
            products = products - under @ stripes.inverse @ under.T
        return products

    def chi_squares(self, leftovers: Floats) -> Floats:
        """Return chi-square of each of m leftovers (m, rows, cols), without stripes."""
        squares: Floats = np.einsum("mrc,mrc->m", leftovers, self.weigh(leftovers))
        return squares

    def find_stripes(self, deltas: Floats, bodies: Bodies) -> Stripes | None:
        """Return the stripes as these bodies leave them over; None if there are none.

        The strengths by weighted least squares are ``(Q' W Q)^-1 Q' W`` times the leftovers, and noise gives
        them the covariance ``(Q' W Q)^-1``; what they have beyond it is the stripes' own.
        """
        held = np.clip(1.0 - bodies.grounding[bodies.body, 0], 0.0, 1.0)
        under = held @ self.discs(bodies.points_mm).sum(axis=1)
        pattern = np.clip(under / (FULL_NODES * self.response[0]), 0.0, 1.0)
        if pattern @ pattern < LEAST_COUPLING:
            return None
        rows = self.shape[0]
        lines = np.eye(rows)[:, :, None] * pattern  # Q', shape (rows, rows, cols)
        precision = self.weigh(lines) @ pattern
        strengths_covariance = np.linalg.inv(precision)
        leftover = self.weigh((deltas - self.image(bodies))[None])[0] @ pattern
        strengths = strengths_covariance @ leftover
        noise_var, mean, power = float(strengths_covariance[0, 0]), strengths.mean(), (strengths**2).mean()
        if power < noise_var * (1.0 + SURE_SD * math.sqrt(2.0 / rows)):
            return None
        variance = max(1e-3 * noise_var, float(power - mean**2) - noise_var)
        own = variance * np.eye(rows) + mean**2
        return Stripes(pattern, np.linalg.inv(np.linalg.inv(own) + precision))

    def _radii(self, points_mm: Floats) -> tuple[Floats, Floats, npt.NDArray[np.int64], Floats]:
        """Return the way from pads to nodes in x (n, 1, cols), in y (n, rows, 1), and places in the table."""
        dx = self._x_mm - points_mm[:, 0, None, None]
        dy = self._y_mm[:, None] - points_mm[:, 1, None, None]
        at = np.minimum(np.hypot(dx, dy) / TABLE_STEP_MM, len(self.response) - 1)
        i = at.astype(np.int64)
        return dx, dy, i, at - i
