"""Programs, the ledger, coupons and redemptions."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column
from stampbench.sim.service.tables.base import Day, Moment, Name, Table, Word, optional_reference, reference


class Program(Table):
    """How a merchant rewards.

    Attributes:
        card_stamps: stamps on a full card, for which a coupon is issued.
        coupon_name, coupon_days: what it is and how long it is good.
        points_per_stamp: mileage with every stamp.
        points_per_share: mileage for sharing data, once.
        delay_minutes: between two stamps of a member.
        stamps_per_day: of a member.
        redeem_factor: whether a coupon is frozen only by a press with a second factor.
    """

    __tablename__ = "programs"
    __table_args__ = (sa.UniqueConstraint("merchant_id"),)

    merchant_id: Mapped[int] = reference("merchants.id")
    card_stamps: Mapped[int]
    coupon_name: Mapped[Name]
    coupon_days: Mapped[int]
    points_per_stamp: Mapped[int]
    points_per_share: Mapped[int]
    delay_minutes: Mapped[int]
    stamps_per_day: Mapped[int]
    redeem_factor: Mapped[bool]


class Entry(Table):
    """One movement; the balance of an account is the sum of its entries, and stands nowhere else.

    Attributes:
        account: stamps, points, points-frozen, coupons or coupons-frozen.
        kind: what moved it.
        reference: what it stands for; there is one entry of an account for it, however often it is asked for.
    """

    __tablename__ = "entries"
    __table_args__ = (
        sa.UniqueConstraint("merchant_id", "account", "reference"),
        sa.Index("ix_entries_balance", "member_id", "account", "amount"),
        sa.Index("ix_entries_day", "merchant_id", "day"),
    )
    append_only = True

    merchant_id: Mapped[int] = reference("merchants.id")
    member_id: Mapped[int] = reference("members.id")
    account: Mapped[Word]
    kind: Mapped[Word]
    amount: Mapped[int]
    reference: Mapped[str] = mapped_column(sa.String(80))
    press_id: Mapped[int | None] = optional_reference("presses.id")
    at_us: Mapped[Moment]
    day: Mapped[Day]


class Coupon(Table):
    """A coupon; ``state`` is issued, frozen, redeemed, void or expired, moved by compare-and-set alone."""

    __tablename__ = "coupons"
    __table_args__ = (sa.Index("ix_coupons_member", "member_id", "state"),)

    merchant_id: Mapped[int] = reference("merchants.id")
    member_id: Mapped[int] = reference("members.id")
    name: Mapped[Name]
    state: Mapped[Word]
    issued_us: Mapped[Moment]
    expires_us: Mapped[Moment]


class Redemption(Table):
    """Two phases: frozen, then executed or released; an executed one can be reversed.

    Attributes:
        coupon_id: what is redeemed; None: ``points``.
        press_id: the press that showed that the member is at the shop; one press, one redemption.
    """

    __tablename__ = "redemptions"
    __table_args__ = (
        sa.UniqueConstraint("press_id"),
        sa.Index(None, "member_id"),
        sa.Index(None, "coupon_id"),
    )

    merchant_id: Mapped[int] = reference("merchants.id")
    member_id: Mapped[int] = reference("members.id")
    coupon_id: Mapped[int | None] = optional_reference("coupons.id")
    points: Mapped[int]
    press_id: Mapped[int] = reference("presses.id")
    state: Mapped[Word]
    frozen_us: Mapped[Moment]
    until_us: Mapped[Moment]


class RedemptionEvent(Table):
    """Every step of a redemption."""

    __tablename__ = "redemption_events"
    __table_args__ = (sa.Index(None, "redemption_id"),)
    append_only = True

    redemption_id: Mapped[int] = reference("redemptions.id")
    state: Mapped[Word]
    key_id: Mapped[int | None] = optional_reference("keys.id")
    reason: Mapped[Name]
    at_us: Mapped[Moment]
