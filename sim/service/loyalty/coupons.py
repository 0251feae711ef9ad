"""Coupons: issued, frozen, redeemed, void or expired; every step is booked."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from stampbench.sim.service.clock import Calendar
from stampbench.sim.service.loyalty.ledger import Account, book
from stampbench.sim.service.problems import ConflictError, NotFoundError
from stampbench.sim.service.store.database import insert
from stampbench.sim.service.tables.loyalty import Coupon


def issue_coupon(
    connection: sa.Connection,
    *,
    merchant_id: int,
    member_id: int,
    name: str,
    expires_us: int,
    at_us: int,
    calendar: Calendar,
    press_id: int | None = None,
) -> int:
    """Give a member a coupon."""
    coupon_id = insert(
        connection,
        Coupon,
        merchant_id=merchant_id,
        member_id=member_id,
        name=name,
        state="issued",
        issued_us=at_us,
        expires_us=expires_us,
    )
    book(
        connection,
        Account.COUPONS,
        1,
        merchant_id=merchant_id,
        member_id=member_id,
        kind="issued",
        reference=f"coupon:{coupon_id}:issued",
        at_us=at_us,
        calendar=calendar,
        press_id=press_id,
    )
    return coupon_id


def void_coupon(
    connection: sa.Connection, merchant_id: int, coupon_id: int, *, now_us: int, calendar: Calendar
) -> None:
    """Take a coupon back that was not used.

    Raises:
        NotFoundError: no such coupon.
        ConflictError: it is frozen, used or gone.
    """
    _end(connection, merchant_id, coupon_id, "void", now_us, calendar)


def expire_coupons(connection: sa.Connection, *, now_us: int, calendar: Calendar) -> int:
    """Let coupons expire whose time is over, and say how many; frozen ones are left to their redemption."""
    over = connection.execute(
        sa.select(Coupon.id, Coupon.merchant_id).where(Coupon.state == "issued", Coupon.expires_us <= now_us)
    ).all()
    for coupon in over:
        _end(connection, coupon.merchant_id, coupon.id, "expired", now_us, calendar)
    return len(over)


def move_coupon(connection: sa.Connection, coupon_id: int, source: str, target: str) -> bool:
    """Compare and set a coupon's state; False if it was in another one."""
    moved = connection.execute(
        sa.update(Coupon).where(Coupon.id == coupon_id, Coupon.state == source).values(state=target)
    )
    return moved.rowcount == 1


def coupons_of(connection: sa.Connection, member_id: int) -> list[dict[str, Any]]:
    """Return a member's coupons."""
    rows = connection.execute(
        sa.select(Coupon.id, Coupon.name, Coupon.state, Coupon.issued_us, Coupon.expires_us)
        .where(Coupon.member_id == member_id)
        .order_by(Coupon.id)
    )
    return [dict(row._mapping) for row in rows]


def _end(
    connection: sa.Connection, merchant_id: int, coupon_id: int, state: str, now_us: int, calendar: Calendar
) -> None:
    row = connection.execute(
        sa.select(Coupon.member_id, Coupon.state).where(
            Coupon.id == coupon_id, Coupon.merchant_id == merchant_id
        )
    ).first()
    if row is None:
        raise NotFoundError("coupon", f"no coupon {coupon_id}")
    if not move_coupon(connection, coupon_id, "issued", state):
        raise ConflictError("state", f"coupon {coupon_id} is {row.state}; expected issued")
    book(
        connection,
        Account.COUPONS,
        -1,
        merchant_id=merchant_id,
        member_id=row.member_id,
        kind=state,
        reference=f"coupon:{coupon_id}:{state}",
        at_us=now_us,
        calendar=calendar,
    )
