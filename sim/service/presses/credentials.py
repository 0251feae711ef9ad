"""Second factors: what a verifier is asked and what it says, and the one for NFC tags."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

import sqlalchemy as sa
from stampbench.sim.credentials.nfc.url import UrlTemplate
from stampbench.sim.credentials.nfc.verifier import Genuine, SunVerifier, TagKeys
from stampbench.sim.credentials.secrets import Secret
from stampbench.sim.service.presses.evidence import Purpose
from stampbench.sim.service.problems import ConflictError, NotFoundError
from stampbench.sim.service.store.database import insert, insert_new
from stampbench.sim.service.tables.presses import CredentialUse, StampCredential
from stampbench.sim.service.tables.tenants import Stamp, StampEvent

SUN: Final = "sun"
"""A tag's Secure Unique NFC message (NXP AN12196)."""
TAG: Final = "tag"
"""The same tag's answer to a challenge: that it is there now, which the URL of a tap does not say."""
NOT_GENUINE: Final = "not_genuine"
MALFORMED: Final = "malformed"
OUT_OF_TIME: Final = "out_of_time"
REPLAYED: Final = "replayed"
SUN_URL: Final = UrlTemplate("https://stamp.example/s?e={picc}&c={mac}")
_GONE: Final = "gone-"
"""Before the kind of a credential that was taken away."""
ANYBODY: Final = 0
"""The holder of what is good once, whoever comes."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What a credential is presented for.

    Attributes:
        stamp_id: that it must prove to be there.
        member_id: who presses; None: nobody was named.
        now_us: by the service's clock: what a phone says could be chosen to fit.
    """

    merchant_id: int
    stamp_id: int
    member_id: int | None
    purpose: Purpose
    now_us: int

    @property
    def now_s(self) -> float:
        """In seconds."""
        return self.now_us / 1e6


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

    def check(self, connection: sa.Connection, claim: Claim, values: Mapping[str, str]) -> Checked:
        """Check a credential and spend it: the same one is good once."""


def tag_keys(secret: bytes) -> TagKeys:
    """Return keys with which the service's tags are personalised."""
    return TagKeys(Secret(hashlib.sha256(b"tags:" + secret).digest()[:16]))


class SunCheck:
    """Checks the URL of a tap: genuine, of the tag that belongs to this stamp, and newer than all before."""

    def __init__(self, verifier: SunVerifier) -> None:
        self._verifier = verifier

    def check(self, connection: sa.Connection, claim: Claim, values: Mapping[str, str]) -> Checked:
        """Check ``values["url"]``; a skipped counter is fine, an old one is not."""
        found = self._verifier.verify(values.get("url", ""))
        if not isinstance(found, Genuine):
            return Checked(False, NOT_GENUINE)
        mine = (
            StampCredential.stamp_id == claim.stamp_id,
            StampCredential.kind == SUN,
            StampCredential.name == found.tap.uid.hex(),
        )
        moved = connection.execute(
            sa.update(StampCredential)
            .where(*mine, StampCredential.counter < found.tap.counter)
            .values(counter=found.tap.counter)
            .returning(StampCredential.id)
        ).scalar_one_or_none()
        if moved is None:
            paired = connection.execute(sa.select(StampCredential.id).where(*mine)).first()
            return Checked(False, NOT_GENUINE if paired is None else REPLAYED)
        return spend(connection, moved, found.tap.counter, ANYBODY, claim.now_us)


def spend(connection: sa.Connection, credential_id: int, counter: int, holder: int, now_us: int) -> Checked:
    """Return good, and noted, if this holder has not used this counter of the credential."""
    use = {"credential_id": credential_id, "counter": counter, "holder": holder, "at_us": now_us}
    new = insert_new(connection, CredentialUse, use, ("credential_id", "counter", "holder"))
    return Checked(True) if new is not None else Checked(False, REPLAYED)


def pair(connection: sa.Connection, merchant_id: int, stamp_id: int, kind: str, name: str) -> int:
    """Let a credential belong to a stamp.

    Raises:
        NotFoundError: no such stamp.
        ConflictError: it belongs to one already.
    """
    _require_stamp(connection, merchant_id, stamp_id)
    values = {"stamp_id": stamp_id, "kind": kind, "name": name, "counter": -1}
    made = insert_new(connection, StampCredential, values, ("kind", "name"))
    if made is None:
        raise ConflictError("taken", "this credential belongs to a stamp already")
    return made


def credentials_of(connection: sa.Connection, merchant_id: int, stamp_id: int) -> list[dict[str, Any]]:
    """Return a stamp's credentials.

    Raises:
        NotFoundError: no such stamp.
    """
    _require_stamp(connection, merchant_id, stamp_id)
    rows = connection.execute(
        sa.select(StampCredential.id, StampCredential.kind, StampCredential.name)
        .where(StampCredential.stamp_id == stamp_id, StampCredential.kind.not_like(f"{_GONE}%"))
        .order_by(StampCredential.id)
    )
    return [dict(row._mapping) for row in rows]


def unpair(
    connection: sa.Connection,
    merchant_id: int,
    stamp_id: int,
    credential_id: int,
    *,
    reason: str,
    key_id: int,
    now_us: int,
) -> None:
    """Take a credential away from a stamp: it proves nothing any more, and never again.

    What was used of it stays, and so does its name, lest it be paired anew with an old counter.

    Raises:
        NotFoundError: no such stamp or credential.
    """
    _require_stamp(connection, merchant_id, stamp_id)
    row = connection.execute(
        sa.select(StampCredential.kind, Stamp.state)
        .join(Stamp, Stamp.id == StampCredential.stamp_id)
        .where(StampCredential.id == credential_id, StampCredential.stamp_id == stamp_id)
    ).first()
    if row is None or row.kind.startswith(_GONE):
        raise NotFoundError("credential", f"no credential {credential_id} of stamp {stamp_id}")
    connection.execute(
        sa.update(StampCredential)
        .where(StampCredential.id == credential_id)
        .values(kind=f"{_GONE}{row.kind}")
    )
    note = f"credential {credential_id} taken away: {reason}"[:200]
    insert(
        connection, StampEvent, stamp_id=stamp_id, state=row.state, key_id=key_id, reason=note, at_us=now_us
    )


def _require_stamp(connection: sa.Connection, merchant_id: int, stamp_id: int) -> None:
    stamp = sa.select(Stamp.id).where(Stamp.id == stamp_id, Stamp.merchant_id == merchant_id)
    if connection.execute(stamp).first() is None:
        raise NotFoundError("stamp", f"no stamp {stamp_id}")
