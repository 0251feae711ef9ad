"""Search of a family that was cut from a lattice, which says where codes can be: kernels.

Canonical coordinates of such a family are points of a lattice, integer vectors whose parities are a word of a
binary code (``lattice``). So nothing needs to be searched: the few lattice points within reach
of a query are computed, parity word by parity word, and looked up. A foreign object, near to which there are
lattice points but no codes, costs hardly more than a stamp; a grid of cells has to look into some hundreds.

Nothing is missed: a code within r of a query has its canonical order among those in which the query scores
at least its best score less 2 r, and scores at least that best score less r itself. With a the query's
coordinates in that order and a + d the code's, the squared rigid distance is |d|^2 less twice the square of
<t, d>, t = i a, over Re + |<a, a + d>| (``canonical``). That divisor has a least value among codes within r,
so they all lie in an ellipsoid |d|^2 - bend <t, d>^2 <= r^2, t of unit length: hardly more than the ball. It
is gone through axis by axis; what the axes chosen so far leave at least is known, whatever the others are.
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
    least_cos_theta,
    likely_orders,
    list_code,
    reach_mm,
)
from stampbench.sim.stamps.lattice import Words
from stampbench.sim.stamps.stamp import Floats, Ints

MOST_BENT: Final = 0.9
"""Share of <t, d>^2 that may be taken off at most; beyond it a ball of all codes within reach is smaller."""


class Room(NamedTuple):
    """Room for one query at a time; from ``query`` on with a place for each coordinate axis, or one more.

    Attributes:
        points: the query about its centroid.
        scores, orders: in every pad order, and those that are likely.
        query: coordinates in one order.
        stored: those of a lattice point, mm.
        places: the same in units.
        lean: the unit vector t along which codes may lie farther off.
        bends: by how much, after the first axes: the share of <t, d>^2 that the others may take off.
        widths, shifts: of the ellipsoid along each axis: its squared half width where it is of size 1, and
            how far its middle goes with <t, d> of the axes before.
        squares, leans: |d|^2 and <t, d> of the first axes of the lattice point.
        last: greatest place of the lattice point on each axis.
    """

    points: Floats
    scores: Floats
    orders: Ints
    query: Floats
    stored: Floats
    places: Ints
    lean: Floats
    bends: Floats
    widths: Floats
    shifts: Floats
    squares: Floats
    leans: Floats
    last: Ints


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
        np.empty(axes, np.int64),
        np.empty(axes),
        np.empty(axes + 1),
        np.empty(axes),
        np.empty(axes),
        np.zeros(axes + 1),
        np.zeros(axes + 1),
        np.empty(axes, np.int64),
    )


@kernel
def code_at(arrays: IndexArrays, places: Ints) -> int:
    """Return the code at a lattice point (axes,), in units; -1 if that is none."""
    key = 0
    for axis in range(places.shape[0]):
        key += math.floor(places[axis] * arrays.unit_mm / arrays.cell_mm) * arrays.weights[axis]
    bucket = key % (arrays.starts.shape[0] - 1)
    for place in range(int(arrays.starts[bucket]), int(arrays.starts[bucket + 1])):
        same = True
        for axis in range(places.shape[0]):
            if arrays.coordinates[place, axis] != places[axis]:
                same = False
                break
        if same:
            return int(arrays.codes[place])
    return -1


@kernel
def _set_ellipsoid(room: Room, norm: float, radius: float) -> float:
    """Fill ``lean`` to ``shifts`` for the codes within the radius of ``query``; return the greatest |d| (mm).

    Where the radius is so large that the ellipsoid would be endless, ``bends`` are 0: it is a ball.
    """
    axes = room.query.shape[0]
    across = 0.0
    room.lean[0] = 0.0
    for axis in range(1, axes, 2):
        room.lean[axis] = -room.query[axis + 1]
        room.lean[axis + 1] = room.query[axis]
        across += room.query[axis] * room.query[axis] + room.query[axis + 1] * room.query[axis + 1]
    cos = least_cos_theta(norm, room.query[0], radius)
    divisor = norm * (norm - radius) * (1.0 + cos)
    bend = 2.0 * across / divisor * (1.0 + ROUNDING_MM) if norm > radius and cos > 0.0 else 1.0
    size = radius
    if bend >= MOST_BENT:
        bend, size = 0.0, reach_mm(norm, room.query[0], radius)
    rest = 0.0
    room.bends[axes] = bend
    for axis in range(axes - 1, -1, -1):
        lean = room.lean[axis] = room.lean[axis] / math.sqrt(across) if across > 0.0 else 0.0
        room.widths[axis] = 1.0 / (1.0 - room.bends[axis + 1] * lean * lean)
        room.shifts[axis] = room.bends[axis + 1] * lean * room.widths[axis]
        rest += lean * lean
        room.bends[axis] = bend / (1.0 - bend * rest)
    return size


@kernel
def _open_axis(room: Room, axis: int, parity: int, unit: float, square: float) -> None:
    """Set the first and last place on an axis within an ellipsoid of that squared size (mm^2)."""
    lean = room.leans[axis]
    left = square - (room.squares[axis] - room.bends[axis] * lean * lean)
    reach = math.sqrt(max(0.0, left) * room.widths[axis]) + ROUNDING_MM
    middle = room.query[axis] + room.shifts[axis] * lean
    halves = 0.5 / unit
    room.places[axis] = parity + 2 * math.ceil((middle - reach) * halves - 0.5 * parity)
    room.last[axis] = math.floor((middle + reach) / unit)


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
    unit = arrays.unit_mm
    axes = room.query.shape[0]
    best_score = score_orders(arrays.frame, room.points, room.scores)
    radius = radius_mm + ROUNDING_MM
    candidates = likely_orders(room.scores, best_score - share * radius, room.orders)
    for done in range(candidates):
        order = bring_best(room.scores, room.orders, done, candidates)
        if room.scores[order] < best_score - share * radius:
            continue  # the radius has shrunk since
        coordinates_in_order(arrays.frame, room.points, order, room.query)
        least = best_score - (share - 1.0) * radius - ROUNDING_MM
        size = _set_ellipsoid(room, norm, radius) + ROUNDING_MM
        for word in range(words.shape[0]):
            axis = 0
            _open_axis(room, 0, int(words[word, 0]), unit, size * size)
            while axis >= 0:
                if room.places[axis] > room.last[axis]:
                    axis -= 1
                    if axis >= 0:
                        room.places[axis] += 2
                    continue
                room.stored[axis] = room.places[axis] * unit
                off = room.stored[axis] - room.query[axis]
                square = room.squares[axis] + off * off
                lean = room.leans[axis] + room.lean[axis] * off
                inside = square - room.bends[axis + 1] * lean * lean <= size * size
                if not inside or room.stored[0] < least:
                    room.places[axis] += 2
                    continue
                if axis < axes - 1:
                    axis += 1
                    room.squares[axis], room.leans[axis] = square, lean
                    _open_axis(room, axis, int(words[word, axis]), unit, size * size)
                    continue
                distance = math.sqrt(squared_distance(room.query, room.stored))
                code = code_at(arrays, room.places) if distance <= radius else -1
                room.places[axis] += 2
                if code < 0 or distance > radius_mm:
                    continue
                if every:
                    count = list_code(row, code, distance, count, rows, codes, distances)
                    continue
                keep_two(codes, distances, code, distance)
                if distance <= stop_mm:
                    return count
                if distances[1] + ROUNDING_MM < radius:
                    radius = distances[1] + ROUNDING_MM
                    size = min(size, _set_ellipsoid(room, norm, radius) + ROUNDING_MM)
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
