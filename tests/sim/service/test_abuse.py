"""With an app's key alone, which is in everybody's hands: nothing is learnt, and nobody else is kept out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from stampbench.sim.service.app import create_app
from stampbench.sim.service.seed import moved, pressed

ABUSER, CUSTOMER = "203.0.113.7", "198.51.100.20"


@pytest.fixture
def at() -> Iterator[Callable[[Any, str], Any]]:
    """The same world, asked from another network address."""
    clients: list[Any] = []

    def elsewhere(world: Any, address: str) -> Any:
        client = type(world.client)(create_app(world.service), address)
        clients.append(client)
        return replace(world, client=client)

    yield elsewhere
    for client in clients:
        client.close()


def nonsense(rng: np.random.Generator) -> list[list[float]]:
    return (60.0 * rng.random((5, 2))).round(2).tolist()


def test_garbage_from_one_address_keeps_nobody_else_out(any_world: Any, at: Any) -> None:
    abuser, customer = at(any_world, ABUSER), at(any_world, CUSTOMER)
    rng = np.random.default_rng(1)
    reasons = [
        abuser.press(contacts=nonsense(rng), contacts_again=None, member=None, device=f"invented {n}")[
            "reason"
        ]
        for n in range(any_world.service.rules.misses_per_address + 5)
    ]
    assert reasons[-1] == "too_many_tries"
    assert customer.press()["outcome"] == "accepted"


def test_a_known_device_presses_where_an_abuser_shares_its_address(any_world: Any, at: Any) -> None:
    shared = at(any_world, ABUSER)
    assert shared.press()["outcome"] == "accepted"
    rng = np.random.default_rng(2)
    for n in range(any_world.service.rules.misses_per_address):
        shared.press(contacts=nonsense(rng), contacts_again=None, member=None, device=f"invented {n}")
    assert shared.press(member="new", device="a new phone")["reason"] == "too_many_tries"
    assert shared.press()["outcome"] == "accepted"


def test_garbage_under_the_name_of_another_device_is_held_against_the_sender_alone(
    any_world: Any, at: Any
) -> None:
    abuser, customer = at(any_world, ABUSER), at(any_world, CUSTOMER)
    rng = np.random.default_rng(3)
    for _ in range(any_world.service.rules.misses_per_device + 1):
        abuser.press(contacts=nonsense(rng), contacts_again=None, member=None, device="phone of anna")
    assert customer.press()["outcome"] == "accepted"


def test_wrong_codes_close_no_store_s_fallback_to_known_devices(any_world: Any, at: Any) -> None:
    abuser, customer = at(any_world, ABUSER), at(any_world, CUSTOMER)
    assert customer.press()["outcome"] == "accepted"
    number = any_world.one.stores[0].number

    def fall_back(world: Any, code: str, device: str, method: str = "otp") -> str:
        body = {"method": method, "store_number": number, "code": code, "member": "anna", "device": device}
        headers = {"Idempotency-Key": f"{device} {code} {method}"}
        answer = world.call("POST", "/v1/presses/fallback", world.one.app_key, json=body, headers=headers)
        return str(answer.json()["reason"])

    told = [fall_back(abuser, f"{n:06d}", f"invented {n}") for n in range(25)]
    assert told[-1] == "too_many_tries"
    assert fall_back(customer, "", "phone of anna", "store-number") == "ok"


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "not an address"])
def test_an_address_that_says_nothing_counts_for_nobody(world: Any, at: Any, address: str) -> None:
    inside = at(world, address)
    rng = np.random.default_rng(4)
    for n in range(world.service.rules.misses_per_address + 1):
        inside.press(contacts=nonsense(rng), contacts_again=None, member=None, device=f"invented {n}")
    assert inside.press()["outcome"] == "accepted"


def test_hostile_requests_with_the_app_s_key_obtain_suspend_and_lock_nothing(world: Any, at: Any) -> None:
    """A thousand requests by somebody who has nothing but that key."""
    abuser, customer = at(world, ABUSER), at(world, CUSTOMER)
    rng, merchant = np.random.default_rng(5), f"/v1/merchants/{world.one.merchant_id}"
    pads, store = world.one.stamps[0].pads_mm, world.one.stores[0]
    lat_deg, lon_deg = moved((store.lat_deg, store.lon_deg), 20_000.0, 1.0)
    far = {"lat_deg": lat_deg, "lon_deg": lon_deg, "accuracy_m": 5.0}
    known = f"{pads[0][0]:.6f}"[:6]
    routes = [
        ("GET", f"{merchant}/bundle"),
        ("GET", f"{merchant}/stamps"),
        ("GET", f"{merchant}/presses"),
        ("GET", f"{merchant}/alarms"),
        ("GET", f"{merchant}/stores"),
        ("POST", f"{merchant}/stamps/{world.one.stamps[0].stamp_id}/state"),
    ]
    for n in range(1000):
        kind = n % 4
        if kind == 0:
            method, path = routes[n // 4 % len(routes)]
            answer = abuser.call(method, path, world.one.app_key, json={"state": "disabled", "reason": "x"})
            assert answer.status_code == 403
        else:
            points = nonsense(rng) if kind == 1 else pressed(pads, rng).tolist()
            body = world.body(contacts=points, contacts_again=None, member=f"m{n}", device=f"d{n}", place=far)
            headers = {"Idempotency-Key": f"hostile {n}"}
            answer = abuser.call("POST", "/v1/presses", world.one.app_key, json=body, headers=headers)
            assert answer.status_code in (200, 429)
        assert known not in answer.text
    assert customer.press()["outcome"] == "accepted"
    stamps = world.ok("GET", f"{merchant}/stamps", world.one.server_key)
    assert {one["state"] for one in stamps} == {"active"}
