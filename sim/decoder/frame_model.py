"""The frame that joined pads give, its derivatives, and how likely it is under the panel's noise. Kernels.

The held image u is the sum of the pads' blurred discs; with r and c its row and column sums, S its sum,

    image = g (u - k r c' / S).

Noise is independent on nodes, and common to TX lines, RX lines and the frame. Its covariance has four
eigenspaces: deviations of row means, deviations of column means, the mean, and the rest. So a product with
its inverse needs no more than row and column sums.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from firmware_emulator.kernels import kernel

Floats = npt.NDArray[np.float64]

TABLE_STEP_MM: Final = 0.02
"""Radii at which the response of a pad is tabulated."""


@kernel
def derive(
    free: Floats,
    response: Floats,
    slope: Floats,
    pitch_x_mm: float,
    pitch_y_mm: float,
    derivatives: Floats,
    row_sums: Floats,
    col_sums: Floats,
) -> None:
    """Write the image and its derivatives, shape (rows, cols, n + 1): by each free parameter, last the image.

    ``free`` (n,): x and y of each pad in mm, then k, then g. ``response``, ``slope``: counts of a held pad
    and their derivative by radius, at multiples of ``TABLE_STEP_MM``, 0 from the last entry on. ``row_sums``
    (rows, n + 1) and ``col_sums`` (cols, n + 1) are scratch.
    """
    rows, cols, width = derivatives.shape
    places = width - 3
    k, g = free[places], free[places + 1]
    own = places  # until u is known by its sums, it stands where the derivative by k will
    reach_mm = (response.shape[0] - 2) * TABLE_STEP_MM
    derivatives[:] = 0.0
    row_sums[:] = 0.0
    col_sums[:] = 0.0
    for x_at in range(0, places, 2):
        x, y = free[x_at], free[x_at + 1]
        top = max(0, math.ceil((y - reach_mm) / pitch_y_mm - 0.5))
        bottom = min(rows - 1, math.floor((y + reach_mm) / pitch_y_mm - 0.5))
        left = max(0, math.ceil((x - reach_mm) / pitch_x_mm - 0.5))
        right = min(cols - 1, math.floor((x + reach_mm) / pitch_x_mm - 0.5))
        for row in range(top, bottom + 1):
            dy = (row + 0.5) * pitch_y_mm - y
            for col in range(left, right + 1):
                dx = (col + 0.5) * pitch_x_mm - x
                radius = math.sqrt(dx * dx + dy * dy)
                if radius >= reach_mm:
                    continue
                at = radius / TABLE_STEP_MM
                i = int(at)
                part = at - i
                value = response[i] + part * (response[i + 1] - response[i])
                fall = slope[i] + part * (slope[i + 1] - slope[i])
                scale = -fall / radius if radius > 1e-9 else 0.0
                derivatives[row, col, x_at] = scale * dx
                derivatives[row, col, x_at + 1] = scale * dy
                derivatives[row, col, own] += value
    total = _line_sums(derivatives, row_sums, col_sums)
    if total[own] <= 0.0:
        return
    for row in range(rows):
        r = row_sums[row, own] / total[own]
        for col in range(cols):
            c = col_sums[col, own]
            u, spread = derivatives[row, col, own], r * c
            for p in range(places):
                by_row = (row_sums[row, p] - r * total[p]) / total[own]
                moved = by_row * c + r * col_sums[col, p]
                derivatives[row, col, p] = g * (derivatives[row, col, p] - k * moved)
            derivatives[row, col, places] = -g * spread
            derivatives[row, col, places + 1] = u - k * spread
            derivatives[row, col, places + 2] = g * (u - k * spread)


@kernel
def _line_sums(images: Floats, row_sums: Floats, col_sums: Floats) -> Floats:
    """Write the row sums (rows, m) and column sums (cols, m) of m images, and return their sums (m,)."""
    rows, cols, width = images.shape
    total = np.zeros(width)
    row_sums[:] = 0.0
    col_sums[:] = 0.0
    for row in range(rows):
        for col in range(cols):
            for p in range(width):
                row_sums[row, p] += images[row, col, p]
                col_sums[col, p] += images[row, col, p]
        for p in range(width):
            total[p] += row_sums[row, p]
    return total


@kernel
def weigh(images: Floats, weights: Floats, row_sums: Floats, col_sums: Floats, products: Floats) -> None:
    """Write the products of all images with each other through the inverse covariance, shape (m, m).

    ``images``: (rows, cols, m). ``weights``: of products of nodes, row sums, column sums and sums, see
    :func:`weights_of`. ``row_sums`` (rows, m) and ``col_sums`` (cols, m) are scratch.
    """
    rows, cols, width = images.shape
    total = _line_sums(images, row_sums, col_sums)
    for p in range(width):
        for q in range(p, width):
            products[p, q] = weights[3] * total[p] * total[q]
    for row in range(rows):
        _add_products(row_sums[row], weights[1], products)
        for col in range(cols):
            _add_products(images[row, col], weights[0], products)
    for col in range(cols):
        _add_products(col_sums[col], weights[2], products)
    for p in range(width):
        for q in range(p):
            products[p, q] = products[q, p]


@kernel
def _add_products(values: Floats, weight: float, products: Floats) -> None:
    """Add ``weight`` times the upper triangle of the outer product of the values with themselves."""
    width = values.shape[0]
    for p in range(width):
        value = weight * values[p]
        if value != 0.0:
            for q in range(p, width):
                products[p, q] += value * values[q]


def weights_of(
    node_var: float, tx_var: float, rx_var: float, frame_var: float, rows: int, cols: int
) -> Floats:
    """Weights by which :func:`weigh` multiplies with the inverse covariance, 1 / counts^2.

    Eigenvalues: ``node``; ``node + cols tx`` of row means; ``node + rows rx`` of column means; their sum with
    ``rows cols frame`` of the mean. Projecting on rows gives products of row sums over ``cols``, and so on.
    """
    of_rest = 1.0 / node_var
    of_rows = 1.0 / (node_var + cols * tx_var)
    of_cols = 1.0 / (node_var + rows * rx_var)
    of_mean = 1.0 / (node_var + cols * tx_var + rows * rx_var + rows * cols * frame_var)
    return np.array(
        [
            of_rest,
            (of_rows - of_rest) / cols,
            (of_cols - of_rest) / rows,
            (of_mean - of_rows - of_cols + of_rest) / (rows * cols),
        ]
    )
