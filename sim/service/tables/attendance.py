"""Staff, shifts and punches."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column
from stampbench.sim.service.tables.base import Day, Moment, Name, Table, Word, optional_reference, reference


class Staff(Table):
    """Somebody who works at a store; ``member_id`` is what the person presses stamps as."""

    __tablename__ = "staff"
    __table_args__ = (sa.UniqueConstraint("merchant_id", "number"), sa.UniqueConstraint("member_id"))

    merchant_id: Mapped[int] = reference("merchants.id")
    store_id: Mapped[int] = reference("stores.id")
    member_id: Mapped[int] = reference("members.id")
    number: Mapped[Word]
    hourly_wage: Mapped[int]


class Shift(Table):
    """When somebody is to work; ``grace_minutes`` late is not late.

    Attributes:
        rule: pairs or first-last.
        removed_us, removed_reason, removed_key_id: when, why and by whom it was taken back.
    """

    __tablename__ = "shifts"
    __table_args__ = (sa.Index(None, "staff_id", "starts_us"),)

    staff_id: Mapped[int] = reference("staff.id")
    starts_us: Mapped[Moment]
    ends_us: Mapped[Moment]
    grace_minutes: Mapped[int]
    rule: Mapped[Word]
    removed_us: Mapped[int | None] = mapped_column(sa.BigInteger())
    removed_reason: Mapped[str | None] = mapped_column(sa.String(200))
    removed_key_id: Mapped[int | None] = optional_reference("keys.id")


class Punch(Table):
    """One check-in or check-out; a correction voids an earlier punch, adds one, or both.

    Attributes:
        direction: in or out.
        press_id: that made it; None for a correction.
        voids_id: punch that no longer counts.
        adds: whether this one counts itself.
        reason, asked_key_id, key_id: why, who asked, who agreed; corrections only.
    """

    __tablename__ = "punches"
    __table_args__ = (
        sa.UniqueConstraint("press_id"),
        sa.UniqueConstraint("voids_id"),
        sa.Index(None, "staff_id", "at_us"),
    )
    append_only = True
    changeable = frozenset({"reason", "asked_by"})
    """Names of people, which erasure takes out."""

    staff_id: Mapped[int] = reference("staff.id")
    direction: Mapped[Word]
    at_us: Mapped[Moment]
    day: Mapped[Day]
    press_id: Mapped[int | None] = optional_reference("presses.id")
    voids_id: Mapped[int | None] = optional_reference("punches.id")
    adds: Mapped[bool]
    reason: Mapped[Name]
    asked_by: Mapped[Name]
    key_id: Mapped[int | None] = optional_reference("keys.id")
    recorded_us: Mapped[Moment]
