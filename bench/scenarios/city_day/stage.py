"""The stage: a service on a database of its own, its clock, a client, and merchants made over HTTP."""

from __future__ import annotations

import datetime as dt
import hashlib
import itertools
import math
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
from stampbench.bench.runs.progress import Progress
from stampbench.bench.scenarios.city_day.amounts import Settings
from stampbench.bench.scenarios.city_day.driving import LINES, Ask, Driver, Line, Reply
from stampbench.bench.scenarios.city_day.hands import FAMILY, Hands, Touches
from stampbench.bench.scenarios.tally import Draws
from stampbench.bench.service.postgres import PostgresServer, find_postgres
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.service.app import create_app
from stampbench.sim.service.clock import SECOND_US, VirtualClock, to_datetime, to_us
from stampbench.sim.service.migrations import migrate
from stampbench.sim.service.opening import open_service
from stampbench.sim.service.seed import SEOUL_DEG, moved, somewhere
from stampbench.sim.service.service import ServiceSettings
from stampbench.sim.service.store.database import Database
from stampbench.sim.stamps import load_family

ZONE: Final = ZoneInfo("Asia/Seoul")
FIRST_DAY: Final = dt.date(2026, 10, 1)
"""A Thursday: thirty days from it are one month of invoices."""
CITY_M: Final = 9000.0
PRICE: Final = 10
DAILY: Final = (8 * 60, 22 * 60)
"""Opening hours, minutes after midnight."""
_CODES: Final = 20_000


@dataclass(frozen=True, slots=True)
class Stamp:
    """A stamp; ``code`` is what it looks like, which the service is not told."""

    number: int
    serial: str
    code: int


@dataclass(frozen=True, slots=True)
class Store:
    """A store with its stamps."""

    number: int
    wall_number: str
    place_deg: tuple[float, float]
    stamps: tuple[Stamp, ...]


