"""Exact search among the stamps of a codebook: every code within a rigid distance of a pad set.

Canonical coordinates are sorted into a hashed grid. A query is looked up in every pad order that a code
within the radius can have been stored in, and there in every cell that such a code can lie in (bounds in
:func:`reach_mm` and :mod:`sim.stamps.canonical`), so that none is missed. With a guaranteed minimum distance
d, a code found within d / 2 is the nearest: pass ``stop_mm = d / 2``, and the likeliest cells, looked
at first, are usually the only ones.

Kernels for use in other kernels: :func:`find_nearest` and :func:`find_within`, with ``RigidIndex.arrays``
and a scratch of :func:`new_scratch` for each thread.
"""

from __future__ import annotations

import functools
import math
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from firmware_emulator.errors import InputError
from firmware_emulator.kernels import kernel
from sim.stamps.canonical import (
    Frame,
    canonical_frame,
    centred,
    coordinates_in_order,
    score_orders,
    squared_distance,
)
from sim.stamps.geometry import ball_volume
from sim.stamps.stamp import Codebook, Floats, Ints

ROUNDING_MM: Final = 1e-9
"""Added to every limit of the search, so that rounding never loses a code."""
FIRST_PASS: Final = 0.6
"""Share of the radius searched in all pad orders before the whole: what noise usually needs."""
_WEIGHTS: Final = np.array(
    [
        1030022381, 771563389, 1315423911, 961748941, 1190494759, 657460873, 1500450271,
        882377137, 1073676287, 715225739, 1433494437, 920419823, 1256132209,
    ],
    np.int64,
)  # fmt: skip
"""Large primes, one for each axis of the grid: products with cell numbers stay exact in int64 and float."""


class IndexArrays(NamedTuple):
    """The index as arrays that kernels take.

    ``coordinates`` (size, 2 n - 3) in units of ``unit_mm`` and ``codes`` (size,) are sorted by bucket; bucket
    b holds places ``starts[b]`` to ``starts[b + 1]``. ``min_norm_mm`` and ``max_norm_mm`` bound the norms of
    the stamps; ``unit_ball`` is the volume of the unit ball in as many dimensions.
    """

    frame: Frame
    coordinates: npt.NDArray[np.int8] | Floats
    codes: npt.NDArray[np.int32]
    starts: npt.NDArray[np.uint32]
    weights: Ints
    unit_mm: float
    cell_mm: float
    unit_ball: float
    min_norm_mm: float
    max_norm_mm: float


class Scratch(NamedTuple):
    """Room for one query at a time."""

    points: Floats
    scores: Floats
    orders: Ints
    query: Floats
    stored: Floats
    rooms: Floats
    costs: Floats
    axes: Ints
    steps: Ints
    codes: Ints
    distances: Floats


def sort_into_cells(
    coordinates: npt.NDArray[np.int8] | Floats, unit_mm: float, cell_mm: float
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.uint32]]:
    """Order of the rows by bucket, and where each bucket starts (buckets + 1,)."""
    size, dimensions = coordinates.shape
    buckets = max(1, size) | 1
    keys = np.zeros(size, np.int64)
    for axis in range(dimensions):
        cells = np.floor(coordinates[:, axis] * unit_mm / cell_mm).astype(np.int64)
        keys += cells * _WEIGHTS[axis]
    keys %= buckets
    order = np.argsort(keys, kind="stable").astype(np.int32)
    starts = np.zeros(buckets + 1, np.uint32)
    np.cumsum(np.bincount(keys, minlength=buckets), out=starts[1:])
    return order, starts


@kernel
def new_scratch(arrays: IndexArrays) -> Scratch:
    """Room for the queries of one thread."""
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
        np.empty(dimensions, np.int64),
        np.empty(dimensions, np.int64),
        np.empty(2, np.int64),
        np.empty(2),
    )


@kernel
def reach_mm(norm: float, score: float, radius: float) -> float:
    """How far apart canonical coordinates of sets within ``radius`` of each other can lie (mm).

    Let c = q + delta be the set laid best on the query q, |delta| = e <= radius, Im<q, delta> = 0. Its
    canonical angle differs by theta = arg(score + <m, delta>), and |Im<m, delta>| <= e sin(alpha), where
    cos(alpha) = score / |q|. Then the squared distance is e^2 + 2 (1 - cos theta) Re<q, c>.
    """
    if norm <= 0.0:
        return 2.0 * radius
    sin_alpha = math.sqrt(max(0.0, 1.0 - (score / norm) * (score / norm)))
    cos_theta = -1.0
    if score - radius > radius * sin_alpha:
        sin_theta = radius * sin_alpha / (score - radius)
        cos_theta = math.sqrt(1.0 - sin_theta * sin_theta)
    return math.sqrt(radius * radius + 2.0 * (1.0 - cos_theta) * norm * (norm + radius))


