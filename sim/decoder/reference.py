"""The slow, obvious decoder that every fast path is compared with: every code, every matching, plain NumPy.

Memory and time grow with size * n! / (n - k)!; use it with small codebooks or few queries.
"""

from __future__ import annotations

import math
from itertools import combinations, permutations

import numpy as np
import numpy.typing as npt
from stampbench.sim.decoder.acceptance import Acceptance

Floats = npt.NDArray[np.float64]


def exhaustive_distances_mm(
    points_mm: Floats, table_mm: Floats, scale_low: float = 1.0, scale_high: float = 1.0
) -> Floats:
    """Return distances of the points (k, 2) to every code of the table (size, n, 2), k <= n: (size,).

    The minimum over all ways to give each point a pad of its own, all rotations and translations, and all
    scales of the points between the limits.
    """
    points = points_mm[:, 0] + 1j * points_mm[:, 1]
    codes = table_mm[:, :, 0] + 1j * table_mm[:, :, 1]
    a = points - points.mean()
    best = np.full(len(codes), np.inf)
    for matching in permutations(range(codes.shape[1]), len(points)):
        b = codes[:, matching]
        b = b - b.mean(axis=1, keepdims=True)
        z = np.abs((b.conj() * a).sum(axis=1))
        size = (np.abs(a) ** 2).sum()
        scale = np.clip(z / size, scale_low, scale_high) if size > 0.0 else scale_low
        square = scale**2 * size + (np.abs(b) ** 2).sum(axis=1) - 2.0 * scale * z
        best = np.minimum(best, square)
    return np.sqrt(np.maximum(best, 0.0))


def exhaustive_code(points_mm: Floats, table_mm: Floats, radius_mm: float) -> tuple[int, float]:
    """Find the nearest code to a complete stamp, and its distance; (-1, inf) beyond the radius."""
    distances = exhaustive_distances_mm(points_mm, table_mm)
    code = int(distances.argmin())
    return (code, float(distances[code])) if distances[code] <= radius_mm else (-1, math.inf)


def exhaustive_candidates(points_mm: Floats, table_mm: Floats, acceptance: Acceptance) -> list[int]:
    """Return every code that a complete stamp may be, nearest first: one is read, several are ambiguous.

    The nearest within the acceptance radius, and if it is not within half the minimum distance, every other
    that is not less likely by the misread rate: exp(-(d^2 - d_nearest^2) / (2 sigma^2)) > misread / (1 -
    misread).
    """
    distances = exhaustive_distances_mm(points_mm, table_mm)
    order = np.argsort(distances, kind="stable")
    nearest = distances[order[0]]
    if nearest > acceptance.outer_radius_mm():
        return []
    if nearest <= acceptance.min_distance_mm / 2.0:
        return [int(order[0])]
    likelihoods = np.exp((nearest**2 - distances[order] ** 2) / (2.0 * acceptance.sigma_mm**2))
    return [int(code) for code in order[likelihoods >= acceptance.misread / (1.0 - acceptance.misread)]]


def exhaustive_margin_mm(points_mm: Floats, table_mm: Floats) -> float:
    """Return how much farther the second-best code lies than the best."""
    first, second = np.sort(exhaustive_distances_mm(points_mm, table_mm))[:2]
    return float(second - first)


def exhaustive_partial(points_mm: Floats, table_mm: Floats, acceptance: Acceptance) -> list[int]:
    """Return every code that fits contacts of which pads are missing, nearest first."""
    distances = exhaustive_distances_mm(points_mm, table_mm)
    fitting = np.flatnonzero(distances <= acceptance.outer_radius_mm(len(points_mm)))
    return [int(code) for code in fitting[np.argsort(distances[fitting], kind="stable")]]


def exhaustive_constellations(
    points_mm: Floats, table_mm: Floats, radius_mm: float
) -> list[tuple[tuple[int, ...], int, float]]:
    """Return every choice of contacts that reads as a code: (contacts in ascending order, code, distance)."""
    pads = table_mm.shape[1]
    readings: list[tuple[tuple[int, ...], int, float]] = []
    for chosen in combinations(range(len(points_mm)), pads):
        code, distance = exhaustive_code(points_mm[list(chosen)], table_mm, radius_mm)
        if code >= 0:
            readings.append((chosen, code, distance))
    return readings
