"""How a rig in software is wrong on purpose, so that what finds bad rigs can be tried."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeAlias

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Meta, Struct
from stampbench.firmware_emulator.errors import InputError

Points: TypeAlias = npt.NDArray[np.float64]
_Small = Annotated[float, Meta(ge=-0.5, le=0.5)]


class RigError(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Errors of a rig's ruler and of its signal; by itself it has none.

    Attributes:
        scale: by which share all lengths read too large.
        stretch: by which share x reads too large and y too small.
        skew: how far x leans with y, radians.
        mirror_x: x runs backwards.
        drift: share by which lengths grow from the first press to the last.
        level_gain: factor on all signals.
        level_drift: share by which signals grow from the first press to the last.
        jitter_mm: standard deviation of what is added to each coordinate in each press.
        stuck: every press reads as the first one did.
    """

    scale: _Small = 0.0
    stretch: _Small = 0.0
    skew: _Small = 0.0
    mirror_x: bool = False
    drift: _Small = 0.0
    level_gain: Annotated[float, Meta(gt=0.0, le=10.0)] = 1.0
    level_drift: _Small = 0.0
    jitter_mm: Annotated[float, Meta(ge=0.0, le=50.0)] = 0.0
    stuck: bool = False

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any], where: str) -> RigError:
        """Return the errors that a table of a plan names.

        Raises:
            InputError: an unknown key, or a value out of its range.
        """
        try:
            return msgspec.convert(dict(mapping), cls)
        except msgspec.ValidationError as error:
            keys = ", ".join(cls.__struct_fields__)
            raise InputError(f"{where}: {error}: expected some of {keys}") from None

    def misread(self, places_mm: Points, width_mm: float, elapsed: float, rng: np.random.Generator) -> Points:
        """Return where contacts (n, 2) in mm are read.

        Args:
            places_mm: where they are.
            width_mm: of the panel, about which x is mirrored.
            elapsed: share of the presses that were made before, 0..1.
            rng: of the jitter.
        """
        grown = 1.0 + self.scale + self.drift * elapsed
        ruler = np.array([[grown + self.stretch, self.skew], [0.0, grown - self.stretch]])
        read = places_mm @ ruler.T
        if self.mirror_x:
            read = np.column_stack([width_mm - read[:, 0], read[:, 1]])
        return read + self.jitter_mm * rng.standard_normal(read.shape)

    def misread_level(self, level: Points, elapsed: float) -> Points:
        """Return what levels are read as."""
        return level * self.level_gain * (1.0 + self.level_drift * elapsed)
