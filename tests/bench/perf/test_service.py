"""What ``stampbench perf service`` stands on: stored presses, and the indexes by which they are found."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from stampbench.bench.perf.service import _indexes
from stampbench.bench.service.history import store_presses
from stampbench.bench.service.process import http_request
from stampbench.sim.service.migrations import migrate
from stampbench.sim.service.opening import open_service
from stampbench.sim.service.seed import seed_world
from stampbench.sim.service.service import ServiceSettings
from stampbench.sim.service.store.database import Database
from stampbench.sim.service.tables.presses import Press


def test_stored_presses_are_found_by_indexes_alone(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'service.sqlite3'}"
    database = Database(url)
    migrate(database)
    database.close()
    service = open_service(ServiceSettings(bytes(32), url))
    world = seed_world(service, merchants=1, stores=2)
    store_presses(service, world, 500)
    with service.database.read() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(Press)).scalar_one() == 500
    assert {"ix_presses_stamp", "ix_presses_member", "ix_presses_shape"} <= set(
        _indexes(service, world).split(", ")
    )
    service.database.close()


@pytest.mark.parametrize("body", [None, {"a": "한"}])
def test_a_request_says_how_long_it_is(body: object) -> None:
    head, _, content = http_request("POST", "/x", "key", body, {"X": "y"}).partition(b"\r\n\r\n")
    assert f"Content-Length: {len(content)}".encode() in head
    assert b"\r\nX: y" in head
