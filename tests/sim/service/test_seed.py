"""A shop that is tried with two months behind it."""

from __future__ import annotations

from typing import Any

import pytest
from stampbench.sim.service.clock import HOUR_US
from stampbench.sim.service.seed import seed_month


@pytest.mark.parametrize("hour", [0.1, 23.9])
def test_at_any_hour_the_shop_was_busy_around_noon(world: Any, hour: float) -> None:
    world.clock.at_us += round((hour - 12.0) * HOUR_US)
    seed_month(world.service, world.one, members=500)
    base, key = f"/v1/merchants/{world.one.merchant_id}", world.one.server_key
    counts = world.ok("GET", f"{base}/counts?from=2026-10-20&to=2026-11-17", key)
    assert 10 <= counts["hours"].index(max(counts["hours"])) <= 13
    body = {"name": "gone", "query": "stamps = 8 and unseen >= 30"}
    segment = world.ok("POST", f"{base}/segments", key, json=body)["id"]
    assert world.ok("GET", f"{base}/segments/{segment}", key) == {"members": 3}


def test_a_seeded_shop_says_what_its_figures_say_and_goes_on(any_world: Any) -> None:
    world, key = any_world, any_world.one.server_key
    seed_month(world.service, world.one, members=500)
    base = f"/v1/merchants/{world.one.merchant_id}"
    today = world.ok("GET", f"{base}/counts", key)
    assert (today["customers"], today["stamps"]) == (13, 25)
    for query, members in (("stamps = 8", 30), ("stamps = 8 and unseen >= 30", 3), ("joined >= 0", 500)):
        body = {"name": query, "query": query}
        segment = world.ok("POST", f"{base}/segments", key, json=body)["id"]
        assert world.ok("GET", f"{base}/segments/{segment}", key) == {"members": members}
    assert world.press(member="somebody new")["outcome"] == "accepted"
    assert world.ok("GET", f"{base}/members/member 0/card", key)["balances"]["stamps"] == 8
