"""Reading a stamp where millimetres are known only within a range, along each axis by itself.

A ruler that is off by up to a few percent makes of one shape a sheet of shapes, one for each pair of
scales. Every code that comes within the acceptance radius of that sheet could be the stamp's. None is missed:
scales are tried on a grid that holds the ends of both ranges; at the best scales the error is perpendicular
to what a change of scale does, or they stand at an end, so a code within r of the sheet is within
sqrt(r^2 + g^2) of a shape tried, g the farthest that the best scales can be from the nearest on the grid. An
exact fit of the few found decides.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
from stampbench.sim.decoder.matching import ROUNDING_MM, best_matching, pair_distances
from stampbench.sim.decoder.reading import MOST_CANDIDATES, Reading, Verdict
from stampbench.sim.stamps.index import CodeIndex, index_of

if TYPE_CHECKING:
    from stampbench.sim.decoder.decoder import Decoder

Floats = npt.NDArray[np.float64]
Range = tuple[float, float]

GRID: Final = 0.5
"""Farthest that a scale can be from one tried, in radii."""
MOST_CONTACTS: Final = 9
"""Of more, no choice is tried."""
_RIVAL_NATS: Final = math.log(1000.0)
"""A code less likely than the best by more than this is no rival: 1 in 1,000, the decoder's misread rate."""


