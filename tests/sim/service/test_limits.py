"""Too much, too slow, from elsewhere, or under another secret: each is told, and nobody else waits for it."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.service.api.limits import LARGEST_BODY, BodyLimits
from stampbench.sim.service.app import create_app
from stampbench.sim.service.opening import open_service
from stampbench.sim.service.service import ServiceSettings
from stampbench.sim.service.tables.tenants import Stamp


def test_a_body_that_is_too_large_is_not_read(world: Any) -> None:
    headers = {"Idempotency-Key": "a large press"}
    answer = world.call("POST", "/v1/presses", content=b" " * (LARGEST_BODY + 1), headers=headers)
    assert answer.status_code == 413
    assert answer.json()["code"].endswith("too-large")


def test_a_body_that_does_not_come_is_a_408(world: Any) -> None:
    app = create_app(world.service)
    sent: list[Any] = []

    async def receive() -> Any:
        await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/presses",
        "headers": [(b"content-type", b"application/json")],
        "query_string": b"",
        "scheme": "http",
        "server": ("service", 80),
        "client": ("here", 1),
    }
    asyncio.run(BodyLimits(app, within_s=0.01)(scope, receive, send))
    assert sent[0]["status"] == 408


def test_merchants_do_not_wait_for_another_s_stamp(make_world: Any, database_url: str) -> None:
    if database_url.startswith("sqlite"):
        pytest.skip("SQLite has one writer at a time")
    world = make_world(database_url)

    def press(number: int) -> int:
        headers = {"Idempotency-Key": f"waiting {number}", "Authorization": f"Bearer {world.one.app_key}"}
        answer = world.client.request("POST", "/v1/presses", json=world.body(device=None), headers=headers)
        return int(answer.status_code)

    with ThreadPoolExecutor(12) as pool, world.service.database.write() as connection:
        mine = sa.select(Stamp.id).where(Stamp.merchant_id == world.one.merchant_id)
        connection.execute(mine.with_for_update())
        waiting = [pool.submit(press, number) for number in range(12)]
        other = world.press(merchant=world.two, member="bert")
        assert other["reason"] == "ok"
        assert {one.result() for one in waiting} == {503}


def test_a_sum_beyond_what_can_be_kept_is_refused_and_large_ones_are_not(any_world: Any) -> None:
    world, key = any_world, any_world.seeded.vendor_key
    vendor = f"/v1/vendors/{world.seeded.vendor_id}"

    def report(names: range) -> None:
        one = {
            "merchant": world.one.merchant_id,
            "kind": "k",
            "quantity": 10**9,
            "at": "2026-11-01T12:00:00Z",
        }
        world.ok("POST", f"{vendor}/usage", key, json={"events": [one | {"event": f"e{n}"} for n in names]})

    report(range(3))
    invoice = world.ok("POST", f"{vendor}/invoices/2026-11", key)
    assert (invoice["quantity"], invoice["amount"]) == (3 * 10**9, 3 * 10**10)
    assert world.ok("GET", f"{vendor}/invoices-check", key)["agrees"]


def test_too_many_tries_say_when_to_come_again(world: Any) -> None:
    nonsense = [[float(n), float(n * n)] for n in range(5)]
    for _ in range(10):
        world.press(contacts=nonsense, contacts_again=None)
    headers = {"Idempotency-Key": "one too many"}
    answer = world.call("POST", "/v1/presses", world.one.app_key, json=world.body(), headers=headers)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "600")
    assert answer.json()["reason"] == "too_many_tries"


def test_a_database_under_another_secret_is_not_opened(any_world: Any) -> None:
    url = any_world.service.settings.database_url
    with pytest.raises(InputError, match="was filled under another secret"):
        open_service(ServiceSettings(b"x" * 32, url))
    open_service(any_world.service.settings).database.close()


@pytest.mark.parametrize("origin", ["shop.example", "https://shop.example/", "ftp://shop.example", "*"])
def test_an_origin_is_a_scheme_and_a_host(origin: str) -> None:
    with pytest.raises(InputError, match="expected scheme and host"):
        ServiceSettings(bytes(32), origins=(origin,))


async def _page(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
    await send({"type": "http.response.body", "body": b"<title>shop</title>"})


_PRESS = """
const [url, key, contacts, done] = arguments;
fetch(url + "/v3/stamp", {method: "POST", body: JSON.stringify({data: contacts}),
  headers: {"Content-Type": "application/json", "SnowShoe-Api-Key": key}})
  .then(answer => answer.json()).then(done, error => done(String(error)));
"""


def test_a_page_of_a_listed_origin_presses_and_one_of_another_does_not(
    world: Any, browser: Any, served: Any
) -> None:
    contacts = world.body()["contacts"]
    with served(_page) as shop, served(_page) as other:
        settings = ServiceSettings(
            world.service.settings.secret, world.service.settings.database_url, origins=(shop,)
        )
        service = open_service(settings, clock=world.clock)
        with served(create_app(service)) as url:
            assert httpx.options(f"{url}/v3/stamp").status_code == 405
            told = []
            for page in (shop, other):
                browser.get(page)
                told.append(browser.execute_async_script(_PRESS, url, world.one.app_key, contacts))
        service.database.close()
    assert told[0]["stamp"]["serial"] == world.one.stamps[0].serial
    assert "Failed to fetch" in told[1]
