"""Search code by code, for stamps of many pads and for few stamps: kernels.

A stamp of eight pads has 40,320 pad orders, and hundreds score nearly as much as the best: looking a query up
in each, as a grid needs it, takes longer than comparing it with every code. Two sets of n pads within r of
each other have sorted pair distances that differ by at most sqrt(n) r in norm (a displacement u about the
centroid changes them by at most the norm of all differences u_i - u_j, whose squares sum to n |u|^2). What
passes is matched depth first: both sets about their centroids, the squared distance of the pads matched so
far at the best angle, |a|^2 + |b|^2 - 2 |sum conj(b_k) a_k| over these, only grows with every pad.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from stampbench.firmware_emulator.kernels import kernel
from stampbench.sim.stamps.canonical import centred, centred_pads
from stampbench.sim.stamps.index_arrays import ROUNDING_MM, keep_two, list_code
from stampbench.sim.stamps.stamp import Floats, Ints


class ScanArrays(NamedTuple):
    """Pads (size, n, 2) about their centroids and their sorted pair distances (size, n (n - 1) / 2), mm."""

    pads: Floats
    lengths: Floats


def scan_arrays(coordinates_mm: Floats) -> ScanArrays:
    """Return what is compared, from canonical coordinates (size, 2 n - 3)."""
    pads = np.ascontiguousarray(centred_pads(coordinates_mm))
    first, second = np.triu_indices(pads.shape[1], 1)
    apart = np.hypot(*np.moveaxis(pads[:, first] - pads[:, second], 2, 0))
    return ScanArrays(pads, np.sort(apart, axis=1))


class _Room(NamedTuple):
    """Room for one query at a time: points farthest from the centroid first, levels, likeliest codes."""

    middle: Floats
    points: Floats
    lengths: Floats
    trial: Ints
    sizes: Floats
    real: Floats
    imaginary: Floats
    likely: Ints
    bounds: Floats


@kernel
def _room(n: int) -> _Room:
    return _Room(
        np.empty((n, 2)),
        np.empty((n, 2)),
        np.empty(n * (n - 1) // 2),
        np.empty(n, np.int64),
        np.empty(n + 1),
        np.empty(n + 1),
        np.empty(n + 1),
        np.empty(8, np.int64),
        np.empty(8),
    )


@kernel
def _prepare(points: Floats, room: _Room) -> None:
    """Take in a query."""
    n = points.shape[0]
    centred(points, room.middle)
    for i in range(n):
        x = room.middle[i, 0]
        y = room.middle[i, 1]
        place = i
        while place > 0 and room.points[place - 1, 0] ** 2 + room.points[place - 1, 1] ** 2 < x * x + y * y:
            room.points[place, 0] = room.points[place - 1, 0]
            room.points[place, 1] = room.points[place - 1, 1]
            place -= 1
        room.points[place, 0] = x
        room.points[place, 1] = y
    pair = 0
    for i in range(n):
        for j in range(i):
            x = room.points[i, 0] - room.points[j, 0]
            y = room.points[i, 1] - room.points[j, 1]
            room.lengths[pair] = math.sqrt(x * x + y * y)
            pair += 1
    room.lengths.sort()


@kernel
def _matched_square(points: Floats, pads: Floats, trial: Ints, re: float, im: float) -> float:
    """Sum squared distances over the pads: the closed form cancels, and loses half the digits."""
    size = math.sqrt(re * re + im * im)
    cos = re / size if size > 0.0 else 1.0
    sin = im / size if size > 0.0 else 0.0
    square = 0.0
    for k in range(points.shape[0]):
        bx = pads[trial[k], 0]
        by = pads[trial[k], 1]
        dx = cos * bx - sin * by - points[k, 0]
        dy = sin * bx + cos * by - points[k, 1]
        square += dx * dx + dy * dy
    return square


@kernel
def _least_square(room: _Room, pads: Floats, radius: float) -> float:
    """Return the squared rigid distance (mm^2) of query and pads; infinite beyond the radius."""
    n = pads.shape[0]
    best = math.inf
    limit = (radius + ROUNDING_MM) ** 2 + ROUNDING_MM
    trial = room.trial
    trial[0] = -1
    room.sizes[0] = room.real[0] = room.imaginary[0] = 0.0
    taken = 0
    level = 0
    while level >= 0:
        pad = trial[level]
        if pad >= 0:
            taken &= ~(1 << pad)
        pad += 1
        while pad < n and taken >> pad & 1:
            pad += 1
        if pad == n:
            level -= 1
            continue
        trial[level] = pad
        taken |= 1 << pad
        ax = room.points[level, 0]
        ay = room.points[level, 1]
        bx = pads[pad, 0]
        by = pads[pad, 1]
        size = room.sizes[level] + ax * ax + ay * ay + bx * bx + by * by
        re = room.real[level] + bx * ax + by * ay
        im = room.imaginary[level] + bx * ay - by * ax
        if size - 2.0 * math.sqrt(re * re + im * im) > limit:
            continue
        if level == n - 1:
            square = _matched_square(room.points, pads, trial, re, im)
            if square < best:
                best = square
                limit = min(limit, square + ROUNDING_MM)
            continue
        room.sizes[level + 1] = size
        room.real[level + 1] = re
        room.imaginary[level + 1] = im
        level += 1
        trial[level] = -1
    return best


@kernel
def _square_of_bound(room: _Room, lengths: Floats, limit: float) -> float:
    """Sum squared differences of the sorted pair distances (mm^2); beyond ``limit`` only a part."""
    square = 0.0
    for pair in range(lengths.shape[0]):
        off = room.lengths[pair] - lengths[pair]
        square += off * off
        if square > limit:
            break
    return square


@kernel
def _likeliest(arrays: ScanArrays, room: _Room, limit: float) -> int:
    """Fill ``likely`` with the codes of the least bounds, least first, none beyond ``limit``: how many."""
    count = 0
    for code in range(arrays.lengths.shape[0]):
        most = min(limit, room.bounds[count - 1]) if count == room.likely.shape[0] else limit
        square = _square_of_bound(room, arrays.lengths[code], most)
        if not square <= most:  # also where it is NaN
            continue
        place = min(count, room.likely.shape[0] - 1)
        while place > 0 and room.bounds[place - 1] > square:
            room.bounds[place] = room.bounds[place - 1]
            room.likely[place] = room.likely[place - 1]
            place -= 1
        room.bounds[place] = square
        room.likely[place] = code
        count = min(count + 1, room.likely.shape[0])
    return count


@kernel
def _nearest_two(
    arrays: ScanArrays, room: _Room, radius_mm: float, stop_mm: float, codes: Ints, distances: Floats
) -> None:
    """Keep the nearest two codes: the likeliest are matched first, which leaves few of the others."""
    n = arrays.pads.shape[1]
    radius = radius_mm
    count = _likeliest(arrays, room, n * (radius + ROUNDING_MM) ** 2)
    for place in range(count + arrays.pads.shape[0]):
        code = room.likely[place] if place < count else place - count
        limit = n * (radius + ROUNDING_MM) ** 2
        if not _square_of_bound(room, arrays.lengths[code], limit) <= limit:
            continue
        distance = math.sqrt(_least_square(room, arrays.pads[code], radius))
        if not distance <= radius:
            continue
        keep_two(codes, distances, code, distance)
        if distance <= stop_mm:
            return
        radius = min(radius, distances[1])


@kernel
def _all_within(
    arrays: ScanArrays,
    room: _Room,
    radius: float,
    row: int,
    count: int,
    rows: Ints,
    codes: Ints,
    distances: Floats,
) -> int:
    """List every code within the radius; return how many, also beyond the room."""
    limit = arrays.pads.shape[1] * (radius + ROUNDING_MM) ** 2
    for code in range(arrays.pads.shape[0]):
        if not _square_of_bound(room, arrays.lengths[code], limit) <= limit:
            continue
        distance = math.sqrt(_least_square(room, arrays.pads[code], radius))
        if distance <= radius:
            count = list_code(row, code, distance, count, rows, codes, distances)
    return count


@kernel
def search_each(
    arrays: ScanArrays,
    points: Floats,
    radius_mm: float,
    stop_mm: float,
    every: bool,
    count: int,
    rows: Ints,
    codes: Ints,
    distances: Floats,
) -> int:
    """Return ``search_each`` code by code; each code near to a query is listed once."""
    room = _room(points.shape[1])
    for row in range(points.shape[0]):
        _prepare(points[row], room)
        if every:
            count = _all_within(arrays, room, radius_mm, row, count, rows, codes[0], distances[0])
        else:
            codes[row, 0] = codes[row, 1] = -1
            distances[row, 0] = distances[row, 1] = math.inf
            _nearest_two(arrays, room, radius_mm, stop_mm, codes[row], distances[row])
    return count
