"""Hours worked from check-ins and check-outs: pure arithmetic.

The two rules and the golden figures are those of Frappe HRMS: the time from the first check-in to the last
check-out, or the sum of every pair; logs either typed (in, out) or merely alternating.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from stampbench.sim.service.clock import HOUR_US


class Rule(StrEnum):
    """How hours are counted."""

    PAIRS = "pairs"
    FIRST_LAST = "first-last"


@dataclass(frozen=True, slots=True)
class Log:
    """One check-in or check-out.

    Attributes:
        at_us: when.
        direction: "in" or "out"; empty where only the times are known, which then alternate.
    """

    at_us: int
    direction: str = ""


@dataclass(frozen=True, slots=True)
class Worked:
    """What somebody worked.

    Attributes:
        worked_us: time counted.
        missing: check-ins without a check-out and the other way round; their time is not counted.
    """

    worked_us: int
    missing: tuple[Log, ...] = ()


def worked(logs: Sequence[Log], rule: Rule) -> Worked:
    """Time worked by a rule."""
    ordered = sorted(logs, key=lambda log: log.at_us)
    return _pairs(ordered) if rule is Rule.PAIRS else _first_last(ordered)


def _first_last(ordered: Sequence[Log]) -> Worked:
    first = next((log for log in ordered if log.direction != "out"), None)
    last = next((log for log in reversed(ordered) if log.direction != "in"), None)
    if first is None or last is None or last.at_us <= first.at_us:
        return Worked(0, tuple(ordered[:1]))
    return Worked(last.at_us - first.at_us)


def _pairs(ordered: Sequence[Log]) -> Worked:
    """A check-out ends the first check-in since the check-out before it."""
    total = 0
    missing: list[Log] = []
    came: Log | None = None
    for log in ordered:
        leaves = log.direction == "out" or (not log.direction and came is not None)
        if not leaves and came is None:
            came = log
        elif not leaves or came is None:
            missing.append(log)
        else:
            total += log.at_us - came.at_us
            came = None
    return Worked(total, tuple(missing) if came is None else (*missing, came))


@dataclass(frozen=True, slots=True)
class Span:
    """When somebody was to work."""

    starts_us: int
    ends_us: int
    grace_us: int


@dataclass(frozen=True, slots=True)
class Kept:
    """How a shift was kept: late and early beyond the grace, in us; absent without any log."""

    late_us: int
    early_us: int
    absent: bool


def kept(span: Span, logs: Sequence[Log]) -> Kept:
    """How a shift was kept."""
    came = min((log.at_us for log in logs if log.direction == "in"), default=None)
    left = max((log.at_us for log in logs if log.direction == "out"), default=None)
    if came is None and left is None:
        return Kept(0, 0, True)
    late = 0 if came is None else came - span.starts_us
    early = 0 if left is None else span.ends_us - left
    return Kept(late if late > span.grace_us else 0, early if early > span.grace_us else 0, False)


def pay(worked_us: int, hourly_wage: int, *, overtime_after_us: int, overtime_factor: float) -> int:
    """Wage of one day in the currency's smallest unit, rounded to the nearest, halves up."""
    usual_us = min(worked_us, overtime_after_us)
    hours = (usual_us + (worked_us - usual_us) * overtime_factor) / HOUR_US
    return int(hours * hourly_wage + 0.5)
