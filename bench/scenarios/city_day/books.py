"""Threats 13 and 16: bills that are tampered with, and customers who want to be forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import sqlalchemy as sa
from stampbench.bench.records.findings import Finding, Trial
from stampbench.bench.scenarios.city_day.stage import FIRST_DAY, PRICE, Merchant, PressOf, Stage, at, located
from stampbench.bench.scenarios.tally import Tally
from stampbench.sim.service.billing.invoices import verify
from stampbench.sim.service.clock import HOUR_US, to_datetime
from stampbench.sim.service.store.database import Database
from stampbench.sim.service.tables import Base

BILLED: Final = "13 Bill tampering, lost or doubled usage"
ERASED: Final = "16 Privacy: erasure"
_BATCH: Final = 1000


def trials(stage: Stage) -> Iterator[Finding]:
    """All trials of bills and of privacy."""
    yield from _usage(stage)
    yield from _erasures(stage)


def _usage(stage: Stage) -> Iterator[Trial]:
    """Events told in batches that get lost, are sent again, arrive in another order."""
    rng, count = stage.draws("usage"), stage.settings.usage_events
    vendor_id, key = vendor = stage.vendor("Billed")
    merchant = stage.merchant("Billed merchant", vendor=vendor)
    stage.tell.say(f"billing: {count} events, lost, repeated and shuffled")
    month = FIRST_DAY.isoformat()[:7]
    quantities = rng.integers(1, 5, count)
    moments = at(FIRST_DAY) + rng.integers(0, 31 * 24 * HOUR_US, count)
    path = f"/v1/vendors/{vendor_id}"
    bills = Tally(
        BILLED, f"invoice over {count} events: events, quantity and amount as drawn; told again: the same"
    )
    order = rng.permutation(count)
    # A tenth is lost at first, a third is told twice; everything comes in the end, in any order.
    first = order[rng.random(count) > 0.1]
    repeated = rng.permutation(np.concatenate([order[: count // 3], np.setdiff1d(order, first)]))
    for indices in (first, repeated):
        for begin in range(0, len(indices), _BATCH):
            stage.tell.tried(begin, len(indices))
            batch = [_event(merchant, int(i), quantities, moments) for i in indices[begin : begin + _BATCH]]
            stage.need("POST", f"{path}/usage", key, {"events": batch})
    bill = stage.need("POST", f"{path}/invoices/{month}", key)
    wanted = (count, int(quantities.sum()), PRICE * int(quantities.sum()))
    for found, right in zip((bill["events"], bill["quantity"], bill["amount"]), wanted, strict=True):
        bills.expect(True, found == right)
    last = [_event(merchant, int(i), quantities, moments) for i in order[:_BATCH]]
    bills.expect(True, stage.need("POST", f"{path}/usage", key, {"events": last})["new"] == 0)
    bills.expect(True, stage.need("POST", f"{path}/invoices/{month}", key) == bill)
    changed = last[0] | {"quantity": 99}
    bills.expect(False, stage.ask("POST", f"{path}/usage", key, {"events": [changed]}).ok)
    yield bills.trial()
    yield _tampered(stage, path, key, vendor_id)


def _event(merchant: Merchant, i: int, quantities: Any, moments: Any) -> dict[str, Any]:
    return {
        "event": f"event-{i:07d}",
        "merchant": merchant.number,
        "kind": "message",
        "quantity": int(quantities[i]),
        "at": to_datetime(int(moments[i])).isoformat(),
    }


def _tampered(stage: Stage, path: str, key: str, vendor_id: int) -> Trial:
    """Whoever can write to the database: refused by its triggers; without them, the check finds it."""
    tally = Tally(BILLED, "invoice or event changed in the database: refused; forced, found by the check")
    statements = (
        f"UPDATE invoices SET amount = amount - 10 WHERE vendor_id = {vendor_id}",
        f"UPDATE usage_events SET quantity = 9 WHERE vendor_id = {vendor_id} AND event = 'event-0000001'",
        f"DELETE FROM usage_events WHERE vendor_id = {vendor_id} AND event = 'event-0000002'",
    )
    database = stage.service.database
    for statement in statements:
        try:
            with database.write() as connection:
                connection.exec_driver_sql(statement)
        except sa.exc.DatabaseError:
            tally.expect(True, True)
        else:
            tally.expect(True, False)
    for statement in statements:
        with database.engine.connect() as connection:  # closed without a commit: all is as it was
            _drop_triggers(connection)
            connection.exec_driver_sql(statement)
            tally.expect(True, bool(verify(connection, vendor_id, stage.service.calendar)))
    tally.expect(True, stage.need("GET", f"{path}/invoices-check", key)["agrees"])
    return tally.trial()


def _drop_triggers(connection: sa.Connection) -> None:
    """Let a transaction change what is append-only."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        return
    names = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'")
    for name in names.scalars().all():
        connection.exec_driver_sql(f"DROP TRIGGER {name}")


