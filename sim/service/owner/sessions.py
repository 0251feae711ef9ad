"""A browser signs in with the merchant's key and then shows a session, signed here, for some hours.

A session names the key, and ends with it or with its time; of one that was left the digest is stored.
"""

from __future__ import annotations

import base64
import hmac
from typing import Final

import sqlalchemy as sa
from stampbench.sim.service.clock import HOUR_US
from stampbench.sim.service.identity import Principal, Role, digest
from stampbench.sim.service.problems import UnauthorisedError
from stampbench.sim.service.store.database import insert_new
from stampbench.sim.service.tables.tenants import EndedSession, Key

HOURS: Final = 12
_MAC_BYTES: Final = 16


def session_of(secret: bytes, principal: Principal, now_us: int) -> str:
    """Return a session for whoever holds a merchant's key.

    Raises:
        ForbiddenError: the key is for something else.
    """
    principal.require(Role.MERCHANT)
    text = f"{principal.key_id}.{now_us + HOURS * HOUR_US}"
    return f"{text}.{_mac(secret, text)}"


def merchant_of(connection: sa.Connection, secret: bytes, session: str | None, now_us: int) -> int:
    """Return whose session it is.

    Raises:
        UnauthorisedError: not made here, over, or its key was withdrawn.
    """
    text, _, mac = (session or "").rpartition(".")
    key_id, _, until_us = text.partition(".")
    if not hmac.compare_digest(mac.encode(), _mac(secret, text).encode()) or now_us >= int(until_us):
        raise UnauthorisedError("session", "no session, or its time is over: sign in")
    left = sa.select(EndedSession.id).where(EndedSession.digest == digest(session or ""))
    if connection.execute(left).first() is not None:
        raise UnauthorisedError("session", "this session was left: sign in")
    merchant_id = connection.execute(
        sa.select(Key.merchant_id).where(
            Key.id == int(key_id), Key.withdrawn_us.is_(None), Key.role == Role.MERCHANT
        )
    ).scalar_one_or_none()
    if merchant_id is None:
        raise UnauthorisedError("session", "the key of this session was withdrawn")
    return merchant_id


def end_session(connection: sa.Connection, secret: bytes, session: str | None, now_us: int) -> None:
    """End a session before its time, in every browser that has it; those whose time is over are forgotten."""
    connection.execute(sa.delete(EndedSession).where(EndedSession.until_us <= now_us))
    text, _, mac = (session or "").rpartition(".")
    if hmac.compare_digest(mac.encode(), _mac(secret, text).encode()):
        values = {"digest": digest(session or ""), "until_us": int(text.partition(".")[2])}
        insert_new(connection, EndedSession, values, ("digest",))


def _mac(secret: bytes, text: str) -> str:
    mac = hmac.digest(secret, f"owner-session:{text}".encode(), "sha256")[:_MAC_BYTES]
    return base64.urlsafe_b64encode(mac).rstrip(b"=").decode()
