"""Who pressed, when and where: counts by day, hour, stamp and store."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from stampbench.sim.service.loyalty.ledger import Account
from stampbench.sim.service.tables.fraud import Alarm
from stampbench.sim.service.tables.loyalty import Coupon, Entry
from stampbench.sim.service.tables.presses import Press
from stampbench.sim.service.tables.tenants import Stamp, Store

_ACCEPTED = Press.outcome == "accepted"


def totals(connection: sa.Connection, merchant_id: int, from_day: str, to_day: str) -> dict[str, int]:
    """Return customers, presses and stamps given from one day to another, both included."""
    presses = connection.execute(
        sa.select(
            sa.func.count(sa.distinct(sa.case((_ACCEPTED, Press.member_id)))),
            sa.func.count(sa.case((_ACCEPTED, 1))),
            sa.func.count(sa.case((Press.outcome == "refused", 1))),
            sa.func.count(sa.case((Press.outcome == "review", 1))),
        ).where(Press.merchant_id == merchant_id, Press.day.between(from_day, to_day))
    ).one()
    stamps = connection.execute(
        sa.select(sa.func.coalesce(sa.func.sum(Entry.amount), 0)).where(
            Entry.merchant_id == merchant_id,
            Entry.day.between(from_day, to_day),
            Entry.account == Account.STAMPS.value,
            Entry.kind == "press",
        )
    ).scalar_one()
    names = ("customers", "presses", "refused", "in_review")
    return dict(zip(names, presses, strict=True)) | {"stamps": int(stamps)}


def by_day(connection: sa.Connection, merchant_id: int, from_day: str, to_day: str) -> list[dict[str, Any]]:
    """Return presses and customers of every day, also of those without any."""
    rows = connection.execute(
        sa.select(Press.day, sa.func.count(), sa.func.count(sa.distinct(Press.member_id)))
        .where(Press.merchant_id == merchant_id, Press.day.between(from_day, to_day), _ACCEPTED)
        .group_by(Press.day)
    )
    found = {day: (presses, customers) for day, presses, customers in rows}
    answer = []
    day, last = dt.date.fromisoformat(from_day), dt.date.fromisoformat(to_day)
    while day <= last:
        presses, customers = found.get(day.isoformat(), (0, 0))
        answer.append({"day": day.isoformat(), "presses": presses, "customers": customers})
        day += dt.timedelta(days=1)
    return answer


def by_hour(connection: sa.Connection, merchant_id: int, from_day: str, to_day: str) -> list[int]:
    """Return presses of each of the 24 hours."""
    rows = connection.execute(
        sa.select(Press.hour, sa.func.count())
        .where(Press.merchant_id == merchant_id, Press.day.between(from_day, to_day), _ACCEPTED)
        .group_by(Press.hour)
    )
    found = {hour: presses for hour, presses in rows}  # noqa: C416 - rows are no pairs to the type checker
    return [found.get(hour, 0) for hour in range(24)]


def by_stamp(connection: sa.Connection, merchant_id: int, from_day: str, to_day: str) -> list[dict[str, Any]]:
    """Return presses and customers of each stamp, most pressed first."""
    rows = connection.execute(
        sa.select(
            Stamp.id.label("stamp"),
            Stamp.serial,
            Stamp.name,
            Stamp.state,
            sa.func.count(Press.id).label("presses"),
            sa.func.count(sa.distinct(Press.member_id)).label("customers"),
        )
        .outerjoin(Press, sa.and_(Press.stamp_id == Stamp.id, Press.day.between(from_day, to_day), _ACCEPTED))
        .where(Stamp.merchant_id == merchant_id)
        .group_by(Stamp.id)
        .order_by(sa.desc("presses"), Stamp.id)
    )
    return [dict(row._mapping) for row in rows]


def by_store(connection: sa.Connection, merchant_id: int, from_day: str, to_day: str) -> list[dict[str, Any]]:
    """Return presses and customers of each store, most pressed first."""
    rows = connection.execute(
        sa.select(
            Store.id.label("store"),
            Store.name,
            sa.func.count(Press.id).label("presses"),
            sa.func.count(sa.distinct(Press.member_id)).label("customers"),
        )
        .outerjoin(Press, sa.and_(Press.store_id == Store.id, Press.day.between(from_day, to_day), _ACCEPTED))
        .where(Store.merchant_id == merchant_id)
        .group_by(Store.id)
        .order_by(sa.desc("presses"), Store.id)
    )
    return [dict(row._mapping) for row in rows]


def repeat_rate(connection: sa.Connection, merchant_id: int, from_day: str, to_day: str) -> dict[str, int]:
    """Return how many members came, and how many of them on more than one day."""
    days = (
        sa.select(Press.member_id, sa.func.count(sa.distinct(Press.day)).label("days"))
        .where(
            Press.merchant_id == merchant_id,
            Press.day.between(from_day, to_day),
            _ACCEPTED,
            Press.member_id.is_not(None),
        )
        .group_by(Press.member_id)
        .subquery()
    )
    came, again = connection.execute(
        sa.select(sa.func.count(), sa.func.count(sa.case((days.c.days > 1, 1))))
    ).one()
    return {"members": came, "again": again}


def open_matters(connection: sa.Connection, merchant_id: int) -> dict[str, int]:
    """Return what waits for somebody: presses in review, open alarms; and coupons that are out."""
    alarms = sa.select(sa.func.count()).where(
        Alarm.merchant_id == merchant_id, Alarm.state.in_(("open", "appealed"))
    )
    review = sa.select(sa.func.count()).where(Press.merchant_id == merchant_id, Press.outcome == "review")
    coupons = sa.select(sa.func.count()).where(Coupon.merchant_id == merchant_id, Coupon.state == "issued")
    return {
        "alarms": connection.execute(alarms).scalar_one(),
        "in_review": connection.execute(review).scalar_one(),
        "coupons": connection.execute(coupons).scalar_one(),
    }
