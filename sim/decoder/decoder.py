"""Contacts of one report -> :class:`Reading`: which code, where it stands, and how sure that is."""

from __future__ import annotations

import math
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Literal

import numpy as np
import numpy.typing as npt
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.decoder.acceptance import ALONE, Acceptance
from stampbench.sim.decoder.among_others import AmongOthers
from stampbench.sim.decoder.at_some_scale import AtSomeScale
from stampbench.sim.decoder.close_codes import closest_codes, told_apart_mm, too_close
from stampbench.sim.decoder.constellations import (
    MOST_EXTRA_CONTACTS,
    Hit,
    rival_reach_mm,
)
from stampbench.sim.decoder.lookup import FIRST_LOOK, Lookup, chance_of, limits_of
from stampbench.sim.decoder.matching import (
    ROUNDING_MM,
    Floats,
    Ints,
    are_apart,
)
from stampbench.sim.decoder.reading import FOREIGN, MOST_CANDIDATES, Reading, Verdict, undecided
from stampbench.sim.decoder.unknown_scale import ScalePrior, possible_scales
from stampbench.sim.stamps import Codebook
from stampbench.sim.stamps.index import index_of

COINCIDENT_MM = 0.01
"""Contacts nearer than this are one contact reported twice."""
LARGEST_COORDINATE_MM = 1e5
"""Beyond any panel; keeps squares of coordinates far from overflow and rounding below 1e-4 mm."""
BATCH = 4_096
"""Stamps that a thread reads at a time."""
DENSE = 2.2
"""Acceptance radii that reach to the second-best code in a dense family."""


