"""Stamps, and the arrays that describe many of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Coordinates = npt.NDArray[np.int8] | Floats
"""Canonical coordinates: a lattice's are small integers."""


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
        """Return pad centres, shape (n, 2), mm."""
        return np.array([(pad.x_mm, pad.y_mm) for pad in self.pads], np.float64).reshape(-1, 2)
