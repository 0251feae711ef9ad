"""A stamp of one's own: pads dragged about, and how far it is from every other."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from stampbench.bench.window.session.codes import Codes
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.screen.picture import Explanation
from stampbench.sim.stamps import Catalogue
from stampbench.sim.stamps.geometry import MAX_PADS, MIN_PADS
from stampbench.sim.stamps.objects import FACE_RADIUS_MM, PAD_SPACING_MM

Points = npt.NDArray[np.float64]

_START_RADIUS_MM: Final = 15.0


class StampEditor:
    """Pads in the stamp's own frame, origin in the middle of its face.

    Args:
        codes: the codebook that it must differ from.
        pads_mm: to begin with, shape (n, 2); None for a regular polygon.
    """

    def __init__(self, codes: Codes, pads_mm: Points | None = None) -> None:
        self._codes = codes
        if pads_mm is None:
            angles = np.arange(codes.codebook.pads_per_stamp) * (2 * np.pi / codes.codebook.pads_per_stamp)
            pads_mm = _START_RADIUS_MM * np.column_stack([np.sin(angles), -np.cos(angles)])
        self._pads = np.array(pads_mm, np.float64)
        self._nearest: tuple[int, float] | None = None
        self._measured = False

    @property
    def pads_mm(self) -> Points:
        """Where the pads are, shape (n, 2)."""
        return self._pads.copy()

    def move(self, pad: int, x_mm: float, y_mm: float) -> None:
        """Drag a pad, counted from 0; it stays within the face."""
        if 0 <= pad < len(self._pads):
            place = np.array([x_mm, y_mm])
            reach = float(np.hypot(*place))
            self._pads[pad] = place * min(1.0, FACE_RADIUS_MM / reach) if reach else place
            self._measured = False

    def add(self, x_mm: float, y_mm: float) -> None:
        """Add a pad, as long as a stamp may have it."""
        if len(self._pads) < MAX_PADS:
            self._pads = np.vstack([self._pads, (x_mm, y_mm)])
            self.move(len(self._pads) - 1, x_mm, y_mm)

    def remove(self, pad: int) -> None:
        """Take a pad away, as long as a stamp may do without it."""
        if len(self._pads) > MIN_PADS and 0 <= pad < len(self._pads):
            self._pads = np.delete(self._pads, pad, axis=0)
            self._measured = False

    @property
    def nearest(self) -> tuple[int, float] | None:
        """The nearest stamp of the codebook and its distance, mm; None where none has as many pads."""
        if not self._measured:
            self._nearest, self._measured = self._codes.nearest(self._pads), True
        return self._nearest

    @property
    def problem(self) -> Explanation | None:
        """Why it cannot be kept, such as pads that are too near each other; None if it can."""
        gaps = np.hypot(*(self._pads[:, None] - self._pads[None]).transpose(2, 0, 1))
        gap_mm = float(gaps[np.triu_indices(len(self._pads), 1)].min())
        if gap_mm < PAD_SPACING_MM:
            return Explanation("pads_near", {"gap_mm": gap_mm, "least_mm": PAD_SPACING_MM})
        least_mm = self._codes.codebook.min_distance_mm
        if self.nearest is not None and self.nearest[1] < least_mm < np.inf:
            code, distance_mm = self.nearest
            return Explanation("stamp_near", {"code": code, "distance_mm": distance_mm, "least_mm": least_mm})
        return None

    def save(self, path: Path, name: str) -> Catalogue:
        """Add the stamp to a catalogue, made if it is not there; the file is replaced whole.

        Raises:
            InputError: the catalogue has a stamp of that name, or stamps with another number of pads, or it
                cannot be written.
        """
        if path.exists():
            catalogue = Catalogue.read(path)
            if catalogue.pads_per_stamp != len(self._pads):
                raise InputError(
                    f"catalogue {path}: its stamps have {catalogue.pads_per_stamp} pads, {name!r} has "
                    f"{len(self._pads)}; expected equally many, or another file"
                )
            catalogue = catalogue.with_entry(name, self._pads)
        else:
            catalogue = Catalogue([name], self._pads[None], str(path))
        partial = path.with_name(f".{path.name}.partial{path.suffix}")
        try:
            catalogue.write(partial)
            os.replace(partial, path)
        except OSError as error:
            raise InputError(f"catalogue {path}: cannot be written: {error.strerror}") from None
        return catalogue
