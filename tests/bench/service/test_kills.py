"""The service killed while presses come in; a process of its own, over HTTP."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from stampbench.bench.service.kills import Victim, kill_and_recover
from stampbench.sim.service.migrations import migrate
from stampbench.sim.service.opening import open_service
from stampbench.sim.service.seed import pressed, seed_world
from stampbench.sim.service.service import ServiceSettings
from stampbench.sim.service.store.database import Database

SECRET = bytes(range(32))


@pytest.mark.slow
def test_no_accepted_press_is_lost_or_counted_twice_when_the_service_is_killed(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'service.sqlite3'}"
    database = Database(url)
    migrate(database)
    database.close()
    service = open_service(ServiceSettings(SECRET, url))
    always = [[(0, 1440)]] * 7
    (one,) = seed_world(service, merchants=1, stores=1, stamps_per_store=8, opening=always).merchants
    service.database.close()
    rng = np.random.default_rng(3)
    victim = Victim(
        url=url,
        secret=SECRET,
        merchant_id=one.merchant_id,
        app_key=one.app_key,
        server_key=one.server_key,
        stamps=len(one.stamps),
        press=lambda n: pressed(one.stamps[n].pads_mm, rng).tolist(),
    )
    report = kill_and_recover(victim, tmp_path, kills=2, rng=rng)
    assert (report.lost, report.miscounted) == (0, 0)
    assert 2 <= report.acknowledged < report.presses
