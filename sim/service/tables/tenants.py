"""Vendors, brands, merchants, stores, stamps, keys: whose is what."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column
from stampbench.sim.service.tables.base import (
    Digest,
    Moment,
    Name,
    Table,
    Word,
    optional_reference,
    reference,
)


class SecretCheck(Table):
    """By which a service sees that its secret is the one of this database; one row."""

    __tablename__ = "secret_checks"

    digest: Mapped[Digest] = mapped_column(unique=True)


class Vendor(Table):
    """Sells stamps and service to merchants; is billed."""

    __tablename__ = "vendors"

    name: Mapped[Name] = mapped_column(unique=True)
    price_per_press: Mapped[int] = mapped_column(default=0)
    """In the smallest unit of the currency."""


class Brand(Table):
    """A vendor's brand."""

    __tablename__ = "brands"
    __table_args__ = (sa.UniqueConstraint("vendor_id", "name"),)

    vendor_id: Mapped[int] = reference("vendors.id")
    name: Mapped[Name]


class Merchant(Table):
    """A tenant: everything below belongs to exactly one merchant.

    Attributes:
        catalogue_version: counts up with every change of its stamps.
        require_place: presses without a place are looked at by a person.
        require_liveness: presses with one set of contacts are looked at by a person.
        suspend_automatically: a confirmed alarm suspends the stamp.
        redeem_by_tap: the URL of a tag's tap redeems, though nobody knows when it was tapped.
        pay_rules: by which wages are computed, see ``attendance/pay.py``.
    """

    __tablename__ = "merchants"
    __table_args__ = (sa.UniqueConstraint("vendor_id", "name"),)

    vendor_id: Mapped[int] = reference("vendors.id")
    brand_id: Mapped[int] = reference("brands.id")
    name: Mapped[Name]
    catalogue_version: Mapped[int] = mapped_column(default=0)
    require_place: Mapped[bool] = mapped_column(default=False)
    require_liveness: Mapped[bool] = mapped_column(default=False)
    suspend_automatically: Mapped[bool] = mapped_column(default=True)
    redeem_by_tap: Mapped[bool] = mapped_column(default=False)
    pay_rules: Mapped[Word] = mapped_column(default="daily")


class Store(Table):
    """A merchant's store.

    Attributes:
        number: printed in the store; the last fallback.
        lat_deg, lon_deg, radius_m: where it is.
        opening: JSON, seven lists of ``[opens, closes]`` in minutes after midnight, Monday first; beyond 1440
            is after midnight.
        otp_secret: of the one-time codes its staff can show.
    """

    __tablename__ = "stores"
    __table_args__ = (sa.UniqueConstraint("merchant_id", "number"),)

    merchant_id: Mapped[int] = reference("merchants.id")
    name: Mapped[Name]
    number: Mapped[Word]
    lat_deg: Mapped[float]
    lon_deg: Mapped[float]
    radius_m: Mapped[float]
    opening: Mapped[str] = mapped_column(sa.Text())
    otp_secret: Mapped[bytes] = mapped_column(sa.LargeBinary(20))
    otp_step: Mapped[int] = mapped_column(sa.BigInteger(), default=-1)
    """Last step whose code was used; codes of it and before are refused."""


class Stamp(Table):
    """A stamp enrolled to a store.

    Attributes:
        pads: JSON, pad centres in mm.
        state: active, disabled, suspended or revoked.
        factor: credential that presses of value need besides the pattern; empty: none.
    """

    __tablename__ = "stamps"
    __table_args__ = (sa.UniqueConstraint("merchant_id", "serial"), sa.Index(None, "store_id"))

    merchant_id: Mapped[int] = reference("merchants.id")
    store_id: Mapped[int] = reference("stores.id")
    serial: Mapped[Word]
    name: Mapped[Name]
    pads: Mapped[str] = mapped_column(sa.Text())
    state: Mapped[Word]
    factor: Mapped[Word] = mapped_column(default="")
    enrolled_us: Mapped[Moment]


class StampEvent(Table):
    """What was done with a stamp, by whom and why."""

    __tablename__ = "stamp_events"
    __table_args__ = (sa.Index(None, "stamp_id"),)
    append_only = True

    stamp_id: Mapped[int] = reference("stamps.id")
    at_us: Mapped[Moment]
    state: Mapped[Word]
    key_id: Mapped[int | None] = optional_reference("keys.id")
    reason: Mapped[Name]


class EndedSession(Table):
    """A session of the owner's page that its owner left before its time."""

    __tablename__ = "ended_sessions"

    digest: Mapped[Digest] = mapped_column(unique=True)
    until_us: Mapped[Moment]


class Key(Table):
    """A key with which requests are made; only its digest is kept.

    Attributes:
        role: operator, vendor, merchant (a merchant's server) or app (in the hands of everybody).
    """

    __tablename__ = "keys"

    digest: Mapped[Digest] = mapped_column(unique=True)
    role: Mapped[Word]
    vendor_id: Mapped[int | None] = optional_reference("vendors.id")
    merchant_id: Mapped[int | None] = optional_reference("merchants.id")
    made_us: Mapped[Moment]
    withdrawn_us: Mapped[int | None] = mapped_column(sa.BigInteger())
