"""What indices search: canonical coordinates sorted into a hashed grid, and the bounds that lose no code."""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
from stampbench.firmware_emulator.kernels import kernel
from stampbench.sim.stamps.canonical import Frame, canonical_frame
from stampbench.sim.stamps.geometry import ball_volume
from stampbench.sim.stamps.stamp import Floats, Ints

ROUNDING_MM: Final = 1e-9
"""Added to every limit of the search, so that rounding never loses a code."""
SORTED_ORDERS: Final = 16
"""Pad orders tried from the best score down; any others come after them as they are."""
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


def sort_into_cells(
    coordinates: npt.NDArray[np.int8] | Floats, unit_mm: float, cell_mm: float
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.uint32]]:
    """Return the order of the rows by bucket, and where each bucket starts (buckets + 1,)."""
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
def least_cos_theta(norm: float, score: float, radius: float) -> float:
    """Return the least cosine of the angle by which the canonical angles of near sets can differ.

    Let c = q + delta be the set laid best on the query q, |delta| = e <= radius, Im<q, delta> = 0. Its
    canonical angle differs by theta = arg(score + <m, delta>), and |Im<m, delta>| <= e sin(alpha), where
    cos(alpha) = score / |q|.
    """
    sin_alpha = math.sqrt(max(0.0, 1.0 - (score / norm) * (score / norm))) if norm > 0.0 else 1.0
    if score - radius <= radius * sin_alpha:
        return -1.0
    sin_theta = radius * sin_alpha / (score - radius)
    return math.sqrt(1.0 - sin_theta * sin_theta)


@kernel
def reach_mm(norm: float, score: float, radius: float) -> float:
    """Return how far apart canonical coordinates of sets within ``radius`` of each other can lie (mm).

    With e and theta as in :func:`least_cos_theta`, the squared distance is e^2 + 2 (1 - cos theta) Re<q, c>.
    """
    if norm <= 0.0:
        return 2.0 * radius
    cos_theta = least_cos_theta(norm, score, radius)
    return math.sqrt(radius * radius + 2.0 * (1.0 - cos_theta) * norm * (norm + radius))


@kernel
def middle_of_search(query: Floats, least: float, out: Floats) -> float:
    """Fill ``out`` with the query (2 n - 3,), its score raised to ``least``; return by how much (mm).

    Points p with a score of at least ``least``, which is g above that of the query q, are nearer to this
    point c than to q: |p - q|^2 >= |p - c|^2 + g^2.
    """
    for axis in range(query.shape[0]):
        out[axis] = query[axis]
    gap = max(0.0, least - query[0])
    out[0] += gap
    return gap


@kernel
def squared_reach(norm: float, score: float, radius: float, gap: float) -> float:
    """Square :func:`reach_mm` about the middle of a search so far from its query (mm^2); may be negative."""
    reach = reach_mm(norm, score, radius) + ROUNDING_MM
    return reach * reach - gap * gap


@kernel
def likely_orders(scores: Floats, least: float, orders: Ints) -> int:
    """Fill ``orders`` with the pad orders that score at least that much (mm); return their number."""
    count = 0
    for order in range(scores.shape[0]):
        if scores[order] >= least:
            orders[count] = order
            count += 1
    return count


@kernel
def bring_best(scores: Floats, orders: Ints, done: int, count: int) -> int:
    """Swap the best-scoring of the orders from place ``done`` on to that place; return it.

    Only the first few are sought so: the right order is mostly among them, and there can be 40,320.
    """
    if done < SORTED_ORDERS:
        for k in range(done + 1, count):
            if scores[orders[k]] > scores[orders[done]]:
                orders[k], orders[done] = orders[done], orders[k]
    return int(orders[done])


@kernel
def list_code(
    row: int, code: int, distance: float, count: int, rows: Ints, codes: Ints, distances: Floats
) -> int:
    """List a code near to a query where there is room; return how many are listed then, also beyond it."""
    if count < distances.shape[0]:
        rows[count] = row
        codes[count] = code
        distances[count] = distance
    return count + 1


@kernel
def keep_two(codes: Ints, distances: Floats, code: int, distance: float) -> int:
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
    """Return a cell's side (mm) for one code each, were codes even in a box three deviations wide."""
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
    """Return the index of coordinates that are sorted already."""
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


def read_only(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the array as from a mapped file, so that kernels are compiled for one kind of array."""
    view = array.view()
    view.flags.writeable = False
    return view
