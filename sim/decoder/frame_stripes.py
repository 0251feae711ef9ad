"""Display stripes on a frame: their strength is estimated from what pads leave over. Kernels.

A display puts one value per TX line on the RX lines under a grounded touch, each as far as it is touched:
node (r, c) reads ``s_r q_c`` more. Taken as random, with a mean m and a deviation sd to be found, the s_r add
to the covariance, and the fit of the pads looks past them: with W the inverse covariance without stripes,
Q their pattern and S their own covariance,

    W' = W - W Q (S^-1 + Q' W Q)^-1 Q' W,

where the inverse of S is ``a I + b 1 1'``, and so is that of the bracket.

A kernel takes the pattern and the bracket's inverse as ``stripes`` (cols + 2,): q of each RX line, then a
and b of ``a I - b 1 1'``, with its sign so that both are added to products; a = 0 stands for no stripes.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from stampbench.firmware_emulator.kernels import kernel
from stampbench.sim.decoder.frame_model import Floats, derive

FULL_NODES: Final = 2.5
"""Covered nodes at which an RX line feels stripes in full; as :mod:`stampbench.sim.panel.noise` has it."""
SURE_SD: Final = 4.0
"""Leftovers of the lines must exceed what noise makes of them by so many standard deviations."""
LEAST_COUPLING: Final = 1e-3
"""Sum of squares of the pattern below which nothing is touched and grounded."""


@kernel
def find_stripes(
    deltas: Floats,
    response: Floats,
    slope: Floats,
    pitch_x_mm: float,
    pitch_y_mm: float,
    weights: Floats,
    free: Floats,
    stripes: Floats,
) -> bool:
    """Write ``stripes`` as the pads ``free`` leave them over; False, and nothing written, if there are none.

    The strengths by weighted least squares are ``(Q' W Q)^-1 Q' W`` times the leftovers, and noise gives them
    the covariance ``(Q' W Q)^-1``; what they have beyond it is the stripes' own.
    """
    rows, cols = deltas.shape
    n = free.shape[0]
    images = np.empty((n + 1, rows, cols))
    row_sums, col_sums = np.empty((n + 1, rows)), np.empty((n + 1, cols))
    derive(free, response, slope, pitch_x_mm, pitch_y_mm, images, row_sums, col_sums)
    coupling, strengths = np.empty(cols), np.empty(rows)
    coupled, square = 0.0, 0.0
    held = min(1.0, max(0.0, 1.0 - free[n - 2]))
    for col in range(cols):
        share = held * col_sums[n - 2, col] / (FULL_NODES * response[0])
        coupling[col] = min(1.0, max(0.0, share))
        coupled += coupling[col]
        square += coupling[col] ** 2
    if square < LEAST_COUPLING:
        return False
    own = weights[0] * square + weights[1] * coupled * coupled
    between = weights[2] * square + weights[3] * coupled * coupled
    spread = between / (own * (own + rows * between))
    summed = _project(deltas, images[n], weights, coupling, strengths)
    mean, power = 0.0, 0.0
    for row in range(rows):
        strength = strengths[row] / own - spread * summed
        mean += strength / rows
        power += strength * strength / rows
    noise_var = 1.0 / own - spread
    if power < noise_var * (1.0 + SURE_SD * math.sqrt(2.0 / rows)):
        return False
    variance = max(1e-3 * noise_var, power - mean * mean - noise_var)
    shared = mean * mean / (variance * (variance + rows * mean * mean))
    a, b = own + 1.0 / variance, between - shared
    for col in range(cols):
        stripes[col] = coupling[col]
    stripes[cols] = 1.0 / a
    stripes[cols + 1] = b / (a * (a + rows * b))
    return True


@kernel
def _project(deltas: Floats, image: Floats, weights: Floats, coupling: Floats, projected: Floats) -> float:
    """Write Q' W times what the image leaves over (rows,), and return its sum."""
    rows, cols = deltas.shape
    coupled, total, of_cols = 0.0, 0.0, 0.0
    for col in range(cols):
        coupled += coupling[col]
    for row in range(rows):
        line, along = 0.0, 0.0
        for col in range(cols):
            left = deltas[row, col] - image[row, col]
            line += left
            along += coupling[col] * left
        total += line
        of_cols += along
        projected[row] = weights[0] * along + weights[1] * coupled * line
    summed = 0.0
    for row in range(rows):
        projected[row] += weights[2] * of_cols + weights[3] * coupled * total
        summed += projected[row]
    return summed
