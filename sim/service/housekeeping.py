"""What a service does by itself, every few seconds: end freezes and coupons, send what waits."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import Final

import msgspec
import sqlalchemy as sa
from stampbench.sim.service.clock import DAY_US
from stampbench.sim.service.customers.messages import Transport, deliver
from stampbench.sim.service.logs import LOGGER
from stampbench.sim.service.loyalty.coupons import expire_coupons
from stampbench.sim.service.loyalty.redemptions import release_overdue
from stampbench.sim.service.service import Service
from stampbench.sim.service.tables.presses import Press

EVERY_S: Final = 5.0
AT_ONCE: Final = 1000
"""Presses of which housekeeping forgets at a time, so that nobody waits for it."""


class FileTransport:
    """Writes messages to a file, one line of JSON each: what a gateway would be handed."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def send(self, message_id: int, address: str, language: str, text: str) -> bool:
        """Append one message."""
        line = {"message": message_id, "to": address, "language": language, "text": text}
        with self._path.open("ab") as file:
            file.write(msgspec.json.encode(line) + b"\n")
        return True


def tidy(service: Service, transport: Transport | None = None) -> dict[str, int]:
    """Do it once, and say how much there was."""
    now_us = service.clock.now_us()
    released = release_overdue(service)
    with service.database.write() as connection:
        expired = expire_coupons(connection, now_us=now_us, calendar=service.calendar)
    sent = 0
    if transport is not None:
        with service.database.write() as connection:
            sent = deliver(connection, transport, now_us=now_us)
    forgotten = forget(service, now_us)
    return {"released": released, "expired": expired, "sent": sent, "forgotten": forgotten}


def forget(service: Service, now_us: int) -> int:
    """Forget device, address and place of old presses, some at a time, and return of how many."""
    before_us = now_us - service.rules.retain_days * DAY_US
    told = sa.or_(Press.device.is_not(None), Press.address.is_not(None), Press.lat_deg.is_not(None))
    old = sa.select(Press.id).where(Press.at_us < before_us, told).order_by(Press.at_us).limit(AT_ONCE)
    with service.database.write() as connection:
        done = connection.execute(
            sa.update(Press)
            .where(Press.id.in_(old))
            .values(device=None, address=None, lat_deg=None, lon_deg=None, accuracy_m=None)
        )
    return done.rowcount


class Housekeeping:
    """Does it in a thread, as long as the block lasts; what fails is tried again the next time."""

    def __init__(
        self, service: Service, transport: Transport | None = None, *, every_s: float = EVERY_S
    ) -> None:
        self._service = service
        self._transport = transport
        self._every_s = every_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="housekeeping", daemon=True)

    def __enter__(self) -> Housekeeping:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(self._every_s):
            try:
                tidy(self._service, self._transport)
            except (sa.exc.DBAPIError, sa.exc.TimeoutError, OSError) as error:
                # A database that is restarted, a full disk: the next time may go well.
                LOGGER.log(logging.ERROR, "housekeeping: %s", type(error).__name__)
