"""Hours and wages per person, day and month, from punches that stand and shifts that were planned."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

import sqlalchemy as sa
from stampbench.sim.service.attendance.hours import Log, Rule, Span, kept, pay, worked
from stampbench.sim.service.attendance.punches import check_staff, standing
from stampbench.sim.service.clock import HOUR_US, MINUTE_US, Calendar, to_datetime
from stampbench.sim.service.tables.attendance import Shift, Staff

OVERTIME_AFTER_US: Final = 8 * HOUR_US
OVERTIME_FACTOR: Final = 1.5
"""Korean Labour Standards Act, articles 50 and 56: eight hours a day, half as much again beyond."""
_BEFORE_SHIFT_US: Final = 4 * HOUR_US
_AFTER_SHIFT_US: Final = 6 * HOUR_US
"""Punches this long before and after a shift belong to it, so that a night shift is one day's work."""
_LONGEST_US: Final = 12 * HOUR_US
"""Without a shift, a check-out up to this long after a check-in still belongs to the day of the check-in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkDay:
    """One day of somebody's work.

    Attributes:
        day: on which it began.
        worked_minutes: whole minutes.
        wage: in the currency's smallest unit.
        late_minutes, early_minutes: beyond the grace; of a planned shift.
        absent: a shift without any punch.
        missing: punches without their counterpart, as times (UTC).
    """

    day: str
    worked_minutes: int
    wage: int
    late_minutes: int = 0
    early_minutes: int = 0
    absent: bool = False
    missing: tuple[str, ...] = ()


def month_of_work(
    connection: sa.Connection, merchant_id: int, staff_id: int, month: str, calendar: Calendar
) -> dict[str, Any]:
    """Hours and wage of somebody's month, day by day.

    Raises:
        NotFoundError: no such person.
    """
    check_staff(connection, merchant_id, staff_id)
    from_us, to_us = calendar.month_us(month)
    wage = connection.execute(sa.select(Staff.hourly_wage).where(Staff.id == staff_id)).scalar_one()
    # Shifts around the month claim their punches too: the last night of a month ends in the next one.
    shifts = connection.execute(
        sa.select(Shift.starts_us, Shift.ends_us, Shift.grace_minutes, Shift.rule)
        .where(
            Shift.staff_id == staff_id,
            Shift.ends_us > from_us - _AFTER_SHIFT_US,
            Shift.starts_us < to_us + _BEFORE_SHIFT_US,
        )
        .order_by(Shift.starts_us)
    ).all()
    first_us = min([from_us, *(shift.starts_us for shift in shifts)]) - _LONGEST_US
    punches = standing(connection, staff_id, first_us, to_us + _LONGEST_US)
    logs = [Log(at_us, direction) for _, at_us, direction in punches]
    days = []
    for shift in shifts:
        mine = [
            log
            for log in logs
            if shift.starts_us - _BEFORE_SHIFT_US <= log.at_us <= shift.ends_us + _AFTER_SHIFT_US
        ]
        logs = [log for log in logs if log not in mine]
        if from_us <= shift.starts_us < to_us:
            span = Span(shift.starts_us, shift.ends_us, shift.grace_minutes * MINUTE_US)
            days.append(_day(calendar.day(shift.starts_us), mine, Rule(shift.rule), wage, span))
    for day, mine in _unplanned(logs, calendar).items():
        if day[:7] == month:
            days.append(_day(day, mine, Rule.PAIRS, wage, None))
    days.sort(key=lambda day: day.day)
    return {
        "staff": staff_id,
        "month": month,
        "worked_minutes": sum(day.worked_minutes for day in days),
        "wage": sum(day.wage for day in days),
        "days": [asdict(day) for day in days],
    }


def _unplanned(logs: list[Log], calendar: Calendar) -> dict[str, list[Log]]:
    """Punches that belong to no shift, by day; a check-out after midnight is of the day of its check-in."""
    days: dict[str, list[Log]] = {}
    came: Log | None = None
    for log in logs:
        day = calendar.day(log.at_us)
        if log.direction == "in":
            if came is None or calendar.day(came.at_us) != day:
                came = log
        else:
            if came is not None and log.at_us - came.at_us <= _LONGEST_US:
                day = calendar.day(came.at_us)
            came = None
        days.setdefault(day, []).append(log)
    return days


def month_of_all(
    connection: sa.Connection, merchant_id: int, month: str, calendar: Calendar
) -> list[dict[str, Any]]:
    """Hours and wages of a month, of everybody who works for a merchant."""
    staff = connection.execute(
        sa.select(Staff.id, Staff.number).where(Staff.merchant_id == merchant_id).order_by(Staff.id)
    ).all()
    return [
        {"number": one.number, **month_of_work(connection, merchant_id, one.id, month, calendar)}
        for one in staff
    ]


def _day(day: str, logs: list[Log], rule: Rule, hourly_wage: int, span: Span | None) -> WorkDay:
    done = worked(logs, rule)
    missing = tuple(to_datetime(log.at_us).isoformat() for log in done.missing)
    minutes = done.worked_us // MINUTE_US
    wage = pay(
        minutes * MINUTE_US,
        hourly_wage,
        overtime_after_us=OVERTIME_AFTER_US,
        overtime_factor=OVERTIME_FACTOR,
    )
    if span is None:
        return WorkDay(day=day, worked_minutes=minutes, wage=wage, missing=missing)
    how = kept(span, logs)
    return WorkDay(
        day=day,
        worked_minutes=minutes,
        wage=wage,
        late_minutes=how.late_us // MINUTE_US,
        early_minutes=how.early_us // MINUTE_US,
        absent=how.absent,
        missing=missing,
    )