def _erasures(stage: Stage) -> Iterator[Trial]:
    rng, count = stage.draws("erasures"), stage.settings.erasures
    merchant = stage.merchant("Forgotten")
    path, key = merchant.path, merchant.server_key
    stage.tell.say(f"erasing {count} customers")
    names = [f"customer-{n}-{rng.integers(10**12):012d}" for n in range(count)]
    for name in names:
        for _ in range(2):
            stage.clock.advance(minutes=2)
            place = located(rng, merchant.store.place_deg)
            touches = stage.hands.press(merchant.stamp.code, rng)
            stage.press(merchant, PressOf(touches, name, f"device-{name}", place))
        stage.need("PUT", f"{path}/members/{name}/contact", key, {"address": f"{name}@example.org"})
        for purpose in ("messages", "sharing"):
            stage.need("PUT", f"{path}/members/{name}/consent", key, {"purpose": purpose, "given": True})
    before = _counted(stage, merchant)
    gone = Tally(ERASED, "erased: not found, not exported, no card; erased twice: not found")
    for name in names:
        gone.expect(True, stage.ask("DELETE", f"{path}/members/{name}", key).ok)
        for method, what in (("GET", "/export"), ("GET", "/card"), ("GET", "/ledger"), ("DELETE", "")):
            gone.expect(True, stage.ask(method, f"{path}/members/{name}{what}", key).status == 404)
    yield gone.trial()
    after = _counted(stage, merchant)
    wrong = sum(after[name] != before[name] for name in before)
    yield Trial(ERASED, "counts of the days after the erasures, against those before", len(before), wrong)
    yield _left(stage, merchant, names)


def _counted(stage: Stage, merchant: Merchant) -> dict[str, Any]:
    counts: dict[str, Any] = stage.need("GET", f"{merchant.path}/counts", merchant.server_key)
    return counts


def _left(stage: Stage, merchant: Merchant, names: list[str]) -> Trial:
    """All that the database holds: no name, address, pseudonym of a member or a device is left."""
    pseudonyms, content = stage.service.pseudonyms, _content(stage.service.database)
    tally = Tally(ERASED, "name, address, pseudonym of person and phone in all that the database holds")
    for name in names:
        traces = [name.encode(), pseudonyms.of(merchant.number, "member", name)]
        traces.append(pseudonyms.of(merchant.number, "device", f"device-{name}"))
        for trace in traces:
            tally.expect(False, trace in content or trace.hex().encode() in content)
    return tally.trial()


def _content(database: Database) -> bytes:
    """Every byte of an SQLite file; of PostgreSQL every row, with binary columns in hexadecimal."""
    if database.is_sqlite:
        raw = database.engine.raw_connection()
        raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
        raw.close()
        return Path(database.engine.url.database or "").read_bytes()
    rows: list[str] = []
    with database.read() as connection:
        for table in Base.metadata.sorted_tables:
            every = connection.exec_driver_sql(f"SELECT t::text FROM {table.name} AS t")
            rows += every.scalars().all()
    return "\n".join(rows).encode()
