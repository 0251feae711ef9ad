"""Signal of the objects on the panel: blurred contacts, saturation, grounding. Kernels; panel.py calls them.

A *ground* is a set of contacts joined electrically: one stamp, or one finger. Its contacts are discs given in
the object's frame; its pose says where the object stands and how it is pressed and held.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt
from stampbench.firmware_emulator.kernels import kernel
from stampbench.sim.panel.response import DIAMETER_MAX_MM, DIAMETER_STEP_MM, RADIUS_STEP_MM

F64 = npt.NDArray[np.float64]

# Columns of `discs`: middle of the pad x, y, offset of the disc from it x, y, diameter, all mm; weight.
DISC_COLUMNS: Final = 6
# Columns of `poses`: x mm, y mm, cos, sin, force 0..1, k, g, slopes along x and y (pad compressions per mm).
POSE_COLUMNS: Final = 9
# Columns of `responses`, a row per conductor (0 flat, 1 skin): drive, saturation (0 = none), reach_mm.


@kernel
def disc_coverage(table: F64, reach_mm: float, diameter_mm: float, radius_mm: float) -> float:
    """Return the blurred coverage so far from a disc's middle, linear between entries of the table."""
    if diameter_mm <= 0.0 or radius_mm >= 0.5 * diameter_mm + reach_mm:
        return 0.0
    diameter_mm = min(diameter_mm, DIAMETER_MAX_MM - 1e-9)
    at_diameter = diameter_mm / DIAMETER_STEP_MM
    i = int(at_diameter)
    at_radius = radius_mm / RADIUS_STEP_MM
    j = int(at_radius)
    if j + 1 >= table.shape[1]:
        return 0.0
    u = at_diameter - i
    v = at_radius - j
    smaller = table[i, j] + v * (table[i, j + 1] - table[i, j])
    larger = table[i + 1, j] + v * (table[i + 1, j + 1] - table[i + 1, j])
    return (smaller + u * (larger - smaller)) * diameter_mm * diameter_mm


@kernel
def lowest_pad(discs: F64, start: int, stop: int, pose: F64) -> float:
    """Return how far a tilted object's lowest pad lies below its middle, in pad compressions."""
    lowest = 0.0
    for d in range(start, stop):
        pad_x = pose[2] * discs[d, 0] - pose[3] * discs[d, 1]
        pad_y = pose[3] * discs[d, 0] + pose[2] * discs[d, 1]
        height = pose[7] * pad_x + pose[8] * pad_y
        if d == start or height < lowest:
            lowest = height
    return lowest


@kernel
def add_signal(
    discs: F64,
    starts: npt.NDArray[np.int64],
    kinds: npt.NDArray[np.int64],
    poses: F64,
    tables: F64,
    responses: F64,
    pitch_x_mm: float,
    pitch_y_mm: float,
    work: F64,
    row_sums: F64,
    col_sums: F64,
    signal: F64,
    held: F64,
    coupling: F64,
) -> None:
    """Add each ground's image to ``signal``, its held image to ``held``, its part in ``coupling``.

    Ground i has the discs ``starts[i] .. starts[i + 1]``, conductor ``kinds[i]`` and pose ``poses[i]``.
    ``work`` (rows, cols), ``row_sums`` and ``col_sums`` are scratch and must come zeroed; they leave zeroed.
    Grounding: ``image = g (u - k r c' / S)``, see :mod:`stampbench.sim.panel.grounding`.
    """
    rows, cols = work.shape
    for ground in range(poses.shape[0]):
        kind = kinds[ground]
        table = tables[kind]
        drive, saturation, reach_mm = responses[kind, 0], responses[kind, 1], responses[kind, 2]
        pose = poses[ground]
        cos, sin, k, g = pose[2], pose[3], pose[5], pose[6]
        lowest = lowest_pad(discs, starts[ground], starts[ground + 1], pose)
        top, bottom, left, right = rows, -1, cols, -1
        for d in range(starts[ground], starts[ground + 1]):
            pad_x = cos * discs[d, 0] - sin * discs[d, 1]
            pad_y = sin * discs[d, 0] + cos * discs[d, 1]
            # A tilted stamp touches with its lowest pad first; the others follow as their pads give way.
            share = min(1.0, pose[4] - (pose[7] * pad_x + pose[8] * pad_y - lowest))
            if share <= 0.0:
                continue
            scale = math.sqrt(share)  # a pad that is pressed lightly touches with its middle
            disc_x = pose[0] + pad_x + scale * (cos * discs[d, 2] - sin * discs[d, 3])
            disc_y = pose[1] + pad_y + scale * (sin * discs[d, 2] + cos * discs[d, 3])
            diameter_mm = scale * discs[d, 4]
            cutoff_mm = 0.5 * diameter_mm + reach_mm
            first_row = max(0, math.ceil((disc_y - cutoff_mm) / pitch_y_mm - 0.5))
            last_row = min(rows - 1, math.floor((disc_y + cutoff_mm) / pitch_y_mm - 0.5))
            first_col = max(0, math.ceil((disc_x - cutoff_mm) / pitch_x_mm - 0.5))
            last_col = min(cols - 1, math.floor((disc_x + cutoff_mm) / pitch_x_mm - 0.5))
            for r in range(first_row, last_row + 1):
                dy = (r + 0.5) * pitch_y_mm - disc_y
                for c in range(first_col, last_col + 1):
                    dx = (c + 0.5) * pitch_x_mm - disc_x
                    radius_mm = math.sqrt(dx * dx + dy * dy)
                    work[r, c] += discs[d, 5] * disc_coverage(table, reach_mm, diameter_mm, radius_mm)
            top, bottom = min(top, first_row), max(bottom, last_row)
            left, right = min(left, first_col), max(right, last_col)

        total = 0.0
        for r in range(top, bottom + 1):
            for c in range(left, right + 1):
                u = drive * work[r, c]
                if saturation > 0.0:
                    u = saturation * math.tanh(u / saturation)
                work[r, c] = u
                row_sums[r] += u
                col_sums[c] += u
                total += u
        share_off = k / total if total > 0.0 else 0.0
        for r in range(top, bottom + 1):
            for c in range(left, right + 1):
                held[r, c] += work[r, c]
                signal[r, c] += g * (work[r, c] - share_off * row_sums[r] * col_sums[c])
                work[r, c] = 0.0
        for r in range(top, bottom + 1):
            row_sums[r] = 0.0
        for c in range(left, right + 1):
            coupling[c] += (1.0 - k) * col_sums[c]
            col_sums[c] = 0.0
