"""A shop with a month behind it, served to a real browser."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
import sqlalchemy as sa
import uvicorn
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service as Driver

from sim.service.app import create_app
from sim.service.clock import DAY_US, HOUR_US, VirtualClock, to_us
from sim.service.seed import SeededMerchant, seed_world
from sim.service.service import Service, open_service
from sim.service.settings import ServiceSettings
from sim.service.tables.customers import Member
from sim.service.tables.loyalty import Entry
from sim.service.tables.presses import Press

NOON = to_us(dt.datetime(2026, 11, 18, 12, tzinfo=ZoneInfo("Asia/Seoul")))
MEMBERS, STOPPED, GONE, TODAY, STAMPS_TODAY = 5_000, 300, 38, 130, 250
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


@dataclass
class Shop:
    """A service whose first merchant had customers, and where its server listens."""

    service: Service
    one: SeededMerchant
    two: SeededMerchant
    url: str


def fill(service: Service, one: SeededMerchant) -> None:
    """5,000 members of a month: 300 stopped at 8 stamps, 38 of them longer ago than 30 days; 130 came today.

    Rows are written as presses would have written them: 15,000 requests would take a minute.
    """
    rng, now_us, calendar = np.random.default_rng(1), service.clock.now_us(), service.calendar
    members, presses, entries = [], [], []
    for m in range(MEMBERS):
        days_ago = rng.integers(1, 30) if m >= GONE else rng.integers(31, 60)
        stamps = 8 if m < STOPPED else int(rng.choice((1, 2, 3, 4, 5, 6, 7, 9)))
        today = STOPPED <= m < STOPPED + TODAY
        if today:
            # 120 of the 130 press twice, ten of them once.
            stamps = 2 if m - STOPPED < STAMPS_TODAY - TODAY else 1
        last_us = now_us - int(days_ago) * DAY_US + int(rng.normal(0.0, 2.6) * HOUR_US)
        if today:
            last_us = now_us - int(rng.uniform(0.1, 3.5) * HOUR_US)
        members.append(
            {
                "id": m + 1,
                "merchant_id": one.merchant_id,
                "pseudonym": m.to_bytes(32, "big"),
                "joined_us": last_us - 4 * DAY_US,
                "joined_day": calendar.day(last_us - 4 * DAY_US),
            }
        )
        store = int(rng.random() < 0.35)
        for k in range(stamps):
            at_us = last_us - (0 if today else k // 3 * DAY_US)
            number = len(presses) + 1
            presses.append(
                {
                    "id": number,
                    "merchant_id": one.merchant_id,
                    "store_id": one.stores[store].store_id,
                    "stamp_id": one.stamps[store].stamp_id,
                    "member_id": m + 1,
                    "key_digest": number.to_bytes(32, "big"),
                    "request_digest": bytes(32),
                    "kind": "pattern",
                    "purpose": "stamp",
                    "outcome": "accepted",
                    "reason": "ok",
                    "factor": "",
                    "value": 1,
                    "at_us": at_us,
                    "pressed_us": at_us,
                    "day": calendar.day(at_us),
                    "hour": calendar.local(at_us).hour,
                }
            )
            entries.append(
                {
                    "merchant_id": one.merchant_id,
                    "member_id": m + 1,
                    "account": "stamps",
                    "kind": "press",
                    "amount": 1,
                    "reference": f"press:{number}",
                    "press_id": number,
                    "at_us": at_us,
                    "day": calendar.day(at_us),
                }
            )
    with service.database.write() as connection:
        for table, rows in ((Member, members), (Press, presses), (Entry, entries)):
            connection.execute(sa.insert(table.columns()), rows)


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


@pytest.fixture(scope="module")
def shop(empty_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """The shop on a server of its own; two merchants, of whom the first has customers."""
    path = tmp_path_factory.mktemp("owner") / "service.sqlite3"
    shutil.copy(empty_sqlite, path)
    service = open_service(ServiceSettings(bytes(32), f"sqlite:///{path}"), clock=VirtualClock(NOON))
    one, two = seed_world(service).merchants
    fill(service, one)
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(create_app(service), log_config=None, ws="none", lifespan="off"))
    thread = threading.Thread(target=partial(server.run, sockets=[listener]), daemon=True)
    thread.start()
    yield Shop(service, one, two, f"http://127.0.0.1:{listener.getsockname()[1]}")
    server.should_exit = True
    thread.join()
    listener.close()
    service.database.close()
