"""Members, what they agreed to, and messages to them."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column
from stampbench.sim.service.tables.base import Day, Digest, Moment, Name, Table, Word, reference


class Member(Table):
    """A member under a pseudonym; ``pseudonym`` is None once erased."""

    __tablename__ = "members"
    __table_args__ = (sa.UniqueConstraint("merchant_id", "pseudonym"),)

    merchant_id: Mapped[int] = reference("merchants.id")
    pseudonym: Mapped[Digest | None]
    joined_us: Mapped[Moment]
    joined_day: Mapped[Day]
    erased_us: Mapped[int | None] = mapped_column(sa.BigInteger())


class Contact(Table):
    """How a member can be reached: the only personal data, and the first to go."""

    __tablename__ = "contacts"
    __table_args__ = (sa.UniqueConstraint("member_id"),)

    member_id: Mapped[int] = reference("members.id")
    address: Mapped[str] = mapped_column(sa.String(320))
    language: Mapped[str] = mapped_column(sa.String(8))


class Consent(Table):
    """What a member agreed to or took back; the latest of a purpose holds."""

    __tablename__ = "consents"
    __table_args__ = (sa.Index(None, "member_id", "purpose"),)
    append_only = True

    member_id: Mapped[int] = reference("members.id")
    purpose: Mapped[Word]
    """messages or sharing."""
    given: Mapped[bool]
    at_us: Mapped[Moment]


class Segment(Table):
    """A question about members that was given a name."""

    __tablename__ = "segments"
    __table_args__ = (sa.UniqueConstraint("merchant_id", "name"),)

    merchant_id: Mapped[int] = reference("merchants.id")
    name: Mapped[Name]
    query: Mapped[str] = mapped_column(sa.String(400))


class Campaign(Table):
    """A message to the members of a segment as it was at one moment."""

    __tablename__ = "campaigns"
    __table_args__ = (sa.Index(None, "merchant_id"),)

    merchant_id: Mapped[int] = reference("merchants.id")
    segment_id: Mapped[int] = reference("segments.id")
    text: Mapped[str] = mapped_column(sa.String(1000))
    at_us: Mapped[Moment]
    segment_size: Mapped[int]
    without_consent: Mapped[int]


class Message(Table):
    """One message in the outbox; ``state`` is waiting, sent or dropped."""

    __tablename__ = "messages"
    __table_args__ = (
        sa.UniqueConstraint("campaign_id", "member_id"),
        sa.Index("ix_messages_state", "state", "id"),
    )

    campaign_id: Mapped[int] = reference("campaigns.id")
    member_id: Mapped[int] = reference("members.id")
    state: Mapped[Word]
    sent_us: Mapped[int | None] = mapped_column(sa.BigInteger())
