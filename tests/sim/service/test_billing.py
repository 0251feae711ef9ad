"""Usage and invoices: whatever order events come in and however often, the invoice is the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import sqlalchemy as sa
from stampbench.sim.service.billing.invoices import bill
from stampbench.sim.service.billing.usage import Usage, record_usage
from stampbench.sim.service.clock import DAY_US


def close(world: Any, month: str = "2026-11") -> Any:
    path = f"/v1/vendors/{world.seeded.vendor_id}/invoices/{month}"
    return world.ok("POST", path, world.seeded.vendor_key)


def check(world: Any) -> Any:
    path = f"/v1/vendors/{world.seeded.vendor_id}/invoices-check"
    return world.ok("GET", path, world.seeded.vendor_key)


def tell(world: Any, *events: tuple[str, str], **changes: Any) -> Any:
    body = [
        {"event": name, "merchant": world.one.merchant_id, "kind": "message", "at": at} | changes
        for name, at in events
    ]
    path = f"/v1/vendors/{world.seeded.vendor_id}/usage"
    return world.call("POST", path, world.seeded.vendor_key, json={"events": body})


def test_accepted_presses_are_billed_and_refused_ones_are_not(any_world: Any) -> None:
    any_world.press()
    any_world.press(merchant=any_world.two)
    any_world.press(pressed_at="2026-11-18T10:00:00+09:00")
    invoice = close(any_world)
    assert (invoice["quantity"], invoice["amount"], invoice["revision"]) == (2, 20, 1)
    assert close(any_world) == invoice
    assert check(any_world) == {"agrees": True, "findings": []}


def test_late_events_make_the_next_revision_of_their_own_month(any_world: Any) -> None:
    tell(any_world, ("a", "2026-10-31T23:59:59+09:00"), ("b", "2026-11-01T00:00:00+09:00"))
    assert (close(any_world, "2026-10")["quantity"], close(any_world)["quantity"]) == (1, 1)
    any_world.clock.advance(days=40)
    tell(any_world, ("late", "2026-10-15T12:00:00+09:00"))
    again = close(any_world, "2026-10")
    assert (again["revision"], again["quantity"]) == (2, 2)
    assert close(any_world)["revision"] == 1
    assert check(any_world)["agrees"]


def test_an_event_told_twice_counts_once_and_with_other_contents_is_refused_whole(any_world: Any) -> None:
    world = any_world
    event = ("a", "2026-11-01T00:00:00+09:00")
    assert tell(world, event, event).json() == {"new": 1, "known": 1}
    assert tell(world, event).json() == {"new": 0, "known": 1}
    assert tell(world, ("b", event[1]), event, quantity=7).status_code == 409
    assert close(world)["quantity"] == 1


def test_an_event_of_another_vendor_s_merchant_is_refused(world: Any, make_world: Any) -> None:
    other = world.ok("POST", "/v1/vendors", world.seeded.operator_key, json={"name": "Other"})
    path = f"/v1/vendors/{other['id']}/usage"
    event = {"event": "x", "merchant": world.one.merchant_id, "kind": "m", "at": "2026-11-01T00:00:00Z"}
    assert world.call("POST", path, other["key"], json={"events": [event]}).status_code == 404


def test_ten_thousand_events_lost_repeated_and_reordered_make_the_same_invoice(any_world: Any) -> None:
    """What was lost is told again by its sender; what arrives twice or late is known already."""
    world = any_world
    rng = np.random.default_rng(0)
    service, vendor, merchant = world.service, world.seeded.vendor_id, world.one.merchant_id
    start = service.calendar.month_us("2026-10")[0]
    times = start + rng.integers(0, 60 * DAY_US, 10_000)
    events = [Usage(f"e{n}", merchant, "message", 1 + n % 3, int(at)) for n, at in enumerate(times)]
    expected = bill(
        sorted(
            (named(one) for one in events if service.calendar.month_of(one.at_us) == "2026-10"), key=order
        ),
        10,
    )
    arriving = rng.permutation(np.concatenate([np.arange(10_000), rng.integers(0, 10_000, 2_000)]))
    lost = rng.random(len(arriving)) < 0.1
    new = 0
    with service.database.write() as connection:
        for part in (arriving[~lost], arriving):
            for begin in range(0, len(part), 5_000):
                batch = [events[n] for n in part[begin : begin + 5_000]]
                new += record_usage(connection, vendor, batch, now_us=0, calendar=service.calendar).new
    assert new == len(events)
    invoice = close(world, "2026-10")
    assert (invoice["events"], invoice["quantity"]) == (expected.events, expected.quantity)
    assert invoice["digest"] == expected.digest.hex()


def named(usage: Usage) -> Usage:
    return Usage(f"told:{usage.event}", usage.merchant_id, usage.kind, usage.quantity, usage.at_us)


def order(usage: Usage) -> tuple[int, str]:
    return usage.at_us, usage.event


def test_tampering_behind_the_service_s_back_is_found(world: Any) -> None:
    tell(world, ("a", "2026-11-01T00:00:00+09:00"), ("b", "2026-11-02T00:00:00+09:00"))
    close(world, "2026-10")
    close(world)
    with world.service.database.write() as connection:
        connection.exec_driver_sql("DROP TRIGGER usage_events_fixed")
        connection.exec_driver_sql("UPDATE usage_events SET quantity = 0 WHERE event = 'a'")
    assert "2026-11 revision 1" in check(world)["findings"][0]
    with world.service.database.write() as connection:
        connection.exec_driver_sql("UPDATE usage_events SET quantity = 1 WHERE event = 'a'")
        connection.exec_driver_sql("DROP TRIGGER invoices_fixed")
        connection.execute(sa.text("UPDATE invoices SET amount = 0 WHERE month = '2026-11'"))
    chain, amount = check(world)["findings"]
    assert chain == "invoice 2026-11 revision 1 breaks the chain"
    assert amount.startswith(
        "invoice 2026-11 revision 1 says 2 events and 0; the events themselves say 2 and 20"
    )
