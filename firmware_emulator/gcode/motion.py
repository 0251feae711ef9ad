"""Axes of a machine: planned motion from rest to rest, and where the head truly is."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

AXES: Final = ("x", "y", "z", "a")
"""Millimetres, and degrees of a fourth axis that turns the head."""
BLOCKS: Final = 15
"""Moves that are planned ahead; GRBL 1.1 has as many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineFaults:
    """What is wrong with a machine, in ways it does not know of itself.

    Attributes:
        backlash_mm: play of x and y: so far a reversed axis turns before the head follows.
        skew: by which x shifts per mm of y: axes that are not square.
        scale: of x and y; 1 is true.
        lost_mm: of x, lost for good in one move.
        lost_at_move: in which move, from 1; 0: never.
        stuck_limit: whether a limit switch never opens, so that homing fails.
        cut_after_lines: after so many lines the port is dead; 0: never.
    """

    backlash_mm: float = 0.0
    skew: float = 0.0
    scale: float = 1.0
    lost_mm: float = 0.0
    lost_at_move: int = 0
    stuck_limit: bool = False
    cut_after_lines: int = 0


@dataclass(frozen=True, slots=True)
class _Move:
    """One move: from where to where, when it begins and how its speed rises and falls."""

    start: tuple[float, ...]
    end: tuple[float, ...]
    begins_s: float
    length: float
    rate: float
    acceleration: float

    @property
    def seconds(self) -> float:
        """How long it takes."""
        ramp = self.rate / self.acceleration
        if self.length < self.rate * ramp:
            return 2.0 * math.sqrt(self.length / self.acceleration)
        return self.length / self.rate + ramp

    def at(self, now_s: float) -> tuple[float, ...]:
        """Return where the axes are."""
        seconds = self.seconds
        t = min(max(now_s - self.begins_s, 0.0), seconds)
        ramp = min(self.rate / self.acceleration, 0.5 * seconds)
        if t < ramp:
            way = 0.5 * self.acceleration * t * t
        elif t < seconds - ramp:
            way = self.acceleration * ramp * (t - 0.5 * ramp)
        else:
            way = self.length - 0.5 * self.acceleration * (seconds - t) ** 2
        share = way / self.length if self.length else 1.0
        return tuple(a + share * (b - a) for a, b in zip(self.start, self.end, strict=True))


@dataclass
class Motion:
    """Moves axes by trapezoids of speed, each move from rest to rest.

    Attributes:
        clock: seconds.
        travel: least and largest coordinate of each axis.
        rates: highest speed of each axis, per second.
        acceleration: per second squared, of all.
        faults: of the machine.
    """

    clock: Callable[[], float]
    travel: Mapping[str, tuple[float, float]]
    rates: Mapping[str, float]
    acceleration: float = 500.0
    faults: MachineFaults = field(default_factory=MachineFaults)
    _moves: deque[_Move] = field(default_factory=deque)
    _rest: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0)
    _held_since_s: float | None = None
    _held_s: float = 0.0
    _made: int = 0
    _lost_mm: float = 0.0
    _play: list[float] = field(default_factory=lambda: [0.0, 0.0])

    def _now_s(self) -> float:
        """Return the time by which moves go on: it stands still while they are held."""
        return (self._held_since_s if self._held_since_s is not None else self.clock()) - self._held_s

    @property
    def held(self) -> bool:
        """Whether a feed hold is in force."""
        return self._held_since_s is not None

    @property
    def busy(self) -> bool:
        """Whether a move is under way."""
        self._settle()
        return bool(self._moves)

    @property
    def room(self) -> bool:
        """Whether another move can be planned."""
        self._settle()
        return len(self._moves) < BLOCKS

    def go(self, target: Mapping[str, float], rate: float) -> None:
        """Plan a move behind those that are planned."""
        self._settle()
        start = self._moves[-1].end if self._moves else self._rest
        end = tuple(target.get(axis, place) for axis, place in zip(AXES, start, strict=True))
        length = math.dist(start, end)
        if length == 0.0:
            return
        for axis, a, b in zip(AXES, start, end, strict=True):
            if a != b:
                rate = min(rate, self.rates[axis] * length / abs(b - a))
        begins_s = self._moves[-1].begins_s + self._moves[-1].seconds if self._moves else self._now_s()
        self._moves.append(_Move(start, end, begins_s, length, rate, self.acceleration))

    def planned(self) -> dict[str, float]:
        """Return where the axes will be when all is done."""
        self._settle()
        return dict(zip(AXES, self._moves[-1].end if self._moves else self._rest, strict=True))

    def position(self) -> dict[str, float]:
        """Return where the machine believes its axes are."""
        self._settle()
        at = self._moves[0].at(self._now_s()) if self._moves else self._rest
        return dict(zip(AXES, at, strict=True))

    def head(self) -> dict[str, float]:
        """Return where the head truly is, after backlash, skew, scale and lost steps."""
        self._settle()
        faults, at = self.faults, self.position()
        play = list(self._play)
        if self._moves:
            move = self._moves[0]
            for axis in (0, 1):
                play[axis] = self._played(play[axis], list(at.values())[axis] - move.start[axis])
        x, y = (at[axis] - play[index] for index, axis in enumerate(("x", "y")))
        x, y = faults.scale * x + faults.skew * y - self._lost_mm, faults.scale * y
        return at | {"x": x, "y": y}

    def _played(self, play: float, way: float) -> float:
        """Return the play of an axis after it went a way: the screw turns freely within the backlash."""
        half = 0.5 * self.faults.backlash_mm
        return min(max(play + way, -half), half)

    def _settle(self) -> None:
        """Put moves that are over behind."""
        now_s = self._now_s()
        while self._moves and self._moves[0].begins_s + self._moves[0].seconds <= now_s:
            move = self._moves.popleft()
            for axis in (0, 1):
                self._play[axis] = self._played(self._play[axis], move.end[axis] - move.start[axis])
            self._rest = move.end
            self._made += 1
            if self._made == self.faults.lost_at_move:
                self._lost_mm += self.faults.lost_mm

    def hold(self) -> None:
        """Stop where the head is, and keep what is planned."""
        self._settle()
        if self._held_since_s is None:
            self._held_since_s = self.clock()

    def resume(self) -> None:
        """Go on after a hold."""
        if self._held_since_s is not None:
            self._held_s += self.clock() - self._held_since_s
            self._held_since_s = None

    def stop(self) -> bool:
        """Stop and forget what is planned; return whether the head was moving."""
        moved = self.busy and not self.held
        self._rest = tuple(self.position().values())
        self._moves.clear()
        self.resume()
        return moved

    def found_home(self, place: Mapping[str, float]) -> None:
        """Put the axes where the limit switches say they are; steps that were lost are found again."""
        self._moves.clear()
        self.resume()
        self._rest = tuple(place[axis] for axis in AXES)
        self._lost_mm = 0.0

    def outside(self, target: Mapping[str, float]) -> str | None:
        """Return the axis on which a target lies beyond the travel; None: none."""
        for axis, value in target.items():
            low, high = self.travel[axis]
            if not low <= value <= high:
                return axis
        return None
