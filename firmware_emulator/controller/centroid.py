"""Where a touch is: weighted mean of a small window around its peak, corrected for grid and edges."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from stampbench.firmware_emulator.kernels import kernel

Array = npt.NDArray[np.float64]

NEAR_PITCHES = 4.0
"""Farther touches leave nothing in each other's windows."""


@kernel
def _fall(edge: float, inner: float, curvature: float, floor: float) -> float:
    """Return the ratio of the node beyond an edge to that at it: the logarithm of a touch is a parabola."""
    return min(1.0, curvature * edge / max(inner, floor, 1.0))


@kernel
def _window_value(signal: Array, r: int, c: int, curvature: float, floor: float) -> float:
    """Return a node's counts, extrapolated one node beyond the edges (curvature above 0), 0 further out."""
    rows, cols = signal.shape
    at_r = min(max(r, 0), rows - 1)
    at_c = min(max(c, 0), cols - 1)
    edge = signal[at_r, at_c]
    if r == at_r and c == at_c:
        return edge
    if edge <= floor or abs(r - at_r) > 1 or abs(c - at_c) > 1:
        return 0.0
    value = edge
    if r != at_r:
        value *= _fall(edge, signal[2 * at_r - r, at_c], curvature, floor)
    if c != at_c:
        value *= _fall(edge, signal[at_r, 2 * at_c - c], curvature, floor)
    return value


@kernel
def _fill_feet(feet: Array, places: Array, b: int, n: int, row: int, col: int, width: float) -> bool:
    """Fill ``feet`` with what touches near ``b`` add to its window, each a bell; False if none is near."""
    size = feet.shape[0]
    some = False
    for k in range(n):
        across = places[k, 0] - places[b, 0]
        along = places[k, 1] - places[b, 1]
        if k == b or across * across + along * along > NEAR_PITCHES * NEAR_PITCHES:
            continue
        for i in range(size):
            y = (row + i - size // 2 - places[k, 1]) / width
            height = places[k, 2] * math.exp(-0.5 * y * y)
            for j in range(size):
                x = (col + j - size // 2 - places[k, 0]) / width
                counts = height * math.exp(-0.5 * x * x)
                feet[i, j] = feet[i, j] + counts if some else counts
        some = True
    return some


@kernel
def _breadth(full_nodes: float, fat: int) -> float:
    """Return the share (0..1) of all nodes in a place, from a volume in nodes of full response.

    A touch covers about twice as many nodes as its volume has. The count itself hangs on noise: the foot of a
    finger between four nodes lies just at the level, so that it covers now 4, now 12. The passage over one
    node keeps noise and growing touches from jumping between the two places.
    """
    if fat == 0:
        return 0.0
    return min(max(2.0 * full_nodes - fat + 1.0, 0.0), 1.0)


@kernel
def locate(signal: Array, blobs: npt.NDArray[np.void], n: int, params: npt.NDArray[np.void]) -> None:
    """Fill x_mm, y_mm and size_mm of the first ``n`` blobs.

    A centroid over 3x3 nodes with a floor is pushed away from the node (6 mm pads at 4.1 mm pitch: 0.08 mm
    rms); a cubic correction leaves a third of that. The feet of near neighbours are taken off in a second
    round. A broad touch (a window cuts the far side of a finger between two nodes off: 0.6 mm), or an area in
    which maxima were merged, is located by all its nodes instead. The size is the diameter of the disc whose
    response has the same volume.

    Args:
        signal: (rows, cols) counts.
        blobs: of BLOB_DTYPE, updated.
        n: how many of them hold a touch.
        params: record of settings.parameters.
    """
    p = params[0]
    radius = p["centroid_window"] // 2
    floor = p["centroid_floor"]
    width = p["touch_width"]
    curvature = math.exp(-1.0 / (width * width)) if p["edge_correction"] != 0 else 0.0
    correction = p["linearity_correction"]
    fat = p["fat_finger_nodes"]
    feet = np.zeros((2 * radius + 1, 2 * radius + 1))
    before = np.zeros((n, 3))  # after the first round: column, row, counts at the very centre
    places = np.zeros((n, 3))
    for separating in range(2 if p["finger_separation"] != 0 and n > 1 else 1):
        for b in range(n):
            blob = blobs[b]
            row = blob["row"]
            col = blob["col"]
            if separating == 1 and not _fill_feet(feet, before, b, n, row, col, width):
                continue
            volume = 0.0
            total = 0.0
            across = 0.0
            along = 0.0
            for i in range(-radius, radius + 1):
                for j in range(-radius, radius + 1):
                    value = _window_value(signal, row + i, col + j, curvature, floor)
                    value -= feet[radius + i, radius + j]
                    if abs(i) <= 1 and abs(j) <= 1:
                        volume += max(value, 0.0)
                    weight = max(value - floor, 0.0)
                    total += weight
                    across += weight * j
                    along += weight * i
            if total == 0.0:
                continue
            u = across / total
            v = along / total
            u += correction * u * (1.0 - 4.0 * u * u)
            v += correction * v * (1.0 - 4.0 * v * v)
            places[b, 0] = col + u
            places[b, 1] = row + v
            places[b, 2] = blob["peak"] * math.exp(0.5 * (u * u + v * v) / (width * width))
            blob["size_mm"] = volume
        for b in range(n):
            for k in range(3):
                before[b, k] = places[b, k]

    for b in range(n):
        blob = blobs[b]
        x = places[b, 0]
        y = places[b, 1]
        volume = blob["size_mm"]
        if blob["peaks"] == 1 and blob["sum"] > 0.0:
            broad = 1.0 if blob["maxima"] > 1 else _breadth(volume / p["full_touch"], fat)
            x = (1.0 - broad) * x + broad * (blob["sum_col"] / blob["sum"])
            y = (1.0 - broad) * y + broad * (blob["sum_row"] / blob["sum"])
            volume = max(volume, blob["sum"] + p["leave_threshold"] * blob["nodes"])
        blob["x_mm"] = min(max((x + 0.5) * p["pitch_x_mm"], 0.0), p["width_mm"])
        blob["y_mm"] = min(max((y + 0.5) * p["pitch_y_mm"], 0.0), p["height_mm"])
        area_mm2 = volume / p["full_touch"] * p["pitch_x_mm"] * p["pitch_y_mm"]
        blob["size_mm"] = math.sqrt(4.0 * area_mm2 / math.pi)
