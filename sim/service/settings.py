"""What a service is started with."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.service.clock import Calendar
from stampbench.sim.service.rules import Rules

DATABASE_VARIABLE: Final = "STAMPBENCH_SERVICE_DATABASE"
SECRET_VARIABLE: Final = "STAMPBENCH_SERVICE_SECRET"
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
    """

    secret: bytes = field(repr=False)
    database_url: str = DEFAULT_DATABASE
    rules: Rules = field(default_factory=Rules)
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Asia/Seoul"))

    def __post_init__(self) -> None:
        if len(self.secret) < SECRET_BYTES:
            raise InputError(
                f"secret of {len(self.secret)} bytes: expected at least {SECRET_BYTES}"
                f" ({2 * SECRET_BYTES} hexadecimal digits)"
            )

    @property
    def calendar(self) -> Calendar:
        """Days of the zone."""
        return Calendar(self.zone)


def read_secret(database_url: str) -> bytes:
    """The secret from the environment, or from the file beside an SQLite database, made where missing.

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