@dataclass(frozen=True, slots=True)
class Merchant:
    """A merchant with its keys."""

    number: int
    server_key: str
    app_key: str
    stores: tuple[Store, ...]

    @property
    def path(self) -> str:
        """Of its resources."""
        return f"/v1/merchants/{self.number}"

    @property
    def store(self) -> Store:
        """The first one."""
        return self.stores[0]

    @property
    def stamp(self) -> Stamp:
        """The first one of the first store."""
        return self.stores[0].stamps[0]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a phone says it is."""

    deg: tuple[float, float]
    accuracy_m: float
    mocked: bool = False

    def body(self) -> dict[str, Any]:
        """As it travels."""
        lat_deg, lon_deg = self.deg
        return {
            "lat_deg": lat_deg,
            "lon_deg": lon_deg,
            "accuracy_m": self.accuracy_m,
            "mocked": self.mocked,
        }


@dataclass
class PressOf:
    """One press as an app tells it; what is None is left out."""

    touches: Touches
    member: str | None = None
    device: str | None = None
    place: Place | None = None
    purpose: str = "stamp"
    url: str | None = None
    skew_s: float | None = None
    again: bool = True
    more: dict[str, Any] = field(default_factory=dict)

    def body(self, now_us: int) -> dict[str, Any]:
        """As it travels."""
        body: dict[str, Any] = {"purpose": self.purpose, "contacts": self.touches.first.tolist()}
        if self.again:
            body["contacts_again"] = self.touches.again.tolist()
        if self.url is not None:
            body["credentials"] = [{"kind": "sun", "values": {"url": self.url}}]
        if self.skew_s is not None:
            body["pressed_at"] = to_datetime(now_us + round(self.skew_s * SECOND_US)).isoformat()
        if self.place is not None:
            body["place"] = self.place.body()
        told = {"member": self.member, "device": self.device}
        return body | {name: value for name, value in told.items() if value is not None} | self.more


class Stage:
    """Everything a part of the scenario plays with.

    Attributes:
        hands: press stamps.
        driver: asks, over the present transport.
        vendor_id, vendor_key: whose merchants all are.
    """

    def __init__(self, settings: Settings, draws: Draws, seed: int, directory: Path, tell: Progress) -> None:
        self.settings, self.draws, self.directory, self.tell = settings, draws, directory, tell
        self.seed = seed
        self.clock = VirtualClock(at(FIRST_DAY))
        family = load_family(FAMILY)
        self._codes = iter(draws("codes").permutation(family.size)[:_CODES].tolist())
        tell.say(f"service: making the database ({settings.database}), starting the server")
        self._stack = ExitStack()
        url = self._database_url()
        database = Database(url)
        migrate(database)
        database.close()
        self.secret = hashlib.sha256(f"city-day {seed}".encode()).digest()
        self.service = open_service(ServiceSettings(self.secret, url), clock=self.clock)
        self.app = create_app(self.service)
        self._line: Line | None = None
        self.over(settings.transport)
        self.operator_key = self.service.first_key()
        self._numbers = itertools.count(1)
        self.vendor_id, self.vendor_key = self.vendor("City")
        self._places = draws("places")
        tell.say(f"panel {settings.profile}: measuring the error of a press")
        self.house_codes = [self.code() for _ in range(settings.merchants * settings.stores_each)]
        self.hands = Hands(settings.profile, self.house_codes, settings.panel_presses, draws("panel"))

    def over(self, transport: str) -> None:
        """Ask the service in this way from now on."""
        self._leave()
        self._line = LINES[transport](self.app)
        self.driver = Driver(self._line)

    def _leave(self) -> None:
        if self._line is not None:
            self._line.close()

    def close(self) -> None:
        """Stop the server, close the database."""
        self._leave()
        self.service.database.close()
        self._stack.close()

    def _database_url(self) -> str:
        """A database without tables: a file, or a PostgreSQL of its own."""
        if self.settings.database == "sqlite":
            for old in self.directory.glob("city-day.sqlite3*"):  # of an earlier run into the same directory
                old.unlink()
            return f"sqlite:///{self.directory / 'city-day.sqlite3'}"
        binaries = find_postgres()
        if binaries is None:
            raise InputError(
                'database = "postgresql": the server\'s programs are not installed (Debian: postgresql);'
                ' expected them, or "sqlite"'
            )
        server = self._stack.enter_context(PostgresServer(binaries, durable=True))
        server.create_database("city")
        return server.url("city")

    def number(self) -> int:
        """The next of the numbers that nothing else has."""
        return next(self._numbers)

    def code(self) -> int:
        """A stamp that nobody has yet.

        Raises:
            InputError: there are no more.
        """
        code = next(self._codes, None)
        if code is None:
            raise InputError(
                f"more than {_CODES} stamps: expected fewer merchants, stores or enrolled stamps"
            )
        return int(code)

    def go_to(self, day: dt.date, minute: float = 0.0) -> None:
        """Move the clock to a local time; it never goes back."""
        self.clock.at_us = max(self.clock.at_us, at(day, minute))

    def next_morning(self, minute: float = 12 * 60) -> None:
        """Move the clock to tomorrow, noon unless told."""
        today = to_datetime(self.clock.at_us).astimezone(ZONE).date()
        self.go_to(today + dt.timedelta(days=1), minute)

    def ask(self, method: str, path: str, key: str = "", body: Any = None) -> Reply:
        """One request."""
        return self.driver.ask(Ask(method, path, key, body))

    def need(self, method: str, path: str, key: str = "", body: Any = None) -> Any:
        """One request that has to succeed.

        Raises:
            InputError: it did not.
        """
        reply = self.ask(method, path, key, body)
        if not reply.ok:
            raise InputError(f"{method} {path}: status {reply.status} ({reply.reason}); expected success")
        return reply.body

    def asked(self, merchant: Merchant, press: PressOf, key: str = "") -> Ask:
        """A press as a request; under a new idempotency key unless one is given."""
        key = key or f"press-{self.number():08d}"
        return Ask("POST", "/v1/presses", merchant.app_key, press.body(self.clock.at_us), key)

    def press(self, merchant: Merchant, press: PressOf) -> Reply:
        """Press."""
        return self.driver.ask(self.asked(merchant, press))

    def vendor(self, name: str) -> tuple[int, str]:
        """A new vendor, and its key."""
        made = self.need("POST", "/v1/vendors", self.operator_key, {"name": name, "price_per_press": PRICE})
        return made["id"], made["key"]

    def merchant(
        self,
        name: str,
        *,
        stores: int = 1,
        stamps: int = 1,
        codes: Sequence[int] = (),
        factor: str = "",
        vendor: tuple[int, str] | None = None,
        policy: dict[str, bool] | None = None,
        program: dict[str, Any] | None = None,
        opening: tuple[int, int] = (0, 1440),
    ) -> Merchant:
        """A new merchant with stores somewhere in the city, stamps, keys and a program."""
        vendor_id, vendor_key = vendor or (self.vendor_id, self.vendor_key)
        own = f"/v1/vendors/{vendor_id}"
        brand = self.need("POST", f"{own}/brands", vendor_key, {"name": name})["id"]
        body = {"name": name, "brand": brand, "redeem_by_tap": True, **(policy or {})}
        number = self.need("POST", f"{own}/merchants", vendor_key, body)["id"]
        path = f"/v1/merchants/{number}"
        server_key, app_key = (
            self.need("POST", f"{path}/keys", vendor_key, {"role": role})["key"]
            for role in ("merchant", "app")
        )
        self.need("PUT", f"{path}/program", server_key, {"stamps_per_day": 3, **(program or {})})
        given = iter(codes)
        made = []
        for _ in range(stores):
            place_deg = somewhere(self._places, SEOUL_DEG, CITY_M)
            wall_number = f"{self.number():06d}"
            store = {
                "name": f"{name} {wall_number}",
                "number": wall_number,
                "lat_deg": place_deg[0],
                "lon_deg": place_deg[1],
                "opening": [[opening]] * 7,
            }
            store_id = self.need("POST", f"{path}/stores", server_key, store)["id"]
            its_stamps = tuple(
                self.stamp(path, server_key, store_id, next(given, None), factor) for _ in range(stamps)
            )
            made.append(Store(store_id, wall_number, place_deg, its_stamps))
        return Merchant(number, server_key, app_key, tuple(made))

    def stamp(self, path: str, key: str, store_id: int, code: int | None, factor: str) -> Stamp:
        """A new stamp for a store."""
        code = self.code() if code is None else code
        serial = f"S{self.number():06d}"
        body = {
            "store": store_id,
            "serial": serial,
            "name": serial,
            "presses_mm": [load_family(FAMILY).pads(code).tolist()],
            "factor": factor,
        }
        return Stamp(self.need("POST", f"{path}/stamps", key, body)["id"], serial, code)


def at(day: dt.date, minute: float = 0.0) -> int:
    """A local day and minute, microseconds since 1970 (UTC)."""
    start = to_us(dt.datetime.combine(day, dt.time(), ZONE))
    return start + round(minute * 60 * SECOND_US)


def located(rng: np.random.Generator, where_deg: tuple[float, float]) -> Place:
    """What a phone's positioning says of a place.

    The accuracy radius, median 15 m, holds two positions of three, as platforms define it. One in a hundred
    is off by four times as much (reflections between houses); one in five hundred is an old fix, a quarter of
    a kilometre off in the median and kilometres in one of twenty, whatever the radius says. All shares are
    assumed.
    """
    accuracy_m = float(np.clip(15.0 * math.exp(rng.normal(0.0, 0.6)), 3.0, 150.0))
    error_m = accuracy_m / 1.51 * math.sqrt(-2.0 * math.log(1.0 - rng.random()))
    if rng.random() < 0.01:
        error_m *= 4.0
    if rng.random() < 0.002:
        error_m = 250.0 * math.exp(rng.normal(0.0, 1.2))
    return Place(moved(where_deg, error_m, rng.uniform(0.0, 2.0 * math.pi)), accuracy_m)
