"""Which lattice points are too near to each other as stamps, and how to keep as many of them as possible.

Within canonical coordinates the lattice keeps its distance, shortened a little where turning a stamp moves it
along. Across the borders between pad orders nothing is kept. Both kinds of conflict are found by asking, for
every pad order of a point that comes close to its best one, which lattice points lie around its coordinates.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt
from stampbench.firmware_emulator.kernels import kernel
from stampbench.sim.stamps.canonical import (
    Frame,
    canonical_frame,
    centred,
    coordinates_in_order,
    pads_from_coordinates,
    score_orders,
    squared_distance,
)
from stampbench.sim.stamps.geometry import FaceGeometry
from stampbench.sim.stamps.index_arrays import ROUNDING_MM, reach_mm
from stampbench.sim.stamps.lattice import Points, Words, code_words
from stampbench.sim.stamps.stamp import Floats, Ints

Pairs = npt.NDArray[np.int32]
_RADIX: Final = 257
"""Base in which the coordinates of a point are read as one number, modulo the size of the hash table."""


@kernel
def _slot(point: Ints, slots: int) -> int:
    key = 0
    for axis in range(point.shape[0]):
        key = (key * _RADIX + point[axis] + 128) % 4611686018427
    return (key * 1000003) % slots


@kernel
def hash_points(points: Points, table: npt.NDArray[np.int32]) -> None:
    """Fill ``table`` (slots,) with the numbers of the points, -1 where empty; open addressing."""
    slots = table.shape[0]
    point = np.empty(points.shape[1], np.int64)
    for slot in range(slots):
        table[slot] = -1
    for number in range(points.shape[0]):
        for axis in range(points.shape[1]):
            point[axis] = points[number, axis]
        slot = _slot(point, slots)
        while table[slot] >= 0:
            slot = slot + 1 if slot + 1 < slots else 0
        table[slot] = number


@kernel
def _find(points: Points, table: npt.NDArray[np.int32], point: Ints) -> int:
    """Return the number of a point, -1 where it is not among the points."""
    slots = table.shape[0]
    slot = _slot(point, slots)
    while table[slot] >= 0:
        number = table[slot]
        same = True
        for axis in range(points.shape[1]):
            same = same and points[number, axis] == point[axis]
        if same:
            return number
        slot = slot + 1 if slot + 1 < slots else 0
    return -1


@kernel
def lattice_points_near(position: Floats, words: Words, reach: float, out: Ints) -> int:
    """List the lattice points within ``reach`` of a position, all in units; return their number.

    For each word the nearest vector of these parities, then all that are reached from it by steps of 2
    outwards on some axes, depth first. ``out`` (room, dimensions) keeps the first that there is room for.
    """
    dimensions = position.shape[0]
    base = np.empty(dimensions, np.int64)
    steps = np.empty(dimensions, np.int64)
    costs = np.empty(dimensions + 1)
    limit = reach * reach
    found = 0
    for word in range(words.shape[0]):
        costs[0] = 0.0
        for axis in range(dimensions):
            base[axis] = words[word, axis] + 2 * math.floor(0.5 * (position[axis] - words[word, axis]) + 0.5)
            away = position[axis] - base[axis]
            costs[0] += away * away
        axis = 0
        if costs[0] > limit:
            continue
        # Costs start from all axes at their nearest value; a step replaces that axis' share.
        while axis >= 0:
            if axis == dimensions:
                if found < out.shape[0]:
                    for k in range(dimensions):
                        out[found, k] = base[k] + _outwards(steps[k], position[k] - base[k])
                found += 1
                axis -= 1
            else:
                steps[axis] = 0
                costs[axis + 1] = costs[axis]
                axis += 1
                continue
            while axis >= 0:
                steps[axis] += 1
                near = position[axis] - base[axis]
                away = near - _outwards(steps[axis], near)
                cost = costs[axis] - near * near + away * away
                if cost <= limit:
                    costs[axis + 1] = cost
                    axis += 1
                    break
                axis -= 1
    return found


@kernel
def _outwards(step: int, side: float) -> int:
    """Return the offset at a step outwards, nearer side first: 0, 2, -2, 4, ... for a positive ``side``."""
    offset = step + 1 if step % 2 == 1 else -step
    return offset if side >= 0.0 else -offset


@kernel
def find_conflicts(
    frame: Frame,
    points: Points,
    table: npt.NDArray[np.int32],
    words: Words,
    unit: float,
    distance: float,
    first: int,
    last: int,
    pairs: Pairs,
) -> int:
    """List pairs (point, other) nearer than ``distance``, points ``first`` to ``last``; return their number.

    A point too near to itself in another pad order is paired with itself. Of two points the one with the
    lesser score sees the other within ``distance`` of its best score; a pair may be listed twice.
    """
    n = frame.orders.shape[1]
    dimensions = points.shape[1]
    own = np.empty(dimensions)
    turned = np.empty(dimensions)
    position = np.empty(dimensions)
    other = np.empty(dimensions)
    pads = np.empty((n, 2))
    middle = np.empty((n, 2))
    scores = np.empty(frame.orders.shape[0])
    near = np.empty((4096, dimensions), np.int64)
    found = 0
    for number in range(first, last):
        for axis in range(dimensions):
            own[axis] = points[number, axis] * unit
        pads_from_coordinates(frame, own, pads)
        norm = math.sqrt(centred(pads, middle))
        best = score_orders(frame, middle, scores)
        for order in range(scores.shape[0]):
            if scores[order] < best - distance - ROUNDING_MM:
                continue
            coordinates_in_order(frame, middle, order, turned)
            if order > 0 and squared_distance(own, turned) < distance * distance:
                if found < pairs.shape[0]:
                    pairs[found, 0] = number
                    pairs[found, 1] = number
                found += 1
                break
            for axis in range(dimensions):
                position[axis] = turned[axis] / unit
            reach = (reach_mm(norm, scores[order], distance) + ROUNDING_MM) / unit
            count = lattice_points_near(position, words, reach, near)
            for k in range(min(count, near.shape[0])):
                for axis in range(dimensions):
                    other[axis] = near[k, axis] * unit
                if squared_distance(turned, other) >= distance * distance:
                    continue
                rival = _find(points, table, near[k])
                if rival < 0 or rival == number:
                    continue
                if found < pairs.shape[0]:
                    pairs[found, 0] = number
                    pairs[found, 1] = rival
                found += 1
    return found


@kernel
def keep_most(starts: Ints, neighbours: Pairs, kept: npt.NDArray[np.int8]) -> None:
    """Choose points without conflicts among each other: those with the fewest rivals left, again and again.

    The rivals of point i are ``neighbours[starts[i] : starts[i + 1]]``; a point that is its own rival
    is never kept. In a round every undecided point with fewer undecided rivals than each of these (of equals
    the lesser number) is kept, and its rivals go. ``kept`` (points,) receives 1 or 0.
    """
    count = starts.shape[0] - 1
    degrees = np.empty(count, np.int32)
    waiting = np.empty(count, np.int32)
    left = 0
    for point in range(count):
        kept[point] = 2  # undecided
        degrees[point] = starts[point + 1] - starts[point]
        for k in range(starts[point], starts[point + 1]):
            if neighbours[k] == point:
                kept[point] = 0
    for point in range(count):
        if kept[point] == 2:
            waiting[left] = point
            left += 1
        else:
            for k in range(starts[point], starts[point + 1]):
                degrees[neighbours[k]] -= 1
    while left > 0:
        for place in range(left):
            point = waiting[place]
            if kept[point] != 2:
                continue
            least = True
            for k in range(starts[point], starts[point + 1]):
                rival = neighbours[k]
                if kept[rival] == 2 and (
                    degrees[rival] < degrees[point] or (degrees[rival] == degrees[point] and rival < point)
                ):
                    least = False
                    break
            if least:
                kept[point] = 1
                for k in range(starts[point], starts[point + 1]):
                    rival = neighbours[k]
                    if kept[rival] == 2:
                        kept[rival] = 0
                        for j in range(starts[rival], starts[rival + 1]):
                            degrees[neighbours[j]] -= 1
        still = 0
        for place in range(left):
            if kept[waiting[place]] == 2:
                waiting[still] = waiting[place]
                still += 1
        left = still


def conflict_pairs(
    geometry: FaceGeometry,
    points: Points,
    table: npt.NDArray[np.int32],
    unit_mm: float,
    distance_mm: float,
    first: int,
    last: int,
) -> Pairs:
    """Return pairs of points nearer than the distance, for points ``first`` to ``last``; shape (pairs, 2)."""
    frame = canonical_frame(geometry.pads)
    words, _ = code_words(points.shape[1])
    room = 4 * (last - first)
    while True:
        pairs = np.empty((room, 2), np.int32)
        count = find_conflicts(frame, points, table, words, unit_mm, distance_mm, first, last, pairs)
        if count <= room:
            return pairs[:count].copy()
        room = count


def point_table(points: Points) -> npt.NDArray[np.int32]:
    """Hash table of the points for :func:`conflict_pairs`, at most half full."""
    table = np.empty(2 * len(points) + 1, np.int32)
    hash_points(points, table)
    return table


def without_conflicts(count: int, pairs: Pairs) -> npt.NDArray[np.bool_]:
    """Return which of ``count`` points to keep so that no pair of kept points is among ``pairs``."""
    keys = np.concatenate(
        [pairs[:, 0] * np.int64(count) + pairs[:, 1], pairs[:, 1] * np.int64(count) + pairs[:, 0]]
    )
    keys.sort()  # in place, unlike np.unique: this is where a build needs most memory
    keys = keys[np.concatenate([[True], keys[1:] != keys[:-1]])] if len(keys) else keys
    starts = np.searchsorted(keys, np.arange(count + 1, dtype=np.int64) * count)
    kept = np.empty(count, np.int8)
    keys %= count
    keep_most(starts, keys.astype(np.int32), kept)
    return kept == 1


@kernel
def _fill_self_distances(frame: Frame, rows: Floats, horizon: float, out: Floats) -> None:
    """Fill ``out`` (m,) with each row's distance to itself in another pad order, where below ``horizon``."""
    n = frame.orders.shape[1]
    pads = np.empty((n, 2))
    middle = np.empty((n, 2))
    turned = np.empty(rows.shape[1])
    scores = np.empty(frame.orders.shape[0])
    for row in range(rows.shape[0]):
        pads_from_coordinates(frame, rows[row], pads)
        centred(pads, middle)
        best = score_orders(frame, middle, scores)
        square = math.inf
        for order in range(1, scores.shape[0]):
            if scores[order] >= best - horizon - ROUNDING_MM:
                coordinates_in_order(frame, middle, order, turned)
                square = min(square, squared_distance(rows[row], turned))
        out[row] = math.sqrt(square)


def self_distances_mm(rows_mm: Floats, horizon_mm: float) -> Floats:
    """Return the rigid distance of each stamp (m, 2 n - 3) to itself in any other pad order (m,), mm.

    Right below ``horizon_mm``; above it the value may be too great, or infinite.
    """
    out = np.empty(len(rows_mm))
    frame = canonical_frame((rows_mm.shape[1] + 3) // 2)
    _fill_self_distances(frame, np.ascontiguousarray(rows_mm), horizon_mm, out)
    return out
