"""Where pads may stand on a frame: the held image is restored from the ghosts, then pads taken off. Kernels.

A released object shows ``g u - a b'``, and nothing hides a b' where rows and columns of its pads cross with
no pad: a rank-one least-squares fit to the nodes without pads gives a and b, and so the held image.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt
from stampbench.firmware_emulator.kernels import kernel
from stampbench.sim.decoder.frame_model import TABLE_STEP_MM

Floats = npt.NDArray[np.float64]

SWEEPS: Final = 12
PAD_SHARE: Final = 0.05
"""A node above this part of a fully covered one is taken as under a pad."""
LEAST_PEAK_SHARE: Final = 0.5
"""A peak below this part of the least that a pad can show is none."""


@kernel
def restore_held(deltas: Floats, pad_floor: float, held: Floats) -> float:
    """Write the held image of what may be released (rows, cols); return the sum of a b' that was added.

    Alternating least squares of ``deltas = -a b'`` over nodes whose restored value is below ``pad_floor``.
    """
    rows, cols = deltas.shape
    a, b = np.zeros(rows), np.zeros(cols)
    for col in range(cols):
        for row in range(rows):
            b[col] += max(0.0, -deltas[row, col])
    held[:] = deltas
    for _ in range(SWEEPS):
        for row in range(rows):
            product, square = 0.0, 0.0
            for col in range(cols):
                if held[row, col] < pad_floor:
                    product -= deltas[row, col] * b[col]
                    square += b[col] * b[col]
            a[row] = max(0.0, product / square) if square > 0.0 else 0.0
        for col in range(cols):
            product, square = 0.0, 0.0
            for row in range(rows):
                if held[row, col] < pad_floor:
                    product -= deltas[row, col] * a[row]
                    square += a[row] * a[row]
            b[col] = max(0.0, product / square) if square > 0.0 else 0.0
        for row in range(rows):
            for col in range(cols):
                held[row, col] = deltas[row, col] + a[row] * b[col]
    added = 0.0
    for row in range(rows):
        for col in range(cols):
            added += a[row] * b[col]
    return added


@kernel
def take_pads(
    held: Floats, response: Floats, pitch_x_mm: float, pitch_y_mm: float, floor: float, points: Floats
) -> int:
    """Take pads off the held image, highest first, until none is above ``floor``; write their places in mm.

    ``held`` is used up. ``points`` (n, 2); returns how many were found, at most n.
    """
    rows, cols = held.shape
    reach_mm = (response.shape[0] - 2) * TABLE_STEP_MM
    for found in range(points.shape[0]):
        # Neighbours count as well, so that a pad between nodes is not less than one on a node.
        best, at_row, at_col = -math.inf, 0, 0
        for row in range(rows):
            for col in range(cols):
                value = held[row, col]
                around = 0.0
                for i in range(max(0, row - 1), min(rows, row + 2)):
                    for j in range(max(0, col - 1), min(cols, col + 2)):
                        around += held[i, j]
                score = value + 0.25 * around
                if score > best:
                    best, at_row, at_col = score, row, col
        if not held[at_row, at_col] > floor:
            return found
        weight, mean_row, mean_col = 0.0, 0.0, 0.0
        for i in range(max(0, at_row - 1), min(rows, at_row + 2)):
            for j in range(max(0, at_col - 1), min(cols, at_col + 2)):
                value = max(0.0, held[i, j])
                weight += value
                mean_row += value * i
                mean_col += value * j
        x = (mean_col / weight + 0.5) * pitch_x_mm
        y = (mean_row / weight + 0.5) * pitch_y_mm
        points[found, 0], points[found, 1] = x, y
        for row in range(rows):
            dy = (row + 0.5) * pitch_y_mm - y
            if abs(dy) >= reach_mm:
                continue
            for col in range(cols):
                dx = (col + 0.5) * pitch_x_mm - x
                radius = math.sqrt(dx * dx + dy * dy)
                if radius < reach_mm:
                    held[row, col] -= response[int(radius / TABLE_STEP_MM)]
    return points.shape[0]
