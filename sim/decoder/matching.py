"""Kernels that lay contacts over the pads of a code: best matching and motion within a radius.

Points a and pads b, both taken from their centroids and read as complex numbers, matched a_k to b_k: over
all rotations, the least squared distance at scale s is s^2 |a|^2 + |b|^2 - 2 s |z|, z = sum conj(b_k) a_k,
reached at the angle of z. Matchings are searched depth first: within r, no distance between two pads changes
by more than sqrt(2) r, which rules out nearly every branch at its second pad and never the right one.
The scale is known only to an interval, which every matched pair narrows; [1, 1] where it is known.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from stampbench.firmware_emulator.kernels import kernel

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

ROUNDING_MM = 1e-9
"""Added to every pruning limit, so that rounding never prunes what lies on the radius."""
SCALE_ROUNDING = 1e-12
"""The same for the scale."""


@kernel
def pair_distances(points: Floats, out: Floats) -> None:
    """Fill ``out`` (n, n) with the distances between the points (n, 2)."""
    n = points.shape[0]
    for i in range(n):
        out[i, i] = 0.0
        for j in range(i):
            x = points[i, 0] - points[j, 0]
            y = points[i, 1] - points[j, 1]
            out[i, j] = math.sqrt(x * x + y * y)
            out[j, i] = out[i, j]


@kernel
def are_apart(points: Floats, least: float, farthest: float) -> bool:
    """Return whether points (n, 2) lie within ``farthest`` of 0 on each axis, and no two within ``least``."""
    for i in range(points.shape[0]):
        if not (abs(points[i, 0]) <= farthest and abs(points[i, 1]) <= farthest):  # also where one is NaN
            return False
        for j in range(i):
            x = points[i, 0] - points[j, 0]
            y = points[i, 1] - points[j, 1]
            if not math.sqrt(x * x + y * y) > least:
                return False
    return True


@kernel
def fit(
    points: Floats, pads: Floats, matching: Ints, scale_low: float, scale_high: float, pose: Floats
) -> float:
    """Lay pad ``matching[k]`` on point k; return the squared distance (mm^2).

    ``pose`` (5,) receives x, y, cos, sin of the motion of the pads, and the scale of the points.
    """
    k = matching.shape[0]
    ax = ay = bx = by = 0.0
    for i in range(k):
        ax += points[i, 0]
        ay += points[i, 1]
        bx += pads[matching[i], 0]
        by += pads[matching[i], 1]
    ax /= k
    ay /= k
    bx /= k
    by /= k
    size = re = im = 0.0
    for i in range(k):
        px = points[i, 0] - ax
        py = points[i, 1] - ay
        qx = pads[matching[i], 0] - bx
        qy = pads[matching[i], 1] - by
        size += px * px + py * py
        re += qx * px + qy * py
        im += qx * py - qy * px
    z = math.sqrt(re * re + im * im)
    cos = 1.0
    sin = 0.0
    scale = scale_low
    if z > 0.0:
        cos = re / z
        sin = im / z
        scale = min(max(z / size, scale_low), scale_high)
    x = scale * ax - (cos * bx - sin * by)
    y = scale * ay - (sin * bx + cos * by)
    square = 0.0  # summed over the pads: the closed form cancels, and loses half the digits
    for i in range(k):
        dx = cos * pads[matching[i], 0] - sin * pads[matching[i], 1] + x - scale * points[i, 0]
        dy = sin * pads[matching[i], 0] + cos * pads[matching[i], 1] + y - scale * points[i, 1]
        square += dx * dx + dy * dy
    pose[0] = x
    pose[1] = y
    pose[2] = cos
    pose[3] = sin
    pose[4] = scale
    return square


@kernel
def best_matching(
    points: Floats,
    point_distances: Floats,
    pads: Floats,
    pad_distances: Floats,
    radius: float,
    scale_low: float,
    scale_high: float,
    matching: Ints,
    pose: Floats,
) -> float:
    """Return the least squared distance (mm^2) of points (k, 2) to any k of the pads; -1 beyond ``radius``.

    ``matching`` (k,) receives the pad of each point and ``pose`` (5,) the motion, as in :func:`fit`.
    """
    k = points.shape[0]
    n = pads.shape[0]
    slack = math.sqrt(2.0) * radius + ROUNDING_MM
    limit = radius * radius
    best = -1.0
    trial = np.full(k, -1, np.int64)
    low = np.empty(k + 1)
    high = np.empty(k + 1)
    motion = np.empty(5)
    low[0] = scale_low
    high[0] = scale_high
    taken = 0
    level = 0
    while level >= 0:
        if trial[level] >= 0:
            taken &= ~(1 << trial[level])
        trial[level] += 1
        while trial[level] < n:
            pad = trial[level]
            if not taken >> pad & 1:
                s_low = low[level]
                s_high = high[level]
                for i in range(level):
                    here = point_distances[level, i]
                    there = pad_distances[pad, trial[i]]
                    if here * s_low < there - slack:
                        s_low = (there - slack) / here if here > 0.0 else math.inf
                    if here * s_high > there + slack:
                        s_high = (there + slack) / here
                    if s_low > s_high + SCALE_ROUNDING:
                        break
                if s_low <= s_high + SCALE_ROUNDING:
                    low[level + 1] = s_low
                    high[level + 1] = s_high
                    break
            trial[level] += 1
        if trial[level] == n:
            trial[level] = -1
            level -= 1
        elif level == k - 1:
            found = fit(points, pads, trial, scale_low, scale_high, motion)
            taken |= 1 << trial[level]
            if found <= limit and (best < 0.0 or found < best):
                best = found
                limit = found
                for i in range(k):
                    matching[i] = trial[i]
                for i in range(5):
                    pose[i] = motion[i]
        else:
            taken |= 1 << trial[level]
            level += 1
    return best


@kernel
def lay_over(
    points: Floats,
    pads: Floats,
    radius: float,
    scale_low: float,
    scale_high: float,
    matching: Ints,
    pose: Floats,
) -> float:
    """Return :func:`best_matching` of points (k, 2) to pads (n, 2) whose distances are not known yet."""
    point_distances = np.empty((points.shape[0], points.shape[0]))
    pad_distances = np.empty((pads.shape[0], pads.shape[0]))
    pair_distances(points, point_distances)
    pair_distances(pads, pad_distances)
    return best_matching(
        points, point_distances, pads, pad_distances, radius, scale_low, scale_high, matching, pose
    )


@kernel
def fit_each(
    points: Floats, pads: Floats, radius: float, scale_low: float, scale_high: float, squares: Floats
) -> None:
    """Compute squared distances (mm^2) of points (k, 2) to each stamp (m, n, 2); -1 beyond ``radius``."""
    k = points.shape[0]
    n = pads.shape[1]
    point_distances = np.empty((k, k))
    pair_distances(points, point_distances)
    pad_distances = np.empty((n, n))
    matching = np.empty(k, np.int64)
    pose = np.empty(5)
    for m in range(pads.shape[0]):
        pair_distances(pads[m], pad_distances)
        squares[m] = best_matching(
            points, point_distances, pads[m], pad_distances, radius, scale_low, scale_high, matching, pose
        )