class Decoder:
    """Reads stamps of one codebook, exactly: the answers equal those of an exhaustive search.

    A code is read where it is near enough and the second-best far enough for these contacts. Codes of a
    catalogue that cannot be told apart at the noise are named in a warning; only they are ambiguous.

    Args:
        codebook: a family or a catalogue.
        sigma_mm: error per axis and pad that must be survived; None: what the minimum distance allows, twins
            left out.
        frr: wanted rate of genuine stamps rejected at that noise; gives the acceptance radius.
        misread: the share of the likelihood that other codes may hold at most.
        far: share of foreign objects that may be read, instead of ``sigma_mm``; kept for any number of
            contacts.
        scale: "known": points are mm; "unknown": their unit is ``mm_per_unit`` within +-35 %, all alike; a
            :class:`ScalePrior`: what is known of the unit. Where it is not known the scale is solved for
            together with identity and pose. Codes that differ in size alone then look alike:
            :mod:`stampbench.sim.decoder.unknown_scale` says how many can be told apart.
        mm_per_unit: nominal size of the unit in which points are given; a prior brings its own.

    Attributes:
        codebook: what it reads.
        acceptance: the radii, and the rates predicted for them.
        close_pairs: codes of a catalogue that cannot be told apart at the noise, and their distance (mm).

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
        far: float | None = None,
        scale: Literal["known", "unknown"] | ScalePrior = "known",
        mm_per_unit: float = 1.0,
    ) -> None:
        prior = scale if isinstance(scale, ScalePrior) else None
        if prior is None and scale not in ("known", "unknown"):
            raise InputError(f"scale {scale!r}: must be 'known', 'unknown' or a ScalePrior")
        if prior is not None:
            if mm_per_unit != 1.0:
                raise InputError(f"mm_per_unit {mm_per_unit!r}: the prior of the scale brings its own")
            mm_per_unit = prior.mm_per_unit
        if not 0.0 < mm_per_unit < math.inf:
            raise InputError(f"mm_per_unit {mm_per_unit!r}: must be a positive number of millimetres")
        self.codebook = codebook
        closest = closest_codes(codebook)
        self.acceptance = Acceptance.design(
            pads=codebook.pads_per_stamp,
            min_distance_mm=codebook.min_distance_mm,
            told_apart_mm=told_apart_mm(codebook, closest),
            sigma_mm=sigma_mm,
            frr=frr,
            misread=misread,
            far=far,
            scale_known=scale == "known",
            chance=chance_of(codebook) if scale == "known" else None,
        )
        self.close_pairs = too_close(codebook, closest, self.sigma_mm)
        self._lookup = Lookup(
            codebook=codebook,
            index=index_of(codebook),
            limits=limits_of(codebook),
            acceptance=self.acceptance,
            scales=possible_scales(scale),
            mm_per_unit=mm_per_unit,
        )
        self._among_others = AmongOthers(self._lookup)
        self._at_some_scale = AtSomeScale(self._lookup, prior)
        self._mm_per_unit = mm_per_unit
        self._radius = self.acceptance.outer_radius_mm()

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
        if len(readings) == 1:
            return best
        reach = rival_reach_mm(best.distance_mm or 0.0, self.sigma_mm)
        rivals = [
            other for other in readings[1:] if other.distance_mm is not None and other.distance_mm <= reach
        ]
        codes = tuple(dict.fromkeys(code for reading in readings for code in reading.candidates))
        if rivals and len(codes) > 1:
            return Reading(
                Verdict.AMBIGUOUS,
                candidates=codes[:MOST_CANDIDATES],
                candidates_total=len(codes),
                note=best.note,
            )
        return best

    def decode_all(self, points_mm: npt.ArrayLike) -> list[Reading]:
        """Read every stamp among the contacts (n, 2), likeliest first; one reading says why there is none.

        >>> family = sb.load_family("p5-60k")
        >>> two = np.concatenate([family.pads(777) + [30.0, 40.0], family.pads(42) + [90.0, 40.0]])
        >>> sorted(reading.code for reading in sb.Decoder(family).decode_all(two))
        [42, 777]
        """
        points = self._finite(points_mm)
        if points is None:
            return [Reading(Verdict.NONE, note="no contacts, or coordinates that are none")]
        if are_apart(points, COINCIDENT_MM, LARGEST_COORDINATE_MM):
            return self._read_all(points)
        first = _first_of_each(points)
        merged = len(points) - len(first)
        note = f"{merged} contact{'s' * (merged > 1)} reported twice"
        return [
            replace(
                reading,
                contacts=tuple(int(first[i]) if i >= 0 else -1 for i in reading.contacts),
                note="; ".join(filter(None, (note, reading.note))),
            )
            for reading in self._read_all(points[first])
        ]

    def hits(self, points_mm: Floats) -> tuple[list[Hit], int]:
        """Return every choice of as many contacts as pads that fits a code, and how many choices there are.

        Args:
            points_mm: (n, 2), more than a stamp has pads; nothing is tried where there are too many, or any
                is not finite.
        """
        points = self._finite(points_mm)
        extra = 0 if points is None else len(points) - self.pads_per_stamp
        if points is None or not 0 < extra <= MOST_EXTRA_CONTACTS or not self.scale_known:
            return [], 0
        return self._among_others.hits(points)

    def partial_readings(self, points_mm: Floats) -> list[Reading]:
        """Return a reading for every code of which all pads but one lie at the points (pads - 1, 2), mm.

        The likeliest first, as many as are listed in a reading: for a caller who knows where the missing pad
        is.
        """
        radius = self.acceptance.partial_radius_mm()
        codes, _ = self._lookup.all_but_one(points_mm, radius)
        return [
            self._lookup.read(points_mm, code, radius, None, True)
            for code in codes[:MOST_CANDIDATES].tolist()
        ]

    def _read_all(self, points: Floats) -> list[Reading]:
        """Return :meth:`decode_all` of contacts that are apart, in nominal mm."""
        extra = len(points) - self.pads_per_stamp
        if extra < -1 or len(points) < 3:
            return [Reading(Verdict.NONE, note=f"{len(points)} contacts are too few for a stamp")]
        if extra > MOST_EXTRA_CONTACTS:
            return [
                Reading(Verdict.NONE, note=f"{len(points)} contacts are too many to look for a stamp among")
            ]
        if not self.scale_known:
            unscaled = Reading(
                Verdict.NONE, note="a stamp of unknown scale is read with all its pads, and alone"
            )
            return [self._at_some_scale.read(points) if extra == 0 else unscaled]
        if extra < 0:
            return [self._one_missing(points)]
        if extra > 0:
            return self._among_others.read(points)
        reading = self._complete(points)
        return self._among_others.one_missing(points) if reading is FOREIGN else [reading]

    def decode_batch(self, points_mm: npt.ArrayLike, threads: int = 1) -> tuple[Ints, Floats]:
        """Read many complete stamps, each as :meth:`decode` reads its contacts.

        >>> family = sb.load_family("p5-60k")
        >>> codes, distances_mm = sb.Decoder(family).decode_batch([family.pads(777), 3.0 * family.pads(777)])
        >>> codes.tolist(), distances_mm.round(3).tolist()
        ([777, -1], [0.0, inf])

        Args:
            points_mm: (m, pads, 2).
            threads: to read with; 0: as many as there are cores.

        Returns:
            Codes (m,), -1 where not read, and rigid distances (m,) in mm, inf where not read.

        Raises:
            InputError: another shape, an unknown scale, or a negative number of threads.
        """
        try:
            points = np.ascontiguousarray(points_mm, np.float64)
        except (TypeError, ValueError) as error:
            raise InputError(f"points: must be numbers of shape (m, {self.pads_per_stamp}, 2)") from error
        if points.ndim != 3 or points.shape[1:] != (self.pads_per_stamp, 2):
            raise InputError(f"points of shape {points.shape}: must be (m, {self.pads_per_stamp}, 2)")
        if not self.scale_known:
            raise InputError("scale 'unknown': decode_batch reads millimetres only")
        if threads < 0:
            raise InputError(f"threads {threads}: must be 0 (all cores) or more")
        points = points * self._mm_per_unit
        workers = threads or os.cpu_count() or 1
        if workers == 1 or len(points) <= BATCH:
            return self._nearest_read(points)
        with ThreadPoolExecutor(workers) as pool:
            parts = list(pool.map(self._nearest_read, np.split(points, range(BATCH, len(points), BATCH))))
        return np.concatenate([codes for codes, _ in parts]), np.concatenate([far for _, far in parts])

    def _nearest_read(self, points: Floats) -> tuple[Ints, Floats]:
        """Return codes (m,) read of contacts (m, pads, 2), -1 where none is, and distances (m,)."""
        codes, distances = self._lookup.index.nearest(points, self._radius)
        doubtful = np.flatnonzero((codes >= 0) & (distances > self.min_distance_mm / 2.0))
        if len(doubtful):
            seconds = self._rivals(points[doubtful])[1][:, 1]
            reach = np.array([self.acceptance.rival_reach_mm(d) for d in distances[doubtful].tolist()])
            doubtful = doubtful[seconds <= reach]
        doubtful = np.union1d(
            doubtful, np.flatnonzero(~(np.abs(points).max(axis=(1, 2)) <= LARGEST_COORDINATE_MM))
        )
        codes[doubtful], distances[doubtful] = -1, math.inf
        return codes, distances

    def _rivals(self, points: Floats) -> tuple[Ints, Floats]:
        """Find the nearest two codes of contacts (m, pads, 2), as far as a second can be too near: (m, 2)."""
        return self._lookup.index.nearest_two(points, self.acceptance.rival_reach_mm(self._radius))

    def is_clear(self, points_mm: Floats, by_mm: float) -> bool:
        """Return whether no code comes near to contacts (pads, 2) whose shape changes by up to ``by_mm``."""
        points = points_mm[np.newaxis] * self._mm_per_unit
        wide = self._radius + (by_mm + ROUNDING_MM) * self._mm_per_unit
        return self.scale_known and bool(self._lookup.index.nearest(points, wide)[0][0] < 0)

    def _finite(self, points_mm: npt.ArrayLike) -> Floats | None:
        """Return the points (n, 2) in nominal mm, or None if they are rubbish."""
        try:
            points = np.array(points_mm, np.float64, order="C")
        except (TypeError, ValueError):
            return None
        if points.ndim != 2 or points.shape[1] != 2:
            return None
        if self._mm_per_unit != 1.0:
            points *= self._mm_per_unit
        return points if are_apart(points, -1.0, LARGEST_COORDINATE_MM) else None

    def _complete(self, points: Floats) -> Reading:
        """Read as many contacts as pads."""
        # In a dense family the second-best is mostly found with the best: one search less.
        dense = self._radius <= FIRST_LOOK * self.min_distance_mm <= DENSE * self._radius
        if dense:
            two, apart = self._lookup.index.nearest_two(points[np.newaxis], FIRST_LOOK * self.min_distance_mm)
            code, (distance, second) = int(two[0, 0]), apart[0].tolist()
        else:
            codes, distances = self._lookup.index.nearest(points[np.newaxis], self._radius)
            code, distance, second = int(codes[0]), float(distances[0]), math.inf
        if code < 0 or distance > self._radius:
            return FOREIGN
        reach = self.acceptance.rival_reach_mm(distance)
        if reach:
            near, near_distances = self._lookup.index.within(points, reach)
            if len(near) > 1:
                return undecided(Verdict.AMBIGUOUS, near, near_distances)
        margin = second - distance if second < math.inf else self._lookup.margin(points, distance)
        return self._lookup.read(points, code, self._radius, margin, False)

    def _one_missing(self, points: Floats) -> Reading:
        """Return one contact fewer than pads: every code that fits, and the one if it stands alone."""
        radius = self.acceptance.partial_radius_mm()
        codes, distances = self._lookup.all_but_one(points, radius)
        if not len(codes):
            return FOREIGN
        if len(codes) == 1:
            near, near_distances = self._lookup.all_but_one(points, ALONE * radius)
            if len(near) == 1:
                margin = ALONE * radius - float(distances[0])
                return self._lookup.read(points, int(codes[0]), radius, margin, True)
            margin = float(near_distances[1] - near_distances[0])
            return replace(undecided(Verdict.PARTIAL, codes, distances), margin_mm=margin)
        return undecided(Verdict.PARTIAL, codes, distances)


def _first_of_each(points: Floats) -> Ints:
    """Return indices of the contacts that are left when those at one place are taken for one."""
    first: list[int] = []
    for i, point in enumerate(points):
        if all(math.dist(point, points[j]) > COINCIDENT_MM for j in first):
            first.append(i)
    return np.array(first, np.int64)
