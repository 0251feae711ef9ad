"""Presses of a whole year, stored past the service: what a database looks like after some time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import sqlalchemy as sa
from sqlalchemy.schema import AddConstraint, DropConstraint
from stampbench.sim.service.tables.presses import Press

if TYPE_CHECKING:
    from stampbench.sim.service.seed import Seeded
    from stampbench.sim.service.service import Service

_YEAR_US: Final = 365 * 86_400_000_000
_AN_HOUR_US: Final = 3_600_000_000
_QUARTER_US: Final = 900_000_000
"""Zones are off by whole quarters of an hour."""
_ROWS_AT_ONCE: Final = 20_000
_DIGEST_BYTES: Final = 32
_MEMBERS_PER_MERCHANT: Final = 200
COLUMNS: Final = (
    "merchant_id",
    "store_id",
    "stamp_id",
    "member_id",
    "device",
    "key_digest",
    "request_digest",
    "shape_digest",
    "kind",
    "purpose",
    "outcome",
    "reason",
    "factor",
    "value",
    "at_us",
    "pressed_us",
    "day",
    "hour",
    "lat_deg",
    "lon_deg",
    "accuracy_m",
)


def store_presses(service: Service, world: Seeded, count: int, *, seed: int = 0) -> None:
    """Store ``count`` accepted presses of the year before the last hour, evenly drawn."""
    members = _members(service, world)
    rng = np.random.default_rng([seed, count])
    if service.database.is_sqlite:
        marks = ", ".join("?" * len(COLUMNS))
        rows = _rows(service, world, members, count, rng, bytes)
        with service.database.write() as connection:
            driver = connection.connection.driver_connection
            if driver is not None:
                driver.executemany(f"INSERT INTO presses ({', '.join(COLUMNS)}) VALUES ({marks})", rows)
        with service.database.write() as connection:
            connection.exec_driver_sql("ANALYZE")
        return
    lines = _rows(service, world, members, count, rng, lambda digest: rf"\\x{digest.hex()}")
    # Made again at once, indexes cost a tenth of row by row.
    indexes, unique = Press.columns().indexes, _unique_constraints(Press.columns())
    with service.database.write() as connection:
        for constraint in unique:
            connection.execute(DropConstraint(constraint))
        for index in indexes:
            index.drop(connection)
        driver = connection.connection.driver_connection
        if driver is not None:
            with driver.cursor() as cursor:
                cursor.execute(
                    "SET LOCAL session_replication_role = replica"
                )  # rows are right by construction
                with cursor.copy(f"COPY presses ({', '.join(COLUMNS)}) FROM STDIN") as copy:
                    while part := list(islice(lines, _ROWS_AT_ONCE)):
                        copy.write("".join(["\t".join(map(str, row)) + "\n" for row in part]))
        connection.exec_driver_sql("SET LOCAL maintenance_work_mem = '512MB'")
        for constraint in unique:
            connection.execute(AddConstraint(constraint))
        for index in indexes:
            index.create(connection)
    with service.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE presses")


def _unique_constraints(table: sa.Table) -> list[sa.UniqueConstraint]:
    return [one for one in table.constraints if isinstance(one, sa.UniqueConstraint)]


def _rows(
    service: Service,
    world: Seeded,
    members: dict[int, list[int]],
    count: int,
    rng: np.random.Generator,
    pack: Callable[[bytes], object],
) -> Iterator[tuple[Any, ...]]:
    """Yield rows in the order of ``COLUMNS``; ``pack`` turns a digest into what the database takes."""
    stamps = [(merchant, stamp) for merchant in world.merchants for stamp in merchant.stamps]
    places = {store.store_id: store for merchant in world.merchants for store in merchant.stores}
    last_us = service.clock.now_us() - _AN_HOUR_US
    calendar = service.calendar
    nothing = pack(bytes(_DIGEST_BYTES))
    devices = {one: pack(one.to_bytes(_DIGEST_BYTES, "big")) for many in members.values() for one in many}

    @cache
    def day_and_hour(quarter: int) -> tuple[str, int]:
        local = calendar.local(quarter * _QUARTER_US)
        return local.date().isoformat(), local.hour

    for begin in range(0, count, _ROWS_AT_ONCE):
        size = min(_ROWS_AT_ONCE, count - begin)
        ages_us = rng.integers(0, _YEAR_US, size).tolist()
        which = rng.integers(0, len(stamps), size).tolist()
        who = rng.integers(0, _MEMBERS_PER_MERCHANT, size).tolist()
        digests = rng.bytes(2 * _DIGEST_BYTES * size)
        for n, (age_us, stamp_number, member_number) in enumerate(zip(ages_us, which, who, strict=True)):
            merchant, stamp = stamps[stamp_number]
            store = places[stamp.store_id]
            at_us = last_us - age_us
            key, shape = 2 * n * _DIGEST_BYTES, (2 * n + 1) * _DIGEST_BYTES
            day, hour = day_and_hour(at_us // _QUARTER_US)
            member_id = members[merchant.merchant_id][member_number]
            yield (
                merchant.merchant_id,
                stamp.store_id,
                stamp.stamp_id,
                member_id,
                devices[member_id],
                pack(digests[key : key + _DIGEST_BYTES]),
                nothing,
                pack(digests[shape : shape + _DIGEST_BYTES]),
                "pattern",
                "stamp",
                "accepted",
                "ok",
                "",
                1,
                at_us,
                at_us,
                day,
                hour,
                store.lat_deg,
                store.lon_deg,
                12.0,
            )


def _members(service: Service, world: Seeded) -> dict[int, list[int]]:
    members: dict[int, list[int]] = {}
    with service.database.write() as connection:
        for merchant in world.merchants:
            members[merchant.merchant_id] = [
                service.member(connection, merchant.merchant_id, f"stored {n}")
                for n in range(_MEMBERS_PER_MERCHANT)
            ]
    return members
