"""Programs and their stamp cards: a stamp for an accepted press, a coupon for a full card."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import sqlalchemy as sa
from stampbench.sim.service.clock import MINUTE_US, Calendar
from stampbench.sim.service.loyalty.coupons import issue_coupon
from stampbench.sim.service.loyalty.ledger import Account, ask_lock, book_all, movement
from stampbench.sim.service.problems import NotFoundError
from stampbench.sim.service.store.database import insert_new
from stampbench.sim.service.store.round_trip import Asked
from stampbench.sim.service.tables.loyalty import Entry, Program

_entries = Entry.columns().c
_earned = sa.and_(_entries.kind == "press", _entries.amount > 0)
_CARD: Final = sa.select(
    sa.func.coalesce(sa.func.sum(_entries.amount), 0).label("balance"),
    sa.func.max(sa.case((sa.and_(_earned, _entries.at_us <= sa.bindparam("at_us")), _entries.at_us))).label(
        "last_us"
    ),
    sa.func.coalesce(
        sa.func.sum(
            sa.case((sa.and_(_earned, _entries.day == sa.bindparam("day")), _entries.amount), else_=0)
        ),
        0,
    ).label("today"),
).where(_entries.member_id == sa.bindparam("member_id"), _entries.account == Account.STAMPS.value)
"""A member's card: its sum, when it was stamped last, and how often today."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CardRules:
    """What a card needs of its merchant's program; see ``Program``."""

    card_stamps: int
    coupon_name: str
    coupon_days: int
    points_per_stamp: int
    delay_minutes: int
    stamps_per_day: int


def ask_card(member_id: int, at_us: int, calendar: Calendar) -> tuple[Asked, Asked]:
    """Return statements that lock a member's card and then tell what is on it, for :func:`stamp_card`."""
    values = {"member_id": member_id, "at_us": at_us, "day": calendar.day(at_us)}
    return ask_lock(member_id), (_CARD, values)


def stamp_card(
    connection: sa.Connection,
    rules: CardRules,
    card: Any,
    *,
    merchant_id: int,
    member_id: int,
    press_id: int,
    stamps: int,
    at_us: int,
    calendar: Calendar,
) -> int:
    """Stamp a member's card for a press and turn a full card into a coupon.

    ``card`` is the row of :func:`ask_card`, of this transaction.

    Returns:
        Stamps given: none within the delay or beyond the day's cap.
    """
    if card.last_us is not None and at_us - card.last_us < rules.delay_minutes * MINUTE_US:
        return 0
    stamps = min(stamps, rules.stamps_per_day - card.today)
    if stamps <= 0:
        return 0
    move = partial(
        movement,
        merchant_id=merchant_id,
        member_id=member_id,
        at_us=at_us,
        calendar=calendar,
        press_id=press_id,
    )
    reference = f"press:{press_id}"
    moves = [move(Account.STAMPS, stamps, kind="press", reference=reference)]
    if rules.points_per_stamp:
        points = stamps * rules.points_per_stamp
        moves.append(move(Account.POINTS, points, kind="press", reference=reference))
    full = card.balance + stamps >= rules.card_stamps
    if full:
        moves.append(move(Account.STAMPS, -rules.card_stamps, kind="card-full", reference=f"card:{press_id}"))
    book_all(connection, moves)
    if full:
        issue_coupon(
            connection,
            merchant_id=merchant_id,
            member_id=member_id,
            name=rules.coupon_name,
            expires_us=calendar.end_of_day(at_us, rules.coupon_days),
            at_us=at_us,
            calendar=calendar,
            press_id=press_id,
        )
    return stamps


def set_program(connection: sa.Connection, merchant_id: int, values: dict[str, Any]) -> None:
    """Begin a program, or change it for all that comes."""
    if insert_new(connection, Program, {"merchant_id": merchant_id, **values}, ("merchant_id",)) is None:
        connection.execute(sa.update(Program).where(Program.merchant_id == merchant_id).values(**values))


def program_of(connection: sa.Connection, merchant_id: int) -> dict[str, Any]:
    """Return a merchant's program.

    Raises:
        NotFoundError: it has none.
    """
    row = connection.execute(sa.select(Program).where(Program.merchant_id == merchant_id)).first()
    if row is None:
        raise NotFoundError("program", "this merchant has no program")
    return {name: value for name, value in row._mapping.items() if name not in ("id", "merchant_id")}
