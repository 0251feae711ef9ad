"""The codebook in use: names, neighbours of a code, and what is nearest to any shape."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.stamps import Catalogue, Family
from stampbench.sim.stamps.objects import PAD_DIAMETER_MM, TouchObject, round_pads
from stampbench.sim.stamps.wear import apply_wear

if TYPE_CHECKING:
    from stampbench.sim.stamps.index import CodeIndex

Points = npt.NDArray[np.float64]

FEW_CODES: Final = 1_000
FARTHEST_MM: Final = 12.0
FARTHEST_AMONG_MANY_MM: Final = 4.0
"""No code is looked for beyond: 60,000 codes within 4 mm take 0.1 ms, within 8 mm seconds."""
_WIDER: Final = 1.2


class Codes:
    """Names and neighbourhood in a family or a catalogue."""

    def __init__(self, codebook: Family | Catalogue) -> None:
        self.codebook = codebook

    @property
    def is_family(self) -> bool:
        """Whether codes are numbers of a family; the stamps of a catalogue have names."""
        return isinstance(self.codebook, Family)

    def name_of(self, code: int) -> str:
        """Return what a stamp is called."""
        if isinstance(self.codebook, Catalogue):
            return self.codebook.names[code]
        return f"{self.codebook.name}/{code}"

    def typed(self, code: int) -> str:
        """Return what a person types for a stamp: its number in a family, its name in a catalogue."""
        return self.codebook.names[code] if isinstance(self.codebook, Catalogue) else str(code)

    def code_of(self, text: str) -> int:
        """Return the code that a person means by a number or a name.

        Raises:
            InputError: there is no such stamp.
        """
        text = text.strip()
        if isinstance(self.codebook, Catalogue) and text in self.codebook.names:
            return self.codebook.code_of(text)
        size = self.codebook.size
        if text.isascii() and text.isdigit() and int(text) < size:
            return int(text)
        wanted = f"a number from 0 to {size - 1}" + ("" if self.is_family else " or the name of a stamp")
        raise InputError(f"code {text!r}: expected {wanted}")

    def body(self, code: int, wear: str = "") -> TouchObject:
        """Return the stamp as it touches a panel, new or worn.

        Raises:
            InputError: no such code, or no such wear.
        """
        pads = self.codebook.pads(code)
        name = self.name_of(code)
        return self.body_of(name if self.is_family else f"catalogue:{self.codebook.name}#{name}", pads, wear)

    def body_of(self, name: str, pads_mm: Points, wear: str = "") -> TouchObject:
        """Return a stamp with these pads (n, 2), all joined, new or worn.

        Raises:
            InputError: no such wear.
        """
        discs = round_pads(pads_mm, self.pad_diameter_mm)
        if wear:
            discs = apply_wear(discs, wear)
            name = f"{name}~{wear}"
        return TouchObject(name, discs, (len(discs),))

    @property
    def pad_diameter_mm(self) -> float:
        """Diameter of the pads."""
        if isinstance(self.codebook, Family):
            return self.codebook.geometry.pad_diameter_mm
        return PAD_DIAMETER_MM

    def nearest(self, pads_mm: Points) -> tuple[int, float] | None:
        """Find the code nearest to a shape (n, 2) and its distance, mm; quick enough for every frame.

        None for another number of pads, or with nothing as near as is looked for.
        """
        if pads_mm.shape != (self.codebook.pads_per_stamp, 2) or not np.isfinite(pads_mm).all():
            return None
        codes, distances = self._index.nearest(pads_mm[np.newaxis], self._farthest_mm)
        return (int(codes[0]), float(distances[0])) if codes[0] >= 0 else None

    def neighbours(self, code: int, count: int) -> list[tuple[int, float]]:
        """Return the codes nearest to a code, itself left out, and their distances, mm, nearest first.

        Fewer than ``count`` where no more lie as near as is looked for.
        """
        pads, radius_mm = self.codebook.pads(code), 1.0
        while True:
            codes, distances = self._index.within(pads, radius_mm)
            found = [(int(c), float(d)) for c, d in zip(codes, distances, strict=True) if c != code]
            if len(found) >= count or radius_mm >= self._farthest_mm:
                return found[:count]
            radius_mm = min(_WIDER * radius_mm, self._farthest_mm)

    @property
    def _farthest_mm(self) -> float:
        """How far is looked: the volume to be searched grows with the seventh power."""
        return FARTHEST_MM if self.codebook.size <= FEW_CODES else FARTHEST_AMONG_MANY_MM

    @cached_property
    def _index(self) -> CodeIndex:
        from stampbench.sim.stamps.index import index_of

        return index_of(self.codebook)
