"""Second factors: what a verifier is asked and what it says, and the one for NFC tags."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

import sqlalchemy as sa

from sim.credentials.nfc.url import UrlTemplate
from sim.credentials.nfc.verifier import Genuine, SunVerifier, TagKeys
from sim.credentials.secrets import Secret
from sim.service.database import insert_new
from sim.service.problems import ConflictError, NotFoundError
from sim.service.tables.presses import SpentCredential, StampCredential
from sim.service.tables.tenants import Stamp

SUN: Final = "sun"
"""A tag's Secure Unique NFC message (NXP AN12196)."""
NOT_GENUINE: Final = "not_genuine"
SUN_URL: Final = UrlTemplate("https://stamp.example/s?e={picc}&c={mac}")


@dataclass(frozen=True, slots=True)
class Checked:
    """What a verifier says.

    Attributes:
        good: the credential proves that the stamp is there now.
        reason: why not, one word.
    """

    good: bool
    reason: str = ""


class Verifier(Protocol):
    """Checks credentials of one kind."""

    def check(
        self, connection: sa.Connection, stamp_id: int, values: Mapping[str, str], now_us: int
    ) -> Checked:
        """Check a credential and spend it: the same one is good once."""


def standard_verifiers(secret: bytes) -> dict[str, Verifier]:
    """The verifiers that every service has; keys follow from its secret."""
    keys = tag_keys(secret)
    return {SUN: SunCheck(SunVerifier(SUN_URL, keys.meta_read, keys.file_read))}


def tag_keys(secret: bytes) -> TagKeys:
    """Keys with which the service's tags are personalised."""
    return TagKeys(Secret(hashlib.sha256(b"tags:" + secret).digest()[:16]))


class SunCheck:
    """Checks the URL of a tap: genuine, of the tag that belongs to this stamp, and newer than all before."""

    def __init__(self, verifier: SunVerifier) -> None:
        self._verifier = verifier

    def check(
        self, connection: sa.Connection, stamp_id: int, values: Mapping[str, str], now_us: int
    ) -> Checked:
        """Check ``values["url"]``; a skipped counter is fine, an old one is not."""
        found = self._verifier.verify(values.get("url", ""))
        if not isinstance(found, Genuine):
            return Checked(False, NOT_GENUINE)
        mine = (
            StampCredential.stamp_id == stamp_id,
            StampCredential.kind == SUN,
            StampCredential.name == found.tap.uid.hex(),
        )
        moved = connection.execute(
            sa.update(StampCredential)
            .where(*mine, StampCredential.counter < found.tap.counter)
            .values(counter=found.tap.counter)
        )
        if moved.rowcount == 0:
            known = connection.execute(sa.select(StampCredential.id).where(*mine)).first()
            return Checked(False, NOT_GENUINE if known is None else "replayed")
        spent = {"stamp_id": stamp_id, "kind": SUN, "counter": found.tap.counter, "at_us": now_us}
        new = insert_new(connection, SpentCredential, spent, ("stamp_id", "kind", "counter"))
        return Checked(new is not None, "" if new is not None else "replayed")


def pair(connection: sa.Connection, merchant_id: int, stamp_id: int, kind: str, name: str) -> int:
    """Let a credential belong to a stamp.

    Raises:
        NotFoundError: no such stamp.
        ConflictError: it belongs to one already.
    """
    stamp = sa.select(Stamp.id).where(Stamp.id == stamp_id, Stamp.merchant_id == merchant_id)
    if connection.execute(stamp).first() is None:
        raise NotFoundError("stamp", f"no stamp {stamp_id}")
    values = {"stamp_id": stamp_id, "kind": kind, "name": name, "counter": -1}
    made = insert_new(connection, StampCredential, values, ("kind", "name"))
    if made is None:
        raise ConflictError("taken", "this credential belongs to a stamp already")
    return made
