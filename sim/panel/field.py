"""Signal of the objects on the panel: blurred contacts, saturation, grounding. Kernels; panel.py calls them.

A *ground* is a set of contacts joined electrically: one stamp, or one finger. Its contacts are discs given in
the object's frame; the object's hold says where it stands and how it is pressed and held.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from stampbench.firmware_emulator.kernels import kernel
from stampbench.sim.panel.grounding import factors
from stampbench.sim.panel.response import DIAMETER_MAX_MM, DIAMETER_STEP_MM, RADIUS_STEP_MM

F64 = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

PAD_COMPRESSION_MM: Final = 0.5
"""How far a pad of conductive foam or rubber gives way from first touch to full contact."""
DISC_COLUMNS: Final = 6
"""Columns of discs: middle of the pad x, y, offset of the disc from it x, y, diameter, all mm; weight."""
HOLD_COLUMNS: Final = 7
X, Y, THETA, FORCE, GRIP, TILT_X, TILT_Y = range(HOLD_COLUMNS)
"""Columns of holds, in the order of ``Hold.values``."""


class Surface(NamedTuple):
    """How a panel answers to what touches it.

    Attributes:
        tables, responses: as :func:`~stampbench.sim.panel.response.kernel_responses` gives them.
        pitch_x_mm, pitch_y_mm: distance between nodes.
        released_k, released_gain: of an object that nobody holds.
    """

    tables: F64
    responses: F64
    pitch_x_mm: float
    pitch_y_mm: float
    released_k: float
    released_gain: float


class Layout(NamedTuple):
    """What stands on the panel: ground i, of ``objects[i]``, has the discs ``starts[i] .. starts[i + 1]``.

    Attributes:
        discs: of all grounds, (n, DISC_COLUMNS).
        starts: (grounds + 1,).
        kinds: conductor of each ground.
        objects: place of each ground's object, and of its hold.
    """

    discs: F64
    starts: Ints
    kinds: Ints
    objects: Ints


class Image(NamedTuple):
    """What objects do to the nodes in one scan; all zero before it.

    Attributes:
        signal: counts, (rows, cols).
        held: the same, were all objects held firmly.
        coupling: counts by which each RX line is touched and the touch grounded, (cols,).
        work, row_sums, col_sums: scratch, zero again after each object.
    """

    signal: F64
    held: F64
    coupling: F64
    work: F64
    row_sums: F64
    col_sums: F64


def new_image(rows: int, cols: int) -> Image:
    """Return the image of a panel on which nothing stands."""
    grid = (rows, cols)
    return Image(
        np.zeros(grid), np.zeros(grid), np.zeros(cols), np.zeros(grid), np.zeros(rows), np.zeros(cols)
    )


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
def _lowest_pad(discs: F64, cos: float, sin: float, slope_x: float, slope_y: float) -> float:
    """Return how far a tilted object's lowest pad lies below its middle, in pad compressions."""
    lowest = 0.0
    for d in range(discs.shape[0]):
        pad_x = cos * discs[d, 0] - sin * discs[d, 1]
        pad_y = sin * discs[d, 0] + cos * discs[d, 1]
        height = slope_x * pad_x + slope_y * pad_y
        if d == 0 or height < lowest:
            lowest = height
    return lowest


@kernel
def add_signal(layout: Layout, holds: F64, surface: Surface, image: Image) -> None:
    """Add each ground's image to that of the scan: its signal, its held image, its part in the coupling.

    Grounding: ``image = g (u - k r c' / S)``, see :mod:`stampbench.sim.panel.grounding`.

    Args:
        layout: what stands on the panel.
        holds: (objects, 7) how each is held, as ``Hold.values``.
        surface: how the panel answers.
        image: added to.
    """
    responses, pitch_x_mm, pitch_y_mm = surface.responses, surface.pitch_x_mm, surface.pitch_y_mm
    signal, held, work = image.signal, image.held, image.work
    row_sums, col_sums = image.row_sums, image.col_sums
    rows, cols = work.shape
    for ground in range(layout.kinds.shape[0]):
        hold = holds[layout.objects[ground]]
        force = hold[FORCE]
        if force <= 0.0:
            continue
        kind = layout.kinds[ground]
        table = surface.tables[kind]
        drive, saturation, reach_mm = responses[kind, 0], responses[kind, 1], responses[kind, 2]
        discs = layout.discs[layout.starts[ground] : layout.starts[ground + 1]]
        cos, sin = math.cos(hold[THETA]), math.sin(hold[THETA])
        slope_x, slope_y = hold[TILT_X] / PAD_COMPRESSION_MM, hold[TILT_Y] / PAD_COMPRESSION_MM
        lowest = _lowest_pad(discs, cos, sin, slope_x, slope_y)
        top, bottom, left, right = rows, -1, cols, -1
        for d in range(discs.shape[0]):
            pad_x = cos * discs[d, 0] - sin * discs[d, 1]
            pad_y = sin * discs[d, 0] + cos * discs[d, 1]
            # A tilted stamp touches with its lowest pad first; the others follow as their pads give way.
            share = min(1.0, force - (slope_x * pad_x + slope_y * pad_y - lowest))
            if share <= 0.0:
                continue
            scale = math.sqrt(share)  # a pad that is pressed lightly touches with its middle
            disc_x = hold[X] + pad_x + scale * (cos * discs[d, 2] - sin * discs[d, 3])
            disc_y = hold[Y] + pad_y + scale * (sin * discs[d, 2] + cos * discs[d, 3])
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
                    u = -saturation * math.expm1(-u / saturation)
                work[r, c] = u
                row_sums[r] += u
                col_sums[c] += u
                total += u
        k, g = factors(surface.released_k, surface.released_gain, hold[GRIP])
        share_off = k / total if total > 0.0 else 0.0
        for r in range(top, bottom + 1):
            for c in range(left, right + 1):
                held[r, c] += work[r, c]
                signal[r, c] += g * (work[r, c] - share_off * row_sums[r] * col_sums[c])
                work[r, c] = 0.0
        for r in range(top, bottom + 1):
            row_sums[r] = 0.0
        for c in range(left, right + 1):
            image.coupling[c] += (1.0 - k) * col_sums[c]
            col_sums[c] = 0.0
