"""Hours and wages per person, day and month, from punches that stand and shifts that were planned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import sqlalchemy as sa
from stampbench.sim.service.attendance.hours import (
    DOUBLE_US,
    LONGEST_US,
    Log,
    Rule,
    Shift,
    Worked,
    assign,
    attended,
    worked,
)
from stampbench.sim.service.attendance.pay import PayTerms, pay_days, pay_terms
from stampbench.sim.service.attendance.punches import check_staff, standing
from stampbench.sim.service.clock import DAY_US, MINUTE_US, Calendar, to_datetime
from stampbench.sim.service.tables.attendance import Shift as PlannedShift
from stampbench.sim.service.tables.attendance import Staff
from stampbench.sim.service.tables.tenants import Merchant

_AROUND_US: Final = 9 * DAY_US
"""Weeks that begin in the month before are paid whole; and the last night of a month ends in the next one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkDay:
    """One day of somebody's work.

    Attributes:
        day: on which it began.
        worked_minutes: whole minutes, unpaid breaks taken off.
        overtime_minutes, night_minutes: of these, worth half as much again.
        wage: in the currency's smallest unit.
        late_minutes, early_minutes: beyond the grace; of its planned shifts.
        absent: a shift without any punch or work.
        missing: punches without their counterpart, as times (UTC).
    """

    day: str
    worked_minutes: int
    overtime_minutes: int
    night_minutes: int
    wage: int
    late_minutes: int
    early_minutes: int
    absent: bool
    missing: tuple[str, ...]


def month_of_work(
    connection: sa.Connection, merchant_id: int, staff_id: int, month: str, calendar: Calendar
) -> dict[str, Any]:
    """Return hours and wage of somebody's month, day by day.

    Raises:
        NotFoundError: no such person.
    """
    check_staff(connection, merchant_id, staff_id)
    from_us, to_us = calendar.month_us(month)
    person = connection.execute(
        sa.select(Staff.hourly_wage, Merchant.pay_rules)
        .join(Merchant, Merchant.id == Staff.merchant_id)
        .where(Staff.id == staff_id)
    ).one()
    rows = connection.execute(
        sa.select(PlannedShift.starts_us, PlannedShift.ends_us, PlannedShift.grace_minutes, PlannedShift.rule)
        .where(
            PlannedShift.staff_id == staff_id,
            PlannedShift.removed_us.is_(None),
            PlannedShift.starts_us >= from_us - _AROUND_US,
            PlannedShift.starts_us < to_us + _AROUND_US,
        )
        .order_by(PlannedShift.starts_us)
    )
    shifts = [
        Shift(row.starts_us, row.ends_us, row.grace_minutes * MINUTE_US, Rule(row.rule)) for row in rows
    ]
    punches = standing(connection, staff_id, from_us - _AROUND_US, to_us + _AROUND_US)
    logs = [Log(at_us, direction) for _, at_us, direction in punches]
    terms = pay_terms(person.pay_rules)
    days = [
        day for day in work_days(logs, shifts, person.hourly_wage, terms, calendar) if day.day[:7] == month
    ]
    return {
        "staff": staff_id,
        "month": month,
        "worked_minutes": sum(day.worked_minutes for day in days),
        "wage": sum(day.wage for day in days),
        "days": [asdict(day) for day in days],
    }


def work_days(
    logs: Sequence[Log], shifts: Sequence[Shift], hourly_wage: int, terms: PayTerms, calendar: Calendar
) -> list[WorkDay]:
    """Return what somebody worked and earned, by the day on which a shift, or work without one, began."""
    of_shift, of_none = assign(logs, shifts)
    parts: list[tuple[str, Shift | None, list[Log], Worked]] = [
        (calendar.day(shift.starts_us), shift, mine, worked(mine, shift.rule))
        for shift, mine in zip(shifts, of_shift, strict=True)
    ]
    parts += [
        (day, None, mine, worked(mine, Rule.PAIRS)) for day, mine in _unplanned(of_none, calendar).items()
    ]
    spans = [span for _, _, _, done in parts for span in done.spans]
    by_day: dict[str, list[tuple[int, int]]] = {}
    for day, _, _, done in parts:
        by_day.setdefault(day, []).extend(done.spans)
    paid = pay_days({day: sorted(its) for day, its in by_day.items()}, hourly_wage, terms, calendar)
    days = []
    for day, its in sorted(paid.items()):
        mine = [part for part in parts if part[0] == day]
        kept = [attended(shift, logs, spans) for _, shift, logs, _ in mine if shift is not None]
        missing = sorted(log.at_us for *_, done in mine for log in done.missing)
        days.append(
            WorkDay(
                day=day,
                worked_minutes=its.minutes,
                overtime_minutes=its.overtime_minutes,
                night_minutes=its.night_minutes,
                wage=its.wage,
                late_minutes=sum(one.late_us // MINUTE_US for one in kept),
                early_minutes=sum(one.early_us // MINUTE_US for one in kept),
                absent=any(one.absent for one in kept),
                missing=tuple(to_datetime(at_us).isoformat() for at_us in missing),
            )
        )
    return days


def _unplanned(logs: Sequence[Log], calendar: Calendar) -> Mapping[str, list[Log]]:
    """Return punches of no shift by day; a check-out after midnight is of the day of its check-in."""
    days: dict[str, list[Log]] = {}
    came: Log | None = None
    for log in logs:
        day = calendar.day(log.at_us)
        if log.direction == "in":
            if came is not None and log.at_us - came.at_us <= DOUBLE_US:
                day = calendar.day(came.at_us)
            elif came is None or calendar.day(came.at_us) != day:
                came = log
        else:
            if came is not None and log.at_us - came.at_us <= LONGEST_US:
                day = calendar.day(came.at_us)
            came = None
        days.setdefault(day, []).append(log)
    return days


def month_of_all(
    connection: sa.Connection, merchant_id: int, month: str, calendar: Calendar
) -> list[dict[str, Any]]:
    """Return hours and wages of a month, of everybody who works for a merchant."""
    staff = connection.execute(
        sa.select(Staff.id, Staff.number).where(Staff.merchant_id == merchant_id).order_by(Staff.id)
    ).all()
    return [
        {"number": one.number, **month_of_work(connection, merchant_id, one.id, month, calendar)}
        for one in staff
    ]
