"""Reading stamps among contacts that are not theirs: fingers, a palm, other stamps."""

from __future__ import annotations

import math
from functools import cached_property

import numpy as np
from stampbench.sim.decoder.constellations import (
    MOST_CONSTELLATIONS,
    Hit,
    possible_constellations,
    separate,
)
from stampbench.sim.decoder.lookup import Lookup
from stampbench.sim.decoder.matching import Floats, Ints
from stampbench.sim.decoder.reading import FOREIGN, Reading, Verdict, stands_at, undecided
from stampbench.sim.stamps.geometry import enclosing_circle


class AmongOthers:
    """Reads contacts (n, 2), in nominal mm and apart, of which some are no pads.

    Args:
        lookup: the codes, and which distances are accepted.
    """

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup
        self._pads = lookup.acceptance.pads

    def hits(self, points: Floats) -> tuple[list[Hit], int]:
        """Return every choice of as many contacts as pads that fits a code, and how many choices there are.

        Nothing is tried where there are too many.
        """
        chosen = self._choices(points)
        return ([], 0) if chosen is None else (self._hits(points, chosen), len(chosen))

    def read(self, points: Floats) -> list[Reading]:
        """Read every stamp that has all its pads; failing that, those that miss one."""
        chosen = self._choices(points)
        if chosen is None:
            return [_crowd(len(points))]
        found = self._explain(points, self._hits(points, chosen), self._lookup.acceptance.outer_radius_mm())
        return found or self.one_missing(points)

    def _choices(self, points: Floats) -> Ints | None:
        lookup = self._lookup
        radius_mm = lookup.acceptance.outer_radius_mm()
        return possible_constellations(points, self._pads, lookup.limits, radius_mm)

    def _hits(self, points: Floats, chosen: Ints) -> list[Hit]:
        """Return those of the choices (m, pads) that fit a code, and the codes that rival it."""
        radius = self._lookup.acceptance.radius_among_mm(len(chosen))
        codes, distances = self._lookup.index.nearest(points[chosen], radius)
        hits = []
        for i in np.flatnonzero(codes >= 0):
            contacts, distance = tuple(chosen[i].tolist()), float(distances[i])
            hits.append(Hit(contacts, int(codes[i]), distance))
            reach = self._lookup.acceptance.rival_reach_mm(distance)
            if reach:
                near = self._lookup.index.within(points[chosen[i]], reach)
                hits += [Hit(contacts, int(c), float(d)) for c, d in zip(*near, strict=True) if c != codes[i]]
        return hits

    def one_missing(self, points: Floats) -> list[Reading]:
        """Read one pad missing beside contacts that are not the stamp's, where that cannot be chance."""
        pads = self._pads - 1
        if pads < 3 or self._partial_chance > self._lookup.acceptance.most_partial_chance():
            return [FOREIGN]
        radius = self._lookup.acceptance.partial_radius_mm()
        chosen = possible_constellations(points, pads, self._lookup.limits, radius)
        if chosen is None:
            return [_crowd(len(points))]
        if len(chosen) * self._partial_chance > self._lookup.acceptance.most_partial_chance():
            return [FOREIGN]
        hits = [
            Hit(tuple(contacts.tolist()), int(code), float(distance))
            for contacts in chosen
            for code, distance in zip(*self._lookup.all_but_one(points[contacts], radius), strict=True)
        ]
        readings = self._explain(points, hits, radius)
        return [reading for reading in readings if not self._covers_others(points, reading)] or [FOREIGN]

    def _covers_others(self, points: Floats, reading: Reading) -> bool:
        """Return whether a contact that is no pad lies under the stamp, where no finger can be."""
        if reading.code is None or reading.pose is None:
            return False
        middle, face = enclosing_circle(self._lookup.codebook.pads(reading.code))
        centre = stands_at(reading.pose, middle)
        return any(
            i not in reading.contacts and math.dist(point, centre) < face for i, point in enumerate(points)
        )

    def _explain(self, points: Floats, hits: list[Hit], radius: float) -> list[Reading]:
        """Return readings of the choices of contacts that fit, unless a better one shares a contact."""
        readings = []
        for best, rivals in separate(hits, self._lookup.acceptance.sigma_mm):
            if rivals:
                codes = [best.code, *(rival.code for rival in rivals)]
                distances = [best.distance_mm, *(rival.distance_mm for rival in rivals)]
                readings.append(undecided(Verdict.AMBIGUOUS, codes, distances))
                continue
            among = list(best.contacts)
            complete = len(among) == self._pads
            margin = self._lookup.margin(points[among], best.distance_mm) if complete else None
            readings.append(self._lookup.read(points, best.code, radius, margin, False, among=among))
        return readings

    @cached_property
    def _partial_chance(self) -> float:
        """Codes that fit a foreign object of one pad fewer, on average."""
        return self._lookup.acceptance.partial_chance()


def _crowd(contacts: int) -> Reading:
    """Return the reading of contacts that offer more choices than are tried."""
    return Reading(
        Verdict.NONE, note=f"{contacts} contacts offer more than {MOST_CONSTELLATIONS:,} choices of pads"
    )
