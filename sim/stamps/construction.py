"""Building families: a lattice with repair for the dense ones, random insertion for any other geometry.

Work is cut into chunks whose results are kept as files until the family is done; what is
there after a kill is not done again. Chunks are independent and joined in order: the result is the same for
any number of workers.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from firmware_emulator.errors import InputError
from sim.stamps.canonical import canonical_coordinates
from sim.stamps.conflicts import conflict_pairs, point_table, self_distances_mm, without_conflicts
from sim.stamps.geometry import FaceGeometry
from sim.stamps.index import grid_arrays, nearest_rows, sort_into_cells
from sim.stamps.lattice import blocks, code_words, lattice_points
from sim.stamps.proof import pairs_in_rows
from sim.stamps.specification import FamilySpec
from sim.stamps.stamp import Floats

CHUNKS: Final = 64
"""Steps of each stage: what a kill can cost is one of them for each worker."""
GIVE_UP: Final = 20_000
"""Random insertion ends when that many candidates in a row, and as many as it has codes, found no place."""
DRAWS: Final = 5_000_000
"""Random pad sets drawn before a geometry is said to be too tight."""
GRID_MM: Final = 1.0 / 1024.0
"""Random pads lie on a grid, drawn as integers."""

Coordinates = npt.NDArray[np.int8] | Floats


class Progress(Protocol):
    """Told how far a stage has come."""

    def __call__(self, stage: str, done: int, total: int) -> object:
        """``done`` of ``total`` steps of ``stage`` are finished."""


def silent(stage: str, done: int, total: int) -> None:
    """No progress is shown."""


def lattice_unit_mm(spec: FamilySpec) -> float:
    """Unit of the lattice's integer coordinates (mm)."""
    if spec.lattice_mm is None:
        return 1.0
    return spec.lattice_mm / code_words(2 * spec.geometry.pads - 3)[1]


def build_coordinates(
    spec: FamilySpec, folder: Path | None = None, *, workers: int = 1, progress: Progress = silent
) -> Coordinates:
    """Canonical coordinates of a family's codes, shape (size, 2 n - 3), in units of :func:`lattice_unit_mm`.

    ``folder`` keeps finished chunks, for the next call if this one is cut short; the caller removes it.

    Raises:
        InputError: so many codes cannot be placed so far apart.
    """
    if spec.lattice_mm is None:
        return _random_insertion(spec, progress)
    points = _lattice_family(spec, folder, workers, progress)
    if len(points) < spec.size:
        raise InputError(
            f"family {spec.name}: only {len(points)} codes lie {spec.min_distance_mm:g} mm apart;"
            f" expected a size of at most that, not {spec.size}"
        )
    points = points[: spec.size]
    # In the order of the index: an index needs no list of codes then, and neighbours have unlike numbers.
    order, _ = sort_into_cells(points, lattice_unit_mm(spec), spec.min_distance_mm)
    return np.ascontiguousarray(points[order])


def _lattice_family(
    spec: FamilySpec, folder: Path | None, workers: int, progress: Progress
) -> npt.NDArray[np.int8]:
    unit_mm = lattice_unit_mm(spec)
    geometry, distance_mm = spec.geometry, spec.min_distance_mm
    lows = np.array_split(blocks(geometry, unit_mm), CHUNKS)
    parts = _chunks("points", lambda k: lattice_points(geometry, unit_mm, lows[k]), folder, workers, progress)
    points = np.concatenate(parts)
    table = point_table(points)
    edges = np.linspace(0, len(points), CHUNKS + 1).astype(np.int64)

    def conflicts(k: int) -> npt.NDArray[np.int32]:
        return conflict_pairs(geometry, points, table, unit_mm, distance_mm, int(edges[k]), int(edges[k + 1]))

    pairs = np.concatenate(_chunks("conflicts", conflicts, folder, workers, progress))
    return points[without_conflicts(len(points), pairs)]


