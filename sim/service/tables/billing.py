"""Usage events and invoices."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column
from stampbench.sim.service.tables.base import Digest, Moment, Table, Word, reference


class UsageEvent(Table):
    """Something that costs; heard once under its name, however often it is told.

    Attributes:
        event: its name.
        at_us: when it happened: this, not ``heard_us``, says the month.
        month: in the shops' time zone.
    """

    __tablename__ = "usage_events"
    __table_args__ = (
        sa.UniqueConstraint("vendor_id", "event"),
        sa.Index("ix_usage_events_month", "month", "vendor_id", "at_us", "event"),
    )
    append_only = True

    vendor_id: Mapped[int] = reference("vendors.id")
    merchant_id: Mapped[int] = reference("merchants.id")
    event: Mapped[str] = mapped_column(sa.String(80))
    kind: Mapped[Word]
    quantity: Mapped[int]
    at_us: Mapped[Moment]
    month: Mapped[str] = mapped_column(sa.String(7))
    heard_us: Mapped[Moment]


class Invoice(Table):
    """A month as it was billed; events that came later make the next revision.

    Attributes:
        digest: of the chain over all its events.
        previous: digest of the vendor's invoice before it; zeros for the first.
        chained: of this invoice itself, over all of the above.
    """

    __tablename__ = "invoices"
    __table_args__ = (sa.UniqueConstraint("vendor_id", "month", "revision"),)
    append_only = True

    vendor_id: Mapped[int] = reference("vendors.id")
    month: Mapped[str] = mapped_column(sa.String(7))
    revision: Mapped[int]
    events: Mapped[int] = mapped_column(sa.BigInteger())
    quantity: Mapped[int] = mapped_column(sa.BigInteger())
    amount: Mapped[int] = mapped_column(sa.BigInteger())
    digest: Mapped[Digest]
    previous: Mapped[Digest]
    chained: Mapped[Digest]
    at_us: Mapped[Moment]
