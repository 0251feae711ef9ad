"""A limit and its measurement as reports show them: numbers with three digits, words, and a gauge."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from stampbench.bench.judging.assessment import Judged, Measured, Result
from stampbench.bench.judging.sequential import SequentialDecision, SequentialTest
from stampbench.bench.judging.statistics import Percentile, Rate, zero_failure_success
from stampbench.bench.records.files import Run
from stampbench.bench.report.subject import replay_command

SYMBOLS: Final = {Result.PASSED: "✓", Result.MARGINAL: "≈", Result.FAILED: "✗", Result.UNSET: "?"}
NONE: Final = "\N{EN DASH}"
_NARROW_SPACE = "\N{NARROW NO-BREAK SPACE}"
_SURELY_LESS = 0.001
_LEAST_SHOWN = 0.0005
"""Smaller numbers would have no digit left of four."""
_MOST_DIGITS = 8
"""Behind the point; smaller numbers are written with their power of ten."""


@dataclass(frozen=True, slots=True)
class Gauge:
    """A measurement, its interval and its limit as places on a bar, in percent of its length."""

    low: float
    high: float
    value: float
    allowed_from: float
    allowed_to: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitRow:
    """One limit as the page shows it.

    Attributes:
        group: the heading it stands under; "" for measurements of presses.
        why: why it has no result; "" where it has one.
        stopped: how a sequential test decided it.
    """

    group: str
    title: str
    meaning: str
    where: str
    value: str
    counted: str
    interval: str
    limit: str
    result: str
    why: str
    symbol: str
    gauge: Gauge | None
    claim: str
    worst: str | None
    stopped: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredRow:
    """One measurement as the page shows it."""

    group: str
    title: str
    meaning: str
    profile: str
    case: str
    value: str
    counted: str
    interval: str


def number(value: float | None, unit: str, *, signed: bool = False) -> str:
    """Write a value with its unit; a rate in percent."""
    if value is None:
        return NONE
    if unit == "1":
        value, unit = value * 100.0, "%"
    digits = 0 if value == 0.0 else max(0, 2 - math.floor(math.log10(abs(value)) + 1e-9))
    if 0.0 < abs(value) < _LEAST_SHOWN:
        return f"{value:.2e}{_NARROW_SPACE}{unit}".replace("-", "\N{MINUS SIGN}")
    sign = "+" if signed and value > 0.0 else ""
    text = f"{value:.2e}" if digits > _MOST_DIGITS else f"{value:,.{digits}f}"
    return f"{sign}{text}{_NARROW_SPACE}{unit}".replace("-", "\N{MINUS SIGN}")


def interval(low: float | None, high: float | None, unit: str) -> str:
    """Write both ends with one unit, or the one there is."""
    if low is None or high is None:
        ends = [("at least", low), ("at most", high)]
        said = [f"{word} {number(end, unit)}" for word, end in ends if end is not None]
        return said[0] if said else NONE
    to = NONE if low >= 0.0 else "to"
    return f"{number(low, unit).partition(_NARROW_SPACE)[0]} {to} {number(high, unit)}"


def measured_value(measured: Measured) -> str:
    """Write the value of a measurement; a figure of a scenario may be a count: no zeros behind it."""
    text = number(measured.value, measured.unit)
    if measured.group and measured.k is None and "." in text:
        digits, space, unit = text.partition(_NARROW_SPACE)
        return digits.rstrip("0").rstrip(".") + space + unit
    return text


def counted(found: Rate | Percentile) -> str:
    """Write what an estimate rests on."""
    return f"{found.k:,} of {found.n:,}" if isinstance(found, Rate) else f"n = {found.n:,}"


def probability(p: float | None) -> str:
    """Write a p-value; tiny ones are not told exactly."""
    if p is None:
        return NONE
    return f"< {_SURELY_LESS:g}" if p < _SURELY_LESS else f"{p:.3f}"


def limit_row(run: Run, judged: Judged) -> LimitRow:
    """Put a limit and its measurement into words and numbers."""
    measured = judged.measured
    return LimitRow(
        group=measured.group,
        title=measured.title,
        meaning=measured.meaning,
        where="" if measured.group else f"{measured.profile} · {measured.case or 'all cases'}",
        value=measured_value(measured),
        counted=_counted(measured),
        interval=interval(measured.low, measured.high, measured.unit),
        limit=_limit(judged),
        result=judged.result.value,
        why=judged.why,
        symbol=SYMBOLS[judged.result],
        gauge=gauge(judged),
        claim="" if judged.test is not None else _claim(measured),
        worst=None if judged.worst is None else replay_command(run, judged.worst),
        stopped=_stopped(run, judged),
    )


def by_group(limits: Sequence[Judged]) -> dict[str, list[Judged]]:
    """Return limits by their heading, in the order in which the headings first come."""
    groups: dict[str, list[Judged]] = {}
    for judged in limits:
        groups.setdefault(judged.measured.group, []).append(judged)
    return groups


def measured_row(measured: Measured) -> MeasuredRow:
    """Put a measurement into words and numbers."""
    return MeasuredRow(
        group=measured.group,
        title=measured.title,
        meaning=measured.meaning,
        profile=measured.profile,
        case=measured.case or "all cases",
        value=measured_value(measured),
        counted=_counted(measured),
        interval=interval(measured.low, measured.high, measured.unit),
    )


def gauge(judged: Judged) -> Gauge | None:
    """Return where value, interval and limit stand on a bar from 0 to somewhat beyond the largest of them."""
    measured = judged.measured
    if measured.value is None:
        return None
    low = measured.value if measured.low is None else measured.low
    high = measured.value if measured.high is None else measured.high
    limits = [end for end in (judged.min, judged.max) if end is not None]
    top = 1.15 * max(high, *limits)
    if top <= 0.0:
        top = 1.0
    return Gauge(
        low=100.0 * low / top,
        high=100.0 * high / top,
        value=100.0 * measured.value / top,
        allowed_from=0.0 if judged.min is None else 100.0 * judged.min / top,
        allowed_to=100.0 if judged.max is None else 100.0 * judged.max / top,
    )


def stopped(test: SequentialTest) -> str:
    """Return what a sequential test did, and with which risks."""
    after = f"after {test.trials:,} presses" + (f" of at most {test.cap:,}" if test.cap is not None else "")
    risks = f"alpha {test.alpha:g}, beta {test.beta:g}"
    match test.decision:
        case SequentialDecision.ACCEPT | SequentialDecision.REJECT:
            return f"decided {after} ({risks}): {test.claim}"
        case SequentialDecision.UNDECIDED:
            return f"not decided {after} ({risks}), and so not met: {test.claim}"
    return f"not decided {after} ({risks}); the run ended before: {test.claim}"


def _stopped(run: Run, judged: Judged) -> str:
    if run.header.until_confident is None:
        return ""
    if judged.test is None:
        return "held against all presses that were made: not a rate bounded from above on one case"
    return stopped(judged.test)


def _counted(measured: Measured) -> str:
    if measured.group and measured.k is None:
        return ""
    return f"n = {measured.n:,}" if measured.k is None else f"{measured.k:,} of {measured.n:,}"


def _limit(judged: Judged) -> str:
    unit = judged.measured.unit
    if judged.measured.group and judged.max == 0.0 and judged.min is None:
        return "none wrong"
    ends = []
    if judged.min is not None:
        ends.append(f"≥ {number(judged.min, unit)}")
    if judged.max is not None:
        ends.append(f"≤ {number(judged.max, unit)}")
    return " and ".join(ends) + (", whole interval" if judged.confident else "")


def _claim(measured: Measured) -> str:
    """Return what a count of zero proves."""
    if measured.k != 0 or measured.n == 0:
        return ""
    bound = number(1.0 - zero_failure_success(measured.n), "1")
    return f"0 of {measured.n:,}: at most {bound} with 95 % confidence (one-sided)"
