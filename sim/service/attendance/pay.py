"""What work is worth: overtime, nights and breaks by named rules, in whole minutes and units of money."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.service.clock import DAY_US, MINUTE_US, Calendar


class PayRules(StrEnum):
    """Names of rules, as a merchant chooses them."""

    PLAIN = "plain"
    """Every minute alike."""
    DAILY = "daily"
    """Beyond eight hours of a day half as much again."""
    KR_2024 = "kr-2024"
    """Korean Labour Standards Act: see :data:`PAY_TERMS`."""


@dataclass(frozen=True, slots=True)
class PayTerms:
    """What a set of rules says.

    Attributes:
        day_minutes, week_minutes: beyond which a minute is overtime, worth half as much again; None: never.
        nights: whether minutes from 22:00 to 06:00 are worth half as much again.
        breaks: (minutes of work in a day, minutes of break that belong to it), longest first; unpaid.
    """

    day_minutes: int | None = None
    week_minutes: int | None = None
    nights: bool = False
    breaks: tuple[tuple[int, int], ...] = ()


PAY_TERMS: Final[Mapping[PayRules, PayTerms]] = {
    PayRules.PLAIN: PayTerms(),
    PayRules.DAILY: PayTerms(day_minutes=480),
    # Articles 50 (40 h a week, 8 h a day), 54 (breaks of 30 min for 4 h, 60 min for 8 h), 56 (half as much
    # again for overtime, and for work between 22:00 and 06:00). A week begins on Monday.
    PayRules.KR_2024: PayTerms(480, 2400, nights=True, breaks=((480, 60), (240, 30))),
}
_NIGHT_US: Final = ((0, 6 * 60 * MINUTE_US), (22 * 60 * MINUTE_US, DAY_US))


@dataclass(frozen=True, slots=True)
class PaidDay:
    """Minutes of one day that are paid, and of these the ones worth half as much again; in all, the wage."""

    minutes: int
    overtime_minutes: int
    night_minutes: int
    wage: int


def pay_days(
    days: Mapping[str, Sequence[tuple[int, int]]], hourly_wage: int, terms: PayTerms, calendar: Calendar
) -> dict[str, PaidDay]:
    """Return pay whole weeks of work.

    The minutes of an unpaid break are taken from the day's, not from the night's; what a person was away
    between two spans counts as break. Minutes beyond a day's are not counted a second time beyond the week's.

    Args:
        days: of each day the spans worked (us), by local date.
        hourly_wage: in the smallest unit of the currency.
        terms: of the rules.
        calendar: of the shops.

    Returns:
        By day; the wage of each is rounded to the nearest unit, halves up.
    """
    paid: dict[str, PaidDay] = {}
    week_minutes: dict[tuple[int, int], int] = {}
    for day in sorted(days):
        spans = days[day]
        present = sum(to_us - from_us for from_us, to_us in spans) // MINUTE_US
        away = (spans[-1][1] - spans[0][0]) // MINUTE_US - present if spans else 0
        owed = next((minutes for least, minutes in terms.breaks if present >= least), 0)
        minutes = present - max(0, owed - away)
        night = min(minutes, _night_us(spans, calendar) // MINUTE_US) if terms.nights else 0
        overtime = 0 if terms.day_minutes is None else max(0, minutes - terms.day_minutes)
        if terms.week_minutes is not None:
            week = calendar.week_of(day)
            before = week_minutes.get(week, 0)
            week_minutes[week] = before + minutes - overtime
            overtime += max(0, week_minutes[week] - max(before, terms.week_minutes))
        wage = (hourly_wage * (2 * minutes + overtime + night) + 60) // 120
        paid[day] = PaidDay(minutes, overtime, night, wage)
    return paid


def _night_us(spans: Sequence[tuple[int, int]], calendar: Calendar) -> int:
    """Return the time of spans that lies between 22:00 and 06:00."""
    total = 0
    for from_us, to_us in spans:
        midnight_us = calendar.start_of(calendar.local(from_us).date())
        while midnight_us < to_us:
            for begin_us, end_us in _NIGHT_US:
                total += max(0, min(to_us, midnight_us + end_us) - max(from_us, midnight_us + begin_us))
            midnight_us += DAY_US
    return total


def pay_terms(name: str) -> PayTerms:
    """Return the terms of rules by their name.

    Raises:
        InputError: there are none of that name.
    """
    try:
        return PAY_TERMS[PayRules(name)]
    except ValueError:
        raise InputError(f"pay rules {name!r}: expected {', '.join(PayRules)}") from None
