"""How full the space of stamps is: its volume, a family's density, the noise it survives, false accepts."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from stampbench.sim.stamps.geometry import FaceGeometry, ball_volume, enclosing_circles

if TYPE_CHECKING:
    from stampbench.sim.stamps.family import Family

E7_DENSITY: Final = 0.295
"""Packing density of E7, the densest lattice in 7 dimensions (Conway and Sloane, table 1.5)."""
DESIGN_SHARE: Final = 0.999
"""Share of presses whose error stays within half the minimum distance at the design noise."""
KNOWN_VOLUMES: Final = {FaceGeometry(): 1.20e8, FaceGeometry(4): 9.75e5}
"""Volumes from longer runs of :func:`space_volume`: 6e7 draws; a decoder asks for that of stamps with a pad
missing as well."""
_DRAWS: Final = 4_000_000
_BATCH: Final = 200_000
_HITS: Final = 4_000


@dataclass(frozen=True, slots=True)
class FamilyFigures:
    """Derived figures of a family.

    Attributes:
        volume: of the space of admissible stamps under the rigid distance, mm^(2 n - 3); Monte Carlo,
            good to a few per cent. NaN for a geometry too tight to sample.
        density: share of the space filled by balls of half the minimum distance round the codes.
        design_sigma_mm: greatest noise of a contact on each axis at which 99.9 % of errors stay within
            half the minimum distance (chi distribution with 2 n - 3 degrees of freedom).
        far: chance that a random admissible object lies within half the minimum distance of some code.
    """

    volume: float
    density: float
    design_sigma_mm: float
    far: float


def family_figures(family: Family) -> FamilyFigures:
    """Return figures of a family from its size, geometry and minimum distance."""
    from scipy.stats import chi

    dimensions = 2 * family.pads_per_stamp - 3
    half = 0.5 * family.min_distance_mm
    volume = space_volume(family.geometry)
    density = false_accept_rate(family, half)
    return FamilyFigures(volume, density, half / float(chi.ppf(DESIGN_SHARE, dimensions)), min(1.0, density))


def false_accept_rate(family: Family, radius_mm: float) -> float:
    """Return size * ball / volume: the codes expected within the radius of a random admissible object."""
    dimensions = 2 * family.pads_per_stamp - 3
    return family.size * ball_volume(dimensions) * radius_mm**dimensions / space_volume(family.geometry)


@functools.lru_cache(maxsize=16)
def space_volume(geometry: FaceGeometry, seed: int = 0, draws: int = _DRAWS) -> float:
    """Estimate the volume, mm^(2 n - 3), of admissible stamps under the rigid distance; NaN if never hit.

    Estimated from at most so many ``draws``.

    n - 1 pads are drawn evenly round the centroid, the last balances them. Centred sets carry n times the
    volume of these n - 1 pads; a set of norm |z| fills 2 pi |z| by turning, and n! orders are one stamp.
    """
    if geometry in KNOWN_VOLUMES:
        return KNOWN_VOLUMES[geometry]
    rng = np.random.default_rng(seed)
    n = geometry.pads
    # No pad is farther from the centroid than this, when all lie in a disc and the others opposite.
    reach = 2.0 * geometry.face_radius_mm * (n - 1) / n
    pairs = np.triu_indices(n, 1)
    total, hits, drawn = 0.0, 0, 0
    while hits < _HITS and drawn < draws:
        radii = reach * np.sqrt(rng.random((_BATCH, n - 1)))
        z = radii * np.exp(2j * math.pi * rng.random((_BATCH, n - 1)))
        z = np.concatenate([z, -z.sum(axis=1, keepdims=True)], axis=1)
        gaps = np.abs(z[:, pairs[0]] - z[:, pairs[1]])
        inside = (gaps.min(axis=1) >= geometry.spacing_mm) & (gaps.max(axis=1) <= 2 * geometry.face_radius_mm)
        z = z[inside]
        if len(z):
            _, circle = enclosing_circles(np.stack([z.real, z.imag], axis=-1))
            z = z[circle <= geometry.face_radius_mm]
        total += float((1.0 / np.sqrt(np.square(np.abs(z)).sum(axis=1))).sum())
        hits += len(z)
        drawn += _BATCH
    if hits == 0:
        return math.nan
    sampled = (math.pi * reach * reach) ** (n - 1)
    return n * sampled * total / drawn / (2.0 * math.pi * math.factorial(n))
