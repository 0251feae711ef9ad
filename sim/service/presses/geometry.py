"""What contacts say beyond which stamp they are: size, life, and whether they were seen before."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float64]
"""Contacts or pads, shape (n, 2), mm."""
_DIGEST_STEP_MM: Final = 1e-4
"""A thousandth of what a touchscreen resolves, and a million times what rounding does to a shifted copy."""


def distances_mm(points: Points) -> Points:
    """Distances of all pairs, sorted: they depend on neither order, place nor orientation."""
    first, second = _pairs(len(points))
    apart = points[first] - points[second]
    return np.sort(np.sqrt(np.square(apart).sum(axis=1)))


@cache
def _pairs(count: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    return np.triu_indices(count, 1)


def farthest_pair_mm(points: Points) -> float:
    """Distance of the two farthest apart; 0 for fewer than two."""
    return float(distances_mm(points)[-1]) if len(points) > 1 else 0.0


def scale_of(points: Points, pads: Points, contacts: Sequence[int]) -> float:
    """Size of a pattern relative to its stamp: root sums of squares about the mean.

    Args:
        points: contacts.
        pads: of the stamp.
        contacts: for each pad the index of its contact, -1 without one.
    """
    there = [pad for pad, contact in enumerate(contacts) if contact >= 0]
    mine, its = points[[contacts[pad] for pad in there]], pads[there]
    return float(np.sqrt(np.square(mine - mine.mean(axis=0)).sum() / np.square(its - its.mean(axis=0)).sum()))


def shape_change_mm(first: Points, second: Points) -> float:
    """Largest change of a distance between two sets of contacts; infinite if they differ in number."""
    if len(first) != len(second):
        return float("inf")
    return float(np.abs(distances_mm(first) - distances_mm(second)).max(initial=0.0))


def shape_digest(points: Points) -> bytes:
    """Number of a shape: equal for the same contacts moved or turned, different for a second press.

    A press comes down at another angle and with other noise: that ten distances of five contacts agree in
    0.1 µm by chance does not happen on a panel that reports 0.01 mm or whole pixels.
    """
    steps = np.round(distances_mm(points) / _DIGEST_STEP_MM).astype(np.int64)
    return hashlib.sha256(steps.tobytes()).digest()
