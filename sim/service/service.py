"""The service as a whole: what all its parts are handed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import sqlalchemy as sa
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.service.clock import Calendar, Clock, SystemClock
from stampbench.sim.service.identity import KeysSeen, Pseudonyms, Role, make_key, member_id_of
from stampbench.sim.service.migrations import newest_revision, revision_of
from stampbench.sim.service.presses.credentials import Verifier
from stampbench.sim.service.rules import Rules
from stampbench.sim.service.settings import ServiceSettings
from stampbench.sim.service.shops.bundles import BundleSigner
from stampbench.sim.service.shops.matching import Matcher
from stampbench.sim.service.store.database import Database
from stampbench.sim.service.verifiers import standard_verifiers


@dataclass(frozen=True)
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
        """The member that a merchant calls so, made where new."""
        pseudonym = self.pseudonyms.of(merchant_id, "member", name)
        return member_id_of(connection, merchant_id, pseudonym, self.clock.now_us(), self.calendar)

    def first_key(self) -> str:
        """A new key for the operator."""
        with self.database.write() as connection:
            return make_key(connection, Role.OPERATOR, now_us=self.clock.now_us())[1]


def open_service(
    settings: ServiceSettings, *, clock: Clock | None = None, verifiers: Mapping[str, Verifier] | None = None
) -> Service:
    """Open the database of a service.

    Raises:
        InputError: its schema is not that of this version.
    """
    database = Database(settings.database_url)
    found, wanted = revision_of(database), newest_revision()
    if found != wanted:
        database.close()
        raise InputError(
            f"database {database.engine.url!r} is at revision {found}; expected {wanted}:"
            " run `stampbench service migrate`"
        )
    return Service(
        settings=settings,
        database=database,
        clock=clock or SystemClock(),
        calendar=settings.calendar,
        pseudonyms=Pseudonyms(settings.secret),
        matcher=Matcher(settings.rules.sigma_mm),
        signer=BundleSigner(settings.secret),
        verifiers=standard_verifiers(settings.secret, settings.rules) if verifiers is None else verifiers,
    )
