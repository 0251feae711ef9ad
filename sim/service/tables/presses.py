"""Presses, and what they must not use twice."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column
from stampbench.sim.service.tables.base import Day, Digest, Moment, Table, Word, optional_reference, reference


class Press(Table):
    """One press as it was decided; only its token, a person's review and erasure change it.

    Attributes:
        key_digest: of the idempotency key; the same again gets the same answer.
        request_digest: of the request; another request under the same key is refused.
        shape_digest: of the contacts, see ``repeat_digest``; the same again is a replay. None without any.
        address: pseudonym of the network address that sent it; None where that says nothing.
        kind: pattern, reading, otp or store-number.
        purpose: stamp, redeem, check-in or check-out.
        outcome: accepted, refused or review.
        at_us: when the service heard of it; ``pressed_us`` is what the device says.
        factor: credential that was verified; empty: none.
        value: how many stamps it may be worth.
    """

    __tablename__ = "presses"
    __table_args__ = (
        sa.UniqueConstraint("merchant_id", "key_digest"),
        sa.Index("ix_presses_shape", "merchant_id", "shape_digest"),
        sa.Index("ix_presses_stamp", "stamp_id", "at_us"),
        sa.Index("ix_presses_device", "merchant_id", "device", "at_us"),
        sa.Index("ix_presses_address", "merchant_id", "address", "at_us"),
        sa.Index("ix_presses_member", "member_id", "at_us"),
        sa.Index("ix_presses_day", "merchant_id", "day"),
        sa.Index("ix_presses_reason", "merchant_id", "reason", "at_us"),
        sa.Index("ix_presses_token", "token_digest"),
        sa.Index(
            "ix_presses_told",
            "at_us",
            sqlite_where=sa.text("device IS NOT NULL OR address IS NOT NULL OR lat_deg IS NOT NULL"),
            postgresql_where=sa.text("device IS NOT NULL OR address IS NOT NULL OR lat_deg IS NOT NULL"),
        ),
    )

    append_only = True
    changeable = frozenset(
        {
            "outcome",
            "reason",
            "reviewed_us",
            "token_used_us",
            "device",
            "address",
            "lat_deg",
            "lon_deg",
            "accuracy_m",
        }
    )

    merchant_id: Mapped[int] = reference("merchants.id")
    store_id: Mapped[int | None] = optional_reference("stores.id")
    stamp_id: Mapped[int | None] = optional_reference("stamps.id")
    member_id: Mapped[int | None] = optional_reference("members.id")
    device: Mapped[Digest | None]
    address: Mapped[Digest | None]
    key_digest: Mapped[Digest]
    request_digest: Mapped[Digest]
    shape_digest: Mapped[Digest | None]
    kind: Mapped[Word]
    purpose: Mapped[Word]
    outcome: Mapped[Word]
    reason: Mapped[Word]
    factor: Mapped[Word]
    value: Mapped[int]
    at_us: Mapped[Moment]
    pressed_us: Mapped[Moment]
    day: Mapped[Day]
    hour: Mapped[int]
    lat_deg: Mapped[float | None]
    lon_deg: Mapped[float | None]
    accuracy_m: Mapped[float | None]
    distance_mm: Mapped[float | None]
    token_digest: Mapped[Digest | None]
    token_until_us: Mapped[int | None] = mapped_column(sa.BigInteger())
    token_used_us: Mapped[int | None] = mapped_column(sa.BigInteger())
    reviewed_us: Mapped[int | None] = mapped_column(sa.BigInteger())


class CredentialUse(Table):
    """What was used of a credential: each counter is good once."""

    __tablename__ = "credential_uses"
    __table_args__ = (sa.UniqueConstraint("credential_id", "counter", "holder"),)
    append_only = True

    credential_id: Mapped[int] = reference("stamp_credentials.id")
    counter: Mapped[int] = mapped_column(sa.BigInteger())
    """Of a tag's tap, a beacon's window or a password's step; the number of a challenge."""
    holder: Mapped[int] = mapped_column(sa.BigInteger())
    """The member who used what everybody in the shop hears; 0: good once, whoever comes."""
    at_us: Mapped[Moment]


class StampCredential(Table):
    """A tag, beacon or sounder that belongs to a stamp; a tag's counter is moved by compare-and-set alone."""

    __tablename__ = "stamp_credentials"
    __table_args__ = (sa.UniqueConstraint("kind", "name"), sa.Index(None, "stamp_id"))

    stamp_id: Mapped[int] = reference("stamps.id")
    kind: Mapped[Word]
    name: Mapped[Word]
    """Which one, such as a tag's UID in hexadecimal."""
    counter: Mapped[int] = mapped_column(sa.BigInteger(), default=-1)


class BeaconClock(Table):
    """What is believed of a beacon's clock; whoever reads it to judge by it locks it.

    Attributes:
        window_s: length of a window of the clock.
        known_us: when it stood between ``earliest_s`` and ``latest_s``.
        repeats_to: last window that it may have shown before its battery was changed.
        back_until_us: until when it may turn up in a window of the day before.
    """

    __tablename__ = "beacon_clocks"
    __table_args__ = (sa.UniqueConstraint("credential_id"),)

    credential_id: Mapped[int] = reference("stamp_credentials.id")
    window_s: Mapped[int]
    known_us: Mapped[Moment]
    earliest_s: Mapped[float]
    latest_s: Mapped[float]
    repeats_to: Mapped[int] = mapped_column(sa.BigInteger(), default=-1)
    back_until_us: Mapped[int | None] = mapped_column(sa.BigInteger())
    set_back: Mapped[str] = mapped_column(sa.Text(), default="[]")
    """JSON: clocks that it may have instead, each as ``known_s``, ``earliest_s`` and ``latest_s``."""
    passwords: Mapped[str] = mapped_column(sa.Text(), default="{}")
    """JSON: of a beacon with passwords, what :class:`PasswordBelief` is made of."""


class Review(Table):
    """What a person decided about a press."""

    __tablename__ = "reviews"
    __table_args__ = (sa.UniqueConstraint("press_id"),)
    append_only = True

    press_id: Mapped[int] = reference("presses.id")
    accepted: Mapped[bool]
    reason: Mapped[str] = mapped_column(sa.String(200))
    key_id: Mapped[int] = reference("keys.id")
    at_us: Mapped[Moment]
