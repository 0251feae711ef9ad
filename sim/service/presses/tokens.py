"""One-time tokens: the app carries them, the merchant's server verifies them here, once."""

from __future__ import annotations

import base64
import hmac
from dataclasses import dataclass

import sqlalchemy as sa
from stampbench.sim.service.identity import Pseudonyms, find_member
from stampbench.sim.service.problems import ConflictError, NotFoundError
from stampbench.sim.service.tables.presses import Press


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """The press that a token stands for."""

    press_id: int
    member_id: int | None
    store_id: int | None
    stamp_id: int | None
    purpose: str
    factor: str


def token_of(secret: bytes, merchant_id: int, key_digest: bytes) -> str:
    """Return the token of a press: computed, so that a repeat gets it again; its digest alone is kept."""
    text = hmac.digest(secret, f"token:{merchant_id}:".encode() + key_digest, "sha256")
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def use_token(
    connection: sa.Connection,
    pseudonyms: Pseudonyms,
    merchant_id: int,
    token: str,
    member: str | None,
    now_us: int,
) -> Verified:
    """Verify a token and spend it, by one compare-and-set.

    A token of another merchant, of another member, too old or never given out is equally unknown; a member
    who is not the right one does not spend it.

    Raises:
        NotFoundError: the token is not good here.
        ConflictError: it was used before.
    """
    member_id = (
        None
        if member is None
        else find_member(connection, merchant_id, pseudonyms.of(merchant_id, "member", member))
    )
    mine = (
        Press.token_digest == pseudonyms.of(0, "token", token),
        Press.merchant_id == merchant_id,
        Press.member_id.is_(None) if member is None else Press.member_id == member_id,
        Press.token_until_us >= now_us,
        Press.outcome == "accepted",
    )
    row = connection.execute(
        sa.update(Press)
        .where(*mine, Press.token_used_us.is_(None))
        .values(token_used_us=now_us)
        .returning(Press.id, Press.member_id, Press.store_id, Press.stamp_id, Press.purpose, Press.factor)
    ).first()
    if row is None:
        if connection.execute(sa.select(Press.id).where(*mine)).first() is not None:
            raise ConflictError("token-used", "this token was used before")
        raise NotFoundError("token", "this token is not good here")
    return Verified(
        press_id=row.id,
        member_id=row.member_id,
        store_id=row.store_id,
        stamp_id=row.stamp_id,
        purpose=row.purpose,
        factor=row.factor,
    )
