"""Exact search in a family that was cut from a lattice: the lattice says where codes can be.

Canonical coordinates of such a family are points of a lattice, integer vectors whose parities are a word of a
binary code (:mod:`sim.stamps.lattice`). So nothing needs to be searched: the few lattice points within reach
of a query are computed, parity word by parity word, and looked up. A foreign object, near to which there are
lattice points but no codes, costs hardly more than a stamp; a grid of cells has to look into some hundreds.

Nothing is missed: a code within r of a query has its canonical order among those in which the query scores
at least its best score less 2 r, scores at least that best score less r itself, and lies within
:func:`sim.stamps.index.reach_mm` of the query's coordinates in that order.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from firmware_emulator.kernels import kernel
from sim.decoder.matching import ROUNDING_MM, Floats, Ints
from sim.stamps import Codebook, Family
from sim.stamps.canonical import centred, coordinates_in_order, score_orders, squared_distance
from sim.stamps.index import IndexArrays, RigidIndex, reach_mm
from sim.stamps.lattice import Words, code_words


class CodeSearch(Protocol):
    """What the decoder asks of an index; radii in mm."""

    def nearest(self, points_mm: Floats, radius_mm: float) -> tuple[Ints, Floats]:
        """Nearest code within the radius of each of (m, n, 2) points: codes (m,), else -1; distances (m,)."""

    def nearest_two(self, points_mm: Floats, radius_mm: float) -> tuple[Ints, Floats]:
        """The same with the second nearest: codes and distances, both (m, 2)."""

    def within_any(self, points_mm: Floats, radius_mm: float) -> tuple[Ints, Floats]:
        """All codes within the radius of any of (m, n, 2) points, nearest first: codes and distances (k,)."""


def search_of(codebook: Codebook) -> CodeSearch:
    """The quickest search that the codebook allows."""
    if isinstance(codebook, Family) and codebook.spec.lattice_mm is not None:
        return LatticeIndex(codebook)
    return GridIndex(codebook)


class GridIndex:
    """:class:`CodeSearch` in any codebook."""

    def __init__(self, codebook: Codebook) -> None:
        self._index = RigidIndex(codebook)

    def nearest(self, points_mm: Floats, radius_mm: float) -> tuple[Ints, Floats]:
        """Nearest code within the radius of each of the points."""
        return self._index.nearest(points_mm, radius_mm)

    def nearest_two(self, points_mm: Floats, radius_mm: float) -> tuple[Ints, Floats]:
        """Nearest and second nearest code."""
        return self._index.nearest_two(points_mm, radius_mm)

    def within_any(self, points_mm: Floats, radius_mm: float) -> tuple[Ints, Floats]:
        """All codes within the radius of any of the points."""
        found = [self._index.within(points, radius_mm) for points in points_mm]
        return _each_once(
            np.concatenate([np.empty(0, np.int64), *(codes for codes, _ in found)]),
            np.concatenate([np.empty(0), *(distances for _, distances in found)]),
        )


class LatticeIndex:
    """:class:`CodeSearch` in a family cut from a lattice."""

    def __init__(self, family: Family) -> None:
        arrays = family.index_arrays()
        # Read-only in memory as in a mapped file, so that the kernels are compiled for one kind of array.
        self._arrays = arrays._replace(
            coordinates=_read_only(arrays.coordinates),
            codes=_read_only(arrays.codes),
            starts=_read_only(arrays.starts),
        )
        self._words, _ = code_words(self._arrays.coordinates.shape[1])
        self._half_distance_mm = 0.5 * family.min_distance_mm * (1.0 - 1e-12)

    def nearest(self, points_mm: Floats, radius_mm: float) -> tuple[Ints, Floats]:
        """Nearest code within the radius of each of the points."""
        # Within half the minimum distance the code found is the nearest.
        codes, distances = self._nearest_two(points_mm, radius_mm, min(self._half_distance_mm, radius_mm))
        return codes[:, 0], distances[:, 0]

    def nearest_two(self, points_mm: Floats, radius_mm: float) -> tuple[Ints, Floats]:
        """Nearest and second nearest code."""
        return self._nearest_two(points_mm, radius_mm, -1.0)

    def _nearest_two(self, points_mm: Floats, radius_mm: float, stop_mm: float) -> tuple[Ints, Floats]:
        codes, distances = np.empty((len(points_mm), 2), np.int64), np.empty((len(points_mm), 2))
        _search_each(self._arrays, self._words, points_mm, radius_mm, stop_mm, False, 0, codes, distances)
        return codes, distances

    def within_any(self, points_mm: Floats, radius_mm: float) -> tuple[Ints, Floats]:
        """All codes within the radius of any of the points."""
        room = 1024
        while True:
            codes, distances = np.empty((1, room), np.int64), np.empty((1, room))
            count = _search_each(
                self._arrays, self._words, points_mm, radius_mm, -1.0, True, 0, codes, distances
            )
            if count <= room:
                return _each_once(codes[0, :count], distances[0, :count])
            room = count


def _read_only(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    view = array.view()
    view.flags.writeable = False
    return view


def _each_once(codes: Ints, distances: Floats) -> tuple[Ints, Floats]:
    """Every code once, at its least distance; nearest first, then by code."""
    order = np.lexsort((distances, codes))
    codes, distances = codes[order], distances[order]
    first = np.diff(codes, prepend=-1) != 0
    codes, distances = codes[first], distances[first]
    order = np.argsort(distances, kind="stable")
    return codes[order], distances[order]


class _Room(NamedTuple):
    """Room for one query at a time; the last three for one coordinate axis each."""

    points: Floats
    scores: Floats
    orders: Ints
    query: Floats
    stored: Floats
    nearest: Ints
    steps: Ints
    off: Floats


@kernel
def _room(arrays: IndexArrays) -> _Room:
    n = arrays.frame.orders.shape[1]
    orders = arrays.frame.orders.shape[0]
    axes = 2 * n - 3
    return _Room(
        np.empty((n, 2)),
        np.empty(orders),
        np.empty(orders, np.int64),
        np.empty(axes),
        np.empty(axes),
        np.empty(axes, np.int64),
        np.empty(axes, np.int64),
        np.empty(axes),
    )


@kernel
def _nearest_point(words: Words, word: int, room: _Room, unit: float, limit: float) -> float:
    """Nearest point with those parities: its squared distance in units, beyond ``limit`` only a bound.

    Fills ``nearest``, ``off`` (query less point, in units) and ``steps`` with 0.
    """
    cost = 0.0
    for axis in range(room.query.shape[0]):
        parity = int(words[word, axis])
        position = room.query[axis] / unit
        nearest = parity + 2 * math.floor((position - parity) / 2.0 + 0.5)
        room.nearest[axis] = nearest
        room.off[axis] = position - nearest
        room.steps[axis] = 0
        cost += room.off[axis] * room.off[axis]
        if cost > limit:
            break
    return cost


@kernel
def _shift(off: float, step: int) -> int:
    """From the nearest point to the one at a step outwards: 0, 2, -2, 4, -4, ... towards the query first."""
    shift = step + 1 if step % 2 == 1 else -step
    return shift if off >= 0.0 else -shift


@kernel
def _next_point(room: _Room, cost: float, limit: float) -> float:
    """Step on to another point within ``limit``: its squared distance in units; -1 if there is none left."""
    for axis in range(room.query.shape[0] - 1, -1, -1):
        off = room.off[axis]
        before = off - _shift(off, room.steps[axis])
        after = off - _shift(off, room.steps[axis] + 1)
        further = cost + after * after - before * before
        if further <= limit:
            room.steps[axis] += 1
            return further
        room.steps[axis] = 0
        cost += off * off - before * before
    return -1.0


@kernel
def _code_at(arrays: IndexArrays, room: _Room) -> int:
    """The code at the lattice point ``nearest`` plus its steps; -1 if that is none."""
    key = 0
    for axis in range(room.query.shape[0]):
        place = room.nearest[axis] + _shift(room.off[axis], room.steps[axis])
        cell = math.floor(place * arrays.unit_mm / arrays.cell_mm)
        key += int(cell) * arrays.weights[axis]
    bucket = key % (arrays.starts.shape[0] - 1)
    for place in range(int(arrays.starts[bucket]), int(arrays.starts[bucket + 1])):
        same = True
        for axis in range(room.query.shape[0]):
            shift = _shift(room.off[axis], room.steps[axis])
            if arrays.coordinates[place, axis] != room.nearest[axis] + shift:
                same = False
                break
        if same:
            return int(arrays.codes[place])
    return -1


@kernel
def _search(
    arrays: IndexArrays,
    words: Words,
    room: _Room,
    points: Floats,
    radius_mm: float,
    stop_mm: float,
    every: bool,
    count: int,
    codes: Ints,
    distances: Floats,
) -> int:
    """Append every code within the radius, once for each order in which it is, or keep the nearest two.

    ``count`` codes are there already; returns how many there are then, also beyond the room for them. Looking
    for the nearest two, stops at a code at most ``stop_mm`` away.
    """
    norm = math.sqrt(centred(points, room.points))
    # Also where the norm is NaN.
    if not (arrays.min_norm_mm - radius_mm <= norm <= arrays.max_norm_mm + radius_mm):
        return count
    best_score = score_orders(arrays.frame, room.points, room.scores)
    radius = radius_mm + ROUNDING_MM
    candidates = 0
    for p in range(room.scores.shape[0]):
        if room.scores[p] >= best_score - 2.0 * radius:
            room.orders[candidates] = p
            candidates += 1
    for done in range(candidates):
        for k in range(done + 1, candidates):
            if room.scores[room.orders[k]] > room.scores[room.orders[done]]:
                room.orders[k], room.orders[done] = room.orders[done], room.orders[k]
        order = room.orders[done]
        coordinates_in_order(arrays.frame, room.points, order, room.query)
        reach = (reach_mm(norm, room.scores[order], radius) + ROUNDING_MM) / arrays.unit_mm
        limit = reach * reach
        for word in range(words.shape[0]):
            cost = _nearest_point(words, word, room, arrays.unit_mm, limit)
            if cost > limit:
                continue
            while cost >= 0.0:
                for axis in range(room.query.shape[0]):
                    place = room.nearest[axis] + _shift(room.off[axis], room.steps[axis])
                    room.stored[axis] = place * arrays.unit_mm
                if room.stored[0] >= best_score - radius:
                    distance = math.sqrt(squared_distance(room.query, room.stored))
                    if distance <= radius_mm:
                        code = _code_at(arrays, room)
                        if code >= 0 and every:
                            if count < codes.shape[0]:
                                codes[count] = code
                                distances[count] = distance
                            count += 1
                        elif code >= 0:
                            _keep_two(codes, distances, code, distance)
                            if distance <= stop_mm:
                                return count
                cost = _next_point(room, cost, limit)
    return count


@kernel
def _keep_two(codes: Ints, distances: Floats, code: int, distance: float) -> None:
    """Keep the nearest two codes; of equal distances the lesser code first."""
    if code == codes[0]:
        distances[0] = min(distances[0], distance)
    elif distance < distances[0] or (distance == distances[0] and code < codes[0]):
        codes[1] = codes[0]
        distances[1] = distances[0]
        codes[0] = code
        distances[0] = distance
    elif code == codes[1]:
        distances[1] = min(distances[1], distance)
    elif distance < distances[1] or (distance == distances[1] and code < codes[1]):
        codes[1] = code
        distances[1] = distance


@kernel
def _search_each(
    arrays: IndexArrays,
    words: Words,
    points: Floats,
    radius_mm: float,
    stop_mm: float,
    every: bool,
    count: int,
    codes: Ints,
    distances: Floats,
) -> int:
    """Search for each of ``points`` (m, n, 2): the nearest two into ``codes`` and ``distances`` (m, 2).

    Or ``every`` code near to any, repeatedly, into (1, room), from ``count`` = 0 on: returns how many, also
    beyond the room. (A zero of its own would be a literal, for which the search is compiled once more.)
    """
    room = _room(arrays)
    for row in range(points.shape[0]):
        into = 0 if every else row
        if not every:
            codes[row, 0] = codes[row, 1] = -1
            distances[row, 0] = distances[row, 1] = math.inf
        count = _search(
            arrays,
            words,
            room,
            points[row],
            radius_mm,
            stop_mm,
            every,
            count,
            codes[into],
            distances[into],
        )
    return count
