"""Search of a family that was cut from a lattice, which says where codes can be: kernels.

Canonical coordinates of such a family are points of a lattice, integer vectors whose parities are a word of a
binary code (``lattice``). So nothing needs to be searched: the few lattice points within reach
of a query are computed, parity word by parity word, and looked up. A foreign object, near to which there are
lattice points but no codes, costs hardly more than a stamp; a grid of cells has to look into some hundreds.

Nothing is missed: a code within r of a query has its canonical order among those in which the query scores
at least its best score less 2 r, scores at least that best score less r itself, and lies within
:func:`~stampbench.sim.stamps.index_arrays.reach_mm` of the query's coordinates in that order.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from stampbench.firmware_emulator.kernels import kernel
from stampbench.sim.stamps.canonical import centred, coordinates_in_order, score_orders, squared_distance
from stampbench.sim.stamps.index_arrays import (
    ROUNDING_MM,
    IndexArrays,
    bring_best,
    keep_two,
    likely_orders,
    list_code,
    middle_of_search,
    squared_reach,
)
from stampbench.sim.stamps.lattice import Words
from stampbench.sim.stamps.stamp import Floats, Ints


class Room(NamedTuple):
    """Room for one query at a time; the last three for one coordinate axis each."""

    points: Floats
    scores: Floats
    orders: Ints
    query: Floats
    middle: Floats
    stored: Floats
    nearest: Ints
    steps: Ints
    off: Floats


@kernel
def new_room(arrays: IndexArrays) -> Room:
    """Return room for the queries of one thread."""
    n = arrays.frame.orders.shape[1]
    orders = arrays.frame.orders.shape[0]
    axes = 2 * n - 3
    return Room(
        np.empty((n, 2)),
        np.empty(orders),
        np.empty(orders, np.int64),
        np.empty(axes),
        np.empty(axes),
        np.empty(axes),
        np.empty(axes, np.int64),
        np.empty(axes, np.int64),
        np.empty(axes),
    )


@kernel
def _nearest_point(words: Words, word: int, room: Room, unit: float, limit: float) -> float:
    """Return nearest point with those parities: its squared distance in units, beyond ``limit`` only a bound.

    Fills ``nearest``, ``off`` (``middle`` less point, in units) and ``steps`` with 0.
    """
    cost = 0.0
    for axis in range(room.query.shape[0]):
        parity = int(words[word, axis])
        position = room.middle[axis] / unit
        nearest = parity + 2 * math.floor((position - parity) / 2.0 + 0.5)
        room.nearest[axis] = nearest
        room.off[axis] = position - nearest
        room.steps[axis] = 0
        cost += room.off[axis] * room.off[axis]
        if cost > limit:
            break
    return cost


@kernel
def shift_of(off: float, step: int) -> int:
    """Return the way from the nearest point at a step outwards: 0, 2, -2, 4, ... to the query first."""
    shift = step + 1 if step % 2 == 1 else -step
    return shift if off >= 0.0 else -shift


@kernel
def next_point(room: Room, cost: float, limit: float) -> float:
    """Step on to another point within ``limit``: its squared distance in units; -1 if there is none left."""
    for axis in range(room.query.shape[0] - 1, -1, -1):
        off = room.off[axis]
        before = off - shift_of(off, room.steps[axis])
        after = off - shift_of(off, room.steps[axis] + 1)
        further = cost + after * after - before * before
        if further <= limit:
            room.steps[axis] += 1
            return further
        room.steps[axis] = 0
        cost += off * off - before * before
    return -1.0


@kernel
def code_at(arrays: IndexArrays, room: Room) -> int:
    """Return the code at the lattice point ``nearest`` plus its steps; -1 if that is none."""
    key = 0
    for axis in range(room.query.shape[0]):
        place = room.nearest[axis] + shift_of(room.off[axis], room.steps[axis])
        cell = math.floor(place * arrays.unit_mm / arrays.cell_mm)
        key += int(cell) * arrays.weights[axis]
    bucket = key % (arrays.starts.shape[0] - 1)
    for place in range(int(arrays.starts[bucket]), int(arrays.starts[bucket + 1])):
        same = True
        for axis in range(room.query.shape[0]):
            shift = shift_of(room.off[axis], room.steps[axis])
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
    room: Room,
    points: Floats,
    radius_mm: float,
    stop_mm: float,
    share: float,
    every: bool,
    row: int,
    count: int,
    rows: Ints,
    codes: Ints,
    distances: Floats,
) -> int:
    """Answer one query of :func:`search_each`; return how many codes are listed after it."""
    norm = math.sqrt(centred(points, room.points))
    # Also where the norm is NaN.
    if not (arrays.min_norm_mm - radius_mm <= norm <= arrays.max_norm_mm + radius_mm):
        return count
    best_score = score_orders(arrays.frame, room.points, room.scores)
    radius = radius_mm + ROUNDING_MM
    candidates = likely_orders(room.scores, best_score - share * radius, room.orders)
    for done in range(candidates):
        order = bring_best(room.scores, room.orders, done, candidates)
        score = room.scores[order]
        if score < best_score - share * radius:
            continue  # the radius has shrunk since
        coordinates_in_order(arrays.frame, room.points, order, room.query)
        least = best_score - (share - 1.0) * radius - ROUNDING_MM
        gap = middle_of_search(room.query, least, room.middle)
        limit = squared_reach(norm, score, radius, gap) / (arrays.unit_mm * arrays.unit_mm)
        for word in range(words.shape[0]):
            cost = _nearest_point(words, word, room, arrays.unit_mm, limit)
            if cost > limit:
                continue
            while cost >= 0.0:
                for axis in range(room.query.shape[0]):
                    place = room.nearest[axis] + shift_of(room.off[axis], room.steps[axis])
                    room.stored[axis] = place * arrays.unit_mm
                if room.stored[0] >= least:
                    distance = math.sqrt(squared_distance(room.query, room.stored))
                    if distance <= radius:
                        code = code_at(arrays, room)
                        if code >= 0 and distance <= radius_mm and every:
                            count = list_code(row, code, distance, count, rows, codes, distances)
                        elif code >= 0 and distance <= radius_mm:
                            keep_two(codes, distances, code, distance)
                            if distance <= stop_mm:
                                return count
                            if distances[1] + ROUNDING_MM < radius:
                                radius = distances[1] + ROUNDING_MM
                                limit = squared_reach(norm, score, radius, gap)
                                limit /= arrays.unit_mm * arrays.unit_mm
                cost = next_point(room, cost, limit)
    return count


@kernel
def search_each(
    arrays: IndexArrays,
    words: Words,
    points: Floats,
    radius_mm: float,
    stop_mm: float,
    share: float,
    every: bool,
    count: int,
    rows: Ints,
    codes: Ints,
    distances: Floats,
) -> int:
    """Return :func:`stampbench.sim.stamps.grid_search.search_each` among lattice points.

    With ``share`` = 1 only codes are looked for that score no less than the query.
    """
    room = new_room(arrays)
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
            share,
            every,
            row,
            count,
            rows,
            codes[into],
            distances[into],
        )
    return count
