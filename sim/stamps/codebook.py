"""What families and catalogues share."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy.typing as npt
from stampbench.sim.stamps.index_arrays import IndexArrays
from stampbench.sim.stamps.stamp import Coordinates, Floats


@runtime_checkable
class Codebook(Protocol):
    """A numbered set of stamps with equally many pads, which a decoder can read.

    ``coordinates * unit_mm`` are the stamps in canonical coordinates (``canonical``),
    shape (size, 2 n - 3).
    """

    @property
    def name(self) -> str:
        """What the codebook is called."""

    @property
    def size(self) -> int:
        """Number of codes, which are 0 to size - 1."""

    @property
    def pads_per_stamp(self) -> int:
        """Number of pads on every stamp."""

    @property
    def min_distance_mm(self) -> float:
        """Least rigid distance of two stamps (mm); infinite for a single stamp."""

    @property
    def coordinates(self) -> Coordinates:
        """Canonical coordinates in units of ``unit_mm``, shape (size, 2 n - 3)."""

    @property
    def unit_mm(self) -> float:
        """Unit of ``coordinates`` (mm)."""

    def __hash__(self) -> int:
        """Return what stays the same: what is counted of a codebook is kept by it."""

    def index_arrays(self) -> IndexArrays:
        """Return the stamps sorted for search."""

    def pads(self, code: int) -> Floats:
        """Return pad centres of one stamp, shape (n, 2), mm."""

    def pads_of(self, codes: npt.ArrayLike) -> Floats:
        """Return pad centres of several stamps, shape (m, n, 2), mm."""
