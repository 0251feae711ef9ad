"""Segments: members who answer a question such as ``stamps = 8 and unseen >= 30``.

Conditions joined by ``and``; each names a figure, compares it and gives a whole number:

=========  =====================================================================
stamps     on the card now
points     mileage now
coupons    that can be used now
presses    accepted, ever
unseen     whole days since the latest accepted press, or since joining
joined     whole days since joining
=========  =====================================================================
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from stampbench.sim.service.clock import DAY_US
from stampbench.sim.service.loyalty.ledger import Account
from stampbench.sim.service.problems import MalformedError
from stampbench.sim.service.tables.customers import Member
from stampbench.sim.service.tables.loyalty import Entry
from stampbench.sim.service.tables.presses import Press

FIGURES: Final = ("stamps", "points", "coupons", "presses", "unseen", "joined")
COMPARISONS: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_CONDITION: Final = re.compile(r"\s*([a-z]+)\s*(!=|<=|>=|=|<|>)\s*([0-9]{1,9})\s*")


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison."""

    figure: str
    comparison: str
    number: int

    def holds(self, value: int) -> bool:
        """Return whether it holds for a value."""
        return bool(COMPARISONS[self.comparison](value, self.number))


def parse(query: str) -> tuple[Condition, ...]:
    """Read a query.

    Raises:
        MalformedError: it is none.
    """
    conditions = []
    for part in re.split(r"\band\b", query):
        match = _CONDITION.fullmatch(part)
        if match is None or match[1] not in FIGURES:
            raise MalformedError(
                "query",
                f"{part.strip()!r}: expected a figure ({', '.join(FIGURES)}), a comparison"
                f" ({' '.join(COMPARISONS)}) and a whole number, joined by 'and'",
            )
        conditions.append(Condition(match[1], match[2], int(match[3])))
    return tuple(conditions)


def members_where(
    connection: sa.Connection, merchant_id: int, conditions: tuple[Condition, ...], now_us: int
) -> list[int]:
    """Return members of a merchant, not erased, for whom all conditions hold, by number."""
    facts = facts_of(merchant_id, {condition.figure for condition in conditions}, now_us).subquery()
    wanted = [
        COMPARISONS[condition.comparison](facts.c[condition.figure], condition.number)
        for condition in conditions
    ]
    statement = sa.select(facts.c.member_id).where(*wanted).order_by("member_id")
    return list(connection.execute(statement).scalars())


def facts_of(merchant_id: int, figures: set[str], now_us: int) -> sa.Select[*tuple[Any, ...]]:
    """Return the statement for the wanted figures of every member: ``member_id`` and a column for each."""
    columns: list[sa.ColumnElement[Any]] = [Member.id.label("member_id")]
    source: sa.FromClause = Member.__table__
    accounts = {"stamps": Account.STAMPS, "points": Account.POINTS, "coupons": Account.COUPONS}
    wanted = {figure: account for figure, account in accounts.items() if figure in figures}
    if wanted:
        entries = (
            sa.select(
                Entry.member_id,
                *(
                    sa.func.sum(sa.case((Entry.account == account.value, Entry.amount), else_=0)).label(
                        figure
                    )
                    for figure, account in wanted.items()
                ),
            )
            .where(Entry.merchant_id == merchant_id)
            .group_by(Entry.member_id)
            .subquery()
        )
        source = source.outerjoin(entries, entries.c.member_id == Member.id)
        columns += [sa.func.coalesce(entries.c[figure], 0).label(figure) for figure in wanted]
    if figures & {"presses", "unseen"}:
        presses = (
            sa.select(
                Press.member_id, sa.func.count().label("presses"), sa.func.max(Press.at_us).label("last")
            )
            .where(Press.merchant_id == merchant_id, Press.outcome == "accepted")
            .group_by(Press.member_id)
            .subquery()
        )
        source = source.outerjoin(presses, presses.c.member_id == Member.id)
        columns.append(sa.func.coalesce(presses.c.presses, 0).label("presses"))
        seen_us = sa.func.coalesce(presses.c.last, Member.joined_us)
        columns.append(_days(now_us - seen_us).label("unseen"))
    columns.append(_days(now_us - Member.joined_us).label("joined"))
    return (
        sa.select(*columns)
        .select_from(source)
        .where(Member.merchant_id == merchant_id, Member.erased_us.is_(None))
    )


def _days(microseconds: Any) -> sa.ColumnElement[int]:
    return microseconds // sa.literal(DAY_US, sa.BigInteger)
