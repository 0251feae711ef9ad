"""The sandbox: a service with one merchant and ten stamps, thrown away at its end; what is ordered of it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import msgspec
from stampbench.sim.service.clock import SECOND_US, SystemClock
from stampbench.sim.service.migrations import migrate
from stampbench.sim.service.opening import open_service
from stampbench.sim.service.rules import Rules
from stampbench.sim.service.seed import FAMILY, SeededMerchant, seed_world
from stampbench.sim.service.service import Service, ServiceSettings
from stampbench.sim.service.store.database import Database

STAMPS: Final = 10
KEPT: Final = 200
"""Presses that the log shows."""
_ALWAYS: Final = [[(0, 1440)]] * 7
_NEVER: Final = 1_000_000
_SECRET: Final = b"a sandbox has no secrets, and keeps nothing."

QUIET: Final = Rules(
    replay_days=0,
    burst_presses=_NEVER,
    burst_device=_NEVER,
    misses_per_device=_NEVER,
    misses_per_address=_NEVER,
    fallback_per_device=_NEVER,
    fallback_per_store=_NEVER,
    store_number_per_day=_NEVER,
    staff_presses=_NEVER,
    staff_device_members=_NEVER,
)
"""Nobody has to wait, and the same press may be sent again."""


class SettableClock:
    """The machine's clock, so much ahead or behind, or standing still."""

    def __init__(self) -> None:
        self._system = SystemClock()
        self._ahead_us = 0
        self._stands_us: int | None = None

    def now_us(self) -> int:
        """Return microseconds since 1970 (UTC)."""
        return self._system.now_us() + self._ahead_us if self._stands_us is None else self._stands_us

    def set(self, at_us: int, *, stand_still: bool = False) -> None:
        """Let it show this now, and go on from there or not."""
        self._stands_us = at_us if stand_still else None
        self._ahead_us = at_us - self._system.now_us()

    def advance(self, seconds: float) -> None:
        """Let so much time have passed."""
        step_us = round(seconds * SECOND_US)
        self._ahead_us += step_us
        if self._stands_us is not None:
            self._stands_us += step_us

    def reset(self) -> None:
        """Show the machine's time again."""
        self._ahead_us, self._stands_us = 0, None


class Order(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the next presses are answered.

    Attributes:
        outcome: accepted, refused or review; empty: what is right.
        reason: of that outcome; for a status, its code.
        status: HTTP's, instead of any answer: nothing is decided then.
        delay_s: before the answer.
        wrong_token: the token in the answer is none of ours.
        times: for how many presses.
    """

    outcome: str = ""
    reason: str = ""
    status: int = 0
    delay_s: float = 0.0
    wrong_token: bool = False
    times: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """One press as it came and was answered.

    Attributes:
        number: from 1, since the last reset.
        at_us: by the sandbox's clock.
        sent, answer: JSON, or None where there was none.
        ordered: what was ordered for it.
    """

    number: int
    at_us: int
    path: str
    status: int
    ms: float
    sent: Any
    answer: Any
    ordered: Order | None


@dataclass
class Sandbox:
    """A service in a folder of its own, what was ordered, and what came; for any number of threads.

    Attributes:
        merchant: with its keys, stores and stamps.
        log: the latest presses, newest first.
    """

    folder: Path
    family: str
    clock: SettableClock = field(default_factory=SettableClock)
    log: deque[Logged] = field(default_factory=lambda: deque(maxlen=KEPT))

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._orders: deque[Order] = deque()
        self._count = self._made = 0
        self.keys: dict[str, str] = {}
        self.service, self.merchant = self._begin()

    def _begin(self) -> tuple[Service, SeededMerchant]:
        self._made += 1
        url = f"sqlite:///{self.folder / f'sandbox-{self._made}.sqlite3'}"
        database = Database(url)
        migrate(database)
        database.close()
        settings = ServiceSettings(_SECRET, url, rules=QUIET, any_origin=True)
        service = open_service(settings, clock=self.clock)
        seeded = seed_world(
            service,
            merchants=1,
            stores=1,
            stamps_per_store=STAMPS,
            opening=_ALWAYS,
            family=self.family,
            keys=self.keys or None,
            check_distance=False,
        )
        merchant = seeded.merchants[0]
        self.keys = {"merchant": merchant.server_key, "app": merchant.app_key}
        return service, merchant

    def reset(self) -> None:
        """Begin anew: an empty database with the same stamps and keys, no orders, an empty log, today."""
        with self._lock:
            old = self.service
            self._orders.clear()
            self.log.clear()
            self._count = 0
            self.clock.reset()
            self.service, self.merchant = self._begin()
            old.database.close()

    def order(self, order: Order) -> None:
        """Order what the next presses are answered, after those that were ordered before."""
        with self._lock:
            self._orders.append(order)

    def next_order(self) -> Order | None:
        """Take what was ordered for this press."""
        with self._lock:
            if not self._orders:
                return None
            order = self._orders.popleft()
            if order.times > 1:
                self._orders.appendleft(msgspec.structs.replace(order, times=order.times - 1))
            return order

    def note(self, press: Logged) -> None:
        """Keep a press for the log."""
        with self._lock:
            self._count += 1
            self.log.appendleft(replace(press, number=self._count))

    def presses(self) -> list[Logged]:
        """Return the latest presses, newest first."""
        with self._lock:
            return list(self.log)


@contextmanager
def open_sandbox(family: str = FAMILY) -> Iterator[Sandbox]:
    """Open a sandbox in a folder that is removed at the end.

    Raises:
        InputError: no such family.
    """
    with TemporaryDirectory(prefix="stampbench-sandbox-") as folder:
        sandbox = Sandbox(Path(folder), family)
        try:
            yield sandbox
        finally:
            sandbox.service.database.close()
