"""Levenberg-Marquardt descent to the pads and the grounding of highest likelihood. Kernels."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from stampbench.firmware_emulator.kernels import kernel
from stampbench.sim.decoder.frame_model import Floats, derive, picture, weigh

SETTLED: Final = 1e-5
"""A step that promises to lower chi-square by a smaller share is the last."""
TRIAL_STEPS: Final = 4
LONGEST_STEP_MM: Final = 2.0
K_LOW: Final = -0.2
"""Noise carries k a little beyond 0..1; farther is no object."""
K_HIGH: Final = 1.1
G_LOW: Final = 0.3
G_HIGH: Final = 3.0


@kernel
def solve(products: Floats, damping: float, step: Floats) -> bool:
    """Solve ``(H + damping diag H) step = b`` by Cholesky; False where H is not positive definite.

    ``products`` (n + 1, n + 1) holds H, and b as its last column.
    """
    n = step.shape[0]
    lower = np.empty((n, n))
    for i in range(n):
        for j in range(i + 1):
            value = products[i, j]
            if i == j:
                value *= 1.0 + damping
            for m in range(j):
                value -= lower[i, m] * lower[j, m]
            if i == j:
                if not value > 0.0:
                    return False
                lower[i, i] = math.sqrt(value)
            else:
                lower[i, j] = value / lower[j, j]
    for i in range(n):
        value = products[i, n]
        for m in range(i):
            value -= lower[i, m] * step[m]
        step[i] = value / lower[i, i]
    for i in range(n - 1, -1, -1):
        value = step[i]
        for m in range(i + 1, n):
            value -= lower[m, i] * step[m]
        step[i] = value / lower[i, i]
    return True


@kernel
def levenberg(
    deltas: Floats,
    response: Floats,
    slope: Floats,
    pitch_x_mm: float,
    pitch_y_mm: float,
    weights: Floats,
    stripes: Floats,
    free: Floats,
    information: Floats,
    most_steps: int,
    hopeless: float,
) -> float:
    """Levenberg-Marquardt from ``free`` (n,), which it improves; writes the Fisher information (n, n).

    Returns chi-square; gives up where that is still above ``hopeless`` after ``TRIAL_STEPS``. Response,
    pitches and weights: see ``frame_model``; stripes: ``frame_stripes``.
    """
    rows, cols = deltas.shape
    n = free.shape[0]
    images = np.empty((n + 1, rows, cols))
    row_sums, col_sums = np.empty((n + 1, rows)), np.empty((n + 1, cols))
    products, tried = np.empty((n + 1, n + 1)), np.empty((n + 1, n + 1))
    trial, step = free.copy(), np.zeros(n)
    damping, gain = 1e-3, math.inf
    for attempt in range(most_steps):
        if attempt > 0:
            if not solve(products, damping, step):
                damping = max(1e-6, 10.0 * damping)
                continue
            gain = 0.0
            for i in range(n):
                gain += step[i] * products[i, n]
            for i in range(n - 2):
                trial[i] = free[i] + min(LONGEST_STEP_MM, max(-LONGEST_STEP_MM, step[i]))
            trial[n - 2] = min(K_HIGH, max(K_LOW, free[n - 2] + step[n - 2]))
            trial[n - 1] = min(G_HIGH, max(G_LOW, free[n - 1] + step[n - 1]))
        derive(trial, response, slope, pitch_x_mm, pitch_y_mm, images, row_sums, col_sums)
        for row in range(rows):
            for col in range(cols):
                images[n, row, col] = deltas[row, col] - images[n, row, col]
        weigh(images, weights, stripes, row_sums, col_sums, tried)
        if attempt == 0 or tried[n, n] <= products[n, n]:
            products, tried = tried, products
            free[:] = trial
            damping *= 0.1
        else:
            damping = max(1e-6, 10.0 * damping)
        if gain < SETTLED * products[n, n] or (attempt == TRIAL_STEPS and products[n, n] > hopeless):
            break
    for i in range(n):
        for j in range(n):
            information[i, j] = products[i, j]
    return float(products[n, n])


@kernel
def judge(
    deltas: Floats,
    response: Floats,
    pitch_x_mm: float,
    pitch_y_mm: float,
    weights: Floats,
    starts: Floats,
    chi_squares: Floats,
) -> None:
    """Write chi-square (m,) of free parameters (m, n), without stripes."""
    rows, cols = deltas.shape
    image, row_sums, col_sums = np.empty((rows, cols)), np.empty(rows), np.empty(cols)
    for i in range(starts.shape[0]):
        picture(starts[i], response, pitch_x_mm, pitch_y_mm, image, row_sums, col_sums)
        square, total, of_rows = 0.0, 0.0, 0.0
        col_sums[:] = 0.0
        for row in range(rows):
            line = 0.0
            for col in range(cols):
                left = deltas[row, col] - image[row, col]
                line += left
                square += left * left
                col_sums[col] += left
            total += line
            of_rows += line * line
        of_cols = 0.0
        for col in range(cols):
            of_cols += col_sums[col] * col_sums[col]
        chi_squares[i] = (
            weights[0] * square + weights[1] * of_rows + weights[2] * of_cols + weights[3] * total * total
        )
