"""The slow, obvious search that the index is compared with: every code in every pad order, plain NumPy."""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt
from stampbench.sim.stamps.stamp import Floats, Ints


def exhaustive_distances_mm(points_mm: npt.ArrayLike, table_mm: Floats) -> Floats:
    """Return the rigid distance of points (n, 2) to every stamp of a table (size, n, 2); shape (size,), mm.

    For centred sets as complex numbers the best rotation leaves |a|^2 + |b|^2 - 2 |sum conj(a) b|.
    """
    a = np.asarray(points_mm, np.float64) @ np.array([1, 1j])
    b = table_mm @ np.array([1, 1j])
    a = a - a.mean()
    b = b - b.mean(axis=1, keepdims=True)
    overlap = np.zeros(len(b))
    for order in itertools.permutations(range(b.shape[1])):
        overlap = np.maximum(overlap, np.abs((a.conj() * b[:, order]).sum(axis=1)))
    square = np.square(np.abs(a)).sum() + np.square(np.abs(b)).sum(axis=1) - 2.0 * overlap
    distances: Floats = np.sqrt(np.maximum(0.0, square))
    return distances


def exhaustive_within(points_mm: npt.ArrayLike, table_mm: Floats, radius_mm: float) -> tuple[Ints, Floats]:
    """Return all codes within the radius, nearest first, and their distances (mm)."""
    distances = exhaustive_distances_mm(points_mm, table_mm)
    codes = np.flatnonzero(distances <= radius_mm)
    codes = codes[np.argsort(distances[codes], kind="stable")]
    return codes, distances[codes]
