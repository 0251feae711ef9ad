"""Touches as they were made and as they were reported: true paths, traces, and gestures that hold both."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from stampbench.firmware_emulator.touch import Contact, TouchReport

Points: TypeAlias = npt.NDArray[np.float64]
Times: TypeAlias = npt.NDArray[np.int64]

FINGER_MM = 7.0
"""Diameter of the contact of an ordinary finger."""


class Kind(StrEnum):
    """What is done on the glass."""

    TAP = "tap"
    """Down and up at one place."""
    HOLD = "hold"
    """Down at one place for a while."""
    LINE = "line"
    """Down, then along a straight line at an even pace."""
    PAIR = "pair"
    """Two contacts side by side."""
    MANY = "many"
    """More contacts at once."""
    REST = "rest"
    """Nothing touches."""
    UNKNOWN = "unknown"
    """Nobody knows: what is measured needs no truth."""


@dataclass(frozen=True, slots=True, eq=False)
class TruePath:
    """Where a contact really is: straight from place to place.

    Attributes:
        t_us: times, rising, shape (n,); contact is made at the first and lost at the last.
        xy_mm: places, shape (n, 2).
    """

    t_us: Times
    xy_mm: Points

    @property
    def lands_us(self) -> int:
        """When contact is made."""
        return int(self.t_us[0])

    @property
    def moves_us(self) -> tuple[int, int]:
        """When it begins to move, and when it is at the end of its way; landing twice if it never moves."""
        step = np.flatnonzero(np.hypot(*np.diff(self.xy_mm, axis=0).T) > 0.0)
        if not step.size:
            return self.lands_us, self.lands_us
        return int(self.t_us[step[0]]), int(self.t_us[step[-1] + 1])

    def at(self, t_us: Sequence[int] | Times) -> Points:
        """Return places at times (n,), shape (n, 2)."""
        times = np.asarray(t_us, np.float64)
        return np.column_stack([np.interp(times, self.t_us, axis) for axis in self.xy_mm.T])

    def distance_mm(self, points_mm: Points) -> Points:
        """Return least distances of points (n, 2) from the path, whenever it was there, shape (n,)."""
        best: Points = np.hypot(*(points_mm - self.xy_mm[0]).T)
        for start, end in zip(self.xy_mm[:-1], self.xy_mm[1:], strict=True):
            along = end - start
            length = float(along @ along)
            if length > 0.0:
                share = np.clip((points_mm - start) @ along / length, 0.0, 1.0)
                best = np.minimum(best, np.hypot(*(points_mm - start - share[:, None] * along).T))
        return best


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """One contact as it was reported, from landing to lift.

    Attributes:
        id: the controller's number.
        t_us: times of the scans, shape (n,).
        xy_mm: reported places, shape (n, 2).
    """

    id: int
    t_us: Times
    xy_mm: Points

    def between(self, from_us: int, to_us: int) -> Trace:
        """Return the part in a span of time, ends included."""
        inside = (self.t_us >= from_us) & (self.t_us <= to_us)
        return Trace(self.id, self.t_us[inside], self.xy_mm[inside])


@dataclass(frozen=True, slots=True)
class Gesture:
    """What was done, and what was reported of it.

    Attributes:
        kind, name: what it is.
        touches: true paths; empty where nothing touches or nobody knows.
        reports: all scans.
        shared_clock: True if the times of the paths are those of the scans.
        contact_mm: diameter of each contact.
        delay_us: from the time of a scan until its report is there; 0 for recordings, which are stamped as
            reports arrive.
    """

    kind: Kind
    name: str
    touches: tuple[TruePath, ...]
    reports: tuple[TouchReport, ...]
    shared_clock: bool = True
    contact_mm: float = FINGER_MM
    delay_us: int = 0


def traces_of(reports: Iterable[TouchReport]) -> tuple[Trace, ...]:
    """Return traces of all contacts that have a position in mm, in the order in which they landed."""
    open_ones: dict[int, tuple[int, list[tuple[int, float, float]]]] = {}
    found: list[tuple[int, int, list[tuple[int, float, float]]]] = []
    last: dict[int, Contact] = {}
    for report in reports:
        down = {contact.id: contact for contact in report.down if contact.x_mm is not None}
        for gone in open_ones.keys() - down.keys():
            order, points = open_ones.pop(gone)
            found.append((order, gone, points))
        for id_, contact in down.items():
            points = open_ones.setdefault(id_, (len(open_ones) + len(found), []))[1]
            # A device that did not mention a contact is read as the same contact object again.
            if not points or last.get(id_) is not contact:
                points.append((report.t_us, contact.x_mm or 0.0, contact.y_mm or 0.0))
            last[id_] = contact
    found += [(order, id_, points) for id_, (order, points) in open_ones.items()]
    return tuple(
        Trace(
            id_,
            np.array([point[0] for point in points], np.int64),
            np.array([point[1:] for point in points], np.float64).reshape(-1, 2),
        )
        for _, id_, points in sorted(found, key=lambda one: (one[2][0][0], one[0]))
    )
