"""The face of a stamp: what is admissible, rigid distances, enclosing circles, random stamps."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from stampbench.firmware_emulator.errors import InputError
from stampbench.firmware_emulator.kernels import kernel
from stampbench.sim.stamps.stamp import Floats

MIN_PADS: Final = 3
MAX_PADS: Final = 8


@dataclass(frozen=True, slots=True)
class FaceGeometry:
    """What every stamp of a family keeps.

    Attributes:
        pads: pads on a stamp, 3 to 8.
        pad_diameter_mm: diameter of every pad.
        spacing_mm: least distance of two pad centres. At 4.1 mm pitch 6 mm pads 12 mm apart never merge at
            a 20 % threshold (from the measured response of flat pads).
        face_radius_mm: radius of the disc that holds all pad centres.
    """

    pads: int = 5
    pad_diameter_mm: float = 6.0
    spacing_mm: float = 12.0
    face_radius_mm: float = 22.0

    def random_pads(self, rng: np.random.Generator) -> Iterator[Floats]:
        """Yield admissible stamps (n, 2) without end: pads even over the face, redrawn until spaced."""
        while True:
            yield from self.drawn(rng, 4096)

    def drawn(self, rng: np.random.Generator, draws: int) -> Floats:
        """Return those of so many stamps drawn at random, (m, n, 2), that are admissible."""
        near = np.triu_indices(self.pads, 1)
        points = rng.uniform(-self.face_radius_mm, self.face_radius_mm, (draws, self.pads, 2))
        points = points[(np.square(points).sum(axis=2) <= self.face_radius_mm**2).all(axis=1)]
        gaps = np.square(points[:, near[0]] - points[:, near[1]]).sum(axis=2)
        admissible: Floats = points[(gaps >= self.spacing_mm**2).all(axis=1)]
        return admissible


def rigid_distance_mm(a: npt.ArrayLike, b: npt.ArrayLike) -> float:
    """Return the rigid distance of two pad sets (n, 2), mm: least root of summed squared pad displacements.

    The minimum is over rotation, translation and pad order; mirror images differ. For centred sets as complex
    numbers the best rotation leaves ``|a|^2 + |b|^2 - 2 |sum conj(a_k) b_k|`` (Procrustes in the plane).

    Raises:
        InputError: the sets are not (n, 2) of equal n, 1 to 8, or not finite.
    """
    first, second = np.asarray(a, np.float64), np.asarray(b, np.float64)
    for name, points in (("a", first), ("b", second)):
        if points.ndim != 2 or points.shape[1] != 2 or points.shape != first.shape:
            raise InputError(
                f"rigid_distance_mm: {name} has shape {points.shape}; expected two sets of equal shape (n, 2)"
            )
        if not np.isfinite(points).all():
            raise InputError(f"rigid_distance_mm: {name} has a value that is not finite")
    if not 1 <= len(first) <= MAX_PADS:
        raise InputError(f"rigid_distance_mm: {len(first)} pads; expected 1 to {MAX_PADS}")
    p, q = first @ (1, 1j), second @ (1, 1j)
    p, q = p - p.mean(), q - q.mean()
    q = q[np.array(list(itertools.permutations(range(len(q)))))]
    overlap = q @ p.conj()
    best = int(np.abs(overlap).argmax())
    size = abs(overlap[best])
    turn = overlap[best] / size if size > 0.0 else 1.0
    # Summed over the pads: the closed form cancels for small distances and loses half the digits.
    return float(np.sqrt(np.square(np.abs(q[best] - turn * p)).sum()))


def enclosing_circle(points_mm: npt.ArrayLike) -> tuple[Floats, float]:
    """Return the centre (2,) and radius (mm) of the smallest circle round the points (n, 2)."""
    centre = np.empty(2)
    radius = fill_enclosing_centre(np.ascontiguousarray(points_mm, np.float64), centre)
    return centre, radius


@kernel
def fill_enclosing_centre(points: Floats, centre: Floats) -> float:
    """Fill ``centre`` (2,) with that of the smallest circle round the points (n, 2); return its radius (mm).

    :func:`enclosing_circles` for one set, in a hundredth of the time.
    """
    n = points.shape[0]
    best = math.inf
    for i in range(n):
        for j in range(i + 1):
            for k in range(j + 1):
                # Equal numbers stand for the circle through the two that differ as a diameter.
                ux = points[j, 0] - points[i, 0]
                uy = points[j, 1] - points[i, 1]
                x = points[i, 0] + ux / 2.0
                y = points[i, 1] + uy / 2.0
                if k < j < i:
                    vx = points[k, 0] - points[i, 0]
                    vy = points[k, 1] - points[i, 1]
                    twice_area = 2.0 * (ux * vy - uy * vx)
                    if twice_area == 0.0:
                        continue
                    u = ux * ux + uy * uy
                    v = vx * vx + vy * vy
                    x = points[i, 0] + (u * vy - v * uy) / twice_area
                    y = points[i, 1] + (v * ux - u * vx) / twice_area
                elif k < j or (j == i and n > 1):
                    continue
                farthest = 0.0
                for other in range(n):
                    dx = points[other, 0] - x
                    dy = points[other, 1] - y
                    farthest = max(farthest, dx * dx + dy * dy)
                if farthest < best:
                    best = farthest
                    centre[0] = x
                    centre[1] = y
    return math.sqrt(best)


def enclosing_circles(points_mm: Floats) -> tuple[Floats, Floats]:
    """Return smallest circles round pad sets (m, n, 2): centres (m, 2) and radii (m,), mm.

    It is the smallest of the circles through two points as a diameter or through three that holds all.
    """
    z = points_mm @ (1, 1j)
    centres = [(z[:, i] + z[:, j]) / 2 for i, j in itertools.combinations(range(z.shape[1]), 2)]
    for i, j, k in itertools.combinations(range(z.shape[1]), 3):
        u, v = z[:, j] - z[:, i], z[:, k] - z[:, i]
        twice_area = 2.0 * (u.conj() * v).imag
        with np.errstate(divide="ignore", invalid="ignore"):
            centre = z[:, i] + 1j * (u * np.square(np.abs(v)) - v * np.square(np.abs(u))) / twice_area
        centres.append(np.where(np.isfinite(centre), centre, math.inf))
    candidates = np.stack(centres, axis=1)
    radii = np.zeros(candidates.shape)
    for pad in z.T:
        radii = np.fmax(radii, np.abs(candidates - pad[:, None]))
    best = radii.argmin(axis=1)
    rows = np.arange(len(z))
    centre = candidates[rows, best]
    return np.stack([centre.real, centre.imag], axis=-1), radii[rows, best]


def ball_volume(dimensions: int) -> float:
    """Return the volume of the unit ball in that many dimensions."""
    return math.pi ** (dimensions / 2) / math.gamma(dimensions / 2 + 1)
