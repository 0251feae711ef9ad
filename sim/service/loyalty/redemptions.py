"""Redemption in two phases: freeze, then execute or release; an executed one can be reversed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from stampbench.sim.service.clock import MINUTE_US, Calendar
from stampbench.sim.service.loyalty.coupons import move_coupon
from stampbench.sim.service.loyalty.ledger import Account, balance, book, lock_member
from stampbench.sim.service.presses.evidence import Purpose
from stampbench.sim.service.presses.tokens import use_token
from stampbench.sim.service.problems import ConflictError, MalformedError, NotFoundError
from stampbench.sim.service.service import Service
from stampbench.sim.service.store.database import insert
from stampbench.sim.service.tables.loyalty import Coupon, Redemption, RedemptionEvent

if TYPE_CHECKING:
    from stampbench.sim.service.store.database import AnyRow

_STEPS: Final[Mapping[str, tuple[str, str, str, str]]] = {
    # step: (from, to, coupon from, coupon to)
    "execute": ("frozen", "executed", "frozen", "redeemed"),
    "release": ("frozen", "released", "frozen", "issued"),
    "reverse": ("executed", "reversed", "redeemed", "issued"),
}


@dataclass(frozen=True, slots=True)
class What:
    """What is redeemed: one coupon, or points."""

    coupon_id: int | None
    points: int


def freeze(
    service: Service,
    connection: sa.Connection,
    merchant_id: int,
    *,
    member: str,
    token: str,
    what: What,
    minutes: int,
    key_id: int,
) -> int:
    """Set a coupon or points aside for some minutes; the token of a redeeming press is spent.

    Raises:
        MalformedError: neither or both, or a time out of range, or a press that was not for this.
        NotFoundError: no such coupon of this member, or a token that is not good.
        ConflictError: the coupon is not there to be used, the points are too few, or the token was used.
    """
    shortest, longest = service.rules.freeze_minutes
    if not shortest <= minutes <= longest:
        raise MalformedError("minutes", f"{minutes} minutes; expected {shortest} to {longest}")
    if (what.coupon_id is None) == (what.points == 0):
        raise MalformedError("what", "expected either a coupon or points")
    now_us = service.clock.now_us()
    press = use_token(connection, service.pseudonyms, merchant_id, token, member, now_us)
    if press.purpose != Purpose.REDEEM or press.member_id is None:
        raise MalformedError("purpose", f"the press was made to {press.purpose}; expected redeem")
    lock_member(connection, press.member_id)
    if what.coupon_id is not None:
        _take_coupon(connection, press.member_id, what.coupon_id, now_us)
    elif balance(connection, press.member_id, Account.POINTS) < what.points:
        raise ConflictError("points", f"fewer than {what.points} points")
    redemption_id = insert(
        connection,
        Redemption,
        merchant_id=merchant_id,
        member_id=press.member_id,
        coupon_id=what.coupon_id,
        points=what.points,
        press_id=press.press_id,
        state="frozen",
        frozen_us=now_us,
        until_us=now_us + minutes * MINUTE_US,
    )
    row = _row(connection, merchant_id, redemption_id)
    _note(connection, redemption_id, "frozen", key_id, "", now_us)
    _book(connection, row, "frozen", -1, 1, now_us, service.calendar)
    return redemption_id


def step(
    service: Service,
    connection: sa.Connection,
    merchant_id: int,
    redemption_id: int,
    name: str,
    *,
    key_id: int | None,
    reason: str = "",
) -> str:
    """Execute, release or reverse; the state after it.

    Raises:
        NotFoundError: no such redemption.
        ConflictError: it stands in another state, or its time to be executed is over.
    """
    source, target, coupon_source, coupon_target = _STEPS[name]
    now_us = service.clock.now_us()
    row = _row(connection, merchant_id, redemption_id)
    lock_member(connection, row.member_id)
    condition = [Redemption.id == redemption_id, Redemption.state == source]
    if name == "execute":
        condition.append(Redemption.until_us > now_us)
    moved = connection.execute(sa.update(Redemption).where(*condition).values(state=target))
    if moved.rowcount == 0:
        raise ConflictError(
            "state",
            f"redemption {redemption_id} is {_row(connection, merchant_id, redemption_id).state}"
            f" and cannot be {target} now",
        )
    if row.coupon_id is not None and not move_coupon(connection, row.coupon_id, coupon_source, coupon_target):
        raise ConflictError("state", f"coupon {row.coupon_id} is not {coupon_source}")
    available, frozen = {"execute": (0, -1), "release": (1, -1), "reverse": (1, 0)}[name]
    _note(connection, redemption_id, target, key_id, reason, now_us)
    _book(connection, row, target, available, frozen, now_us, service.calendar)
    return target


def release_overdue(service: Service) -> int:
    """Release what stayed frozen beyond its time, and say how many."""
    with service.database.read() as connection:
        overdue = connection.execute(
            sa.select(Redemption.id, Redemption.merchant_id).where(
                Redemption.state == "frozen", Redemption.until_us <= service.clock.now_us()
            )
        ).all()
    released = 0
    for row in overdue:
        with service.database.write() as connection:
            try:
                step(service, connection, row.merchant_id, row.id, "release", key_id=None, reason="overdue")
            except ConflictError:
                continue  # somebody was quicker
            released += 1
    return released


def redemption_of(connection: sa.Connection, merchant_id: int, redemption_id: int) -> dict[str, Any]:
    """Return one redemption with its steps.

    Raises:
        NotFoundError: no such redemption.
    """
    row = _row(connection, merchant_id, redemption_id)
    events = connection.execute(
        sa.select(RedemptionEvent.state, RedemptionEvent.reason, RedemptionEvent.at_us)
        .where(RedemptionEvent.redemption_id == redemption_id)
        .order_by(RedemptionEvent.id)
    )
    return {**row._mapping, "events": [dict(event._mapping) for event in events]}


def _take_coupon(connection: sa.Connection, member_id: int, coupon_id: int, now_us: int) -> None:
    row = connection.execute(
        sa.select(Coupon.state, Coupon.expires_us).where(
            Coupon.id == coupon_id, Coupon.member_id == member_id
        )
    ).first()
    if row is None:
        raise NotFoundError("coupon", f"no coupon {coupon_id}")
    if row.expires_us <= now_us:
        raise ConflictError("expired", f"coupon {coupon_id} has expired")
    if not move_coupon(connection, coupon_id, "issued", "frozen"):
        raise ConflictError("state", f"coupon {coupon_id} is {row.state}; expected issued")


def _row(connection: sa.Connection, merchant_id: int, redemption_id: int) -> AnyRow:
    row = connection.execute(
        sa.select(
            Redemption.id,
            Redemption.merchant_id,
            Redemption.member_id,
            Redemption.coupon_id,
            Redemption.points,
            Redemption.press_id,
            Redemption.state,
            Redemption.frozen_us,
            Redemption.until_us,
        ).where(Redemption.id == redemption_id, Redemption.merchant_id == merchant_id)
    ).first()
    if row is None:
        raise NotFoundError("redemption", f"no redemption {redemption_id}")
    return row


def _note(
    connection: sa.Connection, redemption_id: int, state: str, key_id: int | None, reason: str, now_us: int
) -> None:
    insert(
        connection,
        RedemptionEvent,
        redemption_id=redemption_id,
        state=state,
        key_id=key_id,
        reason=reason,
        at_us=now_us,
    )


def _book(
    connection: sa.Connection,
    row: AnyRow,
    kind: str,
    available: int,
    frozen: int,
    now_us: int,
    calendar: Calendar,
) -> None:
    """Book one step; ``available`` and ``frozen`` are -1, 0 or 1."""
    amount = row.points if row.coupon_id is None else 1
    accounts = (
        (Account.POINTS, Account.POINTS_FROZEN)
        if row.coupon_id is None
        else (Account.COUPONS, Account.COUPONS_FROZEN)
    )
    for account, sign in zip(accounts, (available, frozen), strict=True):
        if sign:
            book(
                connection,
                account,
                sign * amount,
                merchant_id=row.merchant_id,
                member_id=row.member_id,
                kind=kind,
                reference=f"redemption:{row.id}:{kind}",
                at_us=now_us,
                calendar=calendar,
                press_id=row.press_id,
            )
