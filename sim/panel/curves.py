"""A simulated figure as a curve, beside what measurement and theory say it should be."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fact:
    """What a figure should be.

    Attributes:
        at: place on the curve.
        value: figure given.
        low, high: its spread.
    """

    at: float
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Curve:
    """A simulated figure over something that is varied.

    Attributes:
        name: what distinguishes it from the figure's other curves.
        at: what is varied.
        values: the figure there.
        facts: what it should be, each at one of ``at``.
        low, high: spread of the simulated figure, as long as ``at``; empty = none.
    """

    name: str
    at: tuple[float, ...]
    values: tuple[float, ...]
    facts: tuple[Fact, ...] = ()
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()

    def judged(self) -> list[tuple[Fact, float, bool]]:
        """Return each fact, the simulated figure, and whether that lies within the fact's spread."""
        simulated = dict(zip(self.at, self.values, strict=True))
        return [
            (fact, simulated[fact.at], fact.low <= simulated[fact.at] <= fact.high) for fact in self.facts
        ]


@dataclass(frozen=True, slots=True)
class DerivedFigure:
    """Curves that belong on one plot.

    Attributes:
        name: short, for records.
        title, meaning: for people.
        x_label, y_label: axes, with units.
        categories: names of the places 0, 1, ... where what is varied is not a number.
    """

    name: str
    title: str
    meaning: str
    x_label: str
    y_label: str
    curves: tuple[Curve, ...]
    categories: tuple[str, ...] = ()
