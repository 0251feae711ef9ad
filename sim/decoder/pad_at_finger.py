"""A pad that lands at a resting finger: both make one contact, or draw each other's aside."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from stampbench.sim.decoder.decoder import Decoder
from stampbench.sim.decoder.reading import Reading, Verdict, stands_at
from stampbench.sim.decoder.touches import PATIENCE_REPORTS, REJOIN_MM, Place, Shape, Touches

PRESS_ODDS = 100.0
"""How many times likelier than any choice of another code one must be: of a press there is time to learn more
than of a report."""
DRAWN_MM = 0.5
"""How far at least a pad and a finger that are near draw each other's contact."""
AT_FINGER_MM = 14.0
"""How far apart they are then at most: 7 mm of skin and 6 mm of pad on a 4 mm grid. Of 300 stamps beside
three fingers on nexus-5 four had a pad drawn by one 12 to 13 mm away."""


def either(readings: list[Reading]) -> Reading:
    """Return the reading of contacts that may be any of several stamps, likeliest first."""
    codes = tuple(dict.fromkeys(reading.candidates[0] for reading in readings))
    return Reading(
        Verdict.AMBIGUOUS,
        distance_mm=readings[0].distance_mm,
        candidates=codes,
        candidates_total=len(codes),
    )


class PadAtFinger:
    """Reads a stamp of which one pad is at a finger, by the others.

    Args:
        decoder: finds the codes that the others fit.
        settle_mm: how far a report may be from the mean shape.

    Attributes:
        shape: of the touches that landed last, all pads or all but one; None while there are none such.
    """

    def __init__(self, decoder: Decoder, settle_mm: float) -> None:
        self.shape: Shape | None = None
        self._decoder = decoder
        self._pads = decoder.pads_per_stamp
        self._settle_mm = settle_mm
        self._drawn: dict[
            int, tuple[Place, Place]
        ] = {}  # the hand's: where each landed, and the farthest from it

    def add(self, t_us: int, touches: Touches) -> None:
        """Add the report to the shape of the touches that landed last, if they may be all pads but one."""
        numbers = tuple(sorted(number for number in touches.down if touches.bouts[number] == touches.bout))
        if (
            not self._pads - 1 <= len(numbers) <= self._pads
            or not self._decoder.scale_known
            or self._pads < 4
        ):
            return
        if self.shape is None or self.shape.touches != numbers:
            self.shape, self._drawn = Shape(numbers, t_us), {}
        self.shape.add([touches.down[number].place for number in numbers], self._settle_mm)
        for number in touches.down.keys() - {*numbers}:
            touch = touches.down[number]
            _, farthest = self._drawn.get(number, (touch.landed_at, touch.landed_at))
            if math.dist(touch.landed_at, touch.place) >= math.dist(touch.landed_at, farthest):
                farthest = touch.place
            self._drawn[number] = touch.landed_at, farthest

    def reading(self) -> Reading | None:
        """Return the reading of all pads but one where a finger is at the last one.

        Either both make one contact, which the pad drew from where the finger rested, or the finger drew the
        contact of the pad.
        """
        if self.shape is None or self.shape.reports < PATIENCE_REPORTS:
            return None
        points = self.shape.points_mm
        fitting: list[Reading] = []
        if len(points) < self._pads:
            fitting = [
                reading
                for reading, pad in self._all_but_one(points)
                if any(_leads_to(pad, *way) for way in self._drawn.values())
            ]
        else:
            for left_out, contact in enumerate(points.tolist()):
                fitting += [
                    reading
                    for reading, pad in self._all_but_one(np.delete(points, left_out, axis=0))
                    if math.dist(pad, contact) <= REJOIN_MM
                    and any(_leads_to(finger, pad, contact) for finger, _ in self._drawn.values())
                ]
        if not fitting:
            return None
        fitting.sort(key=_distance)
        reach = math.sqrt(_distance(fitting[0]) ** 2 + 2.0 * self._decoder.sigma_mm**2 * math.log(PRESS_ODDS))
        rivals = [reading for reading in fitting if _distance(reading) <= reach]
        return fitting[0] if len({reading.code for reading in rivals}) == 1 else either(rivals)

    def _all_but_one(self, points: npt.NDArray[np.float64]) -> list[tuple[Reading, tuple[float, float]]]:
        """Return every code of which all pads but one are at the points, and where its last pad stands."""
        return [
            (
                reading,
                stands_at(
                    reading.pose, self._decoder.codebook.pads(reading.code)[reading.contacts.index(-1)]
                ),
            )
            for reading in self._decoder.partial_readings(points)
            if reading.code is not None and reading.pose is not None
        ]


def _distance(reading: Reading) -> float:
    return reading.distance_mm or 0.0


def _leads_to(goal: Sequence[float], rest: Sequence[float], drawn: Sequence[float]) -> bool:
    """Return whether a contact was drawn from its rest towards a goal that is near, within 60 degrees."""
    to_x, to_y, by_x, by_y = goal[0] - rest[0], goal[1] - rest[1], drawn[0] - rest[0], drawn[1] - rest[1]
    away, by = math.hypot(to_x, to_y), math.hypot(by_x, by_y)
    return by >= DRAWN_MM and away <= AT_FINGER_MM and to_x * by_x + to_y * by_y >= 0.5 * away * by