@kernel
def _first_cell(arrays: IndexArrays, scratch: Scratch) -> int:
    """Find the cell of ``scratch.query``: its key.

    ``axes`` are sorted by the distance to the nearer wall, widest first, so that :func:`_next_cell` goes to
    the likeliest neighbours first; ``rooms`` are these distances (mm), negative where it is the lower wall.
    """
    dimensions = scratch.query.shape[0]
    key = 0
    for axis in range(dimensions):
        position = scratch.query[axis] / arrays.cell_mm
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
    """Cells towards the nearer wall at a step outwards: 0, 1, -1, 2, -2, ..."""
    return (step + 1) // 2 if step % 2 == 1 else -(step // 2)


@kernel
def _next_cell(arrays: IndexArrays, scratch: Scratch, key: int, reach: float) -> tuple[bool, int]:
    """Go on to the next cell within ``reach`` of the query: whether there is one, and its key.

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
        if cost <= reach * reach:
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
    codes: Ints,
    distances: Floats,
) -> int:
    """Fill ``codes`` and ``distances`` with every code within the radius, or else with the nearest two.

    Pad orders are tried that score at least the best score less ``share`` times the radius: 2 to miss none.
    Returns how many codes there are; of ``every``, only as many as there is room for are written.
    """
    count = 0
    if not every:
        codes[0] = codes[1] = -1
        distances[0] = distances[1] = math.inf
    norm = math.sqrt(centred(points, scratch.points))
    # Also where the norm is NaN.
    if not (arrays.min_norm_mm - radius_mm <= norm <= arrays.max_norm_mm + radius_mm):
        return count
    best_score = score_orders(arrays.frame, scratch.points, scratch.scores)
    buckets = arrays.starts.shape[0] - 1
    radius = radius_mm + ROUNDING_MM
    if stop_mm > 0.0:
        radius *= FIRST_PASS
    while True:
        candidates = 0
        for p in range(scratch.scores.shape[0]):
            if scratch.scores[p] >= best_score - share * radius:
                scratch.orders[candidates] = p
                candidates += 1
        for done in range(candidates):
            for k in range(done + 1, candidates):
                if scratch.scores[scratch.orders[k]] > scratch.scores[scratch.orders[done]]:
                    scratch.orders[k], scratch.orders[done] = scratch.orders[done], scratch.orders[k]
            order = scratch.orders[done]
            score = scratch.scores[order]
            coordinates_in_order(arrays.frame, scratch.points, order, scratch.query)
            reach = reach_mm(norm, score, radius) + ROUNDING_MM
            key = _first_cell(arrays, scratch)
            # Where the reach holds more cells than there are codes, the codes are looked at one by one.
            cells = arrays.unit_ball * (reach / arrays.cell_mm + 0.5) ** scratch.query.shape[0]
            one_by_one = cells > arrays.codes.shape[0]
            more = True
            while more:
                first = 0
                last = arrays.codes.shape[0]
                if not one_by_one:
                    bucket = key % buckets
                    first = int(arrays.starts[bucket])
                    last = int(arrays.starts[bucket + 1])
                for place in range(first, last):
                    if abs(arrays.coordinates[place, 0] * arrays.unit_mm - scratch.query[0]) > reach:
                        continue  # another cell of the same bucket, mostly
                    for axis in range(scratch.query.shape[0]):
                        scratch.stored[axis] = arrays.coordinates[place, axis] * arrays.unit_mm
                    distance = math.sqrt(squared_distance(scratch.query, scratch.stored))
                    if distance > radius_mm:
                        continue
                    code = int(arrays.codes[place])
                    if every:
                        count = _add(codes, distances, count, code, distance)
                    else:
                        count = _keep_two(codes, distances, code, distance)
                        if distance <= stop_mm:
                            return count
                more = False
                if not one_by_one:
                    more, key = _next_cell(arrays, scratch, key, reach)
        if radius >= radius_mm:
            return count
        radius = radius_mm + ROUNDING_MM


@kernel
def _add(codes: Ints, distances: Floats, count: int, code: int, distance: float) -> int:
    """Add a code to the list, or its lesser distance if it is there; return the new count."""
    for place in range(min(count, codes.shape[0])):
        if codes[place] == code:
            distances[place] = min(distances[place], distance)
            return count
    if count < codes.shape[0]:
        codes[count] = code
        distances[count] = distance
    return count + 1


@kernel
def _keep_two(codes: Ints, distances: Floats, code: int, distance: float) -> int:
    """Keep the nearest two codes (equal distances: the lesser code first); return how many are kept."""
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
    return 1 if codes[1] < 0 else 2


@kernel
def find_nearest(
    arrays: IndexArrays, scratch: Scratch, points: Floats, radius_mm: float, stop_mm: float
) -> tuple[int, float, int, float]:
    """Nearest code to ``points`` (n, 2) within the radius, and the second: code, distance, code, distance.

    (-1, inf) where there is none. Returns as soon as a code at most ``stop_mm`` away is found; the second is
    then only what was met on the way. With ``stop_mm`` = 0 both are exact.
    """
    _search(arrays, scratch, points, radius_mm, stop_mm, 2.0, False, scratch.codes, scratch.distances)
    return scratch.codes[0], scratch.distances[0], scratch.codes[1], scratch.distances[1]


@kernel
def find_within(
    arrays: IndexArrays, scratch: Scratch, points: Floats, radius_mm: float, codes: Ints, distances: Floats
) -> int:
    """Every code within the radius of ``points`` (n, 2), unsorted, each once with its least distance.

    Returns how many were found; where that is more than ``codes`` has room for, call again with more room.
    """
    return _search(arrays, scratch, points, radius_mm, 0.0, 2.0, True, codes, distances)


@kernel
def find_neighbours(
    arrays: IndexArrays, scratch: Scratch, pads: Floats, radius_mm: float, codes: Ints, distances: Floats
) -> int:
    """:func:`find_within` for the pads of a code, in about a third of the time, for the proof of a codebook.

    Of two codes within the radius, the one with the lesser score is sure to find the other, at the right
    distance; the other way round it may be missed or seen farther away.
    """
    return _search(arrays, scratch, pads, radius_mm, 0.0, 1.0, True, codes, distances)


@kernel
def _nearest_batch(
    arrays: IndexArrays, points: Floats, radius_mm: float, stop_mm: float, codes: Ints, distances: Floats
) -> None:
    """Fill ``codes`` and ``distances`` (m, 2) with the nearest two codes to each of ``points`` (m, n, 2)."""
    scratch = new_scratch(arrays)
    for row in range(points.shape[0]):
        _search(arrays, scratch, points[row], radius_mm, stop_mm, 2.0, False, codes[row], distances[row])


def nearest_rows(
    arrays: IndexArrays, points: Floats, radius_mm: float, stop_mm: float
) -> tuple[Ints, Floats]:
    """:meth:`RigidIndex.nearest` on bare arrays: codes (m,) and distances (m,) for points (m, n, 2)."""
    codes, distances = np.empty((len(points), 2), np.int64), np.empty((len(points), 2))
    _nearest_batch(arrays, np.ascontiguousarray(points), radius_mm, stop_mm, codes, distances)
    return codes[:, 0], distances[:, 0]


class RigidIndex:
    """Finds the codes of a codebook near to a pad set, exactly.

    Attributes:
        codebook: what is searched.
        arrays: the index for kernels.
    """

    def __init__(self, codebook: Codebook) -> None:
        """Index a codebook; large families bring their arrays sorted."""
        self.codebook = codebook
        self.arrays = codebook.index_arrays()

    @functools.cached_property
    def table(self) -> Floats:
        """Pads of every code, shape (size, n, 2), mm: 80 bytes for each code of five pads."""
        return np.ascontiguousarray(self.codebook.pads_of(np.arange(self.codebook.size)))

    def nearest(self, points_mm: npt.ArrayLike, radius_mm: float) -> tuple[Ints, Floats]:
        """Nearest code within the radius of (m, n, 2) points: codes (m,), -1 = none; distances (m,), inf.

        Stops at half the minimum distance, inside which the code found is the nearest.

        Raises:
            InputError: wrong shape, or a radius that is not positive and finite.
        """
        stop_mm = min(0.5 * self.codebook.min_distance_mm, radius_mm) * (1.0 - 1e-12)
        codes, distances = self.nearest_two(points_mm, radius_mm, stop_mm=stop_mm)
        return codes[:, 0], distances[:, 0]

    def nearest_two(
        self, points_mm: npt.ArrayLike, radius_mm: float, *, stop_mm: float = 0.0
    ) -> tuple[Ints, Floats]:
        """Nearest and second nearest within the radius of (m, n, 2) points: codes and distances, both (m, 2).

        -1 and infinity where there is none; with ``stop_mm`` see :func:`find_nearest`.

        Raises:
            InputError: wrong shape, or a radius that is not positive and finite.
        """
        points = self._points(points_mm, 3)
        self._check_radius(radius_mm)
        codes = np.empty((len(points), 2), np.int64)
        distances = np.empty((len(points), 2))
        _nearest_batch(self.arrays, points, float(radius_mm), float(stop_mm), codes, distances)
        return codes, distances

    def within(self, points_mm: npt.ArrayLike, radius_mm: float) -> tuple[Ints, Floats]:
        """All codes within the radius of (n, 2) points, nearest first: codes (k,) and distances (k,), mm.

        Raises:
            InputError: wrong shape, or a radius that is not positive and finite.
        """
        points = self._points(points_mm, 2)
        self._check_radius(radius_mm)
        room = 64
        while True:
            codes, distances = np.empty(room, np.int64), np.empty(room)
            count = find_within(self.arrays, self._scratch, points, float(radius_mm), codes, distances)
            if count <= room:
                order = np.lexsort((codes[:count], distances[:count]))
                return codes[order], distances[order]
            room = 2 * count

    @functools.cached_property
    def _scratch(self) -> Scratch:
        return new_scratch(self.arrays)

    def _points(self, points_mm: npt.ArrayLike, dimensions: int) -> Floats:
        points = np.ascontiguousarray(points_mm, np.float64)
        if points.ndim != dimensions or points.shape[-2:] != (self.codebook.pads_per_stamp, 2):
            leading = "m, " if dimensions == 3 else ""
            raise InputError(
                f"points_mm has shape {points.shape}; expected ({leading}{self.codebook.pads_per_stamp}, 2)"
            )
        return points

    def _check_radius(self, radius_mm: float) -> None:
        if not 0.0 < radius_mm < math.inf:
            raise InputError(f"radius_mm = {radius_mm}: expected a positive, finite number of mm")


def grid_arrays(
    coordinates: npt.NDArray[np.int8] | Floats, unit_mm: float, radius_mm: float = 1.0
) -> IndexArrays:
    """Sort coordinates (size, 2 n - 3) into a grid for queries of about that radius.

    Cells are half as wide again as the radius, and where codes lie thin, so wide that they hold about one.
    """
    cell = max(1.5 * radius_mm, _cell_for(coordinates, unit_mm))
    order, starts = sort_into_cells(coordinates, unit_mm, cell)
    return arrays_of(coordinates[order], order, starts, unit_mm, cell)


def _cell_for(coordinates: npt.NDArray[np.int8] | Floats, unit_mm: float) -> float:
    """Side of a cell (mm) for one code a cell, were the codes even in a box three deviations wide."""
    widths = np.maximum(3.0 * coordinates.std(axis=0) * unit_mm, 1.0)
    return float(np.exp(np.log(widths).mean() - math.log(len(coordinates)) / len(widths)))


def arrays_of(
    coordinates: npt.NDArray[np.int8] | Floats,
    codes: npt.NDArray[np.int32],
    starts: npt.NDArray[np.uint32],
    unit_mm: float,
    cell_mm: float,
    norms_mm: tuple[float, float] | None = None,
) -> IndexArrays:
    """The index of coordinates that are sorted already."""
    if norms_mm is None:
        norms = np.sqrt(np.square(coordinates.astype(np.float64)).sum(axis=1)) * unit_mm
        norms_mm = float(norms.min()), float(norms.max())
    dimensions = coordinates.shape[1]
    return IndexArrays(
        canonical_frame((dimensions + 3) // 2),
        coordinates,
        codes,
        starts,
        _WEIGHTS[:dimensions].copy(),
        float(unit_mm),
        float(cell_mm),
        ball_volume(dimensions),
        norms_mm[0] - ROUNDING_MM,
        norms_mm[1] + ROUNDING_MM,
    )
