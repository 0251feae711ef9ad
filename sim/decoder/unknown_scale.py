"""What is lost where contacts come in units that are millimetres only roughly.

Codes that differ mainly in size look alike then, so a dense family cannot be read. The shapes that a stamp
takes at the scales allowed are a line through the space of shapes; every code within the acceptance radius of
that line is a rival. Hence the rivals of a stamp are on average codes * ball * length / volume, with the ball
of one dimension less than the space. With five pads in a 22 mm face and 1 % of presses ambiguous that leaves
180,000 codes at a noise of 0.15 mm, 8,500 at 0.25 mm.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.decoder.acceptance import Acceptance, chi_quantile, degrees_of_freedom
from stampbench.sim.stamps.density import space_volume
from stampbench.sim.stamps.geometry import FaceGeometry, ball_volume, enclosing_circles

SCALE_TOLERANCE = 0.35
"""How far off, relatively, ``mm_per_unit`` may be where the scale is unknown."""
REACH_SD: Final = 3.5
"""How far from the middle of a prior a scale is thought possible."""
_SCALES = 141
_STAMPS = 2_000


@dataclass(frozen=True, slots=True)
class ScalePrior:
    """What is known of a unit before a press.

    Attributes:
        mm_per_unit: its likeliest size.
        relative_sd: standard deviation of its logarithm.

    >>> import stampbench as sb
    >>> round(1.0 / sb.ScalePrior(mm_per_unit=0.166, relative_sd=0.07).mm_per_unit, 2)
    6.02

    Raises:
        InputError: a size that is not positive, or a deviation outside 0.0001..0.3.
    """

    mm_per_unit: float
    relative_sd: float

    def __post_init__(self) -> None:
        if not 0.0 < self.mm_per_unit < math.inf:
            raise InputError(f"mm_per_unit {self.mm_per_unit!r}: must be a positive number of millimetres")
        if not 1e-4 <= self.relative_sd <= 0.3:
            raise InputError(f"relative_sd {self.relative_sd!r}: must lie between 0.0001 and 0.3")


CSS_PX: Final = ScalePrior(25.4 / 152.7, 0.07)
"""CSS px of phones and tablets of 2012 to 2022: 142.5 to 163 per inch."""


def possible_scales(scale: Literal["known", "unknown"] | ScalePrior) -> tuple[float, float]:
    """Return the least and the largest factor to nominal mm that are possible."""
    if isinstance(scale, ScalePrior):
        reach = REACH_SD * scale.relative_sd
        return math.exp(-reach), math.exp(reach)
    tolerance = 0.0 if scale == "known" else SCALE_TOLERANCE
    return 1.0 - tolerance, 1.0 + tolerance


def mean_path_mm(geometry: FaceGeometry, seed: int = 0) -> float:
    """Return the length (mm) of the line of admissible shapes of a stamp at all scales allowed, on average.

    The size of a stamp times the range of scales at which it still keeps the spacing and fits in the face.
    """
    rng = np.random.default_rng(seed)
    stamps = np.array(list(itertools.islice(geometry.random_pads(rng), _STAMPS)))
    first, second = np.triu_indices(geometry.pads, 1)
    shortest = np.hypot(*np.moveaxis(stamps[:, first] - stamps[:, second], 2, 0)).min(axis=1)
    _, face = enclosing_circles(stamps)
    low = np.maximum(1.0 - SCALE_TOLERANCE, geometry.spacing_mm / shortest)
    high = np.minimum(1.0 + SCALE_TOLERANCE, geometry.face_radius_mm / face)
    norms = np.sqrt(np.square(stamps - stamps.mean(axis=1, keepdims=True)).sum(axis=(1, 2)))
    return float(np.mean(norms * (high - low)))


def rivals_at_unknown_scale(acceptance: Acceptance, codes: int, geometry: FaceGeometry) -> float:
    """Return how many other codes fit a stamp, on average, where its scale is unknown.

    None where it is known.

    Well below 1 it is the share of presses that end ``ambiguous``.
    """
    dimensions = degrees_of_freedom(geometry.pads, scale_known=False)
    radius = acceptance.sigma_mm * chi_quantile(1.0 - acceptance.frr, dimensions)
    tube = ball_volume(dimensions) * radius**dimensions * mean_path_mm(geometry)
    return codes * tube / space_volume(geometry)


def codes_at_unknown_scale(acceptance: Acceptance, geometry: FaceGeometry, ambiguous: float = 0.01) -> int:
    """Return codes that can be told apart without the scale, if that share of presses may be ambiguous."""
    return math.floor(ambiguous / rivals_at_unknown_scale(acceptance, 1, geometry))
