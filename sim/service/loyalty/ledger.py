"""The ledger: movements are added and never changed; a balance is their sum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

import sqlalchemy as sa
from stampbench.sim.service.clock import Calendar
from stampbench.sim.service.problems import ConflictError
from stampbench.sim.service.store.database import ALL, Cut, insert_new
from stampbench.sim.service.store.round_trip import Asked, round_trip
from stampbench.sim.service.tables.customers import Member
from stampbench.sim.service.tables.loyalty import Entry

_INSERT: Final = sa.insert(Entry.columns())
_members = Member.columns()
_LOCK: Final = (
    sa.select(_members.c.erased_us)
    .where(_members.c.id == sa.bindparam("member_id"))
    .with_for_update(key_share=True)
)


class Account(StrEnum):
    """What a member has."""

    STAMPS = "stamps"
    POINTS = "points"
    POINTS_FROZEN = "points-frozen"
    COUPONS = "coupons"
    COUPONS_FROZEN = "coupons-frozen"


def movement(
    account: Account,
    amount: int,
    *,
    merchant_id: int,
    member_id: int,
    kind: str,
    reference: str,
    at_us: int,
    calendar: Calendar,
    press_id: int | None = None,
) -> dict[str, Any]:
    """Return one movement, to be booked."""
    return {
        "merchant_id": merchant_id,
        "member_id": member_id,
        "account": account.value,
        "kind": kind,
        "amount": amount,
        "reference": reference,
        "press_id": press_id,
        "at_us": at_us,
        "day": calendar.day(at_us),
    }


def book_all(connection: sa.Connection, movements: Sequence[Mapping[str, Any]]) -> None:
    """Add movements that are new for sure: the constraint refuses them otherwise."""
    round_trip(connection, *((_INSERT, values) for values in movements))


def book(
    connection: sa.Connection,
    account: Account,
    amount: int,
    *,
    merchant_id: int,
    member_id: int,
    kind: str,
    reference: str,
    at_us: int,
    calendar: Calendar,
    press_id: int | None = None,
) -> bool:
    """Add a movement; False if the account has one with this reference already."""
    values = movement(
        account,
        amount,
        merchant_id=merchant_id,
        member_id=member_id,
        kind=kind,
        reference=reference,
        at_us=at_us,
        calendar=calendar,
        press_id=press_id,
    )
    return insert_new(connection, Entry, values, ("merchant_id", "account", "reference")) is not None


def balance(connection: sa.Connection, member_id: int, account: Account) -> int:
    """Return the sum of a member's movements."""
    return connection.execute(
        sa.select(sa.func.coalesce(sa.func.sum(Entry.amount), 0)).where(
            Entry.member_id == member_id, Entry.account == account.value
        )
    ).scalar_one()


def balances(connection: sa.Connection, member_id: int) -> dict[str, int]:
    """Return all balances of a member; accounts that never moved are 0."""
    rows = connection.execute(
        sa.select(Entry.account, sa.func.sum(Entry.amount))
        .where(Entry.member_id == member_id)
        .group_by(Entry.account)
    )
    return {account.value: 0 for account in Account} | {name: int(total) for name, total in rows}


def movements(connection: sa.Connection, member_id: int, cut: Cut = ALL) -> list[dict[str, Any]]:
    """Return a member's movements, newest first."""
    statement = sa.select(
        Entry.id,
        Entry.account,
        Entry.kind,
        Entry.amount,
        Entry.reference,
        Entry.press_id,
        Entry.at_us,
        Entry.day,
    ).where(Entry.member_id == member_id)
    rows = connection.execute(cut.of(statement, Entry.id, newest_first=True))
    return [dict(row._mapping) for row in rows]


def lock_member(connection: sa.Connection, member_id: int) -> None:
    """Let a member's movements wait for each other (SQLite's transactions do anyway)."""
    round_trip(connection, ask_lock(member_id))


def lock_present(connection: sa.Connection, member_id: int) -> None:
    """Lock a member, as erasure does: what is written then is seen by an erasure that comes later.

    Raises:
        ConflictError: the member was erased meanwhile.
    """
    refuse_erased(round_trip(connection, ask_lock(member_id))[0])


def refuse_erased(locked: Sequence[Any]) -> None:
    """Check the row of :func:`ask_lock`.

    Raises:
        ConflictError: the member was erased meanwhile.
    """
    if locked[0].erased_us is not None:
        raise ConflictError("erased", "the member was erased while this waited; the same may be asked again")


def ask_lock(member_id: int) -> Asked:
    """Return the statement that locks a member and says whether it was erased."""
    return _LOCK, {"member_id": member_id}
