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

import pytest
import uvicorn
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service as Driver
from stampbench.sim.service.app import create_app
from stampbench.sim.service.clock import VirtualClock, to_us
from stampbench.sim.service.seed import SeededMerchant, seed_world
from stampbench.sim.service.seed_month import seed_month
from stampbench.sim.service.service import Service, open_service
from stampbench.sim.service.settings import ServiceSettings

NOON = to_us(dt.datetime(2026, 11, 18, 12, tzinfo=ZoneInfo("Asia/Seoul")))
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
    seed_month(service, one)
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(create_app(service), log_config=None, ws="none", lifespan="off"))
    thread = threading.Thread(target=partial(server.run, sockets=[listener]), daemon=True)
    thread.start()
    yield Shop(service, one, two, f"http://127.0.0.1:{listener.getsockname()[1]}")
    server.should_exit = True
    thread.join()
    listener.close()
    service.database.close()
