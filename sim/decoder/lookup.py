"""Looking up codes of one codebook: what every way of reading contacts shares."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np
from stampbench.sim.decoder.acceptance import Acceptance
from stampbench.sim.decoder.chance import Chance
from stampbench.sim.decoder.constellations import FaceLimits
from stampbench.sim.decoder.matching import Floats, Ints, lay_over
from stampbench.sim.decoder.reading import Reading, Verdict
from stampbench.sim.decoder.unknowns import codes_with_missing_pad
from stampbench.sim.stamps import Codebook, FaceGeometry
from stampbench.sim.stamps.index import CodeIndex

FIRST_LOOK = 1.05
"""Minimum distances within which the second-best code is looked for: in the families it is mostly there."""
FURTHER_LOOK = 1.5
"""How much farther each time there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """A codebook, its index, and which distances are accepted.

    Attributes:
        limits: what the geometry of the codebook allows.
        scales: least and largest factor from nominal mm to mm; both 1 where points are mm.
        mm_per_unit: nominal size of the unit in which points were given.
    """

    codebook: Codebook
    index: CodeIndex
    limits: FaceLimits
    acceptance: Acceptance
    scales: tuple[float, float]
    mm_per_unit: float

    def all_but_one(self, points: Floats, radius: float) -> tuple[Ints, Floats]:
        """Return every code of which all pads but one lie within the radius of the points, nearest first."""
        return codes_with_missing_pad(points, self.codebook, self.index, self.limits, radius)

    def margin(self, points: Floats, distance: float) -> float | None:
        """Return how much farther than ``distance`` the second-best code is from complete contacts."""
        if self.codebook.size == 1:
            return None
        radius = max(FIRST_LOOK * self.acceptance.min_distance_mm, self.acceptance.outer_radius_mm())
        while True:
            second = float(self.index.nearest_two(points[np.newaxis], radius)[1][0, 1])
            if second < math.inf:
                return second - distance
            radius *= FURTHER_LOOK

    def read(
        self,
        points: Floats,
        code: int,
        radius: float,
        margin: float | None,
        margin_is_bound: bool,
        *,
        among: list[int] | None = None,
    ) -> Reading:
        """Return the reading of a code that is known to fit: matching, distance and pose."""
        own = points if among is None else points[among]
        pads = np.ascontiguousarray(self.codebook.pads(code), np.float64)
        matching = np.empty(len(own), np.int64)
        motion = np.empty(5)
        # The index rounds differently.
        square = lay_over(own, pads, radius + 1e-6, *self.scales, matching, motion)
        contacts = [-1] * len(pads)
        for point, pad in enumerate(matching.tolist()):
            contacts[pad] = point if among is None else among[point]
        return Reading(
            Verdict.READ,
            code=code,
            distance_mm=math.sqrt(square),
            margin_mm=margin,
            margin_is_bound=margin_is_bound,
            pose=(float(motion[0]), float(motion[1]), math.atan2(motion[3], motion[2])),
            candidates=(code,),
            candidates_total=1,
            contacts=tuple(contacts),
            scale=float(motion[4]) * self.mm_per_unit,
        )


@functools.lru_cache(maxsize=8)
def limits_of(codebook: Codebook) -> FaceLimits:
    """Return what the geometry of a codebook allows, by its recipe or by all its stamps."""
    geometry = getattr(codebook, "geometry", None)
    if isinstance(geometry, FaceGeometry):
        return FaceLimits(geometry.spacing_mm, 2.0 * geometry.face_radius_mm, geometry.face_radius_mm)
    return FaceLimits.measure(codebook.pads_of(np.arange(codebook.size)))


@functools.lru_cache(maxsize=8)
def chance_of(codebook: Codebook) -> Chance:
    """Count how often foreign contacts fit a code, once for each codebook."""
    limits = limits_of(codebook)
    return Chance.counted(
        codebook,
        FaceGeometry(
            codebook.pads_per_stamp, spacing_mm=limits.spacing_mm, face_radius_mm=limits.face_radius_mm
        ),
    )
