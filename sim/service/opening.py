"""A service opened: its secret read, its database checked, the verifiers that every service has."""

from __future__ import annotations

import hmac
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.credentials.nfc.verifier import SunVerifier
from stampbench.sim.service.clock import Clock, SystemClock
from stampbench.sim.service.identity import Pseudonyms
from stampbench.sim.service.migrations import require_newest
from stampbench.sim.service.presses.beacons import BLE_EID, BLE_OTP, EidCheck, OtpCheck
from stampbench.sim.service.presses.credentials import SUN, SUN_URL, TAG, SunCheck, Verifier, tag_keys
from stampbench.sim.service.presses.sounds import SOUND, SoundCheck, TagCheck
from stampbench.sim.service.rules import Rules
from stampbench.sim.service.service import SECRET_BYTES, Service, ServiceSettings
from stampbench.sim.service.shops.bundles import BundleSigner
from stampbench.sim.service.shops.matching import Matcher
from stampbench.sim.service.store.database import Database, insert_new
from stampbench.sim.service.tables.tenants import SecretCheck

DATABASE_VARIABLE: Final = "STAMPBENCH_SERVICE_DATABASE"
ORIGINS_VARIABLE: Final = "STAMPBENCH_SERVICE_ORIGINS"
SECRET_VARIABLE: Final = "STAMPBENCH_SERVICE_SECRET"


def open_service(
    settings: ServiceSettings, *, clock: Clock | None = None, verifiers: Mapping[str, Verifier] | None = None
) -> Service:
    """Open the database of a service.

    Raises:
        InputError: its schema is not that of this version, or it was filled under another secret.
    """
    database = Database(settings.database_url)
    try:
        require_newest(database)
        _check_secret(database, settings.secret)
    except InputError:
        database.close()
        raise
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


def _check_secret(database: Database, secret: bytes) -> None:
    """Check that a database knows this secret; a new one learns it.

    Raises:
        InputError: it knows another: under this one every member, token and credential would be a stranger.
    """
    mine = hmac.digest(secret, b"secret-check", "sha256")
    with database.read() as connection:
        stored = connection.execute(sa.select(SecretCheck.digest)).scalars().all()
    if not stored:
        with database.write() as connection:
            insert_new(connection, SecretCheck, {"digest": mine}, ("digest",))
            stored = connection.execute(sa.select(SecretCheck.digest)).scalars().all()
    if not all(hmac.compare_digest(one, mine) for one in stored):
        name = database.engine.url.render_as_string(hide_password=True)
        raise InputError(
            f"database {name} was filled under another secret: expected the one from before,"
            f" of {SECRET_VARIABLE} or of the file beside the database"
        )


def standard_verifiers(secret: bytes, rules: Rules) -> dict[str, Verifier]:
    """Return verifiers by kind; keys of tags, beacons and sounders follow from the service's secret."""
    keys = tag_keys(secret)
    return {
        SUN: SunCheck(SunVerifier(SUN_URL, keys.meta_read, keys.file_read)),
        BLE_EID: EidCheck(secret, rules),
        BLE_OTP: OtpCheck(secret, rules),
        SOUND: SoundCheck(secret, rules),
        TAG: TagCheck(secret, rules),
    }


def read_secret(database_url: str) -> bytes:
    """Read the secret from the environment, or from the file beside an SQLite database, made where missing.

    Raises:
        InputError: not hexadecimal, or PostgreSQL without the variable.
    """
    text = os.environ.get(SECRET_VARIABLE)
    where = SECRET_VARIABLE
    if text is None:
        if not database_url.startswith("sqlite"):
            raise InputError(
                f"{SECRET_VARIABLE} is not set: expected {2 * SECRET_BYTES} hexadecimal digits"
                " (python3 -c 'import secrets; print(secrets.token_hex(32))')"
            )
        path = Path(database_url.partition(":///")[2] + ".secret")
        where = str(path)
        if not path.exists():
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_hex(SECRET_BYTES))
        text = path.read_text()
    try:
        return bytes.fromhex(text.strip())
    except ValueError:
        raise InputError(f"{where}: expected {2 * SECRET_BYTES} hexadecimal digits") from None
