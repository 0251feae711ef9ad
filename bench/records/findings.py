"""What a scenario finds, a line of the run's records each: trials of one kind, and measured numbers."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import force_setattr
from stampbench.bench.judging.statistics import Rate, as_written, rate
from stampbench.firmware_emulator.errors import InputError


class Trial(Struct, frozen=True, tag_field="line", tag="trial"):
    """One way to attack or to use the system, tried many times.

    Attributes:
        threat: number and name of the threat, as in "4 SUN URL replayed".
        case: what was tried.
        tries: how often.
        wrong: wrong decisions: what had to be refused and was accepted, or the other way round.
        allowed: largest rate of wrong decisions that passes, 0..1.
        note: for the reader of the report.
        surely: whether the whole exact interval must keep the bar, and not the rate alone.

    Raises:
        InputError: numbers that contradict each other.
    """

    threat: str
    case: str
    tries: int
    wrong: int
    allowed: float = 0.0
    note: str = ""
    surely: bool = False

    def __post_init__(self) -> None:
        # Sums of decisions come as bool or NumPy's integers; records know int alone.
        for name in ("tries", "wrong"):
            force_setattr(self, name, int(getattr(self, name)))
        if not 0 <= self.wrong <= self.tries:
            raise InputError(f"{self}: wrong = {self.wrong}: expected 0 to tries = {self.tries}")
        if not 0.0 <= self.allowed <= 1.0:
            raise InputError(f"{self}: allowed = {self.allowed}: expected a rate from 0 to 1")

    @property
    def interval(self) -> Rate:
        """Return the rate of wrong decisions with its exact interval."""
        return rate(self.wrong, self.tries)

    @property
    def passed(self) -> bool:
        """True if it was tried, and the rate of wrong decisions keeps its bar."""
        if self.surely:
            return self.tries > 0 and self.interval.high <= self.allowed
        return self.tries > 0 and Fraction(self.wrong, self.tries) <= as_written(self.allowed)

    def __str__(self) -> str:
        return f"trial {self.threat!r}, {self.case!r}"


class Figure(Struct, frozen=True, tag_field="line", tag="figure"):
    """A measured number, with a limit or without.

    Attributes:
        name: what was measured.
        value: in ``unit``; "1" is a rate.
        min, max: the range it must keep, ends included; None: open.
        note: for the reader of the report.

    Raises:
        InputError: a value that is not finite.
    """

    name: str
    value: float
    unit: str
    min: float | None = None
    max: float | None = None
    note: str = ""

    def __post_init__(self) -> None:
        force_setattr(self, "value", float(self.value))
        if not math.isfinite(self.value):
            raise InputError(f"figure {self.name!r}: value = {self.value}: expected a finite number")

    @property
    def passed(self) -> bool:
        """True if it keeps its limit, or has none."""
        return (self.min is None or self.value >= self.min) and (self.max is None or self.value <= self.max)

    @property
    def limited(self) -> bool:
        """True if it has a limit."""
        return self.min is not None or self.max is not None


Finding: TypeAlias = Trial | Figure