class ScaleRangeDecoder:
    """Reads stamps whose contacts are to be stretched along x and y by unknown factors.

    Args:
        decoder: whose codebook and noise are taken.
        x_scale, y_scale: least and largest factor from the contacts' units to mm along each axis.

    >>> family = sb.load_family("p5-60k")
    >>> ruler = ScaleRangeDecoder(sb.Decoder(family, sigma_mm=0.15), (0.96, 1.04), (0.96, 1.04))
    >>> reading = ruler.decode(family.pads(777) * [1.02, 0.99])
    >>> reading.code, reading.verdict.value
    (777, 'read')
    """

    def __init__(self, decoder: Decoder, x_scale: Range, y_scale: Range) -> None:
        self.decoder = decoder
        self._ranges = x_scale, y_scale
        self._radius = decoder.acceptance.outer_radius_mm()
        sigma = decoder.sigma_mm
        self._wide = math.sqrt(self._radius**2 + 2.0 * sigma**2 * _RIVAL_NATS)
        self._index: CodeIndex = index_of(decoder.codebook)

    def decode(self, points_mm: Floats) -> Reading:
        """Return the code that alone fits at some scales of the range; ``ambiguous`` where several do.

        Args:
            points_mm: (n, 2), by the middle of the range. More contacts than pads are tried in every choice.
        """
        pads = self.decoder.pads_per_stamp
        if not pads <= len(points_mm) <= MOST_CONTACTS:
            reading = self.decoder.decode(points_mm)
            return _unsure(reading) if reading.verdict is Verdict.READ else reading
        found: dict[int, Reading] = {}
        for chosen in itertools.combinations(range(len(points_mm)), pads):
            for reading in self._fitting(points_mm[list(chosen)], chosen):
                earlier = found.get(reading.code or 0)
                if earlier is None or (reading.distance_mm or 0.0) < (earlier.distance_mm or 0.0):
                    found[reading.code or 0] = reading
        ranked = sorted(found.values(), key=lambda reading: reading.distance_mm or 0.0)
        if not ranked or (ranked[0].distance_mm or 0.0) > self._radius:
            return Reading(Verdict.FOREIGN)
        best, others = ranked[0], ranked[1:]
        near = math.sqrt((best.distance_mm or 0.0) ** 2 + 2.0 * self.decoder.sigma_mm**2 * _RIVAL_NATS)
        rivals = [reading for reading in others if (reading.distance_mm or 0.0) <= near]
        if rivals:
            codes = tuple(reading.code or 0 for reading in [best, *rivals])
            return Reading(
                Verdict.AMBIGUOUS,
                distance_mm=best.distance_mm,
                candidates=codes[:MOST_CANDIDATES],
                candidates_total=len(codes),
            )
        return best

    def _fitting(self, points: Floats, chosen: tuple[int, ...]) -> list[Reading]:
        """Return a reading for every code that fits these contacts, one a pad, at some scales."""
        centred = points - points.mean(axis=0)
        axes = []
        for axis, (low, high) in enumerate(self._ranges):
            norm = float(np.sqrt(np.square(centred[:, axis]).sum()))
            steps = math.ceil((high - low) * norm / (math.sqrt(2.0) * GRID * self._radius))
            axes.append(np.linspace(low, high, steps + 1) if steps else np.array([0.5 * (low + high)]))
        scales = np.stack(np.meshgrid(*axes), axis=2).reshape(-1, 2)
        tried = scales[:, np.newaxis, :] * points
        reach = math.hypot(self._wide, GRID * self._radius) + ROUNDING_MM
        codes, _ = self._index.within_any(tried, reach)
        readings = (self._fit(points, centred, int(code), scales, chosen, reach) for code in codes)
        return [reading for reading in readings if (reading.distance_mm or 0.0) <= self._wide]

    def _fit(
        self,
        points: Floats,
        centred: Floats,
        code: int,
        scales: Floats,
        chosen: tuple[int, ...],
        reach: float,
    ) -> Reading:
        """Lay a code over the contacts at the best scales of the range."""
        from scipy.optimize import minimize

        pads = np.ascontiguousarray(self.decoder.codebook.pads(code), np.float64)
        matching, start = _match(centred, pads, scales, reach)
        ordered = pads[matching]
        complex_pads = ordered[:, 0] - ordered[:, 0].mean() + 1j * (ordered[:, 1] - ordered[:, 1].mean())
        size = float(np.square(np.abs(complex_pads)).sum())

        def square(scale: Floats) -> float:
            x, y = scale[0] * centred[:, 0], scale[1] * centred[:, 1]
            overlap = abs(np.vdot(complex_pads, x + 1j * y))
            return size + float(x @ x + y @ y) - 2.0 * float(overlap)

        best = minimize(square, start, method="L-BFGS-B", bounds=self._ranges)
        at = best.x if best.fun < square(start) else start
        stretched = at * points
        turn = np.vdot(complex_pads, (at[0] * centred[:, 0]) + 1j * (at[1] * centred[:, 1]))
        theta = float(np.angle(turn))
        cos, sin = math.cos(theta), math.sin(theta)
        middle = ordered.mean(axis=0)
        x_mm, y_mm = stretched.mean(axis=0) - [
            cos * middle[0] - sin * middle[1],
            sin * middle[0] + cos * middle[1],
        ]
        contacts = [-1] * len(pads)
        for point, pad in enumerate(matching.tolist()):
            contacts[pad] = chosen[point]
        return Reading(
            Verdict.READ,
            code=code,
            distance_mm=math.sqrt(max(square(at), 0.0)),
            pose=(float(x_mm), float(y_mm), theta),
            candidates=(code,),
            candidates_total=1,
            contacts=tuple(contacts),
            scale=math.sqrt(float(at[0] * at[1])),
        )


def _match(
    points: Floats, pads: Floats, scales: Floats, reach: float
) -> tuple[npt.NDArray[np.int64], Floats]:
    """Return the pad of each point and the pair of scales, of those tried, at which they lie best."""
    pad_distances = np.empty((len(pads), len(pads)))
    pair_distances(pads, pad_distances)
    best = math.inf
    found = np.arange(len(pads)), scales[0]
    matching, motion = np.empty(len(points), np.int64), np.empty(5)
    distances = np.empty((len(points), len(points)))
    for scale in scales:
        stretched = scale * points
        pair_distances(stretched, distances)
        square = best_matching(
            stretched, distances, pads, pad_distances, reach + ROUNDING_MM, 1.0, 1.0, matching, motion
        )
        if 0.0 <= square < best:
            best = square
            found = matching.copy(), scale
    return found


def _unsure(reading: Reading) -> Reading:
    return Reading(
        Verdict.AMBIGUOUS,
        distance_mm=reading.distance_mm,
        candidates=reading.candidates,
        candidates_total=reading.candidates_total,
    )
