"""Invoices: recomputed from the events at any time, each chained to the one before it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from stampbench.sim.service.billing.usage import Usage, usage_of
from stampbench.sim.service.clock import Calendar
from stampbench.sim.service.problems import MalformedError, NotFoundError
from stampbench.sim.service.store.database import ALL, Cut, insert
from stampbench.sim.service.tables.billing import Invoice
from stampbench.sim.service.tables.tenants import Vendor

_MOST: Final = 2**63 - 1
FIRST: Final = bytes(32)
"""What the first link of a chain hangs on."""


@dataclass(frozen=True, slots=True)
class Bill:
    """What a month's events come to.

    Attributes:
        digest: of the chain: every link is the hash of the one before it and of one event.
    """

    events: int
    quantity: int
    amount: int
    digest: bytes


def bill(usage: Iterable[Usage], price: int) -> Bill:
    """Add up events in their order."""
    events = quantity = 0
    digest = FIRST
    for one in usage:
        events += 1
        quantity += one.quantity
        line = f"{one.event}|{one.merchant_id}|{one.kind}|{one.quantity}|{one.at_us}"
        digest = hashlib.sha256(digest + line.encode()).digest()
    return Bill(events, quantity, quantity * price, digest)


def close_month(
    connection: sa.Connection, vendor_id: int, month: str, *, now_us: int, calendar: Calendar
) -> int:
    """Write the invoice of a month; a new revision only where events came since the last one.

    Raises:
        NotFoundError: no such vendor.
        MalformedError: it comes to more than can be kept.
    """
    price = connection.execute(
        sa.select(Vendor.price_per_press).where(Vendor.id == vendor_id).with_for_update(key_share=True)
    ).scalar_one_or_none()
    if price is None:
        raise NotFoundError("vendor", f"no vendor {vendor_id}")
    total = bill(usage_of(connection, vendor_id, month, calendar), price)
    if total.amount > _MOST:
        raise MalformedError("amount", f"{month} comes to {total.amount}; expected at most {_MOST}")
    last = connection.execute(
        sa.select(Invoice.id, Invoice.revision, Invoice.digest)
        .where(Invoice.vendor_id == vendor_id, Invoice.month == month)
        .order_by(Invoice.revision.desc())
        .limit(1)
    ).first()
    if last is not None and last.digest == total.digest:
        return last.id
    previous = connection.execute(
        sa.select(Invoice.chained).where(Invoice.vendor_id == vendor_id).order_by(Invoice.id.desc()).limit(1)
    ).scalar_one_or_none()
    revision = 1 if last is None else last.revision + 1
    chained = _chained(previous or FIRST, vendor_id, month, revision, total)
    return insert(
        connection,
        Invoice,
        vendor_id=vendor_id,
        month=month,
        revision=revision,
        events=total.events,
        quantity=total.quantity,
        amount=total.amount,
        digest=total.digest,
        previous=previous or FIRST,
        chained=chained,
        at_us=now_us,
    )


def invoices_of(connection: sa.Connection, vendor_id: int, cut: Cut = ALL) -> list[dict[str, Any]]:
    """Return a vendor's invoices, oldest first; digests in hexadecimal."""
    rows = connection.execute(cut.of(sa.select(Invoice).where(Invoice.vendor_id == vendor_id), Invoice.id))
    return [
        {name: value.hex() if isinstance(value, bytes) else value for name, value in row._mapping.items()}
        for row in rows
    ]


def verify(connection: sa.Connection, vendor_id: int, calendar: Calendar) -> list[str]:
    """Recompute every invoice and the chain between them; what does not agree, in sentences."""
    price = connection.execute(
        sa.select(Vendor.price_per_press).where(Vendor.id == vendor_id)
    ).scalar_one_or_none()
    if price is None:
        raise NotFoundError("vendor", f"no vendor {vendor_id}")
    findings = []
    latest: dict[str, Any] = {}
    previous = FIRST
    for row in connection.execute(
        sa.select(Invoice).where(Invoice.vendor_id == vendor_id).order_by(Invoice.id)
    ):
        total = Bill(row.events, row.quantity, row.amount, row.digest)
        if row.previous != previous or row.chained != _chained(
            previous, vendor_id, row.month, row.revision, total
        ):
            findings.append(f"invoice {row.month} revision {row.revision} breaks the chain")
        previous = row.chained
        latest[row.month] = row
    for month, row in sorted(latest.items()):
        total = bill(usage_of(connection, vendor_id, month, calendar), price)
        if total != Bill(row.events, row.quantity, row.amount, row.digest):
            findings.append(
                f"invoice {month} revision {row.revision} says {row.events} events and {row.amount};"
                f" the events themselves say {total.events} and {total.amount}, or are others"
            )
    return findings


def _chained(previous: bytes, vendor_id: int, month: str, revision: int, total: Bill) -> bytes:
    line = f"{vendor_id}|{month}|{revision}|{total.events}|{total.quantity}|{total.amount}|"
    return hashlib.sha256(previous + line.encode() + total.digest).digest()
