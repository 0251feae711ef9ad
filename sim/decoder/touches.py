"""Contacts followed from report to report, and the mean shape of some of them.

An id is believed unless another contact stands where its own was: then ids were swapped. Contacts with other
ids are those that were at their places. So evidence is kept through changes of ids.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from stampbench.sim.decoder.reading import Reading

Place = tuple[float, float]

PATIENCE_REPORTS = 6
"""Complete reports after which a press is decided even if its shape has not settled."""
STEP_MM = 6.0
"""Way of a contact between two reports up to which its id is believed: half of what lies between pads."""
REJOIN_MM = 3.0
"""Way between two reports up to which a contact with a new id is one that was there."""
APART_US = 24_000
"""Contacts that land so long after those before them belong to something else, mostly: the fingers that hold
a phone are down before a press, and pads of a stamp that is pressed land within 20 ms of each other."""


@dataclass(slots=True)
class Touch:
    """A contact, followed through changes of its id.

    Attributes:
        number: of all that landed; its place in :attr:`Touches.bouts`.
        id: that it has now.
        place: where it is.
        landed_us: device time of its landing.
        landed_at: where that was.
    """

    number: int
    id: int
    place: Place
    landed_us: int
    landed_at: Place


class Touches:
    """The contacts of a press.

    Args:
        in_mm: whether places are in mm; where not, ids alone are believed.

    Attributes:
        down: those that are down, by number, in the order of the last report.
        bouts: for each that ever landed, how many times contacts had landed apart from those before them.
        landed_us: device time of the last landing.
        quiet: reports since then.
        lifting: whether contacts lifted since then.
    """

    def __init__(self, *, in_mm: bool) -> None:
        self.down: dict[int, Touch] = {}
        self.bouts: list[int] = []
        self.landed_us = 0
        self.quiet = 0
        self.lifting = False
        self._step = STEP_MM if in_mm else math.inf
        self._rejoin = REJOIN_MM if in_mm else 0.0

    @property
    def bout(self) -> int:
        """How many times contacts landed apart from those before them."""
        return self.bouts[-1] if self.bouts else 0

    def follow(self, t_us: int, contacts: list[tuple[int, Place]]) -> bool:
        """Find the touch of each contact, by its id or else by its place; return whether any landed."""
        if self._stayed(contacts):
            self.quiet += 1
            return False
        before = {touch.id: touch for touch in self.down.values()}
        now: dict[int, Touch] = {}
        strayed: list[tuple[int, Place]] = []
        for id_, place in contacts:
            touch = before.get(id_)
            if touch is None or self._swapped(touch, place, contacts):
                strayed.append((id_, place))
                continue
            touch.place = place
            now[touch.number] = touch
            del before[id_]
        landed: list[Touch] = []
        for id_, place in strayed:
            near = min(before.values(), key=lambda touch: math.dist(touch.place, place), default=None)
            if near is not None and math.dist(near.place, place) <= self._rejoin:
                del before[near.id]
                near.id, near.place = id_, place
                now[near.number] = near
            else:
                landed.append(Touch(len(self.bouts) + len(landed), id_, place, t_us, place))
        if landed:
            apart = bool(now) and t_us - self.landed_us >= APART_US
            self.bouts += [self.bout + apart] * len(landed)
            self.landed_us = t_us
            self.quiet = 0
        else:
            self.quiet += 1
        self.lifting = not landed and (self.lifting or bool(before))
        now.update((touch.number, touch) for touch in landed)
        self.down = now
        return bool(landed)

    def clear(self) -> None:
        """Forget what is down."""
        self.down = {}

    def _stayed(self, contacts: list[tuple[int, Place]]) -> bool:
        """Return whether the same contacts are down in the same order, near where they were: mostly so."""
        if len(contacts) != len(self.down):
            return False
        for (id_, place), touch in zip(contacts, self.down.values(), strict=True):
            if id_ != touch.id or math.dist(place, touch.place) > self._step:
                return False
        for (_, place), touch in zip(contacts, self.down.values(), strict=True):
            touch.place = place
        return True

    def _swapped(self, touch: Touch, place: Place, contacts: list[tuple[int, Place]]) -> bool:
        """Return whether another contact is now where the one with this id was."""
        if math.dist(touch.place, place) <= self._step:
            return False
        return any(math.dist(touch.place, other) <= self._rejoin for _, other in contacts)


@dataclass(slots=True)
class Shape:
    """Mean shape of the same touches over reports, each laid over the mean by the best rigid motion."""

    touches: tuple[int, ...]
    since_us: int
    reports: int = 0
    distinct: int = 0
    agreeing: int = 0
    """Newest reports that agree with each other."""
    points_mm: npt.NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 2)))
    """The mean, in the position of the newest report."""
    newest_mm: list[tuple[float, float]] = field(default_factory=list)
    clear_mm: float = 0.0
    """Rigid distance that the mean can yet go without coming near to a code."""
    kept: bool = False
    """Whether it has all pads, and the press may be it."""
    reading: Reading | None = None
    """What the mean reads as, if it is a code with all its pads."""

    def add(self, positions_mm: list[tuple[float, float]], settle_mm: float) -> None:
        """Take in a report; one farther than ``settle_mm`` from the mean starts the mean anew."""
        self.reports += 1
        if positions_mm == self.newest_mm:
            self.agreeing += 1
            return
        self.newest_mm = positions_mm
        points_mm = np.array(positions_mm, np.float64)
        if self.distinct:
            laid, distance = lay_over(self.points_mm, points_mm)
            if distance <= settle_mm or self.reports > PATIENCE_REPORTS:
                self.distinct += 1
                self.agreeing += 1
                self.points_mm = laid + (points_mm - laid) / self.distinct
                self.clear_mm -= distance / self.distinct
                return
        self.clear_mm = 0.0
        self.distinct = 1
        self.agreeing = 1
        self.points_mm = points_mm


def lay_over(
    moving_mm: npt.NDArray[np.float64], fixed_mm: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], float]:
    """Move a shape rigidly onto another of the same order; return it, and the distance left."""
    a, b = moving_mm.view(np.complex128)[:, 0], fixed_mm.view(np.complex128)[:, 0]
    a, middle = a - np.add.reduce(a) / len(a), np.add.reduce(b) / len(b)
    z = complex(np.add.reduce(a.conj() * (b - middle)))
    laid = a * (z / abs(z) if z else 1.0) + middle
    left = laid - b
    return laid.view(np.float64).reshape(-1, 2), math.sqrt(np.vdot(left, left).real)
