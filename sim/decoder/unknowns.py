"""Questions with something unknown: where a pad is that did not land, or the scale.

Both become ordinary questions to the index by trying the unknown on a grid. A code within r of the contacts,
with its missing pad at most g from a place tried, is within sqrt(r^2 + g^2) of the contacts with that place
added, for the motion that fits the others can be kept. A code within r of the contacts at its best scale s
is within sqrt(r^2 + (s - s')^2 |contacts|^2) of them at a scale s' tried: at the best scale the error is
perpendicular to the contacts, and the ends of the allowed range are themselves tried. So no code is missed,
and an exact fit of the few found decides.
"""

from __future__ import annotations

import math

import numpy as np
from stampbench.firmware_emulator.kernels import kernel
from stampbench.sim.decoder.constellations import FaceLimits, in_one_disc
from stampbench.sim.decoder.matching import ROUNDING_MM, Floats, Ints, fit_each
from stampbench.sim.stamps import Codebook
from stampbench.sim.stamps.index import CodeIndex
from stampbench.sim.stamps.missing_pad import PlaceLimits

GRID = 1.0
"""Farthest that the unknown can be from a value tried, in radii: finer, more questions; coarser, dearer."""
LEAST_TRIED_MM = 0.5
"""The grid is no finer than for this radius, however small the one asked for; the exact fit decides."""
FEW_CODES = 2_000
"""Codes up to which all are fitted."""


@kernel
def _possible(
    pads: Floats, all_pads: Ints, places: Floats, nearest: float, farthest: float, face: float
) -> int:
    """Move those of the places (m, 2) to the front where the last of the pads (n, 2) can be; how many."""
    last = pads.shape[0] - 1
    count = 0
    for place in range(places.shape[0]):
        pads[last, 0] = places[place, 0]
        pads[last, 1] = places[place, 1]
        fits = True
        for i in range(last):
            x = pads[last, 0] - pads[i, 0]
            y = pads[last, 1] - pads[i, 1]
            apart = math.sqrt(x * x + y * y)
            if apart < nearest or apart > farthest:
                fits = False
                break
        if fits and in_one_disc(pads, all_pads, face):
            places[count, 0] = pads[last, 0]
            places[count, 1] = pads[last, 1]
            count += 1
    return count


def places_of_missing_pad(contacts_mm: Floats, limits: FaceLimits, radius_mm: float) -> Floats:
    """Return points (m, 2), one within ``GRID`` radii of any place where the missing pad can be."""
    step = math.sqrt(2.0) * GRID * radius_mm
    slack = (1.0 + GRID) * radius_mm + ROUNDING_MM  # the contacts are off by a radius, the place by the grid
    nearest = max(limits.spacing_mm - slack, 0.0)
    farthest = limits.span_mm + slack
    low = contacts_mm.max(axis=0) - farthest - step
    high = contacts_mm.min(axis=0) + farthest + step
    axes = [np.arange(low[axis], high[axis], step) for axis in (0, 1)]
    places = np.stack(np.meshgrid(*axes), axis=2).reshape(-1, 2)
    pads = np.vstack([contacts_mm, contacts_mm[:1]])
    all_pads = np.arange(len(pads))
    return places[: _possible(pads, all_pads, places, nearest, farthest, limits.face_radius_mm + slack)]


def with_missing_pad(contacts_mm: Floats, limits: FaceLimits, radius_mm: float) -> Floats:
    """Return the contacts (n - 1, 2) with each place of the missing pad added, shape (m, n, 2)."""
    places = places_of_missing_pad(contacts_mm, limits, radius_mm)
    tried = np.empty((len(places), len(contacts_mm) + 1, 2))
    tried[:, :-1] = contacts_mm
    tried[:, -1] = places
    return tried


def codes_with_missing_pad(
    contacts_mm: Floats, codebook: Codebook, search: CodeIndex, limits: FaceLimits, radius_mm: float
) -> tuple[Ints, Floats]:
    """Return every code of which all pads but one lie within ``radius_mm`` of the contacts (n - 1, 2).

    Returns codes and distances in mm, nearest first.
    """
    if codebook.size <= FEW_CODES:
        return _fitting(contacts_mm, codebook, np.arange(codebook.size), radius_mm, 1.0, 1.0)
    face = PlaceLimits(limits.spacing_mm, limits.span_mm, limits.face_radius_mm)
    quick = search.within_but_one(np.ascontiguousarray(contacts_mm), face, radius_mm)
    if quick is not None:
        return quick
    tried_mm = max(radius_mm, LEAST_TRIED_MM)
    tried = with_missing_pad(contacts_mm, limits, tried_mm)
    codes, _ = search.within_any(tried, math.hypot(1.0, GRID) * tried_mm + ROUNDING_MM)
    return _fitting(contacts_mm, codebook, codes, radius_mm, 1.0, 1.0)


def codes_at_some_scale(
    contacts_mm: Floats,
    codebook: Codebook,
    search: CodeIndex,
    limits: FaceLimits,
    radius_mm: float,
    scale_low: float,
    scale_high: float,
) -> tuple[Ints, Floats]:
    """Return every code within ``radius_mm`` of the contacts (n, 2) times a scale in the range.

    Returns codes and distances in mm, nearest first.
    """
    if codebook.size <= FEW_CODES:
        return _fitting(contacts_mm, codebook, np.arange(codebook.size), radius_mm, scale_low, scale_high)
    norm = float(np.sqrt(np.square(contacts_mm - contacts_mm.mean(axis=0)).sum()))
    # Pads of a face have a norm of at most sqrt(n) times its radius.
    largest = (math.sqrt(len(contacts_mm)) * limits.face_radius_mm + radius_mm) / norm
    high = min(scale_high, largest + ROUNDING_MM)
    if high < scale_low:
        return np.empty(0, np.int64), np.empty(0)
    tried_mm = max(radius_mm, LEAST_TRIED_MM)
    count = math.ceil((high - scale_low) * norm / (2.0 * GRID * tried_mm)) + 1
    scales = np.linspace(scale_low, high, count)
    tried = scales[:, np.newaxis, np.newaxis] * contacts_mm
    codes, _ = search.within_any(tried, math.hypot(1.0, GRID) * tried_mm + ROUNDING_MM)
    return _fitting(contacts_mm, codebook, codes, radius_mm, scale_low, scale_high)


def _fitting(
    contacts_mm: Floats,
    codebook: Codebook,
    codes: Ints,
    radius_mm: float,
    scale_low: float,
    scale_high: float,
) -> tuple[Ints, Floats]:
    """Return those of the codes that lie within the radius, nearest first, equal ones by code."""
    codes = np.sort(codes)
    squares = np.empty(len(codes))
    pads = np.ascontiguousarray(codebook.pads_of(codes), np.float64)
    fit_each(contacts_mm, pads, radius_mm, scale_low, scale_high, squares)
    fitting = squares >= 0.0
    codes, distances = codes[fitting], np.sqrt(squares[fitting])
    order = np.argsort(distances, kind="stable")
    return codes[order], distances[order]
