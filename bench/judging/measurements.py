"""What can be measured on the presses of a run, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from stampbench.bench.records.presses import PressResult

Quantity: TypeAlias = Literal["rate", "time", "length"]

UNITS: Mapping[Quantity, Mapping[str, float]] = {
    "rate": {"1": 1.0, "%": 0.01},
    "time": {"ms": 1.0, "us": 0.001, "s": 1000.0},
    "length": {"mm": 1.0, "um": 0.001},
}
"""Units a limit may be given in, each with its size in the quantity's base unit, which stands first."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """What can be measured on the presses of a run.

    Attributes:
        title, meaning: for the reader of a report.
        kind: whose presses it is taken from; None: all.
        counts: for a rate: True for a press that counts.
        value: for a percentile: the value of one press, None for a press without one.
        q: which percentile.
    """

    title: str
    meaning: str
    quantity: Quantity
    kind: Literal["genuine", "foreign"] | None
    counts: Callable[[PressResult], bool] | None = None
    value: Callable[[PressResult], float | None] | None = None
    q: float = 0.5

    @property
    def unit(self) -> str:
        """Base unit."""
        return next(iter(UNITS[self.quantity]))

    @property
    def is_rate(self) -> bool:
        """True for a proportion."""
        return self.quantity == "rate"

    @property
    def more_is_better(self) -> bool:
        """True where the low end is what is looked at; of rates, times and distances less is better."""
        return not self.is_rate and self.q < 0.5

    @property
    def case_kinds(self) -> str:
        """Which cases it applies to, in words."""
        return "a case" if self.kind is None else f"a {self.kind} case"

    def applies_to(self, kind: str) -> bool:
        """Return whether presses of this kind count."""
        return self.kind is None or self.kind == kind


def _right_distance_mm(record: PressResult) -> float | None:
    return record.reading.distance_mm if record.reading is not None and record.read_right else None


def _right_margin_mm(record: PressResult) -> float | None:
    return record.reading.margin_mm if record.reading is not None and record.read_right else None


def _right_time_ms(record: PressResult) -> float | None:
    return record.time_to_decision_ms if record.read_right else None


def _right_time_from_last_pad_ms(record: PressResult) -> float | None:
    return record.time_from_last_pad_ms if record.read_right else None


MEASUREMENTS: Mapping[str, Measurement] = {
    "frr": Measurement(
        "False rejection (FRR)",
        "genuine presses not read as their code",
        "rate",
        "genuine",
        counts=lambda record: not record.read_right,
    ),
    "fta": Measurement(
        "Failure to acquire (FTA)",
        "genuine presses without all pads in any report",
        "rate",
        "genuine",
        counts=lambda record: record.verdict in ("none", "partial"),
    ),
    "misread": Measurement(
        "Misread",
        "genuine presses read as another code",
        "rate",
        "genuine",
        counts=lambda record: record.misread,
    ),
    "far": Measurement(
        "False acceptance (FAR)",
        "presses of foreign objects read as some code",
        "rate",
        "foreign",
        counts=lambda record: record.accepted,
    ),
    "time_to_decision_median": Measurement(
        "Time to decision, median",
        "from the first contact to the decision, of right readings",
        "time",
        "genuine",
        value=_right_time_ms,
        q=0.5,
    ),
    "time_to_decision_p95": Measurement(
        "Time to decision, 95th percentile",
        "from the first contact to the decision, of right readings",
        "time",
        "genuine",
        value=_right_time_ms,
        q=0.95,
    ),
    "time_from_last_pad_p95": Measurement(
        "Time from the last pad, 95th percentile",
        "from the report that had all pads to the decision, of right readings",
        "time",
        "genuine",
        value=_right_time_from_last_pad_ms,
        q=0.95,
    ),
    "distance_p95": Measurement(
        "Rigid distance, 95th percentile",
        "of the contacts to the pads of the code, of right readings",
        "length",
        "genuine",
        value=_right_distance_mm,
        q=0.95,
    ),
    "margin_p05": Measurement(
        "Margin, 5th percentile",
        "by which the next code is at least further away, of right readings",
        "length",
        "genuine",
        value=_right_margin_mm,
        q=0.05,
    ),
}
"""Every measurement by its name in plans, records and JUnit."""
