"""Families by name: the smallest travels with the package, the others are built once and kept.

They are kept in the user's cache directory (``STAMPBENCH_CACHE`` names another), memory-mapped when opened,
and checked against their SHA-256.
"""

from __future__ import annotations

import functools
import json
import logging
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from stampbench.firmware_emulator.errors import InputError, StampbenchError
from stampbench.sim.stamps.family import Family, sha256_of
from stampbench.sim.stamps.specification import FamilySpec, find_spec

if TYPE_CHECKING:
    from stampbench.sim.stamps.progress import Progress

_LOG = logging.getLogger(__name__)
_SHIPPED = Path(__file__).parent / "data"
_FORMAT = 1


def load_family(name: str, *, workers: int | None = None, progress: Progress | None = None) -> Family:
    """Load a family by name (``p5-60k``, ``p5-600k``, ``p5-6m``) or TOML file; build it if it is not there.

    ``workers`` builds with that many threads (all cores); ``progress`` is told how far (a bar on stderr).

    >>> family = sb.load_family("p5-60k")
    >>> family.size, family.min_distance_mm
    (60000, 3.58)

    Raises:
        InputError: there is no such family, its file is wrong, or it cannot be built as described.
    """
    spec = find_spec(name)
    shipped = _SHIPPED / f"{spec.name}.npy"
    if spec.sha256 is not None and shipped.exists():
        return _load_shipped(spec.name)
    folder = _cached(spec)
    family = _open_cached(spec, folder)
    if family is None:
        build_family(spec, workers=workers, progress=progress)
        family = _open_cached(spec, folder)
    if family is None:
        raise StampbenchError(f"family cache {folder}: cannot be read right after it was written")
    return family


@functools.lru_cache(maxsize=4)
def _load_shipped(name: str) -> Family:
    spec = find_spec(name)
    return Family(spec, np.load(_SHIPPED / f"{name}.npy"))


def build_family(spec: FamilySpec, *, workers: int | None = None, progress: Progress | None = None) -> None:
    """Build a family into the cache, going on from what a killed build left.

    Raises:
        InputError: the recipe cannot be followed, or the cache cannot be written.
    """
    from stampbench.sim.stamps.chunks import save_whole
    from stampbench.sim.stamps.construction import build_coordinates
    from stampbench.sim.stamps.index_arrays import sort_into_cells
    from stampbench.sim.stamps.lattice import lattice_unit_mm
    from stampbench.sim.stamps.progress import bars

    folder = _cached(spec)
    partial = folder.with_suffix(".partial")
    try:
        with bars(f"building {spec.name}", progress) as shown:
            coordinates = build_coordinates(
                spec, partial, workers=workers or os.cpu_count() or 1, progress=shown
            )
        _, starts = sort_into_cells(coordinates, lattice_unit_mm(spec), spec.min_distance_mm)
        for stem, array in (("coordinates", coordinates), ("starts", starts)):
            save_whole(folder / f"{stem}.npy", array)
        manifest = {"format": _FORMAT, "coordinates": sha256_of(coordinates), "starts": sha256_of(starts)}
        # Written last: a folder without it was never finished.
        (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
        shutil.rmtree(partial, ignore_errors=True)
    except OSError as error:
        raise InputError(f"family cache {folder}: {error.strerror}") from error


def is_built(spec: FamilySpec) -> bool:
    """Return whether loading the family takes no building; its files are not checked."""
    if spec.sha256 is not None and (_SHIPPED / f"{spec.name}.npy").exists():
        return True
    return (_cached(spec) / "manifest.json").exists()


def _cached(spec: FamilySpec) -> Path:
    return cache_folder() / f"{spec.name}-{spec.digest()}"


def cache_folder() -> Path:
    """Return where built families are kept: ``STAMPBENCH_CACHE``, or the user's cache directory."""
    import platformdirs

    named = os.environ.get("STAMPBENCH_CACHE")
    root = Path(named) if named else Path(platformdirs.user_cache_dir("stampbench", appauthor=False))
    return root / "families"


def _open_cached(spec: FamilySpec, folder: Path) -> Family | None:
    """Return the family in the folder, memory-mapped; None where it is not there or damaged."""
    if not (folder / "manifest.json").exists():
        return None
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        coordinates = np.load(folder / "coordinates.npy", mmap_mode="r")
        starts = np.load(folder / "starts.npy", mmap_mode="r")
        whole = (
            manifest["format"] == _FORMAT
            and manifest["coordinates"] == sha256_of(coordinates)
            and manifest["starts"] == sha256_of(starts)
            and spec.sha256 in (None, manifest["coordinates"])
        )
    except (OSError, ValueError, EOFError, KeyError, TypeError):
        whole = False
    if not whole:
        _LOG.warning("family cache %s is damaged and will be built again", folder)
        shutil.rmtree(folder, ignore_errors=True)
        return None
    return Family(spec, coordinates, starts)
