"""Who asks: keys and what they may do; members under pseudonyms."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import sqlalchemy as sa
from stampbench.sim.service.clock import Calendar
from stampbench.sim.service.problems import ForbiddenError, NotFoundError, UnauthorisedError
from stampbench.sim.service.store.database import insert, insert_new
from stampbench.sim.service.tables.customers import Member
from stampbench.sim.service.tables.tenants import Key, Merchant

_KEY_BYTES: Final = 24
_KEYS_SEEN: Final = 10_000
_members = Member.columns()
_MEMBER: Final = sa.select(_members.c.id).where(
    _members.c.merchant_id == sa.bindparam("merchant_id"), _members.c.pseudonym == sa.bindparam("pseudonym")
)
_keys = Key.columns()
_KEY: Final = sa.select(_keys.c.id, _keys.c.role, _keys.c.vendor_id, _keys.c.merchant_id).where(
    _keys.c.digest == sa.bindparam("digest"), _keys.c.withdrawn_us.is_(None)
)


class Role(StrEnum):
    """What a key is for."""

    OPERATOR = "operator"
    VENDOR = "vendor"
    MERCHANT = "merchant"
    """A merchant's server."""
    APP = "app"
    """In every copy of the merchant's app, hence in everybody's hands."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who holds a key; the ids say how far it reaches."""

    key_id: int
    role: Role
    vendor_id: int | None
    merchant_id: int | None

    def require(self, *roles: Role) -> None:
        """Check what the key is for.

        Raises:
            ForbiddenError: something else.
        """
        if self.role not in roles:
            raise ForbiddenError(
                "role", f"this key is for {self.role}; expected one for {' or '.join(roles)}"
            )

    def own_merchant(self) -> int:
        """Return the merchant of an app's or a merchant's key.

        Raises:
            ForbiddenError: a key of somebody else.
        """
        if self.merchant_id is None:
            raise ForbiddenError("role", f"this key is for {self.role}; expected one for app or merchant")
        return self.merchant_id


def digest(text: str) -> bytes:
    """Return what is stored in place of a secret of full entropy."""
    return hashlib.sha256(text.encode()).digest()


def make_key(
    connection: sa.Connection,
    role: Role,
    *,
    now_us: int,
    vendor_id: int | None = None,
    merchant_id: int | None = None,
    text: str = "",
) -> tuple[int, str]:
    """Return a new key: its number and its text, which is not kept; drawn unless it is given."""
    text = text or f"{role.value}_{secrets.token_urlsafe(_KEY_BYTES)}"
    number = insert(
        connection,
        Key,
        digest=digest(text),
        role=role,
        vendor_id=vendor_id,
        merchant_id=merchant_id,
        made_us=now_us,
    )
    return number, text


def withdrawn() -> UnauthorisedError:
    """Return what a key that is not known, or no longer good, is answered."""
    return UnauthorisedError("key", "this key is not known, or was withdrawn")


def principal_of(connection: sa.Connection, text: str | None) -> Principal:
    """Return who holds a key.

    Raises:
        UnauthorisedError: none given, not known, or withdrawn.
    """
    if not text:
        raise UnauthorisedError("key", "no key: expected Authorization: Bearer KEY")
    row = connection.execute(_KEY, {"digest": digest(text)}).first()
    if row is None:
        raise withdrawn()
    return Principal(row.id, Role(row.role), row.vendor_id, row.merchant_id)


class KeysSeen:
    """Keys that were shown to this process, and whose they are.

    How far a key reaches never changes; that it was withdrawn is for the database to say, each time.
    """

    def __init__(self) -> None:
        self._seen: dict[bytes, Principal] = {}

    def find(self, text: str) -> Principal | None:
        """Return whose key this is, as it was seen before."""
        return self._seen.get(digest(text))

    def note(self, text: str, principal: Principal) -> None:
        """Keep whose key this is."""
        if len(self._seen) >= _KEYS_SEEN:
            self._seen.clear()
        self._seen[digest(text)] = principal


def check_merchant(connection: sa.Connection, principal: Principal, merchant_id: int) -> None:
    """Check that a merchant is there and within a key's reach; both failures look alike.

    Raises:
        NotFoundError: it is not.
    """
    if principal.merchant_id == merchant_id or (
        principal.role in (Role.OPERATOR, Role.VENDOR)
        and connection.execute(
            sa.select(Merchant.id).where(
                Merchant.id == merchant_id,
                sa.true() if principal.role is Role.OPERATOR else Merchant.vendor_id == principal.vendor_id,
            )
        ).first()
    ):
        return
    raise NotFoundError("merchant", f"no merchant {merchant_id}")


@dataclass(frozen=True, slots=True)
class Pseudonyms:
    """Turns what a merchant calls its members and devices into numbers that say nothing elsewhere."""

    secret: bytes

    def of(self, merchant_id: int, kind: str, name: str) -> bytes:
        """Return the pseudonym of a name within one merchant, however its accents are composed."""
        name = unicodedata.normalize("NFC", name)
        return hmac.digest(self.secret, f"{kind}:{merchant_id}:{name}".encode(), "sha256")


def member_id_of(
    connection: sa.Connection, merchant_id: int, pseudonym: bytes, now_us: int, calendar: Calendar
) -> int:
    """Return the member of a pseudonym, made where new."""
    found = find_member(connection, merchant_id, pseudonym)
    if found is not None:
        return found
    made = insert_new(
        connection,
        Member,
        {
            "merchant_id": merchant_id,
            "pseudonym": pseudonym,
            "joined_us": now_us,
            "joined_day": calendar.day(now_us),
        },
        ("merchant_id", "pseudonym"),
    )
    if made is not None:
        return made
    return connection.execute(_MEMBER, {"merchant_id": merchant_id, "pseudonym": pseudonym}).scalar_one()


def find_member(connection: sa.Connection, merchant_id: int, pseudonym: bytes) -> int | None:
    """Return the member of a pseudonym; None where there is none."""
    return connection.execute(
        _MEMBER, {"merchant_id": merchant_id, "pseudonym": pseudonym}
    ).scalar_one_or_none()
