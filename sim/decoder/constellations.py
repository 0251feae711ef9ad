"""Choosing the contacts that could be one stamp among fingers, palms and other stamps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from stampbench.firmware_emulator.kernels import kernel
from stampbench.sim.decoder.matching import ROUNDING_MM, Floats, Ints, pair_distances
from stampbench.sim.stamps.geometry import enclosing_circles

MOST_EXTRA_CONTACTS = 15
"""Contacts beyond the pads of a stamp up to which a stamp is looked for."""
MOST_CONSTELLATIONS = 16_000
"""Choices of contacts tried at most: every choice of five contacts among twenty. Spread over a phone, twenty
have 200 that a stamp of five pads can have."""

RIVAL_ODDS = 10.0
"""How many times likelier than any other a choice of contacts must be to be read."""


@dataclass(frozen=True, slots=True)
class FaceLimits:
    """What the geometry of a codebook allows.

    Attributes:
        spacing_mm: least distance between two pads of a stamp.
        span_mm: greatest distance between two pads of a stamp.
        face_radius_mm: radius of a disc that holds all pads of any stamp; inf where none is known.
    """

    spacing_mm: float
    span_mm: float
    face_radius_mm: float = math.inf

    @classmethod
    def measure(cls, pads_mm: Floats) -> FaceLimits:
        """Return the limits that stamps (m, n, 2) keep."""
        shortest, longest = math.inf, 0.0
        for i in range(1, pads_mm.shape[1]):
            apart = np.hypot(*np.moveaxis(pads_mm[:, i:] - pads_mm[:, :-i], 2, 0))
            shortest = min(shortest, float(apart.min()))
            longest = max(longest, float(apart.max()))
        return cls(shortest, longest, float(enclosing_circles(pads_mm)[1].max()))


@dataclass(frozen=True, slots=True)
class Hit:
    """A choice of contacts that lies within the acceptance radius of a code.

    Attributes:
        contacts: indices of the contacts, ascending.
        code: the code.
        distance_mm: its rigid distance.
    """

    contacts: tuple[int, ...]
    code: int
    distance_mm: float


@kernel
def in_one_disc(points: Floats, chosen: Ints, radius: float) -> bool:
    """Return whether a disc of this radius holds all chosen points: one whose rim carries two of them."""
    k = chosen.shape[0]
    for i in range(k):
        for j in range(i):
            dx = points[chosen[i], 0] - points[chosen[j], 0]
            dy = points[chosen[i], 1] - points[chosen[j], 1]
            half = math.sqrt(dx * dx + dy * dy) / 2.0
            if half > radius:
                return False
            if half == 0.0:
                continue
            rise = math.sqrt(radius * radius - half * half) / (2.0 * half)
            for side in (-1.0, 1.0):
                x = points[chosen[j], 0] + dx / 2.0 - side * rise * dy
                y = points[chosen[j], 1] + dy / 2.0 + side * rise * dx
                inside = True
                for m in range(k):
                    ex = points[chosen[m], 0] - x
                    ey = points[chosen[m], 1] - y
                    if ex * ex + ey * ey > radius * radius + 1e-6:
                        inside = False
                if inside:
                    return True
    return k < 2


@kernel
def choose(points: Floats, spacing: float, span: float, face_radius: float, chosen: Ints) -> int:
    """Fill ``chosen`` (limit, k) with the choices of k points whose geometry a stamp can have.

    Returns how many there are; limit + 1 if there are more.
    """
    n = points.shape[0]
    k = chosen.shape[1]
    distances = np.empty((n, n))
    pair_distances(points, distances)
    trial = np.full(k, -1, np.int64)
    count = 0
    level = 0
    while level >= 0:
        trial[level] += 1
        while trial[level] < n:
            fits = True
            for i in range(level):
                if not spacing <= distances[trial[level], trial[i]] <= span:
                    fits = False
                    break
            if fits:
                break
            trial[level] += 1
        if trial[level] >= n:
            level -= 1
        elif level == k - 1:
            if in_one_disc(points, trial, face_radius):
                if count == chosen.shape[0]:
                    return count + 1
                for i in range(k):
                    chosen[count, i] = trial[i]
                count += 1
        else:
            trial[level + 1] = trial[level]
            level += 1
    return count


def possible_constellations(
    points_mm: Floats, pads: int, limits: FaceLimits, radius_mm: float
) -> Ints | None:
    """Return every choice of contacts that may lie within ``radius_mm`` of a stamp, shape (m, pads).

    A displacement of norm r changes a distance by at most sqrt(2) r and moves a pad by at most r. None where
    there are more choices than are tried.
    """
    slack = math.sqrt(2.0) * radius_mm + ROUNDING_MM
    spacing = max(limits.spacing_mm - slack, 0.0)
    span = limits.span_mm + slack
    face_radius = min(limits.face_radius_mm + radius_mm, span)  # any such set fits a disc as wide as its span
    chosen = np.empty((MOST_CONSTELLATIONS, pads), np.int64)
    count = choose(points_mm, spacing, span, face_radius, chosen)
    return chosen[:count] if count <= len(chosen) else None


def rival_reach_mm(distance_mm: float, sigma_mm: float) -> float:
    """Return the distance within which another choice of contacts rivals one at ``distance_mm``.

    The likelihood is exp(-distance^2 / (2 sigma^2)); a rival is not ``RIVAL_ODDS`` times less likely.
    """
    return math.sqrt(distance_mm**2 + 2.0 * sigma_mm**2 * math.log(RIVAL_ODDS))


def separate(hits: Sequence[Hit], sigma_mm: float) -> list[tuple[Hit, list[Hit]]]:
    """Explain the contacts by stamps that share none: each best hit with the rivals it does not outweigh.

    Hits that share a contact exclude each other. Another code of the very same contacts stands among the hits
    only if it is a rival.
    """
    left = sorted(hits, key=lambda hit: (hit.distance_mm, hit.code, hit.contacts))
    stamps = []
    while left:
        best = left[0]
        taken = set(best.contacts)
        reach = rival_reach_mm(best.distance_mm, sigma_mm)
        rivals = [
            hit
            for hit in left
            if hit.code != best.code
            and (hit.distance_mm <= reach or hit.contacts == best.contacts)
            and not taken.isdisjoint(hit.contacts)
        ]
        left = [hit for hit in left if taken.isdisjoint(hit.contacts)]
        stamps.append((best, rivals))
    return stamps
