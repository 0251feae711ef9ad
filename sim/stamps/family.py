"""Families: numbered stamps with a common geometry and a guaranteed minimum distance."""

from __future__ import annotations

import hashlib
import operator
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from stampbench.firmware_emulator.errors import InputError
from stampbench.firmware_emulator.kernels import kernel
from stampbench.sim.stamps.canonical import Frame, canonical_frame, centred_pads, pads_from_coordinates
from stampbench.sim.stamps.geometry import FaceGeometry, enclosing_circles, fill_enclosing_centre
from stampbench.sim.stamps.specification import FamilySpec
from stampbench.sim.stamps.stamp import Coordinates, Floats, Pad, Stamp

if TYPE_CHECKING:
    from stampbench.sim.stamps.index_arrays import IndexArrays


class Family:
    """A set of stamps with a guaranteed minimum rigid distance; a ``Codebook``, made by ``load_family``.

    Attributes:
        spec: the recipe.
        coordinates: canonical coordinates in units of ``unit_mm``, shape (size, 2 n - 3), in index order.
        unit_mm: unit of the coordinates.
    """

    def __init__(
        self, spec: FamilySpec, coordinates: Coordinates, starts: npt.NDArray[np.uint32] | None = None
    ) -> None:
        """Take the recipe, what was built from it, and the index' bucket starts where they are at hand."""
        from stampbench.sim.stamps.lattice import lattice_unit_mm

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
        """Return the stamps sorted for search."""
        from stampbench.sim.stamps.index_arrays import arrays_of, grid_arrays, sort_into_cells

        if self.spec.lattice_mm is None:
            return grid_arrays(self.coordinates, self.unit_mm)
        if self._starts is None:
            _, self._starts = sort_into_cells(self.coordinates, self.unit_mm, self.min_distance_mm)
        codes = np.arange(self.size, dtype=np.int32)
        # Pads of a face have a norm of at most sqrt(n) times its radius about their centroid.
        norms_mm = 0.0, float(np.sqrt(self.pads_per_stamp)) * self.geometry.face_radius_mm
        return arrays_of(self.coordinates, codes, self._starts, self.unit_mm, self.min_distance_mm, norms_mm)

    def pads(self, code: int) -> Floats:
        """Return the pad centres of one stamp, shape (n, 2), mm from the centre of the face disc.

        >>> sb.load_family("p5-60k").pads(777).round(2)
        array([[ 19.48,   4.65],
               [  2.91,  -1.88],
               [  2.86,  19.82],
               [-19.4 ,  -1.4 ],
               [ -3.92, -19.64]])

        Raises:
            InputError: ``code`` is not in the family.
        """
        code = operator.index(code)
        if not 0 <= code < self.size:
            raise InputError(f"{self.name}: code {code}: expected 0 to {self.size - 1}")
        pads = np.empty((self.pads_per_stamp, 2))
        row = np.asarray(self.coordinates[code])
        fill_pads(canonical_frame(self.pads_per_stamp), row, self.unit_mm, pads)
        return pads

    def pads_of(self, codes: npt.ArrayLike) -> Floats:
        """Return pad centres of several stamps, shape (m, n, 2), mm from the centres of their face discs."""
        rows = self.coordinates[np.asarray(codes, np.int64)].astype(np.float64)
        pads = centred_pads(rows * self.unit_mm)
        centres, _ = enclosing_circles(pads)
        return pads - centres[:, None]

    def stamp(self, code: int) -> Stamp:
        """Return one stamp, named ``family/code``."""
        diameter_mm = self.geometry.pad_diameter_mm
        pads = tuple(Pad(float(x), float(y), diameter_mm) for x, y in self.pads(code))
        return Stamp(f"{self.name}/{code}", pads)

    def sha256(self) -> str:
        """Return the SHA-256 of the coordinates' bytes, little-endian, row by row."""
        return sha256_of(self.coordinates)


@kernel
def fill_pads(frame: Frame, row: npt.NDArray[Any], unit_mm: float, out: Floats) -> None:
    """Fill ``out`` (n, 2) with the pads of stored coordinates, mm from the centre of their face disc."""
    pads_from_coordinates(frame, row * unit_mm, out)
    centre = np.empty(2)
    fill_enclosing_centre(out, centre)
    out[:, 0] -= centre[0]
    out[:, 1] -= centre[1]


def sha256_of(array: npt.NDArray[Any]) -> str:
    """Return the SHA-256 of an array's bytes, little-endian, row by row."""
    little = array if array.dtype.byteorder != ">" else array.astype(array.dtype.newbyteorder("<"))
    return hashlib.sha256(np.ascontiguousarray(little).data).hexdigest()
