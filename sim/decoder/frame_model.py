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
from stampbench.firmware_emulator.kernels import kernel

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
    """Write the image and its derivatives, shape (n + 1, rows, cols): by each free parameter, last the image.

    ``free`` (n,): x and y of each pad in mm, then k, then g. ``response``, ``slope``: counts of a held pad
    and their derivative by radius, at multiples of ``TABLE_STEP_MM``, 0 from the last entry on. ``row_sums``
    (n + 1, rows) and ``col_sums`` (n + 1, cols) are scratch; sums of the held image stay in their row n - 2.
    """
    planes, rows, cols = derivatives.shape
    places = planes - 3
    k, g = free[places], free[places + 1]
    own = places  # until u is known by its sums, it stands where the derivative by k will
    reach_mm = (response.shape[0] - 2) * TABLE_STEP_MM
    derivatives[:] = 0.0
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
                derivatives[x_at, row, col] = scale * dx
                derivatives[x_at + 1, row, col] = scale * dy
                derivatives[own, row, col] += value
    total = _line_sums(derivatives, row_sums, col_sums)
    if total[own] <= 0.0:
        return
    whole = total[own]
    for p in range(places):
        for row in range(rows):
            r = row_sums[own, row] / whole
            if r == 0.0:
                continue  # no pad reaches this line: all is 0
            by_row = (row_sums[p, row] - r * total[p]) / whole
            for col in range(cols):
                moved = by_row * col_sums[own, col] + r * col_sums[p, col]
                derivatives[p, row, col] = g * (derivatives[p, row, col] - k * moved)
    for row in range(rows):
        r = row_sums[own, row] / whole
        for col in range(cols):
            u, spread = derivatives[own, row, col], r * col_sums[own, col]
            derivatives[places, row, col] = -g * spread
            derivatives[places + 1, row, col] = u - k * spread
            derivatives[places + 2, row, col] = g * (u - k * spread)


@kernel
def picture(
    free: Floats,
    response: Floats,
    pitch_x_mm: float,
    pitch_y_mm: float,
    image: Floats,
    row_sums: Floats,
    col_sums: Floats,
) -> None:
    """Write the image alone, shape (rows, cols); see :func:`derive`. Sums (rows,), (cols,) are scratch."""
    rows, cols = image.shape
    places = free.shape[0] - 2
    k, g = free[places], free[places + 1]
    reach_mm = (response.shape[0] - 2) * TABLE_STEP_MM
    image[:] = 0.0
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
                if radius < reach_mm:
                    at = radius / TABLE_STEP_MM
                    i = int(at)
                    image[row, col] += response[i] + (at - i) * (response[i + 1] - response[i])
    total = 0.0
    col_sums[:] = 0.0
    for row in range(rows):
        row_sums[row] = 0.0
        for col in range(cols):
            row_sums[row] += image[row, col]
            col_sums[col] += image[row, col]
        total += row_sums[row]
    share = k / total if total > 0.0 else 0.0
    for row in range(rows):
        r = share * row_sums[row]
        for col in range(cols):
            image[row, col] = g * (image[row, col] - r * col_sums[col])


@kernel
def _line_sums(images: Floats, row_sums: Floats, col_sums: Floats) -> Floats:
    """Write the row sums (m, rows) and column sums (m, cols) of m images, and return their sums (m,)."""
    planes, rows, cols = images.shape
    total = np.zeros(planes)
    col_sums[:] = 0.0
    for p in range(planes):
        for row in range(rows):
            line = 0.0
            for col in range(cols):
                line += images[p, row, col]
                col_sums[p, col] += images[p, row, col]
            row_sums[p, row] = line
            total[p] += line
    return total


@kernel
def weigh(
    images: Floats,
    weights: Floats,
    stripes: Floats,
    row_sums: Floats,
    col_sums: Floats,
    products: Floats,
) -> None:
    """Write the products of m images with each other through the inverse covariance, shape (m, m).

    ``images``: (m, rows, cols); all but the last must be 0 on the rows where the last but two is, as
    derivatives by ``free`` are. ``weights``: of products of nodes, row sums, column sums and sums, see
    :func:`weights_of`. ``stripes``: see ``frame_stripes``. ``row_sums`` (m, rows) and
    ``col_sums`` (m, cols) are scratch.
    """
    planes, rows, cols = images.shape
    last = planes - 1
    total = _line_sums(images, row_sums, col_sums)
    top, bottom = 0, rows
    while top < bottom and row_sums[last - 2, top] == 0.0:
        top += 1
    while bottom > top and row_sums[last - 2, bottom - 1] == 0.0:
        bottom -= 1
    nodes = images.reshape(planes, rows * cols)
    under = nodes[:, top * cols : bottom * cols]
    for p in range(planes):
        for q in range(p, planes):
            products[p, q] = (
                weights[0] * (_product(under, p, q) if p < last else _product(nodes, p, q))
                + weights[1] * _product(row_sums, p, q)
                + weights[2] * _product(col_sums, p, q)
                + weights[3] * total[p] * total[q]
            )
    if stripes[cols] > 0.0:
        _take_stripes_off(images, weights, stripes, row_sums, col_sums, total, products)
    for p in range(planes):
        for q in range(p):
            products[p, q] = products[q, p]


@kernel
def _product(values: Floats, p: int, q: int) -> float:
    """Sum of products of rows p and q (m, n); four sums at a time, which need not wait for each other."""
    n = values.shape[1]
    one, two, three, four = 0.0, 0.0, 0.0, 0.0
    for i in range(0, n - 3, 4):
        one += values[p, i] * values[q, i]
        two += values[p, i + 1] * values[q, i + 1]
        three += values[p, i + 2] * values[q, i + 2]
        four += values[p, i + 3] * values[q, i + 3]
    for i in range(n - n % 4, n):
        one += values[p, i] * values[q, i]
    return (one + two) + (three + four)


@kernel
def _take_stripes_off(
    images: Floats,
    weights: Floats,
    stripes: Floats,
    row_sums: Floats,
    col_sums: Floats,
    total: Floats,
    products: Floats,
) -> None:
    """Take from the products what stripes explain; ``row_sums`` and ``total`` are used up."""
    planes, rows, cols = images.shape
    coupled = 0.0
    for col in range(cols):
        coupled += stripes[col]
    for p in range(planes):
        of_all = weights[3] * coupled * total[p]
        for col in range(cols):
            of_all += weights[2] * stripes[col] * col_sums[p, col]
        total[p] = 0.0
        for row in range(rows):
            projected = of_all + weights[1] * coupled * row_sums[p, row]
            for col in range(cols):
                projected += weights[0] * stripes[col] * images[p, row, col]
            row_sums[p, row] = projected
            total[p] += projected
    for p in range(planes):
        for q in range(p, planes):
            explained = stripes[cols] * _product(row_sums, p, q)
            products[p, q] -= explained - stripes[cols + 1] * total[p] * total[q]


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
