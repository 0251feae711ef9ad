"""Contacts of one report -> :class:`Reading`: which code, where it stands, and how sure that is."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.decoder.acceptance import Acceptance, degrees_of_freedom
from stampbench.sim.decoder.constellations import (
    MOST_EXTRA_CONTACTS,
    FaceLimits,
    Hit,
    possible_constellations,
    rival_reach_mm,
    separate,
)
from stampbench.sim.decoder.matching import (
    ROUNDING_MM,
    Floats,
    Ints,
    are_apart,
    best_matching,
    pair_distances,
)
from stampbench.sim.decoder.reading import Reading, Verdict
from stampbench.sim.decoder.unknown_scale import SCALE_TOLERANCE
from stampbench.sim.decoder.unknowns import codes_at_some_scale, codes_with_missing_pad
from stampbench.sim.stamps import Codebook, FaceGeometry
from stampbench.sim.stamps.density import space_volume
from stampbench.sim.stamps.geometry import ball_volume, enclosing_circle
from stampbench.sim.stamps.index import index_of

MOST_CANDIDATES = 20
"""Codes listed in a reading."""
COINCIDENT_MM = 0.01
"""Contacts nearer than this are one contact reported twice: rubbish."""
LARGEST_COORDINATE_MM = 1e5
"""Beyond any panel; keeps squares of coordinates far from overflow and rounding below 1e-4 mm."""
ALONE = 2.0
"""A stamp with a missing pad is read only if no second code lies within this many acceptance radii: so a
foreign object with as many contacts reads in at most 1.2 % of cases, however many codes there are."""
CHANCE = 0.01
"""A stamp with a missing pad is looked for among other contacts only if foreign objects fit in at most this
share of cases."""
FIRST_LOOK = 1.0
"""Minimum distances within which the second-best code is looked for: in a dense family it is mostly there."""
FURTHER_LOOK = 1.5
"""How much farther each time there is none."""

NOTHING = Reading(Verdict.NONE)
FOREIGN = Reading(Verdict.FOREIGN)


class Decoder:
    """Reads stamps of one codebook, exactly: the answers equal those of an exhaustive search.

    Args:
        codebook: a family or a catalogue.
        sigma_mm: error per axis and pad that must be survived; None: what the minimum distance allows.
        frr: wanted rate of genuine stamps rejected at that noise; gives the acceptance radius.
        misread: where the scale is unknown, the share of the likelihood that other codes may hold at most.
        scale: "known": points are mm; "unknown": their unit is ``mm_per_unit`` within +-35 %, and the
            scale is solved for together with identity and pose. Codes that differ in size alone then look
            alike: :mod:`stampbench.sim.decoder.unknown_scale` says how many can be told apart.
        mm_per_unit: nominal size of the unit in which points are given.

    Attributes:
        codebook: what it reads.
        acceptance: the radii, and the rate predicted for them.

    Raises:
        InputError: an argument out of range.
    """

    def __init__(
        self,
        codebook: Codebook,
        *,
        sigma_mm: float | None = None,
        frr: float = 0.001,
        misread: float = 0.001,
        scale: Literal["known", "unknown"] = "known",
        mm_per_unit: float = 1.0,
    ) -> None:
        if scale not in ("known", "unknown"):
            raise InputError(f"scale {scale!r}: must be 'known' or 'unknown'")
        if not 0.0 < misread < 1.0:
            raise InputError(f"misread {misread!r}: must lie between 0 and 1")
        if not 0.0 < mm_per_unit < math.inf:
            raise InputError(f"mm_per_unit {mm_per_unit!r}: must be a positive number of millimetres")
        self.codebook = codebook
        self.acceptance = Acceptance.design(
            pads=codebook.pads_per_stamp,
            min_distance_mm=codebook.min_distance_mm,
            sigma_mm=sigma_mm,
            frr=frr,
            scale_known=scale == "known",
        )
        tolerance = 0.0 if scale == "known" else SCALE_TOLERANCE
        self._scale_low = 1.0 - tolerance
        self._scale_high = 1.0 + tolerance
        self._mm_per_unit = mm_per_unit
        self._misread = misread
        self._index = index_of(codebook)
        self._radius = self.acceptance.radius_mm
        self._outer_radius = self.acceptance.outer_radius_mm()

    @property
    def pads_per_stamp(self) -> int:
        """Pads on every stamp of the codebook."""
        return self.acceptance.pads

    @property
    def sigma_mm(self) -> float:
        """Error per axis and pad that the radii are made for."""
        return self.acceptance.sigma_mm

    @property
    def min_distance_mm(self) -> float:
        """Least rigid distance between two codes."""
        return self.acceptance.min_distance_mm

    @property
    def scale_known(self) -> bool:
        """Whether points are mm."""
        return self.acceptance.scale_known

    def decode(self, points_mm: npt.ArrayLike) -> Reading:
        """Read the contacts of one report.

        Of several stamps at once the likeliest is read if no other is nearly as likely; otherwise they are
        ``ambiguous``, with all their codes as candidates. :meth:`decode_all` reads them all.

        >>> family = sb.load_family("p5-60k")
        >>> reading = sb.Decoder(family).decode(family.pads(777)[::-1] + [30.0, 40.0])
        >>> reading.code, reading.verdict.value, [round(mm, 3) for mm in reading.pose[:2]]
        (777, 'read', [30.0, 40.0])

        Args:
            points_mm: (n, 2), in any order. Rubbish (wrong shape, NaN, coincident contacts) gives ``none``.
        """
        readings = self.decode_all(points_mm)
        best = readings[0]
        reach = rival_reach_mm(best.distance_mm or 0.0, self.sigma_mm)
        if any(other.distance_mm is not None and other.distance_mm <= reach for other in readings[1:]):
            codes = tuple(code for reading in readings for code in reading.candidates)
            return Reading(Verdict.AMBIGUOUS, candidates=codes[:MOST_CANDIDATES], candidates_total=len(codes))
        return best

    def decode_all(self, points_mm: npt.ArrayLike) -> list[Reading]:
        """Read every stamp among the contacts (n, 2), likeliest first; one reading says why there is none.

        >>> family = sb.load_family("p5-60k")
        >>> two = np.concatenate([family.pads(777) + [30.0, 40.0], family.pads(42) + [90.0, 40.0]])
        >>> sorted(reading.code for reading in sb.Decoder(family).decode_all(two))
        [42, 777]
        """
        points = self._usable(points_mm)
        extra = len(points) - self.pads_per_stamp
        if not -1 <= extra <= MOST_EXTRA_CONTACTS:
            return [NOTHING]
        if not self.scale_known:
            return [self._judge_scaled(points) if extra == 0 else NOTHING]
        if extra < 0:
            return [self._one_missing(points) if len(points) >= 3 else NOTHING]
        found = [self._complete(points)] if extra == 0 else self._among_others(points)
        return found if found[0] is not FOREIGN else self._one_missing_among_others(points)

    def decode_batch(self, points_mm: npt.ArrayLike) -> tuple[Ints, Floats]:
        """Read many complete stamps.

        >>> family = sb.load_family("p5-60k")
        >>> codes, distances_mm = sb.Decoder(family).decode_batch([family.pads(777), 3.0 * family.pads(777)])
        >>> codes.tolist(), distances_mm.round(3).tolist()
        ([777, -1], [0.0, inf])

        Args:
            points_mm: (m, pads, 2).

        Returns:
            Codes (m,), -1 where not read, and rigid distances (m,) in mm, inf where not read.

        Raises:
            InputError: another shape, or an unknown scale.
        """
        try:
            points = np.ascontiguousarray(points_mm, np.float64)
        except (TypeError, ValueError) as error:
            raise InputError(f"points: must be numbers of shape (m, {self.pads_per_stamp}, 2)") from error
        if points.ndim != 3 or points.shape[1:] != (self.pads_per_stamp, 2):
            raise InputError(f"points of shape {points.shape}: must be (m, {self.pads_per_stamp}, 2)")
        if not self.scale_known:
            raise InputError("scale 'unknown': decode_batch reads millimetres only")
        return self._index.nearest(points * self._mm_per_unit, self._radius)

    def is_clear(self, points_mm: Floats, by_mm: float) -> bool:
        """Whether no code comes near to contacts (pads, 2) whose shape changes by up to ``by_mm``."""
        points = points_mm[np.newaxis] * self._mm_per_unit
        wide = self._radius + (by_mm + ROUNDING_MM) * self._mm_per_unit
        return self.scale_known and bool(self._index.nearest(points, wide)[0][0] < 0)

    def _usable(self, points_mm: npt.ArrayLike) -> Floats:
        """The points in nominal mm, or none at all if they are rubbish."""
        empty = np.empty((0, 2))
        try:
            points = np.array(points_mm, np.float64, order="C")
        except (TypeError, ValueError):
            return empty
        if points.ndim != 2 or points.shape[1] != 2:
            return empty
        if not 2 <= len(points) <= self.pads_per_stamp + MOST_EXTRA_CONTACTS:
            return empty
        points *= self._mm_per_unit
        return points if are_apart(points, COINCIDENT_MM, LARGEST_COORDINATE_MM) else empty

    def _complete(self, points: Floats) -> Reading:
        """As many contacts as pads."""
        radius = self._radius
        codes, distances = self._index.nearest(points[np.newaxis], radius)
        if codes[0] >= 0:
            margin = self._margin(points, float(distances[0]))
            return self._read(points, int(codes[0]), radius, margin, False)
        if self._outer_radius > radius:
            codes, distances = self._index.within_any(points[np.newaxis], self._outer_radius)
            if len(codes):
                return _undecided(Verdict.AMBIGUOUS, codes, distances)
        return FOREIGN

    def _one_missing(self, points: Floats) -> Reading:
        """One contact fewer than pads: every code that fits, and the one if it stands alone."""
        radius = self.acceptance.outer_radius_mm(len(points))
        codes, distances = self._fitting_others(points, radius)
        if not len(codes):
            return FOREIGN
        if len(codes) == 1:
            near, near_distances = self._fitting_others(points, ALONE * radius)
            if len(near) == 1:
                margin = ALONE * radius - float(distances[0])
                return self._read(points, int(codes[0]), radius, margin, True)
            margin = float(near_distances[1] - near_distances[0])
            return replace(_undecided(Verdict.PARTIAL, codes, distances), margin_mm=margin)
        return _undecided(Verdict.PARTIAL, codes, distances)

    def _among_others(self, points: Floats) -> list[Reading]:
        """More contacts than pads: each choice that reads, unless a better one shares a contact."""
        radius = self._radius
        chosen = possible_constellations(points, self.pads_per_stamp, self._limits, radius)
        if chosen is None:
            return [NOTHING]
        codes, distances = self._index.nearest(points[chosen], radius)
        hits = [
            Hit(tuple(chosen[i].tolist()), int(codes[i]), float(distances[i]))
            for i in np.flatnonzero(codes >= 0)
        ]
        return self._explain(points, hits, radius) or [FOREIGN]

    def _one_missing_among_others(self, points: Floats) -> list[Reading]:
        """One pad missing beside contacts that are not the stamp's: read where that cannot be chance."""
        pads = self.pads_per_stamp - 1
        if pads < 3 or self._chance_fits > CHANCE:
            return [FOREIGN]
        radius = self.acceptance.outer_radius_mm(pads)
        chosen = possible_constellations(points, pads, self._limits, radius)
        if chosen is None or len(chosen) * self._chance_fits > CHANCE:
            return [FOREIGN]
        hits = [
            Hit(tuple(contacts.tolist()), int(code), float(distance))
            for contacts in chosen
            for code, distance in zip(*self._fitting_others(points[contacts], radius), strict=True)
        ]
        readings = self._explain(points, hits, radius)
        return [reading for reading in readings if not self._covers_others(points, reading)] or [FOREIGN]

    def _covers_others(self, points: Floats, reading: Reading) -> bool:
        """Whether a contact that is no pad lies under the stamp, where no finger can be."""
        if reading.code is None or reading.pose is None:
            return False
        (centre_x, centre_y), face = enclosing_circle(self.codebook.pads(reading.code))
        x, y, theta = reading.pose
        centre = (
            x + math.cos(theta) * centre_x - math.sin(theta) * centre_y,
            y + math.sin(theta) * centre_x + math.cos(theta) * centre_y,
        )
        return any(
            i not in reading.contacts and math.dist(point, centre) < face for i, point in enumerate(points)
        )

    def _explain(self, points: Floats, hits: list[Hit], radius: float) -> list[Reading]:
        """Readings of the choices of contacts that fit, unless a better one shares a contact."""
        readings = []
        for best, rivals in separate(hits, self.sigma_mm):
            if rivals:
                codes = [best.code, *(rival.code for rival in rivals)]
                distances = [best.distance_mm, *(rival.distance_mm for rival in rivals)]
                readings.append(_undecided(Verdict.AMBIGUOUS, codes, distances))
                continue
            among = list(best.contacts)
            complete = len(among) == self.pads_per_stamp
            margin = self._margin(points[among], best.distance_mm) if complete else None
            readings.append(self._read(points, best.code, radius, margin, False, among=among))
        return readings

    def _judge_scaled(self, points: Floats) -> Reading:
        """Scale unknown: codes may come nearer than the minimum distance, so likelihoods must decide."""
        radius = self._outer_radius
        wide = math.sqrt(radius**2 - 2.0 * self.sigma_mm**2 * math.log(self._misread))
        codes, distances = codes_at_some_scale(
            points, self.codebook, self._index, self._limits, wide, self._scale_low, self._scale_high
        )
        if not len(codes) or distances[0] > radius:
            return FOREIGN
        weights = np.exp((distances[0] ** 2 - distances**2) / (2.0 * self.sigma_mm**2))
        fitting = distances <= radius
        if weights[1:].sum() > self._misread * weights.sum():
            return _undecided(Verdict.AMBIGUOUS, codes[fitting], distances[fitting])
        second = float(distances[1]) if len(codes) > 1 else wide
        return self._read(points, int(codes[0]), radius, second - float(distances[0]), len(codes) == 1)

    def _margin(self, points: Floats, distance: float) -> float | None:
        """How much farther than ``distance`` the second-best code is from complete contacts."""
        if self.codebook.size == 1:
            return None
        radius = FIRST_LOOK * self.min_distance_mm
        while True:
            second = float(self._index.nearest_two(points[np.newaxis], radius)[1][0, 1])
            if second < math.inf:
                return second - distance
            radius *= FURTHER_LOOK

    @cached_property
    def _limits(self) -> FaceLimits:
        """What the geometry of the codebook allows."""
        geometry = getattr(self.codebook, "geometry", None)
        if isinstance(geometry, FaceGeometry):
            return FaceLimits(geometry.spacing_mm, 2.0 * geometry.face_radius_mm, geometry.face_radius_mm)
        return FaceLimits.measure(self.codebook.pads_of(np.arange(self.codebook.size)))

    @cached_property
    def _chance_fits(self) -> float:
        """Codes of which all pads but one fit a foreign object by chance: number of codes * ball / volume."""
        limits, pads = self._limits, self.pads_per_stamp - 1
        geometry = FaceGeometry(pads, spacing_mm=limits.spacing_mm, face_radius_mm=limits.face_radius_mm)
        dimensions = degrees_of_freedom(pads)
        ball = ball_volume(dimensions) * self.acceptance.outer_radius_mm(pads) ** dimensions
        return self.codebook.size * self.pads_per_stamp * ball / space_volume(geometry)

    def _fitting_others(self, points: Floats, radius: float) -> tuple[Ints, Floats]:
        """Every code of which all pads but one lie within the radius of the points, nearest first."""
        return codes_with_missing_pad(points, self.codebook, self._index, self._limits, radius)

    def _read(
        self,
        points: Floats,
        code: int,
        radius: float,
        margin: float | None,
        margin_is_bound: bool,
        *,
        among: list[int] | None = None,
    ) -> Reading:
        """The reading of a code that is known to fit: matching, distance and pose."""
        own = points if among is None else points[among]
        pads = np.ascontiguousarray(self.codebook.pads(code), np.float64)
        point_distances = np.empty((len(own), len(own)))
        pad_distances = np.empty((len(pads), len(pads)))
        pair_distances(own, point_distances)
        pair_distances(pads, pad_distances)
        matching = np.full(len(own), -1, np.int64)
        motion = np.empty(5)
        square = best_matching(
            own,
            point_distances,
            pads,
            pad_distances,
            radius + 1e-6,  # the index rounds differently
            self._scale_low,
            self._scale_high,
            matching,
            motion,
        )
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
            scale=float(motion[4]) * self._mm_per_unit,
        )


def _undecided(verdict: Verdict, codes: Any, distances: Any) -> Reading:
    """A reading without a code: the candidates, nearest first, each once."""
    nearest: dict[int, float] = {}
    for code, distance in zip(codes, distances, strict=True):
        nearest.setdefault(int(code), float(distance))
    listed = tuple(nearest)[:MOST_CANDIDATES]
    first, *others = nearest.values()
    return Reading(
        verdict,
        distance_mm=first,
        margin_mm=others[0] - first if others else None,
        candidates=listed,
        candidates_total=len(nearest),
    )
