"""Punches: made by presses, corrected only with a reason by two people, never changed."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased
from stampbench.sim.service.clock import DAY_US, Calendar
from stampbench.sim.service.problems import ConflictError, MalformedError, NotFoundError
from stampbench.sim.service.store.database import ALL, Cut, insert, insert_new
from stampbench.sim.service.tables.attendance import Punch, Shift, Staff

if TYPE_CHECKING:
    from stampbench.sim.service.store.database import AnyRow


def add_staff(
    connection: sa.Connection,
    merchant_id: int,
    *,
    store_id: int,
    member_id: int,
    number: str,
    hourly_wage: int,
) -> int:
    """Note that somebody begins to work at a store.

    Raises:
        ConflictError: the number is taken, or the member works here already.
    """
    works = sa.select(Staff.id).where(Staff.member_id == member_id)
    values = {
        "merchant_id": merchant_id,
        "store_id": store_id,
        "member_id": member_id,
        "number": number,
        "hourly_wage": hourly_wage,
    }
    staff_id = (
        None
        if connection.execute(works).first() is not None
        else insert_new(connection, Staff, values, ("merchant_id", "number"))
    )
    if staff_id is None:
        raise ConflictError("taken", f"staff number {number!r} is taken, or its holder works here already")
    return staff_id


def staff_of(connection: sa.Connection, merchant_id: int, cut: Cut = ALL) -> list[dict[str, Any]]:
    """Return who works for a merchant."""
    columns = Staff.id, Staff.store_id, Staff.number, Staff.hourly_wage
    rows = connection.execute(cut.of(sa.select(*columns).where(Staff.merchant_id == merchant_id), Staff.id))
    return [dict(row._mapping) for row in rows]


def add_shift(
    connection: sa.Connection,
    merchant_id: int,
    staff_id: int,
    *,
    starts_us: int,
    ends_us: int,
    grace_minutes: int,
    rule: str,
) -> int:
    """Return plan a shift.

    Raises:
        NotFoundError: nobody of that number works here.
        MalformedError: it ends before it starts, or more than a day later.
    """
    check_staff(connection, merchant_id, staff_id)
    if not 0 < ends_us - starts_us <= DAY_US:
        raise MalformedError("shift", "the shift ends before it starts, or more than 24 hours later")
    return insert(
        connection,
        Shift,
        staff_id=staff_id,
        starts_us=starts_us,
        ends_us=ends_us,
        grace_minutes=grace_minutes,
        rule=rule,
    )


def shifts_of(
    connection: sa.Connection, merchant_id: int, staff_id: int, cut: Cut = ALL
) -> list[dict[str, Any]]:
    """Return somebody's shifts, those that were removed too.

    Raises:
        NotFoundError: no such person.
    """
    check_staff(connection, merchant_id, staff_id)
    columns = [c for c in Shift.columns().c if c.name not in ("staff_id", "removed_key_id")]
    rows = connection.execute(cut.of(sa.select(*columns).where(Shift.staff_id == staff_id), Shift.id))
    return [dict(row._mapping) for row in rows]


def remove_shift(
    connection: sa.Connection,
    merchant_id: int,
    staff_id: int,
    shift_id: int,
    *,
    reason: str,
    key_id: int,
    now_us: int,
) -> None:
    """Take a shift back, so that it counts no longer; that it was there, and why it went, stays.

    Raises:
        NotFoundError: no such shift of that person, or it was removed before.
    """
    check_staff(connection, merchant_id, staff_id)
    removed = connection.execute(
        sa.update(Shift)
        .where(Shift.id == shift_id, Shift.staff_id == staff_id, Shift.removed_us.is_(None))
        .values(removed_us=now_us, removed_reason=reason, removed_key_id=key_id)
    )
    if removed.rowcount == 0:
        raise NotFoundError("shift", f"no shift {shift_id} of staff {staff_id}")


def punch(
    connection: sa.Connection, staff_id: int, direction: str, at_us: int, press_id: int, calendar: Calendar
) -> None:
    """Write down a check-in or check-out that a press made; once, however often it is asked for."""
    values = {
        "staff_id": staff_id,
        "direction": direction,
        "at_us": at_us,
        "day": calendar.day(at_us),
        "press_id": press_id,
        "adds": True,
        "reason": "",
        "asked_by": "",
        "recorded_us": at_us,
    }
    insert_new(connection, Punch, values, ("press_id",))


def correct(
    connection: sa.Connection,
    merchant_id: int,
    staff_id: int,
    *,
    voids_id: int | None,
    direction: str,
    at_us: int | None,
    reason: str,
    asked_by: str,
    agreed_by: str,
    key_id: int,
    now_us: int,
    calendar: Calendar,
) -> int:
    """Void a punch, add one, or both; who asks and who agrees are two people, and the reason stays.

    Raises:
        NotFoundError: no such person, or no such punch of that person.
        MalformedError: no reason, one person alone, or nothing to correct.
        ConflictError: the punch was voided before.
    """
    check_staff(connection, merchant_id, staff_id)
    if not reason.strip():
        raise MalformedError("reason", "no reason: expected why the punch is wrong or missing")
    if not _plain(asked_by) or not _plain(agreed_by) or _plain(asked_by) == _plain(agreed_by):
        raise MalformedError("agreed_by", "expected two different people: who asks, and who agrees")
    if voids_id is None and at_us is None:
        raise MalformedError("correction", "nothing to correct: expected a punch to void, a time, or both")
    if at_us is not None and at_us > now_us:
        raise MalformedError("at", "a punch cannot be added in the future")
    voided = None
    if voids_id is not None:
        voided = connection.execute(
            sa.select(Punch.at_us, Punch.direction).where(Punch.id == voids_id, Punch.staff_id == staff_id)
        ).first()
        if voided is None:
            raise NotFoundError("punch", f"no punch {voids_id} of staff {staff_id}")
    when_us = at_us if at_us is not None else voided.at_us if voided is not None else now_us
    values = {
        "staff_id": staff_id,
        "direction": direction if at_us is not None or voided is None else voided.direction,
        "at_us": when_us,
        "day": calendar.day(when_us),
        "voids_id": voids_id,
        "adds": at_us is not None,
        "reason": reason.strip(),
        "asked_by": f"{asked_by.strip()}, agreed by {agreed_by.strip()}",
        "key_id": key_id,
        "recorded_us": now_us,
    }
    punch_id = insert_new(connection, Punch, values, ("voids_id",))
    if punch_id is None:
        raise ConflictError("voided", f"punch {voids_id} was voided before")
    return punch_id


def _plain(name: str) -> str:
    """Return a name as two people's names are told apart: without case, accents' composition and spaces."""
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())


def standing(connection: sa.Connection, staff_id: int, from_us: int, to_us: int) -> list[AnyRow]:
    """Return punches that count, as (id, at_us, direction), in their order."""
    voider = aliased(Punch)
    return list(
        connection.execute(
            sa.select(Punch.id, Punch.at_us, Punch.direction)
            .outerjoin(voider, voider.voids_id == Punch.id)
            .where(
                Punch.staff_id == staff_id,
                Punch.at_us >= from_us,
                Punch.at_us < to_us,
                Punch.adds,
                voider.id.is_(None),
            )
            .order_by(Punch.at_us, Punch.id)
        ).all()
    )


def history(
    connection: sa.Connection, merchant_id: int, staff_id: int, cut: Cut = ALL
) -> list[dict[str, Any]]:
    """Return all punches and corrections of somebody.

    Raises:
        NotFoundError: no such person.
    """
    check_staff(connection, merchant_id, staff_id)
    statement = sa.select(
        Punch.id,
        Punch.direction,
        Punch.at_us,
        Punch.day,
        Punch.press_id,
        Punch.voids_id,
        Punch.adds,
        Punch.reason,
        Punch.asked_by,
        Punch.recorded_us,
    ).where(Punch.staff_id == staff_id)
    rows = connection.execute(cut.of(statement, Punch.id))
    return [dict(row._mapping) for row in rows]


def check_staff(connection: sa.Connection, merchant_id: int, staff_id: int) -> None:
    """Check that somebody works for a merchant.

    Raises:
        NotFoundError: nobody of that number does.
    """
    found = connection.execute(
        sa.select(Staff.id).where(Staff.id == staff_id, Staff.merchant_id == merchant_id)
    ).first()
    if found is None:
        raise NotFoundError("staff", f"no staff {staff_id}")
