"""Families of any geometry by random insertion: a stamp drawn is a code unless an earlier one is too near.

Stamps are drawn in pieces, each with random numbers of its own, and compared by any number of workers with
the codes of earlier batches; within a batch the earlier stamp stays. The codes of every batch are kept as a
file.
"""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.stamps.canonical import canonical_coordinates
from stampbench.sim.stamps.chunks import kept
from stampbench.sim.stamps.conflicts import self_distances_mm
from stampbench.sim.stamps.density import space_volume
from stampbench.sim.stamps.geometry import FaceGeometry, ball_volume
from stampbench.sim.stamps.index import index_of_rows
from stampbench.sim.stamps.progress import Progress, silent
from stampbench.sim.stamps.proof import pairs_in_rows
from stampbench.sim.stamps.specification import FamilySpec
from stampbench.sim.stamps.stamp import Floats

PIECE: Final = 256
"""Stamps drawn with one stream of random numbers."""
WINDOW: Final = 20_000
"""Of that many stamps drawn last, and of as many as there are codes, enough must have found a place."""
ENOUGH: Final = 0.001
"""The share of them that is enough."""
GRID_MM: Final = 1.0 / 1024.0
"""Pads lie on a grid, drawn as integers."""
_ESTIMATE_DRAWS: Final = 400_000
"""Draws for the volume from which a size is judged before anything is built: half a second."""
_TRIES: Final = 32
"""Places tried for each pad beside those before it."""
_SETS: Final = 1024
_ROUNDS: Final = 100
"""Rounds of that many sets that bring a piece, or the geometry is said to be too tight."""


def insert_at_random(
    spec: FamilySpec, folder: Path | None = None, *, workers: int = 1, progress: Progress = silent
) -> Floats:
    """Return canonical coordinates (size, 2 n - 3) of the codes, mm, in the order in which they were drawn.

    ``folder`` keeps finished batches, for the next call if this one is cut short; the caller removes it.

    Raises:
        InputError: so many codes cannot be placed so far apart, or hardly any stamp fits in the face.
    """
    _check_room(spec)
    rows = np.empty((0, 2 * spec.geometry.pads - 3))
    drawn: list[int] = []
    placed: list[int] = []
    with ThreadPoolExecutor(workers) as pool:
        while len(rows) < spec.size:
            batch, pieces = len(drawn), max(4, len(rows) // (4 * PIECE))

            def codes(batch: int = batch, pieces: int = pieces, rows: Floats = rows) -> Floats:
                return _insert(spec, rows, batch, pieces, pool)

            new = kept(f"codes-{batch:04d}", codes, folder)
            rows = np.concatenate([rows, new])
            drawn.append(pieces * PIECE)
            placed.append(len(new))
            progress("codes", min(len(rows), spec.size), spec.size)
            if len(rows) < spec.size:
                _check_hope(spec, drawn, placed)
    return rows[: spec.size]


def _check_room(spec: FamilySpec) -> None:
    """Refuse a large size that saturates the space; a small one is found out by drawing, as soon.

    Random insertion of balls comes to rest at densities of 0.384, 0.17, 0.07 and 0.03 in 3, 5, 7 and 9
    dimensions (Zhang and Torquato 2013): the line below through their logarithms.
    """
    if spec.size <= WINDOW:
        return
    dimensions = 2 * spec.geometry.pads - 3
    volume = space_volume(spec.geometry, draws=_ESTIMATE_DRAWS)
    ball = ball_volume(dimensions) * (0.5 * spec.min_distance_mm) ** dimensions
    most = math.exp(0.33 - 0.43 * dimensions) * volume / ball
    if math.isnan(most):
        raise InputError(
            f"family {spec.name}: size = {spec.size}: {spec.geometry.pads} pads hardly ever fit in a face of"
            f" radius {spec.geometry.face_radius_mm:g} mm; expected at most {WINDOW}, or a larger face"
        )
    if spec.size > most:
        raise InputError(
            f"family {spec.name}: size = {spec.size}: about {most:.0f} codes"
            f" {spec.min_distance_mm:g} mm apart fill the face; expected a lesser size or min_distance_mm"
        )


def _insert(spec: FamilySpec, rows: Floats, batch: int, pieces: int, pool: ThreadPoolExecutor) -> Floats:
    """Return the codes of a batch."""
    distance_mm = spec.min_distance_mm
    index = index_of_rows(rows, 1.0, distance_mm, stop_mm=distance_mm) if len(rows) else None

    def piece(number: int) -> Floats:
        stamps = _random_stamps(spec, np.random.default_rng([spec.seed, batch, number]))
        candidates = canonical_coordinates(stamps)
        free = self_distances_mm(candidates, distance_mm) >= distance_mm
        if index is not None:
            free &= index.nearest(stamps, distance_mm)[0] < 0
        return candidates[free]

    candidates = np.concatenate(list(pool.map(piece, range(pieces))))
    if not len(candidates):
        return candidates
    return candidates[_first_come(len(candidates), pairs_in_rows(candidates, distance_mm))]


def _check_hope(spec: FamilySpec, drawn: list[int], placed: list[int]) -> None:
    """Refuse to go on where new stamps hardly find a place."""
    codes, last, found = sum(placed), 0, 0
    for tried, new in zip(reversed(drawn), reversed(placed), strict=True):
        last += tried
        found += new
        if last >= max(WINDOW, codes):
            break
    else:
        return
    if found < ENOUGH * last:
        raise InputError(
            f"family {spec.name}: size = {spec.size}: of the last {last} stamps drawn {found} found a place"
            f" {spec.min_distance_mm:g} mm from {codes} codes; expected a size of about that, or a lesser"
            " min_distance_mm"
        )


def _random_stamps(spec: FamilySpec, rng: np.random.Generator) -> Floats:
    """Return admissible stamps (PIECE, n, 2): each pad anywhere in the face where the pads before it let it.

    Raises:
        InputError: there are hardly any.
    """
    found: list[npt.NDArray[np.int64]] = []
    for _ in range(_ROUNDS):
        found.append(_random_sets(spec.geometry, rng))
        if sum(map(len, found)) >= PIECE:
            return np.asarray(np.concatenate(found)[:PIECE] * GRID_MM, np.float64)
    raise InputError(
        f"family {spec.name}: {spec.geometry.pads} pads {spec.geometry.spacing_mm:g} mm apart hardly ever fit"
        f" in a face of radius {spec.geometry.face_radius_mm:g} mm; expected a larger face"
    )


def _random_sets(geometry: FaceGeometry, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Return those of :data:`_SETS` sets of pads (m, n, 2), in steps of the grid, that could be completed."""
    span = int(geometry.face_radius_mm / GRID_MM)
    least = (geometry.spacing_mm / GRID_MM) ** 2
    sets = np.empty((_SETS, 0, 2), np.int64)
    for _ in range(geometry.pads):
        tries = rng.integers(-span, span, (len(sets), _TRIES, 2), endpoint=True)
        free = np.square(tries).sum(axis=2) <= span * span
        for pad in range(sets.shape[1]):
            free &= np.square(tries - sets[:, pad, np.newaxis]).sum(axis=2) >= least
        place = free.argmax(axis=1)
        fits = np.flatnonzero(free[np.arange(len(sets)), place])
        sets = np.concatenate([sets[fits], tries[fits, place[fits], np.newaxis]], axis=1)
    return sets


def _first_come(count: int, pairs: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Return which rows stay when each that is near to an earlier one that stays must go."""
    stays = np.ones(count, np.bool_)
    for first, second in pairs[np.lexsort(pairs.T)].tolist():
        if stays[first]:
            stays[second] = False
    return stays
