"""One pad missing: every code that fits the others, without looking at every code.

For codebooks too large for a table of lengths. The pad that did not land is somewhere. Put a contact at
every point of a grid over the places it can be: a code that lies within r of the contacts seen, with its
missing pad at most g from a point of the grid, lies within sqrt(r^2 + g^2) of the contacts with that point
added (the motion that fits the others can be kept). So a query of the index at every point of the grid sees
every code that can fit; an exact fit of the few found decides.
"""

from __future__ import annotations

import math

import numpy as np

from sim.decoder.constellations import FaceLimits, in_one_disc
from sim.decoder.matching import ROUNDING_MM, Floats, Ints, fit_each
from sim.stamps import Codebook
from sim.stamps.index import RigidIndex

GRID = 0.6
"""Farthest that a pad can be from a point of the grid, in radii: finer, more queries; coarser, dearer."""


def places_of_missing_pad(contacts_mm: Floats, limits: FaceLimits, radius_mm: float) -> Floats:
    """Points (m, 2), one within ``GRID`` radii of any place where the missing pad can be."""
    step = math.sqrt(2.0) * GRID * radius_mm
    slack = (1.0 + GRID) * radius_mm + ROUNDING_MM  # the contacts are off by a radius, the point by the grid
    nearest = max(limits.spacing_mm - slack, 0.0)
    farthest = limits.span_mm + slack
    axes = [
        np.arange(high - farthest - step, low + farthest + step, step)
        for low, high in zip(contacts_mm.min(axis=0), contacts_mm.max(axis=0), strict=True)
    ]
    grid = np.stack(np.meshgrid(*axes), axis=2).reshape(-1, 2)
    apart = np.hypot(*np.moveaxis(grid[:, np.newaxis] - contacts_mm, 2, 0))
    grid = grid[(apart.min(axis=1) >= nearest) & (apart.max(axis=1) <= farthest)]
    all_pads = np.arange(len(contacts_mm) + 1)
    face = limits.face_radius_mm + slack
    on_face = [in_one_disc(np.vstack([contacts_mm, place]), all_pads, face) for place in grid]
    return grid[np.array(on_face, np.bool_)]


def codes_with_missing_pad(
    contacts_mm: Floats, codebook: Codebook, index: RigidIndex, limits: FaceLimits, radius_mm: float
) -> tuple[Ints, Floats]:
    """Every code of which all pads but one lie within ``radius_mm`` of the contacts (n - 1, 2).

    Returns codes and distances in mm, nearest first.
    """
    candidates: set[int] = set()
    reach = math.hypot(1.0, GRID) * radius_mm + ROUNDING_MM
    for place in places_of_missing_pad(contacts_mm, limits, radius_mm):
        codes, _ = index.within(np.vstack([contacts_mm, place]), reach)
        candidates.update(codes.tolist())
    seen = np.array(sorted(candidates), np.int64)
    squares = np.empty(len(seen))
    fit_each(contacts_mm, codebook.pads_of(seen), radius_mm, 1.0, 1.0, squares)
    fitting = squares >= 0.0
    order = np.argsort(squares[fitting], kind="stable")
    return seen[fitting][order], np.sqrt(squares[fitting][order])
