"""A shop with a month behind it, served to a real browser."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from stampbench.sim.service.app import create_app
from stampbench.sim.service.clock import VirtualClock, to_us
from stampbench.sim.service.opening import open_service
from stampbench.sim.service.seed import SeededMerchant, seed_month, seed_world
from stampbench.sim.service.service import Service, ServiceSettings

NOON = to_us(dt.datetime(2026, 11, 18, 12, tzinfo=ZoneInfo("Asia/Seoul")))


@dataclass
class Shop:
    """A service whose first merchant had customers, and where its server listens."""

    service: Service
    one: SeededMerchant
    two: SeededMerchant
    url: str


@pytest.fixture(scope="module")
def shop(
    empty_sqlite: Path,
    tmp_path_factory: pytest.TempPathFactory,
    served: Callable[[Any], AbstractContextManager[str]],
) -> Iterator[Shop]:
    """The shop on a server of its own; two merchants, of whom the first has customers."""
    path = tmp_path_factory.mktemp("owner") / "service.sqlite3"
    shutil.copy(empty_sqlite, path)
    service = open_service(ServiceSettings(bytes(32), f"sqlite:///{path}"), clock=VirtualClock(NOON))
    one, two = seed_world(service).merchants
    seed_month(service, one)
    with served(create_app(service)) as url:
        yield Shop(service, one, two, url)
    service.database.close()
