"""Search of a grid of cells, in any codebook: kernels.

A query is looked up in every pad order that a code within the radius can have been stored in, and there in
every cell that such a code can lie in (bounds in :func:`~stampbench.sim.stamps.index_arrays.reach_mm` and
:mod:`stampbench.sim.stamps.canonical`), so that none is missed.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

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
from stampbench.sim.stamps.stamp import Floats, Ints

FIRST_PASS: Final = 0.6
"""Share of the radius searched in all pad orders before the whole: what noise usually needs."""


class Scratch(NamedTuple):
    """Room for one query at a time."""

    points: Floats
    scores: Floats
    orders: Ints
    query: Floats
    middle: Floats
    stored: Floats
    rooms: Floats
    costs: Floats
    axes: Ints
    steps: Ints


@kernel
def new_scratch(arrays: IndexArrays) -> Scratch:
    """Return the room for the queries of one thread."""
    n = arrays.frame.orders.shape[1]
    dimensions = 2 * n - 3
    return Scratch(
        np.empty((n, 2)),
        np.empty(arrays.frame.orders.shape[0]),
        np.empty(arrays.frame.orders.shape[0], np.int64),
        np.empty(dimensions),
        np.empty(dimensions),
        np.empty(dimensions),
        np.empty(dimensions),
        np.empty(dimensions),
        np.empty(dimensions, np.int64),
        np.empty(dimensions, np.int64),
    )


@kernel
def _first_cell(arrays: IndexArrays, scratch: Scratch) -> int:
    """Find the cell of ``scratch.middle``: its key.

    ``axes`` are sorted by the distance to the nearer wall, widest first, so that :func:`_next_cell` goes to
    the likeliest neighbours first; ``rooms`` are these distances (mm), negative where it is the lower wall.
    """
    dimensions = scratch.query.shape[0]
    key = 0
    for axis in range(dimensions):
        position = scratch.middle[axis] / arrays.cell_mm
        cell = math.floor(position)
        key += int(cell) * arrays.weights[axis]
        below = (position - cell) * arrays.cell_mm
        above = arrays.cell_mm - below
        room = min(above, below)
        place = axis
        while place > 0 and abs(scratch.rooms[place - 1]) < room:
            scratch.rooms[place] = scratch.rooms[place - 1]
            scratch.axes[place] = scratch.axes[place - 1]
            place -= 1
        scratch.rooms[place] = room if above < below else -room
        scratch.axes[place] = axis
        scratch.steps[axis] = 0
        scratch.costs[axis] = 0.0
    return key


@kernel
def _offset(step: int) -> int:
    """Return cells towards the nearer wall at a step outwards: 0, 1, -1, 2, -2, ..."""
    return (step + 1) // 2 if step % 2 == 1 else -(step // 2)


@kernel
def _next_cell(arrays: IndexArrays, scratch: Scratch, key: int, limit: float) -> tuple[bool, int]:
    """Go on to the next cell within a squared distance of the middle: whether there is one, and its key.

    Depth first over the axes; ``steps`` holds the step on every axis, ``costs`` the squared distances summed
    over the axes before it.
    """
    dimensions = scratch.query.shape[0]
    for place in range(dimensions - 1, -1, -1):
        room = abs(scratch.rooms[place])
        weight = arrays.weights[scratch.axes[place]]
        if scratch.rooms[place] < 0.0:
            weight = -weight
        step = scratch.steps[place] + 1
        away = (step // 2) * arrays.cell_mm + (room if step % 2 == 1 else -room)
        cost = scratch.costs[place] + away * away
        key -= _offset(step - 1) * weight
        if cost <= limit:
            scratch.steps[place] = step
            for later in range(place + 1, dimensions):
                scratch.costs[later] = cost
            return True, key + _offset(step) * weight
        scratch.steps[place] = 0
    return False, key


@kernel
def _search(
    arrays: IndexArrays,
    scratch: Scratch,
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
    norm = math.sqrt(centred(points, scratch.points))
    # Also where the norm is NaN.
    if not (arrays.min_norm_mm - radius_mm <= norm <= arrays.max_norm_mm + radius_mm):
        return count
    best_score = score_orders(arrays.frame, scratch.points, scratch.scores)
    buckets = arrays.starts.shape[0] - 1
    dimensions = scratch.query.shape[0]
    whole = radius_mm
    passes = 2 if stop_mm > 0.0 else 1
    for this_pass in range(passes):
        radius = whole + ROUNDING_MM
        if this_pass < passes - 1:
            radius *= FIRST_PASS
        candidates = likely_orders(scratch.scores, best_score - share * radius, scratch.orders)
        for done in range(candidates):
            order = bring_best(scratch.scores, scratch.orders, done, candidates)
            score = scratch.scores[order]
            if score < best_score - share * radius:
                continue  # the radius has shrunk since
            coordinates_in_order(arrays.frame, scratch.points, order, scratch.query)
            gap = middle_of_search(scratch.query, best_score - (share - 1.0) * radius, scratch.middle)
            limit = squared_reach(norm, score, radius, gap)
            key = _first_cell(arrays, scratch)
            # Where the reach holds more cells than there are codes, the codes are looked at one by one.
            cells = arrays.unit_ball * (math.sqrt(max(0.0, limit)) / arrays.cell_mm + 0.5) ** dimensions
            one_by_one = cells > arrays.codes.shape[0]
            more = limit >= 0.0
            while more:
                first = 0
                last = arrays.codes.shape[0]
                if not one_by_one:
                    bucket = key % buckets
                    first = int(arrays.starts[bucket])
                    last = int(arrays.starts[bucket + 1])
                for place in range(first, last):
                    away = arrays.coordinates[place, 0] * arrays.unit_mm - scratch.middle[0]
                    if away * away > limit:
                        continue  # another cell of the same bucket, mostly
                    for axis in range(dimensions):
                        scratch.stored[axis] = arrays.coordinates[place, axis] * arrays.unit_mm
                    distance = math.sqrt(squared_distance(scratch.query, scratch.stored))
                    if distance > whole:
                        continue
                    code = int(arrays.codes[place])
                    if every:
                        count = list_code(row, code, distance, count, rows, codes, distances)
                        continue
                    keep_two(codes, distances, code, distance)
                    if distance <= stop_mm:
                        return count
                    if distances[1] < whole:
                        whole = distances[1]
                        radius = min(radius, whole + ROUNDING_MM)
                        limit = squared_reach(norm, score, radius, gap)
                more = False
                if not one_by_one:
                    more, key = _next_cell(arrays, scratch, key, limit)
    return count


@kernel
def search_each(
    arrays: IndexArrays,
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
    """Search for each of ``points`` (m, n, 2): the nearest two into ``codes`` and ``distances`` (m, 2).

    Or ``every`` code near to any into ``rows`` (room,), ``codes`` and ``distances`` (1, room), once for each
    pad order in which it is near, from ``count`` = 0 on: returns how many, also beyond the room. Pad orders
    are tried that score at least the best score less ``share`` times the radius: 2 to miss none.
    Looking for the nearest two, a query ends at a code at most ``stop_mm`` away; 0 for both to be exact.
    """
    # A zero of its own for the count would be a literal, for which the search is compiled once more.
    scratch = new_scratch(arrays)
    for row in range(points.shape[0]):
        into = 0 if every else row
        if not every:
            codes[row, 0] = codes[row, 1] = -1
            distances[row, 0] = distances[row, 1] = math.inf
        count = _search(
            arrays,
            scratch,
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
