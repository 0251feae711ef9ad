"""Exact search among the stamps of a codebook: every code within a rigid distance of a pad set.

Canonical coordinates are looked up in every pad order that a code within the radius can have been stored in:
in a family cut from a lattice at the few lattice points within reach, elsewhere in the cells of a grid.
Stamps of many pads have too many orders for that: these, and few stamps, are compared one by one. With a
guaranteed minimum distance d, a code found within d / 2 is the nearest, and the likeliest places, looked at
first, are usually the only ones.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Final

import numpy as np
import numpy.typing as npt
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.stamps import grid_search, lattice_search, scan_search
from stampbench.sim.stamps.codebook import Codebook
from stampbench.sim.stamps.family import Family
from stampbench.sim.stamps.index_arrays import ROUNDING_MM, IndexArrays, grid_arrays, read_only
from stampbench.sim.stamps.lattice import code_words
from stampbench.sim.stamps.missing_pad import PlaceLimits, search_missing
from stampbench.sim.stamps.stamp import Floats, Ints

MOST_ORDERED_PADS: Final = 5
"""Pads up to which stamps are looked up in pad orders: 120 of them."""
FEW_CODES: Final = 4_000
"""Codes up to which all are compared, whatever the number of pads."""
GRID_UNITS: Final = 1.0
"""Farthest that a missing pad can be from a place tried, at least, in units of the lattice: what is
quickest."""
_ALL: Final = 2.0
"""Pad orders, in radii below the best score, in which any code near to a query can be stored."""
_NO_LESSER: Final = 1.0
"""The same for codes that score no less than the query."""


class CodeIndex(ABC):
    """Finds the codes near to pad sets, exactly.

    Attributes:
        pads_per_stamp: pads on every stamp.
    """

    def __init__(self, pads_per_stamp: int, stop_mm: float) -> None:
        """Take a code within ``stop_mm`` of a query for the nearest."""
        self.pads_per_stamp = pads_per_stamp
        self._stop_mm = stop_mm

    def nearest(self, points_mm: npt.ArrayLike, radius_mm: float) -> tuple[Ints, Floats]:
        """Find the nearest code within the radius of (m, n, 2) points: codes (m,), -1; distances (m,), inf.

        Raises:
            InputError: wrong shape, or a radius that is not positive and finite.
        """
        codes, distances = self._nearest_two(points_mm, radius_mm, min(self._stop_mm, radius_mm))
        return codes[:, 0], distances[:, 0]

    def nearest_two(self, points_mm: npt.ArrayLike, radius_mm: float) -> tuple[Ints, Floats]:
        """Find the nearest two codes within the radius of (m, n, 2) points: codes and distances (m, 2).

        -1 and infinity where there is none.

        Raises:
            InputError: wrong shape, or a radius that is not positive and finite.
        """
        return self._nearest_two(points_mm, radius_mm, 0.0)

    def within(self, points_mm: npt.ArrayLike, radius_mm: float) -> tuple[Ints, Floats]:
        """Find all codes within the radius of (n, 2) points, nearest first: codes (k,), distances (k,), mm.

        Raises:
            InputError: wrong shape, or a radius that is not positive and finite.
        """
        return self.within_any(self._checked(points_mm, 2, radius_mm)[np.newaxis], radius_mm)

    def within_any(self, points_mm: npt.ArrayLike, radius_mm: float) -> tuple[Ints, Floats]:
        """Find all codes within the radius of any of (m, n, 2) points, nearest first: codes, distances (k,).

        Raises:
            InputError: wrong shape, or a radius that is not positive and finite.
        """
        _, codes, distances = self._every(self._checked(points_mm, 3, radius_mm), radius_mm, _ALL)
        return _each_once(codes, distances)

    def count_within(self, points_mm: npt.ArrayLike, radius_mm: float) -> Ints:
        """Return how many codes lie within the radius of each of (m, n, 2) points, shape (m,).

        Raises:
            InputError: wrong shape, or a radius that is not positive and finite.
        """
        points = self._checked(points_mm, 3, radius_mm)
        rows, codes, _ = self._every(points, radius_mm, _ALL)
        pairs = np.unique(np.stack([rows, codes]), axis=1)  # a code is listed in each pad order that is near
        return np.bincount(pairs[0], minlength=len(points))

    def within_but_one(
        self, points_mm: Floats, limits: PlaceLimits, radius_mm: float
    ) -> tuple[Ints, Floats] | None:
        """Return all codes of which all pads but one lie within the radius of (n - 1, 2) points.

        None where the index has no quick way to find them.
        """
        return None

    def neighbours(self, pads_mm: npt.ArrayLike, radius_mm: float) -> tuple[Ints, Ints, Floats]:
        """Return codes near to the pads (m, n, 2) of codes, in less time than :meth:`within_any`: for proofs.

        Returns:
            Rows (k,), codes (k,) near to each, in no order and perhaps repeatedly, and distances (k,), mm.
            Of two codes within the radius, the one with the lesser score is sure to find the other, and each
            is sure to find itself; a code that scores less may be missed or seen too far away.

        Raises:
            InputError: wrong shape, or a radius that is not positive and finite.
        """
        return self._every(self._checked(pads_mm, 3, radius_mm), radius_mm, _NO_LESSER)

    def _nearest_two(self, points_mm: npt.ArrayLike, radius_mm: float, stop_mm: float) -> tuple[Ints, Floats]:
        points = self._checked(points_mm, 3, radius_mm)
        codes, distances = np.empty((len(points), 2), np.int64), np.empty((len(points), 2))
        self._search(points, radius_mm, stop_mm, _ALL, np.empty(0, np.int64), codes, distances)
        return codes, distances

    def _every(self, points: Floats, radius_mm: float, share: float) -> tuple[Ints, Ints, Floats]:
        room = max(1024, 4 * len(points))
        while True:
            rows, codes, distances = (
                np.empty(room, np.int64),
                np.empty((1, room), np.int64),
                np.empty((1, room)),
            )
            count = self._search(points, radius_mm, 0.0, share, rows, codes, distances)
            if count <= room:
                return rows[:count], codes[0, :count], distances[0, :count]
            room = count

    @abstractmethod
    def _search(
        self,
        points: Floats,
        radius_mm: float,
        stop_mm: float,
        share: float,
        rows: Ints,
        codes: Ints,
        distances: Floats,
    ) -> int:
        """Call ``search_each``, for every code where there is room for ``rows``."""

    def _checked(self, points_mm: npt.ArrayLike, dimensions: int, radius_mm: float) -> Floats:
        points = np.ascontiguousarray(points_mm, np.float64)
        if points.ndim != dimensions or points.shape[-2:] != (self.pads_per_stamp, 2):
            leading = "m, " if dimensions == 3 else ""
            raise InputError(
                f"points_mm has shape {points.shape}; expected ({leading}{self.pads_per_stamp}, 2)"
            )
        if not 0.0 < radius_mm < math.inf:
            raise InputError(f"radius_mm = {radius_mm}: expected a positive, finite number of mm")
        return points


class GridIndex(CodeIndex):
    """A grid of cells, for many stamps of few pads."""

    def __init__(self, arrays: IndexArrays, stop_mm: float) -> None:
        """Search the arrays of a codebook."""
        super().__init__(arrays.frame.orders.shape[1], stop_mm)
        self._arrays = _as_if_mapped(arrays)

    def _search(
        self,
        points: Floats,
        radius_mm: float,
        stop_mm: float,
        share: float,
        rows: Ints,
        codes: Ints,
        distances: Floats,
    ) -> int:
        every = len(rows) > 0
        return grid_search.search_each(
            self._arrays, points, float(radius_mm), float(stop_mm), share, every, 0, rows, codes, distances
        )


class LatticeIndex(CodeIndex):
    """Computed lattice points, for a family that was cut from a lattice."""

    def __init__(self, arrays: IndexArrays, stop_mm: float) -> None:
        """Search the arrays of such a family."""
        super().__init__(arrays.frame.orders.shape[1], stop_mm)
        self._arrays = _as_if_mapped(arrays)
        self._words, _ = code_words(arrays.coordinates.shape[1])

    def within_but_one(self, points_mm: Floats, limits: PlaceLimits, radius_mm: float) -> tuple[Ints, Floats]:
        """Return all codes of which all pads but one lie within the radius, nearest first."""
        grid_mm = max(radius_mm, GRID_UNITS * self._arrays.unit_mm)
        # The contacts are off by a radius, the place by the grid.
        slack = math.sqrt(2.0) * radius_mm + grid_mm + ROUNDING_MM
        wide = PlaceLimits(
            max(0.0, limits.nearest_mm - slack), limits.farthest_mm + slack, limits.face_radius_mm + radius_mm
        )
        room = 256
        while True:
            codes, distances = np.empty(room, np.int64), np.empty(room)
            count = search_missing(
                self._arrays, self._words, points_mm, wide, radius_mm, grid_mm, codes, distances
            )
            if count <= room:
                return _each_once(codes[:count], distances[:count])
            room = count

    def _search(
        self,
        points: Floats,
        radius_mm: float,
        stop_mm: float,
        share: float,
        rows: Ints,
        codes: Ints,
        distances: Floats,
    ) -> int:
        every = len(rows) > 0
        return lattice_search.search_each(
            self._arrays,
            self._words,
            points,
            float(radius_mm),
            float(stop_mm),
            share,
            every,
            0,
            rows,
            codes,
            distances,
        )


class ScanIndex(CodeIndex):
    """All codes one by one, for stamps of many pads and for few stamps."""

    def __init__(self, coordinates_mm: Floats, stop_mm: float) -> None:
        """Search stamps of these canonical coordinates (size, 2 n - 3)."""
        self._arrays = scan_search.scan_arrays(coordinates_mm)
        super().__init__(self._arrays.pads.shape[1], stop_mm)

    def _search(
        self,
        points: Floats,
        radius_mm: float,
        stop_mm: float,
        share: float,
        rows: Ints,
        codes: Ints,
        distances: Floats,
    ) -> int:
        every = len(rows) > 0
        return scan_search.search_each(
            self._arrays, points, float(radius_mm), float(stop_mm), every, 0, rows, codes, distances
        )


def index_of(codebook: Codebook) -> CodeIndex:
    """Return the quickest index that the codebook allows."""
    # Within half the minimum distance the code found is the nearest.
    stop_mm = 0.5 * codebook.min_distance_mm * (1.0 - 1e-12)
    if isinstance(codebook, Family) and codebook.spec.lattice_mm is not None:
        return LatticeIndex(codebook.index_arrays(), stop_mm)
    if codebook.pads_per_stamp > MOST_ORDERED_PADS or codebook.size <= FEW_CODES:
        return ScanIndex(np.asarray(codebook.coordinates * codebook.unit_mm, np.float64), stop_mm)
    return GridIndex(codebook.index_arrays(), stop_mm)


def index_for(codebook: Codebook, radius_mm: float) -> CodeIndex:
    """Return an index for queries of that radius, whatever the minimum distance."""
    if isinstance(codebook, Family) and codebook.spec.lattice_mm is not None:
        return LatticeIndex(codebook.index_arrays(), 0.0)
    return index_of_rows(codebook.coordinates, codebook.unit_mm, radius_mm)


def index_of_rows(
    coordinates: npt.NDArray[np.int8] | Floats, unit_mm: float, radius_mm: float, stop_mm: float = 0.0
) -> CodeIndex:
    """Return an index of canonical coordinates (size, 2 n - 3) for queries of that radius."""
    if coordinates.shape[1] > 2 * MOST_ORDERED_PADS - 3 or len(coordinates) <= FEW_CODES:
        return ScanIndex(np.asarray(coordinates * unit_mm, np.float64), stop_mm)
    return GridIndex(grid_arrays(coordinates, unit_mm, radius_mm), stop_mm)


def _each_once(codes: Ints, distances: Floats) -> tuple[Ints, Floats]:
    """Return each of the codes once, with its least distance, nearest first."""
    order = np.lexsort((distances, codes))
    codes, distances = codes[order], distances[order]
    first = np.diff(codes, prepend=-1) != 0
    codes, distances = codes[first], distances[first]
    order = np.argsort(distances, kind="stable")
    return codes[order], distances[order]


def _as_if_mapped(arrays: IndexArrays) -> IndexArrays:
    return arrays._replace(
        coordinates=read_only(arrays.coordinates),
        codes=read_only(arrays.codes),
        starts=read_only(arrays.starts),
    )
