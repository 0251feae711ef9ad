"""How often contacts that are no stamp fit a code by chance, on every path that the decoder reads by.

A foreign object of n pads lies within r of ``density * r^(2 n - 3)`` codes on average. The density is
counted: codes drawn from the codebook against objects drawn as :meth:`FaceGeometry.random_pads` draws them,
since stamps drawn the same way crowd together where such objects do (twice as many codes are near as size *
ball / volume of the space says; of a family that fills the space evenly, 0.8 times as many). Where only the
recipe of a family is known, that formula serves.

More contacts than pads offer many choices of contacts, each with that chance. How many is counted for
contacts anywhere on a screen of 62 x 110 mm, none nearer to another than fingers go, or the pads of the
codebook.
"""

from __future__ import annotations

import functools
import itertools
import math
from dataclasses import dataclass, field, replace

import numpy as np
from stampbench.sim.decoder.constellations import choose
from stampbench.sim.decoder.matching import Floats, Ints
from stampbench.sim.stamps import Codebook, FaceGeometry
from stampbench.sim.stamps.canonical import canonical_coordinates
from stampbench.sim.stamps.density import space_volume
from stampbench.sim.stamps.geometry import MIN_PADS, ball_volume
from stampbench.sim.stamps.index import CodeIndex, ScanIndex

SCREEN_MM = (62.0, 110.0)
"""Screen of a phone, over which contacts beyond the pads of a stamp are spread."""
FINGER_GAP_MM = 12.0
ARRANGEMENTS = 4_000
"""Contacts laid out, in arrangements for which the choices are counted: 400 of ten, 200 of twenty."""
VOLUME_DRAWS = 400_000
OBJECTS = 40_000
"""Objects drawn at most until :data:`COUNTED` codes were found near them."""
COUNTED = 200
"""Codes near to objects that are counted: 7 % of error."""
NEAR_MM = 2.2
"""Distance within which they are counted at most: the density is nearly even over so much."""
OFTEN = 0.2
"""Codes within the distance, on average, that are enough."""
ROOM_DRAWS = 8_192
ROOM_SHARE = 0.004
"""Of so many places drawn, the share that must keep a geometry; 1.7 % keep that of five pads by default."""
LOOSENED = 1.05
PARTIAL_CODES = 500
PARTIAL_OBJECTS = 200
NEAR_PARTIAL_MM = 3.0
"""The same for objects of one pad fewer: codes drawn from the codebook, objects, and distance."""


@dataclass(frozen=True, slots=True)
class Chance:
    """Chances of one codebook.

    Attributes:
        geometry: what its stamps keep.
        complete: codes within 1 mm of an object of as many pads, on average.
        partial: for each of some objects of one pad fewer, shape (m,), the codes of which all pads but one
            lie within 1 mm; each where the codes crowd as they do about that object.
    """

    geometry: FaceGeometry
    complete: float
    partial: Floats = field(repr=False)

    @classmethod
    def evenly(cls, size: int, geometry: FaceGeometry) -> Chance:
        """Return the chances of so many codes that fill the space of a geometry evenly."""
        complete = size * ball_volume(2 * geometry.pads - 3) / space_volume(geometry)
        if geometry.pads == MIN_PADS:
            return cls(geometry, complete, np.zeros(1))
        others = replace(geometry, pads=geometry.pads - 1)
        partial = size * geometry.pads * ball_volume(2 * others.pads - 3) / space_volume(others)
        return cls(geometry, complete, np.array([partial]))

    @classmethod
    def counted(cls, codebook: Codebook, geometry: FaceGeometry, index: CodeIndex) -> Chance:
        """Count the chances of a codebook with its index; the same each time."""
        rng = np.random.default_rng(0)
        own = getattr(codebook, "geometry", None)
        room = geometry if isinstance(own, FaceGeometry) else roomy(geometry)
        complete = _count(index, room, codebook.size, rng)
        if geometry.pads == MIN_PADS:
            return cls(geometry, complete, np.zeros(1))
        others = replace(room, pads=geometry.pads - 1)
        drawn = min(PARTIAL_CODES, codebook.size)
        stamps = codebook.pads_of(np.sort(rng.choice(codebook.size, drawn, replace=False)))
        without = np.concatenate([np.delete(stamps, pad, axis=1) for pad in range(geometry.pads)])
        objects = _objects(others, PARTIAL_OBJECTS, rng)
        found = ScanIndex(canonical_coordinates(without), 0.0).count_within(objects, NEAR_PARTIAL_MM)
        share = codebook.size / drawn / NEAR_PARTIAL_MM ** (2 * others.pads - 3)
        return cls(geometry, complete, np.asarray(found * share, np.float64))

    def choices(self, contacts: int, points: int) -> Ints:
        """Return how many choices of so many points contacts offer, for some arrangements, shape (m,)."""
        return _choices(self.geometry, contacts, points)


@functools.lru_cache(maxsize=64)
def roomy(geometry: FaceGeometry) -> FaceGeometry:
    """Return the geometry, or, where few places drawn at random keep it, the next that is loose enough.

    The geometry of a catalogue is that of the stamps in it: a single one leaves no object room beside itself.

    >>> tight = FaceGeometry(5, spacing_mm=20.0, face_radius_mm=17.1)
    >>> roomy(tight).face_radius_mm > 17.1
    True
    """
    while len(geometry.drawn(np.random.default_rng(0), ROOM_DRAWS)) < ROOM_SHARE * ROOM_DRAWS:
        geometry = replace(
            geometry,
            spacing_mm=geometry.spacing_mm / LOOSENED,
            face_radius_mm=geometry.face_radius_mm * LOOSENED,
        )
    return geometry


def _count(index: CodeIndex, geometry: FaceGeometry, size: int, rng: np.random.Generator) -> float:
    """Return how many codes lie within 1 mm of an object, on average."""
    dimensions = 2 * geometry.pads - 3
    even = size * ball_volume(dimensions) / space_volume(geometry, draws=VOLUME_DRAWS)
    near_mm = NEAR_MM if math.isnan(even) else min(NEAR_MM, (OFTEN / even) ** (1.0 / dimensions))
    objects = hits = 0
    while hits < COUNTED and objects < OBJECTS:
        hits += int(index.count_within(_objects(geometry, 1_000, rng), near_mm).sum())
        objects += 1_000
    return max(hits, 1) / objects / near_mm**dimensions  # where none was near, one nearly was


def _objects(geometry: FaceGeometry, count: int, rng: np.random.Generator) -> Floats:
    return np.array(list(itertools.islice(geometry.random_pads(rng), count)))


@functools.lru_cache(maxsize=64)
def _choices(geometry: FaceGeometry, contacts: int, points: int) -> Ints:
    rng = np.random.default_rng(0)
    chosen = np.empty((math.comb(contacts, points), points), np.int64)
    gap = min(FINGER_GAP_MM, geometry.spacing_mm)
    return np.array(
        [
            choose(
                spread_contacts(contacts, gap, rng),
                geometry.spacing_mm,
                2.0 * geometry.face_radius_mm,
                geometry.face_radius_mm,
                chosen,
            )
            for _ in range(ARRANGEMENTS // contacts)
        ]
    )


def spread_contacts(count: int, gap_mm: float, rng: np.random.Generator) -> Floats:
    """Draw contacts (count, 2) anywhere on the screen, the gap apart, or as far as the screen lets them."""
    placed: list[Floats] = []
    while len(placed) < count:
        point = rng.uniform((0.0, 0.0), SCREEN_MM)
        if all(math.dist(point, other) >= gap_mm for other in placed):
            placed.append(point)
        gap_mm *= 0.999
    return np.array(placed)
