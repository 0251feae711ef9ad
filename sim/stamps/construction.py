"""Building families: a lattice with repair for the dense ones, random insertion for any other geometry."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.stamps.chunks import kept_chunks
from stampbench.sim.stamps.conflicts import conflict_pairs, point_table, without_conflicts
from stampbench.sim.stamps.index_arrays import sort_into_cells
from stampbench.sim.stamps.insertion import insert_at_random
from stampbench.sim.stamps.lattice import blocks, lattice_points, lattice_unit_mm
from stampbench.sim.stamps.progress import Progress, silent
from stampbench.sim.stamps.specification import FamilySpec
from stampbench.sim.stamps.stamp import Coordinates

CHUNKS = 64
"""Steps of each stage: what a kill can cost is one of them for each worker."""


def build_coordinates(
    spec: FamilySpec, folder: Path | None = None, *, workers: int = 1, progress: Progress = silent
) -> Coordinates:
    """Return canonical coordinates of a family's codes, shape (size, 2 n - 3).

    Their unit is ``lattice_unit_mm``. ``folder`` keeps finished chunks, for the next
    call if this one is cut short; the caller removes it.

    Raises:
        InputError: so many codes cannot be placed so far apart.
    """
    if spec.lattice_mm is None:
        return insert_at_random(spec, folder, workers=workers, progress=progress)
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
    parts = kept_chunks(
        "points", CHUNKS, lambda k: lattice_points(geometry, unit_mm, lows[k]), folder, workers, progress
    )
    points = np.concatenate(parts)
    table = point_table(points)
    edges = np.linspace(0, len(points), CHUNKS + 1).astype(np.int64)

    def conflicts(k: int) -> npt.NDArray[np.int32]:
        return conflict_pairs(geometry, points, table, unit_mm, distance_mm, int(edges[k]), int(edges[k + 1]))

    pairs = np.concatenate(kept_chunks("conflicts", CHUNKS, conflicts, folder, workers, progress))
    return points[without_conflicts(len(points), pairs)]
