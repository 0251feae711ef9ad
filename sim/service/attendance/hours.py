"""Hours worked from check-ins and check-outs: pure arithmetic.

The two rules and the golden figures are those of Frappe HRMS: the time from the first check-in to the last
check-out, or the sum of every pair; logs either typed (in, out) or merely alternating.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from stampbench.sim.service.clock import HOUR_US

_BEFORE_SHIFT_US: Final = 4 * HOUR_US
_AFTER_SHIFT_US: Final = 6 * HOUR_US
"""A punch this long before and after a shift may belong to it."""
LONGEST_US: Final = 12 * HOUR_US
"""A check-out up to this long after a check-in ends it, where no shift lasts longer."""
DOUBLE_US: Final = HOUR_US
"""A second check-in this soon after another is the same one, pressed again."""


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
        spans: from when to when (us), in their order.
        missing: check-ins without a check-out and the other way round; their time is not counted.
    """

    spans: tuple[tuple[int, int], ...]
    missing: tuple[Log, ...] = ()

    @property
    def worked_us(self) -> int:
        """Time counted."""
        return sum(to_us - from_us for from_us, to_us in self.spans)


def worked(logs: Sequence[Log], rule: Rule) -> Worked:
    """Count the time worked by a rule."""
    ordered = sorted(logs, key=lambda log: log.at_us)
    return _pairs(ordered) if rule is Rule.PAIRS else _first_last(ordered)


def _first_last(ordered: Sequence[Log]) -> Worked:
    first = next((log for log in ordered if log.direction != "out"), None)
    last = next((log for log in reversed(ordered) if log.direction != "in"), None)
    if first is None or last is None or last.at_us <= first.at_us:
        return Worked((), tuple(ordered[:1]))
    return Worked(((first.at_us, last.at_us),))


def _pairs(ordered: Sequence[Log]) -> Worked:
    """Let a check-out end the first check-in since the check-out before it."""
    spans: list[tuple[int, int]] = []
    missing: list[Log] = []
    came: Log | None = None
    for log in ordered:
        leaves = log.direction == "out" or (not log.direction and came is not None)
        if not leaves and came is None:
            came = log
        elif not leaves or came is None:
            missing.append(log)
        else:
            spans.append((came.at_us, log.at_us))
            came = None
    return Worked(tuple(spans), tuple(missing) if came is None else (*missing, came))


@dataclass(frozen=True, slots=True)
class Shift:
    """When somebody was to work; ``grace_us`` late is not late."""

    starts_us: int
    ends_us: int
    grace_us: int = 0
    rule: Rule = Rule.PAIRS


def assign(logs: Sequence[Log], shifts: Sequence[Shift]) -> tuple[list[list[Log]], list[Log]]:
    """Give each punch to a shift and return those of every shift, and those of none.

    A check-out goes with the check-in that it ends; any other punch to the shift whose beginning (a check-in)
    or end (a check-out) is nearest, within some hours.
    """
    of_shift: list[list[Log]] = [[] for _ in shifts]
    of_none: list[Log] = []
    came: Log | None = None
    place = of_none
    until_us = 0
    for log in sorted(logs, key=lambda log: log.at_us):
        if came is not None and (
            log.at_us <= until_us if log.direction == "out" else log.at_us - came.at_us <= DOUBLE_US
        ):
            place.append(log)
            came = None if log.direction == "out" else came
            continue
        nearest = _nearest(log, shifts)
        place = of_none if nearest is None else of_shift[nearest]
        place.append(log)
        came = None if log.direction == "out" else log
        shift_end_us = 0 if nearest is None else shifts[nearest].ends_us + _AFTER_SHIFT_US
        until_us = max(log.at_us + LONGEST_US, shift_end_us)
    return of_shift, of_none


def _nearest(log: Log, shifts: Sequence[Shift]) -> int | None:
    def distance_us(number: int) -> int:
        shift = shifts[number]
        return abs(log.at_us - (shift.ends_us if log.direction == "out" else shift.starts_us))

    near = (
        number
        for number, shift in enumerate(shifts)
        if shift.starts_us - _BEFORE_SHIFT_US <= log.at_us <= shift.ends_us + _AFTER_SHIFT_US
    )
    return min(near, key=distance_us, default=None)


@dataclass(frozen=True, slots=True)
class Attendance:
    """How a shift was attended: late and early beyond the grace, in us; absent without work or any punch."""

    late_us: int
    early_us: int
    absent: bool


def attended(shift: Shift, logs: Sequence[Log], spans: Sequence[tuple[int, int]]) -> Attendance:
    """Compare a shift with its punches; ``spans`` is all that was worked, for other shifts too."""
    came = min((log.at_us for log in logs if log.direction == "in"), default=None)
    left = max((log.at_us for log in logs if log.direction == "out"), default=None)
    if came is None and left is None:
        there = any(from_us < shift.ends_us and to_us > shift.starts_us for from_us, to_us in spans)
        return Attendance(0, 0, not there)
    late = 0 if came is None else came - shift.starts_us
    early = 0 if left is None else shift.ends_us - left
    grace = shift.grace_us
    return Attendance(late if late > grace else 0, early if early > grace else 0, False)
