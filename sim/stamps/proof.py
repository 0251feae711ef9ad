"""Proof of a codebook's minimum distance: all pairs nearer than a bound, by the index, which loses none."""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from firmware_emulator.kernels import kernel
from sim.stamps.canonical import pads_from_coordinates
from sim.stamps.index import IndexArrays, find_neighbours, grid_arrays, new_scratch
from sim.stamps.stamp import Codebook, Floats, Ints

CHUNK = 8192
"""Codes looked up at a time: the step of progress."""


@dataclass(frozen=True, slots=True)
class ClosePair:
    """Two codes and their rigid distance (mm)."""

    first: int
    second: int
    distance_mm: float


@kernel
def _pairs_of(
    arrays: IndexArrays, first: int, last: int, radius: float, pairs: Ints, distances: Floats
) -> int:
    """List the pairs within the radius that codes at place ``first`` to ``last`` see; return their number.

    A pair is (lesser, greater code); it may be seen from both sides.
    """
    scratch = new_scratch(arrays)
    n = arrays.frame.orders.shape[1]
    own = np.empty(arrays.coordinates.shape[1])
    pads = np.empty((n, 2))
    codes = np.empty(64, np.int64)
    near = np.empty(64)
    found = 0
    for place in range(first, last):
        for axis in range(own.shape[0]):
            own[axis] = arrays.coordinates[place, axis] * arrays.unit_mm
        pads_from_coordinates(arrays.frame, own, pads)
        count = find_neighbours(arrays, scratch, pads, radius, codes, near)
        if count > codes.shape[0]:
            codes = np.empty(count, np.int64)
            near = np.empty(count)
            count = find_neighbours(arrays, scratch, pads, radius, codes, near)
        for k in range(count):
            code = int(arrays.codes[place])
            if codes[k] != code:
                if found < distances.shape[0]:
                    pairs[found, 0] = min(code, codes[k])
                    pairs[found, 1] = max(code, codes[k])
                    distances[found] = near[k]
                found += 1
    return found


def pairs_in_rows(coordinates: npt.NDArray[np.int8] | Floats, unit_mm: float, radius_mm: float) -> Ints:
    """All pairs of rows (lesser, greater) at most ``radius_mm`` apart as stamps; shape (pairs, 2)."""
    arrays = grid_arrays(coordinates, unit_mm, radius_mm)
    pairs, _ = _each_once(*_pairs_between(arrays, 0, len(coordinates), radius_mm))
    return pairs


def _each_once(pairs: Ints, distances: Floats) -> tuple[Ints, Floats]:
    """Each pair with its least distance, sorted by pair."""
    order = np.lexsort((distances, pairs[:, 1], pairs[:, 0]))
    pairs, distances = pairs[order], distances[order]
    first = np.ones(len(pairs), np.bool_)
    first[1:] = (pairs[1:] != pairs[:-1]).any(axis=1)
    return pairs[first], distances[first]


def _pairs_between(arrays: IndexArrays, first: int, last: int, radius_mm: float) -> tuple[Ints, Floats]:
    room = 4 * (last - first) + 64
    while True:
        pairs, distances = np.empty((room, 2), np.int64), np.empty(room)
        count = _pairs_of(arrays, first, last, radius_mm, pairs, distances)
        if count <= room:
            return pairs[:count], distances[:count]
        room = count


def pairs_within(
    codebook: Codebook,
    radius_mm: float,
    *,
    workers: int = 1,
    progress: Callable[[int], object] = lambda codes: None,
) -> list[ClosePair]:
    """All pairs of codes at most ``radius_mm`` apart, nearest first. Mirror images are different codes.

    ``progress`` is called with the number of codes done since its last call.
    """
    arrays = grid_arrays(codebook.coordinates, codebook.unit_mm, radius_mm)

    def chunk(first: int) -> tuple[Ints, Floats]:
        return _pairs_between(arrays, first, min(first + CHUNK, codebook.size), radius_mm)

    pairs, distances = [np.empty((0, 2), np.int64)], [np.empty(0)]
    firsts = range(0, codebook.size, CHUNK)
    with ThreadPoolExecutor(workers) as pool:
        for first, (some, lengths) in zip(firsts, pool.map(chunk, firsts), strict=True):
            progress(min(CHUNK, codebook.size - first))
            pairs.append(some)
            distances.append(lengths)
    every, lengths = _each_once(np.concatenate(pairs), np.concatenate(distances))
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
    """The closest pairs of a codebook, at least one (where it has two codes), nearest first.

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
    """Least rigid distance of two codes (mm); infinite for a single one."""
    pairs = closest_pairs(codebook, 1)
    return pairs[0].distance_mm if pairs else math.inf


def self_close(codebook: Codebook, distance_mm: float) -> list[int]:
    """Codes nearer than the distance to themselves in another pad order: their pose would be ambiguous."""
    from sim.stamps.conflicts import self_distances_mm

    found: list[int] = []
    for first in range(0, codebook.size, CHUNK):
        rows = codebook.coordinates[first : first + CHUNK] * codebook.unit_mm
        near = self_distances_mm(np.asarray(rows, np.float64), distance_mm) < distance_mm
        found += (first + np.flatnonzero(near)).tolist()
    return found
