"""A shop that is tried with two months behind it."""

from __future__ import annotations

from typing import Any

from sim.service.seed_month import seed_month


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
