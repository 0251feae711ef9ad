"""Families: numbered stamps with a common geometry and a guaranteed minimum distance.

The smallest built-in family travels with the package. The others are built once and kept in the user's cache
directory (``STAMPBENCH_CACHE`` names another), memory-mapped when opened and checked against their SHA-256.
"""

from __future__ import annotations

import functools
import hashlib
import json
import logging
import operator
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from firmware_emulator.errors import InputError, StampbenchError
from sim.stamps.canonical import canonical_frame, centred_pads, pads_from_coordinates
from sim.stamps.geometry import FaceGeometry, enclosing_circle, enclosing_circles
from sim.stamps.specification import FamilySpec, find_spec
from sim.stamps.stamp import Floats, Pad, Stamp

if TYPE_CHECKING:
    from sim.stamps.construction import Coordinates
    from sim.stamps.index_arrays import IndexArrays
    from sim.stamps.progress import Progress

_LOG = logging.getLogger(__name__)
_SHIPPED = Path(__file__).parent / "data"
_FORMAT = 1


class Family:
    """A set of stamps with a guaranteed minimum rigid distance; a :class:`~sim.stamps.stamp.Codebook`.

    Attributes:
        spec: the recipe.
        coordinates: canonical coordinates in units of ``unit_mm``, shape (size, 2 n - 3), in index order.
        unit_mm: unit of the coordinates.
    """

    def __init__(
        self, spec: FamilySpec, coordinates: Coordinates, starts: npt.NDArray[np.uint32] | None = None
    ) -> None:
        """Take the recipe, what was built from it, and the index' bucket starts where they are at hand."""
        from sim.stamps.construction import lattice_unit_mm

        self.spec = spec
        self.coordinates = coordinates
        self.unit_mm = lattice_unit_mm(spec)
        self._starts = starts

    @property
    def name(self) -> str:
        """What the family is called."""
        return self.spec.name

    @property
    def geometry(self) -> FaceGeometry:
        """What every stamp keeps."""
        return self.spec.geometry

    @property
    def size(self) -> int:
        """Number of codes."""
        return len(self.coordinates)

    @property
    def pads_per_stamp(self) -> int:
        """Number of pads on every stamp."""
        return self.spec.geometry.pads

    @property
    def min_distance_mm(self) -> float:
        """Guaranteed rigid distance of any two codes (mm); ``stampbench family check`` proves it."""
        return self.spec.min_distance_mm

    def index_arrays(self) -> IndexArrays:
        """The stamps sorted for search."""
        from sim.stamps.index_arrays import arrays_of, grid_arrays, sort_into_cells

        if self.spec.lattice_mm is None:
            return grid_arrays(self.coordinates, self.unit_mm)
        if self._starts is None:
            _, self._starts = sort_into_cells(self.coordinates, self.unit_mm, self.min_distance_mm)
        codes = np.arange(self.size, dtype=np.int32)
        # Pads of a face have a norm of at most sqrt(n) times its radius about their centroid.
        norms_mm = 0.0, float(np.sqrt(self.pads_per_stamp)) * self.geometry.face_radius_mm
        return arrays_of(self.coordinates, codes, self._starts, self.unit_mm, self.min_distance_mm, norms_mm)

    def pads(self, code: int) -> Floats:
        """Pad centres of one stamp, shape (n, 2), mm from the centre of the face disc.

        Raises:
            InputError: ``code`` is not in the family.
        """
        code = operator.index(code)
        if not 0 <= code < self.size:
            raise InputError(f"{self.name}: code {code}: expected 0 to {self.size - 1}")
        pads = np.empty((self.pads_per_stamp, 2))
        coordinates = np.asarray(self.coordinates)[code] * self.unit_mm
        pads_from_coordinates(canonical_frame(self.pads_per_stamp), coordinates, pads)
        centre, _ = enclosing_circle(pads)
        return pads - centre

    def pads_of(self, codes: npt.ArrayLike) -> Floats:
        """Pad centres of several stamps, shape (m, n, 2), mm from the centres of their face discs."""
        rows = self.coordinates[np.asarray(codes, np.int64)].astype(np.float64)
        pads = centred_pads(rows * self.unit_mm)
        centres, _ = enclosing_circles(pads)
        return pads - centres[:, None]

    def stamp(self, code: int) -> Stamp:
        """One stamp, named ``family/code``."""
        diameter_mm = self.geometry.pad_diameter_mm
        pads = tuple(Pad(float(x), float(y), diameter_mm) for x, y in self.pads(code))
        return Stamp(f"{self.name}/{code}", pads)

    def sha256(self) -> str:
        """SHA-256 of the coordinates' bytes, little-endian, row by row."""
        return _sha256(self.coordinates)


def load_family(name: str, *, workers: int | None = None, progress: Progress | None = None) -> Family:
    """A family by name (``p5-60k``, ``p5-600k``, ``p5-6m``) or by its TOML file; built if it is not there.

    ``workers`` builds with that many threads (all cores); ``progress`` is told how far (a bar on stderr).

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
    from sim.stamps.chunks import save_whole
    from sim.stamps.construction import build_coordinates, lattice_unit_mm
    from sim.stamps.index_arrays import sort_into_cells
    from sim.stamps.progress import bars

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
        manifest = {"format": _FORMAT, "coordinates": _sha256(coordinates), "starts": _sha256(starts)}
        # Written last: a folder without it was never finished.
        (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
        shutil.rmtree(partial, ignore_errors=True)
    except OSError as error:
        raise InputError(f"family cache {folder}: {error.strerror}") from error


def is_built(spec: FamilySpec) -> bool:
    """Whether loading the family takes no building; its files are not checked."""
    if spec.sha256 is not None and (_SHIPPED / f"{spec.name}.npy").exists():
        return True
    return (_cached(spec) / "manifest.json").exists()


def _cached(spec: FamilySpec) -> Path:
    return cache_folder() / f"{spec.name}-{spec.digest()}"


def cache_folder() -> Path:
    """Where built families are kept: ``STAMPBENCH_CACHE``, or the user's cache directory."""
    import platformdirs

    named = os.environ.get("STAMPBENCH_CACHE")
    root = Path(named) if named else Path(platformdirs.user_cache_dir("stampbench", appauthor=False))
    return root / "families"


def _open_cached(spec: FamilySpec, folder: Path) -> Family | None:
    """The family in the folder, memory-mapped; None where it is not there or damaged."""
    if not (folder / "manifest.json").exists():
        return None
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        coordinates = np.load(folder / "coordinates.npy", mmap_mode="r")
        starts = np.load(folder / "starts.npy", mmap_mode="r")
        whole = (
            manifest["format"] == _FORMAT
            and manifest["coordinates"] == _sha256(coordinates)
            and manifest["starts"] == _sha256(starts)
            and spec.sha256 in (None, manifest["coordinates"])
        )
    except (OSError, ValueError, EOFError, KeyError, TypeError):
        whole = False
    if not whole:
        _LOG.warning("family cache %s is damaged and will be built again", folder)
        shutil.rmtree(folder, ignore_errors=True)
        return None
    return Family(spec, coordinates, starts)


def _sha256(array: npt.NDArray[Any]) -> str:
    little = array if array.dtype.byteorder != ">" else array.astype(array.dtype.newbyteorder("<"))
    return hashlib.sha256(np.ascontiguousarray(little).data).hexdigest()
