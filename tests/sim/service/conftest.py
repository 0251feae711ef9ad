"""Services to test: on SQLite in a temporary folder, and on a PostgreSQL of the session."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import numpy as np
import pytest
import sqlalchemy as sa
import uvicorn
from anyio.from_thread import start_blocking_portal
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service as Driver
from stampbench.bench.service.postgres import PostgresServer, find_postgres
from stampbench.sim.service.app import create_app
from stampbench.sim.service.clock import VirtualClock, to_us
from stampbench.sim.service.migrations import migrate
from stampbench.sim.service.opening import open_service
from stampbench.sim.service.seed import Seeded, SeededMerchant, pressed, seed_world, settled
from stampbench.sim.service.service import Service, ServiceSettings
from stampbench.sim.service.store.database import Database
from stampbench.sim.service.tables import Base

SECRET = bytes(range(32))
NOON = to_us(dt.datetime(2026, 11, 18, 12, tzinfo=ZoneInfo("Asia/Seoul")))
"""A Wednesday."""


FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
]


@pytest.fixture(scope="session")
def empty_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with all tables, to be copied."""
    path = tmp_path_factory.mktemp("service") / "empty.sqlite3"
    database = Database(f"sqlite:///{path}")
    migrate(database)
    database.close()
    return path


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a PostgreSQL database with all tables."""
    binaries = find_postgres()
    if binaries is None:
        if os.environ.get("CI") == "true":
            pytest.fail("PostgreSQL is not installed: continuous integration needs the package postgresql")
        pytest.skip("PostgreSQL is not installed (Debian: postgresql)")
    with PostgresServer(binaries, durable=False) as server:
        server.create_database("test")
        database = Database(server.url("test"))
        migrate(database)
        database.close()
        yield server.url("test")


_numbers = count()


@pytest.fixture
def sqlite_url(empty_sqlite: Path, tmp_path: Path) -> str:
    path = tmp_path / "service.sqlite3"
    shutil.copy(empty_sqlite, path)
    return f"sqlite:///{path}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """Both databases, one after the other."""
    if request.param == "sqlite":
        return str(request.getfixturevalue("sqlite_url"))
    url = str(request.getfixturevalue("postgres"))
    database = Database(url)
    tables = ", ".join(table.name for table in Base.metadata.sorted_tables)
    with database.write() as connection:
        connection.exec_driver_sql(f"TRUNCATE {tables} RESTART IDENTITY")
    database.close()
    return url


class Client:
    """Asks an application in this process; for any number of threads."""

    def __init__(self, app: Any, address: str = "127.0.0.1") -> None:
        self._stack = ExitStack()
        self._portal = self._stack.enter_context(start_blocking_portal())
        transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(address, 50_000))
        self._client = httpx.AsyncClient(transport=transport, base_url="http://service")
        self._stack.callback(self._portal.call, self._client.aclose)

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        return self._portal.call(partial(self._client.request, method, path, **options))

    def close(self) -> None:
        self._stack.close()


@dataclass
class World:
    """A seeded service, a client, and hands to press with."""

    service: Service
    clock: VirtualClock
    client: Client
    seeded: Seeded
    rng: np.random.Generator

    @property
    def one(self) -> SeededMerchant:
        return self.seeded.merchants[0]

    @property
    def two(self) -> SeededMerchant:
        return self.seeded.merchants[1]

    def call(self, method: str, path: str, key: str | None = None, **options: Any) -> Any:
        headers = options.pop("headers", {})
        if key is not None:
            headers["Authorization"] = f"Bearer {key}"
        return self.client.request(method, path, headers=headers, **options)

    def ok(self, method: str, path: str, key: str | None = None, **options: Any) -> Any:
        answer = self.call(method, path, key, **options)
        assert answer.is_success, (answer.status_code, answer.text)
        return answer.json() if answer.content else None

    def body(self, **changes: Any) -> dict[str, Any]:
        """A genuine press of the first merchant's first stamp in its store, by member anna."""
        merchant: SeededMerchant = changes.pop("merchant", self.one)
        stamp = changes.pop("stamp", merchant.stamps[0])
        store = next(s for s in merchant.stores if s.store_id == stamp.store_id)
        contacts = pressed(stamp.pads_mm, self.rng)
        body: dict[str, Any] = {
            "contacts": contacts.tolist(),
            "contacts_again": settled(contacts, self.rng).tolist(),
            "member": "anna",
            "device": "phone of anna",
            "place": {"lat_deg": store.lat_deg, "lon_deg": store.lon_deg, "accuracy_m": 15.0},
        }
        return {k: v for k, v in (body | changes).items() if v is not None}

    def press(self, *, key: str | None = None, app_key: str | None = None, **changes: Any) -> Any:
        """Press and return the answer."""
        merchant = changes.get("merchant", self.one)
        headers = {"Idempotency-Key": key or f"press-{next(_numbers):06d}"}
        app_key = app_key or merchant.app_key
        answer = self.call("POST", "/v1/presses", app_key, json=self.body(**changes), headers=headers)
        assert answer.is_success or answer.status_code == 429, (answer.status_code, answer.text)
        return answer.json()

    def rows(self, statement: sa.Select[Any]) -> Sequence[Any]:
        with self.service.database.read() as connection:
            return connection.execute(statement).all()

    def balances(self, member: str = "anna") -> dict[str, int]:
        path = f"/v1/merchants/{self.one.merchant_id}/members/{member}/card"
        return dict(self.ok("GET", path, self.one.server_key)["balances"])


@pytest.fixture
def make_world() -> Iterator[Callable[..., World]]:
    """Makes worlds on a database by URL."""
    opened: list[World] = []

    def make(url: str, **seed: Any) -> World:
        clock = VirtualClock(NOON)
        service = open_service(ServiceSettings(SECRET, url), clock=clock)
        client = Client(create_app(service))
        world = World(service, clock, client, seed_world(service, **seed), np.random.default_rng(1))
        opened.append(world)
        return world

    yield make
    for world in opened:
        world.client.close()
        world.service.database.close()


@pytest.fixture
def world(make_world: Callable[..., World], sqlite_url: str) -> World:
    """On SQLite."""
    return make_world(sqlite_url)


@pytest.fixture
def any_world(make_world: Callable[..., World], database_url: str) -> World:
    """On either database."""
    return make_world(database_url)


@pytest.fixture(scope="session")
def browser() -> Iterator[webdriver.Chrome]:
    """Chromium without a window."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        if os.environ.get("CI") == "true":
            pytest.fail(
                "Chromium is not installed: continuous integration needs chromium and chromium-driver"
            )
        pytest.skip("Chromium is not installed (Debian: chromium, chromium-driver)")
    options = Options()
    options.binary_location = chromium
    for flag in FLAGS:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    started = webdriver.Chrome(options, Driver(driver))
    yield started
    started.quit()


@contextmanager
def serving(app: Any) -> Iterator[str]:
    """Serve an application on a port of its own, in a thread; its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, ws="none", lifespan="off"))
    thread = threading.Thread(target=partial(server.run, sockets=[listener]), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join()
    listener.close()


@pytest.fixture(scope="session")
def served() -> Callable[[Any], AbstractContextManager[str]]:
    """Serves applications to a real browser."""
    return serving
