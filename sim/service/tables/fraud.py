"""Alarms, the presses behind them, and what people said to them."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column
from stampbench.sim.service.tables.base import Moment, Table, Word, optional_reference, reference


class Alarm(Table):
    """One suspicion.

    Attributes:
        kind: which check raised it.
        explanation: one sentence with the figures.
        state: open, appealed, upheld or dismissed.
        suspended: whether the stamp was suspended for it.
    """

    __tablename__ = "alarms"
    __table_args__ = (
        sa.Index("ix_alarms_merchant", "merchant_id", "at_us"),
        sa.Index("ix_alarms_stamp", "stamp_id", "kind", "at_us"),
    )

    merchant_id: Mapped[int] = reference("merchants.id")
    store_id: Mapped[int | None] = optional_reference("stores.id")
    stamp_id: Mapped[int | None] = optional_reference("stamps.id")
    kind: Mapped[Word]
    explanation: Mapped[str] = mapped_column(sa.Text())
    state: Mapped[Word]
    suspended: Mapped[bool]
    at_us: Mapped[Moment]


class AlarmPress(Table):
    """A press behind an alarm."""

    __tablename__ = "alarm_presses"
    __table_args__ = (sa.UniqueConstraint("alarm_id", "press_id"), sa.Index(None, "press_id"))
    append_only = True

    alarm_id: Mapped[int] = reference("alarms.id")
    press_id: Mapped[int] = reference("presses.id")


class AlarmEvent(Table):
    """What was said to an alarm: the appeal, and the decision about it."""

    __tablename__ = "alarm_events"
    __table_args__ = (sa.Index(None, "alarm_id"),)
    append_only = True

    alarm_id: Mapped[int] = reference("alarms.id")
    at_us: Mapped[Moment]
    state: Mapped[Word]
    key_id: Mapped[int] = reference("keys.id")
    reason: Mapped[str] = mapped_column(sa.String(1000))
