"""How often contacts that are no stamp fit a code by chance, on every path that the decoder reads by.

A foreign object of n pads lies within r of ``density * r^(2 n - 3)`` codes on average. Objects are as
:meth:`FaceGeometry.random_pads` draws them, and stamps drawn the same way crowd together where such objects
do: twice as many codes are near as size * ball / volume of the space says, of a family that fills the space
evenly 0.8 times as many. So the density is that of objects about the codes: shapes are drawn near to codes
(orthogonal to moving and turning, so that they are as far off as they were drawn), and each weighs by the
share of objects that have it. Where only the recipe of a family is known, the formula serves.

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
from stampbench.sim.stamps.geometry import MIN_PADS, ball_volume, enclosing_circles
from stampbench.sim.stamps.index import ScanIndex

SCREEN_MM = (62.0, 110.0)
"""Screen of a phone, over which contacts beyond the pads of a stamp are spread."""
FINGER_GAP_MM = 12.0
ARRANGEMENTS = 4_000
"""Contacts laid out, in arrangements for which the choices are counted: 400 of ten, 200 of twenty."""
SHAPES = 4_000
"""Shapes drawn at each of two distances; 3 to 7 % of error."""
NEAR_MM = (0.5, 2.0)
"""How far from codes they are. Where codes lie at the edge of the space half of what is near falls out: the
density about those of p5-60k falls by a tenth a millimetre."""
DRAWS = 32_768
"""Objects drawn to know which share keeps a geometry: 1.7 % keep that of five pads by default."""
ROOM_SHARE = 0.004
"""Share that must."""
LOOSENED = 1.05
PARTIAL_CODES = 250
"""Codes drawn from the codebook to be compared with objects of one pad fewer."""
PARTIAL_OBJECTS = 150
NEAR_PARTIAL_MM = 3.0
"""Distance up to which those of them that are near to an object are counted."""


@dataclass(frozen=True, slots=True)
class Chance:
    """Chances of one codebook.

    Attributes:
        geometry: what its stamps keep.
        complete: codes near to an object of as many pads, on average, a mm^(2 n - 3).
        fall_per_mm: by which their density falls with the distance.
        partial: for each of some objects of one pad fewer, shape (m,), the codes of which all pads but one
            lie within 1 mm; each where the codes crowd as they do about that object.
    """

    geometry: FaceGeometry
    complete: float
    fall_per_mm: float
    partial: Floats = field(repr=False)

    @classmethod
    def evenly(cls, size: int, geometry: FaceGeometry) -> Chance:
        """Return the chances of so many codes that fill the space of a geometry evenly."""
        complete = size * ball_volume(2 * geometry.pads - 3) / space_volume(geometry)
        if geometry.pads == MIN_PADS:
            return cls(geometry, complete, 0.0, np.zeros(1))
        others = replace(geometry, pads=geometry.pads - 1)
        partial = size * geometry.pads * ball_volume(2 * others.pads - 3) / space_volume(others)
        return cls(geometry, complete, 0.0, np.array([partial]))

    @classmethod
    def counted(cls, codebook: Codebook, geometry: FaceGeometry) -> Chance:
        """Count the chances of a codebook whose stamps keep a geometry; the same each time."""
        rng = np.random.default_rng(0)
        room = roomy(geometry)
        share, fall = _objects_near(_drawn_stamps(codebook, SHAPES, rng), room, rng)
        complete = codebook.size * share
        if geometry.pads == MIN_PADS:
            return cls(geometry, complete, fall, np.zeros(1))
        others = replace(room, pads=geometry.pads - 1)
        stamps = _drawn_stamps(codebook, PARTIAL_CODES, rng)
        without = np.concatenate([np.delete(stamps, pad, axis=1) for pad in range(geometry.pads)])
        objects = np.array(list(itertools.islice(others.random_pads(rng), PARTIAL_OBJECTS)))
        found = ScanIndex(canonical_coordinates(without), 0.0).count_within(objects, NEAR_PARTIAL_MM)
        crowd = codebook.size / len(stamps) / NEAR_PARTIAL_MM ** (2 * others.pads - 3)
        return cls(geometry, complete, fall, np.asarray(found * crowd, np.float64))

    def within(self, distances_mm: Floats) -> Floats:
        """Return how many codes lie so near to an object of as many pads, on average, for each distance."""
        dimensions = 2 * self.geometry.pads - 3
        fall = self.fall_per_mm * dimensions / (dimensions + 1)  # on average over the ball
        counts: Floats = self.complete * distances_mm**dimensions * np.exp(-fall * distances_mm)
        return counts

    def choices(self, contacts: int, points: int) -> Ints:
        """Return how many choices of so many points contacts offer, for some arrangements, shape (m,)."""
        return _choices(self.geometry, contacts, points)


@functools.lru_cache(maxsize=64)
def roomy(geometry: FaceGeometry) -> FaceGeometry:
    """Return the geometry, or, where few places drawn at random keep it, the next that is loose enough.

    The geometry of a catalogue is that of the stamps in it: a single one leaves no object room beside itself;
    eight pads may fill their face.

    >>> tight = FaceGeometry(5, spacing_mm=20.0, face_radius_mm=17.1)
    >>> roomy(tight).face_radius_mm > 17.1
    True
    """
    while len(geometry.drawn(np.random.default_rng(0), DRAWS // 4)) < ROOM_SHARE * DRAWS // 4:
        geometry = replace(
            geometry,
            spacing_mm=geometry.spacing_mm / LOOSENED,
            face_radius_mm=geometry.face_radius_mm * LOOSENED,
        )
    return geometry


def _drawn_stamps(codebook: Codebook, most: int, rng: np.random.Generator) -> Floats:
    """Return pads of so many codes drawn from a codebook, or of all, (m, n, 2)."""
    codes = rng.choice(codebook.size, min(most, codebook.size), replace=False)
    return codebook.pads_of(np.sort(codes))


def _objects_near(stamps: Floats, geometry: FaceGeometry, rng: np.random.Generator) -> tuple[float, float]:
    """Return the share of objects of a geometry near to one of the stamps (m, n, 2), and how it falls.

    The share is a mm^(2 n - 3); it falls by the exponential of so much a mm.

    An object of n pads drawn in a square of the side a has the density a^-2n, divided by the share that
    keeps the geometry. Its 2 n coordinates are a shape of norm |z| (in which n! orders are one), a turn that
    moves it by |z| a radian, and a middle that moves all n pads, by sqrt(n) a mm on each axis.
    """
    pads = geometry.pads
    stamp = np.repeat(stamps, -(-SHAPES // len(stamps)), axis=0)[:SHAPES] @ (1, 1j)
    stamp -= stamp.mean(axis=1, keepdims=True)
    norm = np.linalg.norm(stamp, axis=1)
    off = rng.standard_normal((len(stamp), pads, 2)) @ (1, 1j)
    off -= off.mean(axis=1, keepdims=True)
    turn = 1j * stamp / norm[:, None]
    off -= turn * (turn.conj() * off).real.sum(axis=1, keepdims=True)
    off /= np.linalg.norm(off, axis=1)[:, None]
    way, along = np.exp(2j * math.pi * rng.random(len(stamp))), np.sqrt(rng.random(len(stamp)))
    first, second = np.triu_indices(pads, 1)
    volumes = []
    for near_mm in NEAR_MM:
        shape = stamp + near_mm * off
        # The middles of discs that hold all pads lie in a disc of this radius about their smallest circle.
        middle, circle = enclosing_circles(np.stack([shape.real, shape.imag], axis=-1))
        roam = np.sqrt(np.maximum(geometry.face_radius_mm**2 - circle**2, 0.0))
        face = middle @ (1, 1j) + roam * along * way
        admissible = (np.abs(shape - face[:, None]) <= geometry.face_radius_mm).all(axis=1) & (
            np.abs(shape[:, first] - shape[:, second]) >= geometry.spacing_mm
        ).all(axis=1)
        turned = 2.0 * math.pi * (norm + near_mm * (stamp.conj() * off).real.sum(axis=1) / norm)
        volumes.append(float((math.pi * roam**2 * turned * admissible).mean()))
    fall = math.log(volumes[0] / volumes[1]) / (NEAR_MM[1] - NEAR_MM[0]) if min(volumes) > 0.0 else 0.0
    volume = pads * math.factorial(pads) * max(volumes) * math.exp(fall * NEAR_MM[int(np.argmax(volumes))])
    drawn = (2.0 * geometry.face_radius_mm) ** (2 * pads) * len(geometry.drawn(rng, DRAWS)) / DRAWS
    return ball_volume(2 * pads - 3) * volume / drawn, fall


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
