"""A member's rights: consent, export, erasure; and points for sharing data."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from stampbench.sim.service.clock import Calendar
from stampbench.sim.service.identity import Pseudonyms, find_member
from stampbench.sim.service.loyalty.coupons import coupons_of
from stampbench.sim.service.loyalty.ledger import Account, balances, book, lock_member, movements
from stampbench.sim.service.problems import NotFoundError
from stampbench.sim.service.store.database import insert, insert_new
from stampbench.sim.service.tables.attendance import Punch, Shift, Staff
from stampbench.sim.service.tables.customers import Campaign, Consent, Contact, Member, Message
from stampbench.sim.service.tables.fraud import Alarm, AlarmPress
from stampbench.sim.service.tables.loyalty import Program, Redemption
from stampbench.sim.service.tables.presses import Press


def require_member(connection: sa.Connection, pseudonyms: Pseudonyms, merchant_id: int, name: str) -> int:
    """Return the member that a merchant calls so.

    Raises:
        NotFoundError: none, or erased.
    """
    member_id = find_member(connection, merchant_id, pseudonyms.of(merchant_id, "member", name))
    if member_id is None:
        raise NotFoundError("member", "no such member")
    return member_id


def set_consent(
    connection: sa.Connection,
    merchant_id: int,
    member_id: int,
    purpose: str,
    given: bool,
    *,
    now_us: int,
    calendar: Calendar,
) -> None:
    """Write down that a member agrees or no longer does; sharing data earns points, once."""
    insert(connection, Consent, member_id=member_id, purpose=purpose, given=given, at_us=now_us)
    if purpose != "sharing" or not given:
        return
    points = connection.execute(
        sa.select(Program.points_per_share).where(Program.merchant_id == merchant_id)
    ).scalar_one_or_none()
    if points:
        book(
            connection,
            Account.POINTS,
            points,
            merchant_id=merchant_id,
            member_id=member_id,
            kind="sharing",
            reference=f"sharing:{member_id}",
            at_us=now_us,
            calendar=calendar,
        )


def consenting(connection: sa.Connection, merchant_id: int, purpose: str) -> set[int]:
    """Return members whose latest word on a purpose is yes."""
    latest = (
        sa.select(Consent.member_id, sa.func.max(Consent.id).label("id"))
        .join(Member, Member.id == Consent.member_id)
        .where(Member.merchant_id == merchant_id, Member.erased_us.is_(None), Consent.purpose == purpose)
        .group_by(Consent.member_id)
        .subquery()
    )
    return set(
        connection.execute(
            sa.select(Consent.member_id).join(latest, latest.c.id == Consent.id).where(Consent.given)
        ).scalars()
    )


def set_contact(connection: sa.Connection, member_id: int, address: str, language: str) -> None:
    """Keep how a member can be reached, in place of what was known before."""
    values = {"address": address, "language": language}
    if insert_new(connection, Contact, {"member_id": member_id, **values}, ("member_id",)) is None:
        connection.execute(sa.update(Contact).where(Contact.member_id == member_id).values(values))


def export(connection: sa.Connection, member_id: int) -> dict[str, Any]:
    """Return all that is stored of a member."""
    member = connection.execute(
        sa.select(Member.joined_us, Member.joined_day).where(Member.id == member_id)
    ).one()
    contact = connection.execute(
        sa.select(Contact.address, Contact.language).where(Contact.member_id == member_id)
    ).first()
    consents = connection.execute(
        sa.select(Consent.purpose, Consent.given, Consent.at_us)
        .where(Consent.member_id == member_id)
        .order_by(Consent.id)
    )
    presses = connection.execute(
        sa.select(
            Press.id,
            Press.store_id,
            Press.stamp_id,
            Press.kind,
            Press.purpose,
            Press.outcome,
            Press.reason,
            Press.at_us,
            Press.lat_deg,
            Press.lon_deg,
            Press.accuracy_m,
        )
        .where(Press.member_id == member_id)
        .order_by(Press.id)
    )
    messages = connection.execute(
        sa.select(Campaign.text, Message.state, Message.sent_us)
        .join(Campaign, Campaign.id == Message.campaign_id)
        .where(Message.member_id == member_id)
        .order_by(Message.id)
    )
    redemptions = connection.execute(
        sa.select(
            Redemption.id, Redemption.coupon_id, Redemption.points, Redemption.state, Redemption.frozen_us
        )
        .where(Redemption.member_id == member_id)
        .order_by(Redemption.id)
    )
    punches = connection.execute(
        sa.select(Staff.number, Punch.direction, Punch.at_us, Punch.adds, Punch.reason, Punch.asked_by)
        .join(Staff, Staff.id == Punch.staff_id)
        .where(Staff.member_id == member_id)
        .order_by(Punch.id)
    )
    person = connection.execute(
        sa.select(Staff.id, Staff.number, Staff.store_id, Staff.hourly_wage).where(
            Staff.member_id == member_id
        )
    ).first()
    shifts = connection.execute(
        sa.select(Shift.starts_us, Shift.ends_us, Shift.removed_us, Shift.removed_reason)
        .join(Staff, Staff.id == Shift.staff_id)
        .where(Staff.member_id == member_id)
        .order_by(Shift.id)
    )
    alarms = connection.execute(
        sa.select(Alarm.id, Alarm.kind, Alarm.explanation, Alarm.state, Alarm.at_us, AlarmPress.press_id)
        .join(AlarmPress, AlarmPress.alarm_id == Alarm.id)
        .join(Press, Press.id == AlarmPress.press_id)
        .where(Press.member_id == member_id)
        .order_by(Alarm.id, AlarmPress.press_id)
    )
    return {
        "staff": None if person is None else dict(person._mapping),
        "shifts": [dict(row._mapping) for row in shifts],
        "alarms": [dict(row._mapping) for row in alarms],
        "joined_us": member.joined_us,
        "contact": None if contact is None else dict(contact._mapping),
        "consents": [dict(row._mapping) for row in consents],
        "presses": [dict(row._mapping) for row in presses],
        "balances": balances(connection, member_id),
        "ledger": movements(connection, member_id),
        "coupons": coupons_of(connection, member_id),
        "messages": [dict(row._mapping) for row in messages],
        "redemptions": [dict(row._mapping) for row in redemptions],
        "punches": [dict(row._mapping) for row in punches],
    }


def erase(connection: sa.Connection, member_id: int, *, now_us: int) -> None:
    """Forget who a member is: contact, names, pseudonym, device and places go; presses, hours and sums stay.

    Of somebody who works here the hours and wages are kept, under a number that says nothing.
    """
    lock_member(connection, member_id)
    staff_id = connection.execute(
        sa.select(Staff.id).where(Staff.member_id == member_id)
    ).scalar_one_or_none()
    if staff_id is not None:
        connection.execute(sa.update(Staff).where(Staff.id == staff_id).values(number=f"erased-{staff_id}"))
        connection.execute(sa.update(Punch).where(Punch.staff_id == staff_id).values(asked_by="", reason=""))
        connection.execute(sa.update(Shift).where(Shift.staff_id == staff_id).values(removed_reason=None))
    connection.execute(sa.delete(Contact).where(Contact.member_id == member_id))
    connection.execute(
        sa.update(Press)
        .where(Press.member_id == member_id)
        .values(device=None, address=None, lat_deg=None, lon_deg=None, accuracy_m=None)
    )
    connection.execute(
        sa.update(Member).where(Member.id == member_id).values(pseudonym=None, erased_us=now_us)
    )
