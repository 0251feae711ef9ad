"""The service as a whole: what it is started with, and what all its parts are handed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.service.clock import Calendar, Clock
from stampbench.sim.service.identity import KeysSeen, Pseudonyms, Role, make_key, member_id_of
from stampbench.sim.service.presses.credentials import Verifier
from stampbench.sim.service.rules import Rules
from stampbench.sim.service.shops.bundles import BundleSigner
from stampbench.sim.service.shops.matching import Matcher
from stampbench.sim.service.store.database import Database

SECRET_BYTES: Final = 32
DEFAULT_DATABASE: Final = "sqlite:///stampbench-service.sqlite3"


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """What a service is started with.

    Attributes:
        secret: from which pseudonyms and the bundles' signing key are derived; never stored in the database.
        database_url: SQLite or PostgreSQL (``postgresql+psycopg://...``).
        rules: thresholds.
        zone: where days and months are counted.
        origins: of web pages that may press, such as ``https://shop.example``.
        any_origin: every page may, as in a sandbox.
    """

    secret: bytes = field(repr=False)
    database_url: str = DEFAULT_DATABASE
    rules: Rules = field(default_factory=Rules)
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Asia/Seoul"))
    origins: tuple[str, ...] = ()
    any_origin: bool = False

    def __post_init__(self) -> None:
        if len(self.secret) < SECRET_BYTES:
            raise InputError(
                f"secret of {len(self.secret)} bytes: expected at least {SECRET_BYTES}"
                f" ({2 * SECRET_BYTES} hexadecimal digits)"
            )
        for origin in self.origins:
            parts = urlsplit(origin)
            if parts.scheme not in ("http", "https") or origin != f"{parts.scheme}://{parts.netloc}":
                raise InputError(f"origin {origin!r}: expected scheme and host, such as https://shop.example")

    @property
    def calendar(self) -> Calendar:
        """Days of the zone."""
        return Calendar(self.zone)


@dataclass(frozen=True, kw_only=True)
class Service:
    """Database, clock and rules, and what is kept in memory.

    Attributes:
        matcher: decoders by merchant.
        keys: seen by this process.
        verifiers: of credentials, by kind.
    """

    settings: ServiceSettings
    database: Database
    clock: Clock
    calendar: Calendar
    pseudonyms: Pseudonyms
    matcher: Matcher
    signer: BundleSigner
    verifiers: Mapping[str, Verifier]
    keys: KeysSeen = field(default_factory=KeysSeen)

    @property
    def rules(self) -> Rules:
        """Thresholds."""
        return self.settings.rules

    def member(self, connection: sa.Connection, merchant_id: int, name: str) -> int:
        """Return the member that a merchant calls so, made where new."""
        pseudonym = self.pseudonyms.of(merchant_id, "member", name)
        return member_id_of(connection, merchant_id, pseudonym, self.clock.now_us(), self.calendar)

    def first_key(self) -> str:
        """Return a new key for the operator."""
        with self.database.write() as connection:
            return make_key(connection, Role.OPERATOR, now_us=self.clock.now_us())[1]
