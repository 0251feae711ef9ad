"""The service killed while presses come in; a process of its own, over HTTP."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.service.kills import kill_and_recover
from sim.service.database import Database
from sim.service.migrations import migrate


@pytest.mark.slow
def test_no_accepted_press_is_lost_or_counted_twice_when_the_service_is_killed(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'service.sqlite3'}"
    database = Database(url)
    migrate(database)
    database.close()
    rng = np.random.default_rng(3)
    report = kill_and_recover(url, tmp_path, kills=2, presses_per_kill=25, rng=rng)
    assert (report.lost, report.miscounted) == (0, 0)
    assert 2 <= report.told < report.presses == 50
