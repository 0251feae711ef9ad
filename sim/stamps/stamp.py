"""Stamps, and the protocol that families and catalogues share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from sim.stamps.index_arrays import IndexArrays

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Pad:
    """One conductive contact point: centre (mm) in the stamp's own frame, and diameter (mm)."""

    x_mm: float
    y_mm: float
    diameter_mm: float = 6.0


@dataclass(frozen=True, slots=True)
class Stamp:
    """A passive object with conductive pads on its face."""

    name: str
    pads: tuple[Pad, ...]

    def pads_mm(self) -> Floats:
        """Pad centres, shape (n, 2), mm."""
        return np.array([(pad.x_mm, pad.y_mm) for pad in self.pads], np.float64).reshape(-1, 2)


@runtime_checkable
class Codebook(Protocol):
    """A numbered set of stamps with equally many pads, which a decoder can read.

    ``coordinates * unit_mm`` are the stamps in canonical coordinates (:mod:`sim.stamps.canonical`),
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
    def coordinates(self) -> npt.NDArray[np.int8] | Floats:
        """Canonical coordinates in units of ``unit_mm``, shape (size, 2 n - 3)."""

    @property
    def unit_mm(self) -> float:
        """Unit of ``coordinates`` (mm)."""

    def index_arrays(self) -> IndexArrays:
        """The stamps sorted for search."""

    def pads(self, code: int) -> Floats:
        """Pad centres of one stamp, shape (n, 2), mm."""

    def pads_of(self, codes: npt.ArrayLike) -> Floats:
        """Pad centres of several stamps, shape (m, n, 2), mm."""
