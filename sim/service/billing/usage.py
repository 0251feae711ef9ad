"""Usage events: each accepted press is one; others are told, late, twice, in any order, and count once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from stampbench.sim.service.clock import Calendar
from stampbench.sim.service.problems import ConflictError, NotFoundError
from stampbench.sim.service.tables.billing import UsageEvent
from stampbench.sim.service.tables.presses import Press
from stampbench.sim.service.tables.tenants import Merchant

PRESS = "press"
_ROWS_AT_ONCE = 500
"""SQLite takes 32,766 variables in a statement."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Something that costs.

    Attributes:
        event: its name, unique within the vendor.
        at_us: when it happened.
    """

    event: str
    merchant_id: int
    kind: str
    quantity: int
    at_us: int


@dataclass(frozen=True, slots=True)
class UsageCount:
    """What became of events that were told: new, or known already."""

    new: int
    known: int


def record_usage(
    connection: sa.Connection, vendor_id: int, events: Sequence[Usage], *, now_us: int, calendar: Calendar
) -> UsageCount:
    """Write down events, each once.

    Raises:
        NotFoundError: an event of a merchant that is not the vendor's.
        ConflictError: a known name with other contents; nothing of the batch is written.
    """
    mine = set(connection.execute(sa.select(Merchant.id).where(Merchant.vendor_id == vendor_id)).scalars())
    for event in events:
        if event.merchant_id not in mine:
            raise NotFoundError("merchant", f"no merchant {event.merchant_id}")
    statement = _insert(connection.dialect.name)
    new = 0
    # In one order, so that batches told at the same time wait for each other and do not lock each other out.
    ordered = sorted(events, key=lambda event: event.event)
    for begin in range(0, len(ordered), _ROWS_AT_ONCE):
        part = ordered[begin : begin + _ROWS_AT_ONCE]
        rows = [
            {
                "vendor_id": vendor_id,
                "merchant_id": event.merchant_id,
                "event": event.event,
                "kind": event.kind,
                "quantity": event.quantity,
                "at_us": event.at_us,
                "month": calendar.month_of(event.at_us),
                "heard_us": now_us,
            }
            for event in part
        ]
        # Counted by the rows that come back: psycopg knows no number of rows for many at once.
        new += len(connection.execute(statement, rows).all())
        _refuse_other_contents(connection, vendor_id, part)
    return UsageCount(new, len(events) - new)


@cache
def _insert(dialect: str) -> sa.Executable:
    columns = UsageEvent.columns()
    made = (postgresql if dialect == "postgresql" else sqlite).insert(columns)
    return made.on_conflict_do_nothing(index_elements=["vendor_id", "event"]).returning(columns.c.id)


def usage_of(connection: sa.Connection, vendor_id: int, month: str, calendar: Calendar) -> Iterator[Usage]:
    """Yield all usage of a month, in the order of time and name: whatever order it was told in."""
    from_us, to_us = calendar.month_us(month)
    merchants = sa.select(Merchant.id).where(Merchant.vendor_id == vendor_id)
    reported = sa.select(
        UsageEvent.event, UsageEvent.merchant_id, UsageEvent.kind, UsageEvent.quantity, UsageEvent.at_us
    ).where(UsageEvent.vendor_id == vendor_id, UsageEvent.month == month)
    presses = sa.select(Press.id, Press.merchant_id, Press.at_us).where(
        Press.merchant_id.in_(merchants),
        Press.day.between(calendar.day(from_us), calendar.day(to_us - 1)),
        Press.outcome == "accepted",
    )
    everything = [
        Usage(f"told:{row.event}", row.merchant_id, row.kind, row.quantity, row.at_us)
        for row in connection.execute(reported)
    ]
    everything += [
        Usage(f"press:{press_id}", merchant_id, PRESS, 1, at_us)
        for press_id, merchant_id, at_us in connection.execute(presses)
    ]
    everything.sort(key=lambda usage: (usage.at_us, usage.event))
    yield from everything


def _refuse_other_contents(connection: sa.Connection, vendor_id: int, events: Iterable[Usage]) -> None:
    wanted = list(events)
    stored: dict[str, Any] = {
        row.event: row
        for row in connection.execute(
            sa.select(
                UsageEvent.event,
                UsageEvent.merchant_id,
                UsageEvent.kind,
                UsageEvent.quantity,
                UsageEvent.at_us,
            ).where(UsageEvent.vendor_id == vendor_id, UsageEvent.event.in_({e.event for e in wanted}))
        )
    }
    for event in wanted:
        row = stored[event.event]
        if (row.merchant_id, row.kind, row.quantity, row.at_us) != (
            event.merchant_id,
            event.kind,
            event.quantity,
            event.at_us,
        ):
            raise ConflictError(
                "event", f"event {event.event!r} was told before with other contents; expected the same"
            )