def _chunks(
    stage: str,
    work: Callable[[int], npt.NDArray[Any]],
    folder: Path | None,
    workers: int,
    progress: Progress,
) -> list[npt.NDArray[Any]]:
    """Results of ``work`` for every chunk, in order; from the folder where they are there and whole."""

    def chunk(k: int) -> npt.NDArray[Any]:
        path = folder / f"{stage}-{k:02d}.npy" if folder is not None else None
        if path is not None and path.exists():
            try:
                return np.load(path)
            except (OSError, ValueError, EOFError):
                path.unlink()
        result = work(k)
        if path is not None:
            save_whole(path, result)
        return result

    results = []
    with ThreadPoolExecutor(workers) as pool:
        for done, result in enumerate(pool.map(chunk, range(CHUNKS)), start=1):
            progress(stage, done, CHUNKS)
            results.append(result)
    return results


def save_whole(path: Path, array: npt.NDArray[Any]) -> None:
    """Write a ``.npy`` file that is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}.part")
    with part.open("wb") as file:
        np.save(file, array)
    part.replace(path)


def _random_insertion(spec: FamilySpec, progress: Progress) -> Floats:
    """Codes in the order in which they were drawn: each drawn stamp with no earlier code too near is one."""
    rng = np.random.default_rng(spec.seed)
    geometry = spec.geometry
    rows = np.empty((0, 2 * geometry.pads - 3))
    in_vain = 0
    while len(rows) < spec.size:
        batch = _random_stamps(geometry, rng, max(256, len(rows) // 4))
        if batch is None:
            raise InputError(
                f"family {spec.name}: {geometry.pads} pads {geometry.spacing_mm:g} mm apart hardly ever fit"
                f" in a face of radius {geometry.face_radius_mm:g} mm; expected a larger face"
            )
        candidates = canonical_coordinates(batch)
        free = self_distances_mm(candidates, spec.min_distance_mm) >= spec.min_distance_mm
        if len(rows):
            stop_mm = spec.min_distance_mm
            codes, _ = nearest_rows(grid_arrays(rows, 1.0, stop_mm), batch, spec.min_distance_mm, stop_mm)
            free &= codes < 0
        candidates = candidates[free]
        if len(candidates):
            pairs = pairs_in_rows(candidates, 1.0, spec.min_distance_mm)
            candidates = candidates[_first_come(len(candidates), pairs)]
        rows = np.concatenate([rows, candidates])
        progress("codes", min(len(rows), spec.size), spec.size)
        in_vain = 0 if len(candidates) else in_vain + len(batch)
        if in_vain >= max(GIVE_UP, len(rows)):
            raise InputError(
                f"family {spec.name}: size = {spec.size}: {in_vain} stamps in a row found no place"
                f" {spec.min_distance_mm:g} mm from {len(rows)} codes; expected a size of at most that"
            )
    return rows[: spec.size]


def _random_stamps(geometry: FaceGeometry, rng: np.random.Generator, count: int) -> Floats | None:
    """Admissible stamps (count, n, 2) with pads even over the face; None where :data:`DRAWS` bring none."""
    span = int(geometry.face_radius_mm / GRID_MM)
    found: list[Floats] = []
    missing, drawn = count, 0
    near = np.triu_indices(geometry.pads, 1)
    while missing > 0:
        pads = rng.integers(-span, span, (65_536, geometry.pads, 2), endpoint=True)
        pads = pads[(np.square(pads).sum(axis=2) <= span * span).all(axis=1)]
        gaps = np.square(pads[:, near[0]] - pads[:, near[1]]).sum(axis=2)
        pads = pads[(gaps >= (geometry.spacing_mm / GRID_MM) ** 2).all(axis=1)][:missing]
        found.append(pads * GRID_MM)
        missing -= len(pads)
        drawn += 65_536
        if drawn > DRAWS and missing == count:
            return None
    return np.concatenate(found)


def _first_come(count: int, pairs: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Which rows stay when each that is near to an earlier one that stays must go."""
    stays = np.ones(count, np.bool_)
    for first, second in pairs[np.lexsort(pairs.T)].tolist():
        if stays[first]:
            stays[second] = False
    return stays
