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


COARSE_MM: Final = 0.04
"""Contacts told in larger steps are compared as they are."""
_STEPS: Final = (1.0, 0.5, 1.0 / 3.0, 0.25, 0.2, 0.1)
_WHOLE: Final = 1e-6


def distances_mm(points: Points) -> Points:
    """Return distances of all pairs, sorted: they depend on neither order, place nor orientation."""
    first, second = _pairs(len(points))
    apart = points[first] - points[second]
    return np.sort(np.sqrt(np.square(apart).sum(axis=1)))


@cache
def _pairs(count: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    return np.triu_indices(count, 1)


def farthest_pair_mm(points: Points) -> float:
    """Return the distance of the two farthest apart; 0 for fewer than two."""
    return float(distances_mm(points)[-1]) if len(points) > 1 else 0.0


def scale_of(points: Points, pads: Points, contacts: Sequence[int]) -> float:
    """Return the size of a pattern relative to its stamp: root sums of squares about the mean.

    Args:
        points: contacts.
        pads: of the stamp.
        contacts: for each pad the index of its contact, -1 without one.
    """
    there = [pad for pad, contact in enumerate(contacts) if contact >= 0]
    mine, its = points[[contacts[pad] for pad in there]], pads[there]
    return float(np.sqrt(np.square(mine - mine.mean(axis=0)).sum() / np.square(its - its.mean(axis=0)).sum()))


def shape_change_mm(first: Points, second: Points) -> float:
    """Return largest change of a distance between two sets of contacts; infinite if they differ in number."""
    if len(first) != len(second):
        return float("inf")
    return float(np.abs(distances_mm(first) - distances_mm(second)).max(initial=0.0))


def ruler_step(points: Points) -> float:
    """Return the step in which contacts are told, in their own unit; 0 where it is finer than a tenth.

    Whole pixels of a screen are told in steps of 1, halves and thirds on denser ones.
    """
    for step in _STEPS:
        parts = points / step
        if np.abs(parts - np.round(parts)).max(initial=0.0) < _WHOLE:
            return step
    return 0.0


def repeat_digest(points: Points, unit_mm: float) -> bytes:
    """Return a number that is equal for contacts sent once more, and different for a second press.

    On a fine ruler it is that of the shape, so that contacts which were moved or turned are recognised: that
    ten distances of five contacts agree in 0.1 µm by chance does not happen where 0.01 mm are told. On a
    coarse one shapes do agree by chance (seven in 100,000 pairs of presses in whole CSS pixels); there it is
    that of the contacts themselves, whose place and angle would have to agree too.

    Args:
        points: contacts in the unit in which they were sent.
        unit_mm: length of that unit.
    """
    step = ruler_step(points)
    if step * unit_mm < COARSE_MM:
        steps = np.round(distances_mm(points * unit_mm) / _DIGEST_STEP_MM).astype(np.int64)
        return hashlib.sha256(steps.tobytes()).digest()
    whole = np.round(points / step).astype(np.int64)
    return hashlib.sha256(b"contacts" + whole[np.lexsort(whole.T)].tobytes()).digest()
