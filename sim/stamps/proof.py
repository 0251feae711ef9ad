"""Proof of a codebook's minimum distance: all pairs of codes within a bound, by an index that loses none.

Every code is looked up as a query. Let a and b lie within r of each other, a with the lesser score (scores
and canonical coordinates: ``canonical``). Laid best over b, a stands in some pad order, in
which its score differs from that of b by at most r: so that order is among those of a that score at least its
best score less r, all of which are tried. In it the coordinates of a and b differ by at most
``reach_mm``. A grid looks into every cell so near; in a family cut from a
lattice every lattice point so near is looked up, and codes lie nowhere else. So a finds b, and the distance
in that order is their rigid distance. Stamps of many pads, and few stamps, are compared with all others. A
mirror image is no turn of a stamp in any pad order: it is a code like any other.

All this takes for granted that stored coordinates are canonical, on the lattice, and where the index looks
for them. That is checked as well: every code must find itself, and only codes of which all this is true do.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from stampbench.firmware_emulator.errors import StampbenchError
from stampbench.sim.stamps.canonical import centred_pads
from stampbench.sim.stamps.codebook import Codebook
from stampbench.sim.stamps.index import index_for, index_of_rows
from stampbench.sim.stamps.stamp import Floats, Ints

CHUNK = 8192
"""Codes looked up at a time: the step of progress."""


@dataclass(frozen=True, slots=True)
class ClosePair:
    """Two codes and their rigid distance (mm)."""

    first: int
    second: int
    distance_mm: float


def pairs_in_rows(coordinates_mm: Floats, radius_mm: float) -> Ints:
    """Return all pairs of rows (lesser, greater) at most ``radius_mm`` apart as stamps; shape (pairs, 2)."""
    index = index_of_rows(coordinates_mm, 1.0, radius_mm)
    rows, codes, distances = index.neighbours(centred_pads(coordinates_mm), radius_mm)
    pairs, _ = _each_once(rows, codes, distances)
    return pairs


def _each_once(first: Ints, second: Ints, distances: Floats) -> tuple[Ints, Floats]:
    """Return each pair of different codes (lesser, greater) with its least distance, sorted by pair."""
    apart = first != second
    pairs = np.stack([np.minimum(first, second)[apart], np.maximum(first, second)[apart]], axis=1)
    order = np.lexsort((distances[apart], pairs[:, 1], pairs[:, 0]))
    pairs, distances = pairs[order], distances[apart][order]
    new = np.ones(len(pairs), np.bool_)
    new[1:] = (pairs[1:] != pairs[:-1]).any(axis=1)
    return pairs[new], distances[new]


def pairs_within(
    codebook: Codebook,
    radius_mm: float,
    *,
    workers: int = 1,
    progress: Callable[[int], object] = lambda codes: None,
) -> list[ClosePair]:
    """Find all pairs of codes at most ``radius_mm`` apart, nearest first. Mirror images are different codes.

    ``progress`` is called with the number of codes done since its last call.

    Raises:
        StampbenchError: a code is not in the index where it should be, so that others may be missed as well.
    """
    index = index_for(codebook, radius_mm)

    def chunk(first: int) -> tuple[Ints, Ints, Floats]:
        rows = codebook.coordinates[first : first + CHUNK].astype(np.float64) * codebook.unit_mm
        own, codes, distances = index.neighbours(centred_pads(rows), radius_mm)
        own += first
        alone = np.setdiff1d(np.arange(first, first + len(rows)), own[own == codes])
        if len(alone):
            raise StampbenchError(
                f"{codebook.name}: code {alone[0]} is not found at its own coordinates;"
                " expected them to be canonical and in the order of the index"
            )
        apart = own != codes
        return own[apart], codes[apart], distances[apart]

    found = [(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))]
    firsts = range(0, codebook.size, CHUNK)
    with ThreadPoolExecutor(workers) as pool:
        for first, some in zip(firsts, pool.map(chunk, firsts), strict=True):
            progress(min(CHUNK, codebook.size - first))
            found.append(some)
    every, lengths = _each_once(*(np.concatenate(column) for column in zip(*found, strict=True)))
    order = np.lexsort((every[:, 1], every[:, 0], lengths))
    rows = zip(every[order].tolist(), lengths[order].tolist(), strict=True)
    return [ClosePair(first, second, distance) for (first, second), distance in rows]


def closest_pairs(
    codebook: Codebook,
    count: int = 10,
    *,
    start_mm: float | None = None,
    workers: int = 1,
    progress: Callable[[int], object] = lambda codes: None,
) -> list[ClosePair]:
    """Return the closest pairs of a codebook, at least one (where it has two codes), nearest first.

    The radius grows from ``start_mm`` until enough pairs lie in it; within it none is missed. ``progress``
    runs again over all codes for every radius.
    """
    wanted = min(count, codebook.size * (codebook.size - 1) // 2)
    span = float(np.square(codebook.coordinates[:1].astype(np.float64)).sum())
    radius_mm = start_mm or max(0.25, 0.02 * math.sqrt(span) * codebook.unit_mm)
    found: list[ClosePair] = []
    while len(found) < wanted:
        found = pairs_within(codebook, radius_mm, workers=workers, progress=progress)
        radius_mm *= 1.5
    return found[:wanted]


def least_distance_mm(codebook: Codebook) -> float:
    """Return least rigid distance of two codes (mm); infinite for a single one."""
    pairs = closest_pairs(codebook, 1)
    return pairs[0].distance_mm if pairs else math.inf


def self_close(codebook: Codebook, distance_mm: float) -> list[int]:
    """Find codes nearer to themselves in another pad order: their pose would be ambiguous."""
    from stampbench.sim.stamps.conflicts import self_distances_mm

    found: list[int] = []
    for first in range(0, codebook.size, CHUNK):
        rows = codebook.coordinates[first : first + CHUNK] * codebook.unit_mm
        near = self_distances_mm(np.asarray(rows, np.float64), distance_mm) < distance_mm
        found += (first + np.flatnonzero(near)).tolist()
    return found
