"""Counting the presses of a run in one pass: what measurements need of them, and nothing else."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from stampbench.bench.judging.measurements import MEASUREMENTS, Measurement
from stampbench.bench.records.presses import Outcome, PressResult

Badness = tuple[float, ...]


@dataclass(slots=True)
class Sample:
    """What one measurement saw in the presses of one case on one profile.

    Attributes:
        k, n: how many presses count, of how many.
        values: of a percentile, one per press that has one.
        stamps: code of the stamp in each press of a rate; none for foreign objects.
        failed: those of them that count.
        worst: the press that speaks most against it, behind how bad it is; None if none does.
    """

    k: int = 0
    n: int = 0
    values: array[float] = field(default_factory=lambda: array("d"))
    stamps: array[int] = field(default_factory=lambda: array("q"))
    failed: array[int] = field(default_factory=lambda: array("q"))
    worst: tuple[Badness, int] | None = None

    def add(self, measurement: Measurement, press: PressResult) -> None:
        """Take in a press."""
        if measurement.counts is not None:
            self.n += 1
            if press.code is not None:
                self.stamps.append(press.code)
            if measurement.counts(press):
                self.k += 1
                if press.code is not None:
                    self.failed.append(press.code)
                self._is_worst(badness(press), press.press)
        elif measurement.value is not None and (value := measurement.value(press)) is not None:
            self.n += 1
            self.values.append(value)
            self._is_worst((value if measurement.q >= 0.5 else -value,), press.press)

    def join(self, other: Sample) -> None:
        """Take in what another sample saw."""
        self.k += other.k
        self.n += other.n
        self.values.extend(other.values)
        self.stamps.extend(other.stamps)
        self.failed.extend(other.failed)
        if other.worst is not None:
            self._is_worst(*other.worst)

    @property
    def numbers(self) -> npt.NDArray[np.float64]:
        """The values."""
        return np.array(self.values, np.float64)

    def by_stamp(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Return how often each stamp failed, and how often it was pressed, shape (stamps,)."""
        codes, presses = np.unique(np.array(self.stamps, np.int64), return_counts=True)
        failures = np.zeros_like(presses)
        failed, counts = np.unique(np.array(self.failed, np.int64), return_counts=True)
        failures[np.searchsorted(codes, failed)] = counts
        return failures, presses

    def _is_worst(self, how_bad: Badness, press: int) -> None:
        if self.worst is None or how_bad > self.worst[0]:
            self.worst = how_bad, press


class Tally:
    """Takes the presses of a run one by one; memory grows by a few numbers per press.

    Attributes:
        presses: how many.
        outcomes: presses by outcome.
    """

    def __init__(self, presses: Iterable[PressResult] = ()) -> None:
        self.presses = 0
        self.outcomes: Counter[Outcome] = Counter()
        self._samples: dict[tuple[str, str], dict[str, Sample]] = {}
        for press in presses:
            self.add(press)

    def add(self, press: PressResult) -> None:
        """Take in a press; those lost to the bench do not count in the measurements."""
        self.presses += 1
        self.outcomes[press.outcome] += 1
        if not press.outcome.judged:
            return
        key = press.profile, press.case
        samples = self._samples.get(key)
        if samples is None:
            samples = self._samples[key] = {
                name: Sample()
                for name, measurement in MEASUREMENTS.items()
                if measurement.applies_to(press.kind)
            }
        for name, sample in samples.items():
            sample.add(MEASUREMENTS[name], press)

    def sample(self, name: str, profile: str, case: str | Collection[str] | None) -> Sample:
        """Return what a measurement saw on a profile in cases; None: in all that it applies to."""
        cases = {case} if isinstance(case, str) else case
        found = Sample()
        for (on_profile, in_case), samples in self._samples.items():
            if on_profile == profile and (cases is None or in_case in cases) and name in samples:
                found.join(samples[name])
        return found


def badness(press: PressResult) -> tuple[int, float]:
    """Rate how much a press speaks against the stamp, larger is worse, for the gallery of the worst."""
    if not press.outcome.judged:
        return 0, 0.0
    distance = press.reading.distance_mm if press.reading else None
    if press.misread:
        return 6, distance or 0.0
    if press.accepted:
        return 5, -(distance or 0.0)
    if press.outcome is Outcome.FAILED:
        return 4, press.time_to_decision_ms or float("inf")
    if press.kind == "genuine":
        return 2, distance or 0.0
    # A foreign object that was rightly refused is the more worrying the nearer it came to a code.
    return 1, -(distance if distance is not None else float("inf"))
