"""What a report shows of single presses, gathered in one pass over all of them."""

from __future__ import annotations

import heapq
from array import array
from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt
from stampbench.bench.judging.tallies import badness
from stampbench.bench.plans.plan import Plan
from stampbench.bench.records.presses import PressResult

GALLERY_SIZE: Final = 8
"""How many of the worst presses are shown."""
FAULTS_SHOWN: Final = 20
"""How many of those lost to the bench are listed."""


class ShownPresses:
    """Takes presses one by one; memory grows by a few numbers per press.

    Attributes:
        genuine: how many presses of genuine stamps there are, without those that were made again.
        times_ms: of right readings, by profile.
        faults: the first presses that were lost to the bench, or that the operator left out.
    """

    def __init__(self, plan: Plan) -> None:
        self.genuine = 0
        profiles = plan.header.profiles
        self.times_ms = {profile: array("d") for profile in profiles}
        self.faults: list[PressResult] = []
        self._right = {profile: (array("d"), array("q")) for profile in profiles}
        self._accepted_mm = {profile: array("d") for profile in profiles}
        self._made = {profile: [0, 0] for profile in profiles}
        self._worst: list[tuple[tuple[int, float], int]] = []

    def add(self, result: PressResult) -> None:
        """Take in a press."""
        genuine = result.kind == "genuine"
        self.genuine += genuine and not result.again
        if not result.outcome.judged:
            if len(self.faults) < FAULTS_SHOWN:
                self.faults.append(result)
            return
        self._made[result.profile][not genuine] += 1
        worse = badness(result), -result.press
        if len(self._worst) < GALLERY_SIZE:
            heapq.heappush(self._worst, worse)
        elif worse > self._worst[0]:
            heapq.heapreplace(self._worst, worse)
        reading = result.reading
        if reading is None or reading.verdict != "read":
            return
        if not genuine:
            self._accepted_mm[result.profile].append(reading.distance_mm or 0.0)
        elif reading.code == result.code:
            distances, presses = self._right[result.profile]
            distances.append(reading.distance_mm or 0.0)
            presses.append(result.press)
            time_ms = result.time_to_decision_ms
            if time_ms is not None:
                self.times_ms[result.profile].append(time_ms)

    def typical(self) -> Iterator[int]:
        """Find for each profile the rightly read press whose distance is the median."""
        for distances, presses in self._right.values():
            if presses:
                yield presses[int(np.argsort(distances, kind="stable")[len(distances) // 2])]

    def worst(self) -> list[int]:
        """Return the presses that speak most against the stamp, worst first."""
        return [-press for _, press in sorted(self._worst, reverse=True)]

    def distances_mm(self, profile: str) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]] | None:
        """Return the distances at which genuine presses were read rightly, and foreign ones accepted.

        Infinite where it was not: with a smaller threshold it would not be either. None where no foreign
        object was accepted or nothing was read: there is no trade-off to be seen.
        """
        right, accepted = self._right[profile][0], self._accepted_mm[profile]
        genuine, foreign = self._made[profile]
        if not right or not accepted:
            return None
        return _filled(right, genuine), _filled(accepted, foreign)


def _filled(values: array[float], size: int) -> npt.NDArray[np.float64]:
    filled = np.full(size, np.inf)
    filled[: len(values)] = values
    return filled
