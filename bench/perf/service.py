"""Presses authenticated a second over HTTP, and what a decision costs when many presses are stored.

On PostgreSQL where it is installed, with commits that wait for the disk; on SQLite otherwise. The service
is one process, the load generator another; both and the database share the machine.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from stampbench.bench.perf import Figure
from stampbench.firmware_emulator.errors import LinkError

if TYPE_CHECKING:
    import numpy.typing as npt
    from stampbench.bench.service.process import ServiceProcess
    from stampbench.sim.service.seed import Seeded, SeededMerchant, SeededStamp
    from stampbench.sim.service.service import Service

MERCHANTS: Final = 100
STORES: Final = 10
WORKERS: Final = 2
CLIENTS: Final = 8
SECONDS: Final = 15.0
WARM_UP_PRESSES: Final = 300
DECISIONS: Final = 600
FEW: Final = 10_000
MANY: Final = 1_000_000
WANTED_PER_S: Final = 400.0
_SECRET: Final = bytes(range(32))
_MOST_PRESSES: Final = 30_000


def measure(*, stored: int = MANY, seconds: float = SECONDS) -> dict[str, Figure]:
    """Measure presses per second, latencies, and a decision beside few and ``stored`` presses."""
    from stampbench.bench.service.process import require_service

    require_service()

    from stampbench.bench.service.history import store_presses
    from stampbench.sim.service.opening import open_service
    from stampbench.sim.service.seed import seed_world
    from stampbench.sim.service.service import ServiceSettings

    with tempfile.TemporaryDirectory(prefix="stampbench-") as folder, _databases(Path(folder)) as make:
        few_url, many_url = make("few"), make("many")
        services = [open_service(ServiceSettings(_SECRET, url)) for url in (few_url, many_url)]
        worlds = [
            seed_world(
                service, merchants=MERCHANTS, stores=STORES, opening=[[(0, 1440)]] * 7, check_distance=False
            )
            for service in services
        ]
        latencies_s, elapsed_s, cpu_s = _load(few_url, worlds[0], seconds, Path(folder))
        for service, world, count in zip(services, worlds, (FEW, stored), strict=True):
            store_presses(service, world, count)
        few_s, many_s = _decisions_s(services, worlds)
        indexes = _indexes(services[1], worlds[1])
        name = "SQLite" if services[0].database.is_sqlite else "PostgreSQL, durable"
        for service in services:
            service.database.close()
    milliseconds = 1000.0 * latencies_s
    return {
        "presses_per_s": Figure(len(latencies_s) / elapsed_s, "/s", WANTED_PER_S, f"wanted; {name}"),
        "latency_p50_ms": Figure(float(np.percentile(milliseconds, 50)), "ms"),
        "latency_p99_ms": Figure(float(np.percentile(milliseconds, 99)), "ms", 100.0, "wanted at most"),
        "service_cpu_ms": Figure(1000.0 * cpu_s / len(latencies_s), "ms a press"),
        "decision_few_ms": Figure(1000.0 * few_s, "ms", None, f"{FEW:,} presses stored"),
        "decision_many_ms": Figure(
            1000.0 * many_s, "ms", 1000.0 * few_s, f"{FEW:,} stored; here {stored:,}, by {indexes}"
        ),
    }


@contextmanager
def _databases(folder: Path) -> Iterator[Callable[[str], str]]:
    """Yield what makes a database of a name, with all tables, and tells its URL."""
    from stampbench.bench.service.postgres import PostgresServer, find_postgres
    from stampbench.sim.service.migrations import migrate
    from stampbench.sim.service.store.database import Database

    def prepared(url: str) -> str:
        database = Database(url)
        migrate(database)
        database.close()
        return url

    binaries = find_postgres()
    if binaries is None:
        yield lambda name: prepared(f"sqlite:///{folder / name}.sqlite3")
        return
    with PostgresServer(
        binaries, durable=True, settings=("shared_buffers=256MB", "max_wal_size=4GB")
    ) as server:

        def make(name: str) -> str:
            server.create_database(name)
            return prepared(server.url(name))

        yield make


def _press(
    merchant: SeededMerchant, stamp: SeededStamp, member: str, rng: np.random.Generator
) -> dict[str, object]:
    from stampbench.sim.service.seed import pressed, settled

    store = next(store for store in merchant.stores if store.store_id == stamp.store_id)
    contacts = pressed(stamp.pads_mm, rng)
    return {
        "contacts": contacts.tolist(),
        "contacts_again": settled(contacts, rng).tolist(),
        "member": member,
        "device": f"phone of {member}",
        "place": {"lat_deg": store.lat_deg, "lon_deg": store.lon_deg, "accuracy_m": 12.0},
    }


def _load(
    url: str, world: Seeded, seconds: float, folder: Path
) -> tuple[npt.NDArray[np.float64], float, float]:
    """Press by all clients as quickly as they are answered; return latencies, time and CPU time (s)."""
    from stampbench.bench.service.process import ServiceProcess, http_request

    rng = np.random.default_rng(0)
    requests = []
    for n in range(_MOST_PRESSES):
        merchant = world.merchants[n % MERCHANTS]
        stamp = merchant.stamps[n // MERCHANTS % STORES]
        body = _press(merchant, stamp, f"member {n % 20_000}", rng)
        headers = {"Idempotency-Key": f"perf-{n:08d}"}
        requests.append(http_request("POST", "/v1/presses", merchant.app_key, body, headers))
    with ServiceProcess(url, _SECRET, folder / "service.log", workers=WORKERS) as process:
        _drive(process, requests[:WARM_UP_PRESSES], seconds)
        cpu_s = _cpu_s(process.pid)
        begun_s = time.perf_counter()
        latencies_s = _drive(process, requests[WARM_UP_PRESSES:], seconds)
        elapsed_s = time.perf_counter() - begun_s
        return latencies_s, elapsed_s, _cpu_s(process.pid) - cpu_s


def _drive(process: ServiceProcess, requests: list[bytes], seconds: float) -> npt.NDArray[np.float64]:
    end_s = time.perf_counter() + seconds

    def one(client_number: int) -> list[float]:
        client, latencies_s = process.client(), []
        for request in requests[client_number::CLIENTS]:
            begun_s = time.perf_counter()
            if begun_s >= end_s:
                break
            status, body = client.send(request)
            latencies_s.append(time.perf_counter() - begun_s)
            if status != 200 or b'"accepted"' not in body:
                raise LinkError(f"service: {status} {body.decode(errors='replace')[:200]}")
        client.close()
        return latencies_s

    with ThreadPoolExecutor(CLIENTS) as pool:
        return np.concatenate([np.array(part) for part in pool.map(one, range(CLIENTS))])


def _cpu_s(pid: int) -> float:
    """Return CPU time of a process and its children; NaN where the system does not tell."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        lines = [Path(f"/proc/{one}/stat").read_text() for one in (pid, *children)]
    except OSError:
        return float("nan")
    fields = [line.rpartition(")")[2].split() for line in lines]
    return sum(int(own[11]) + int(own[12]) for own in fields) / os.sysconf("SC_CLK_TCK")


def _decisions_s(services: Sequence[Service], worlds: Sequence[Seeded]) -> list[float]:
    """Return the median time of one decision with each service, in turn, in this process."""
    from stampbench.sim.service.presses.authentication import authenticate
    from stampbench.sim.service.presses.evidence import Place, PressEvidence

    rng = np.random.default_rng(1)
    times_s = np.empty((DECISIONS, len(services)))
    for n in range(DECISIONS):
        for number, (service, world) in enumerate(zip(services, worlds, strict=True)):
            merchant = world.merchants[n % MERCHANTS]
            stamp = merchant.stamps[n // MERCHANTS % STORES]
            body = _press(merchant, stamp, f"decided {n}", rng)
            place = body["place"]
            evidence = PressEvidence(
                key=f"decided {n}",
                request_digest=bytes(32),
                contacts=np.array(body["contacts"]),
                contacts_again=np.array(body["contacts_again"]),
                member=f"decided {n}",
                device=f"decided {n}",
                place=Place(**place) if isinstance(place, dict) else None,
            )
            begun_s = time.perf_counter()
            authenticate(service, merchant.merchant_id, evidence)
            times_s[n, number] = time.perf_counter() - begun_s
    medians: list[float] = np.median(times_s[MERCHANTS:], axis=0).tolist()
    return medians


def _indexes(service: Service, world: Seeded) -> str:
    """Return names of the indexes by which the database says it looks earlier presses up."""
    import re

    from stampbench.sim.service.presses.lookups import after_matching

    stamp = world.merchants[0].stamps[0]
    known = {
        "merchant_id": world.merchants[0].merchant_id,
        "stamp_id": stamp.stamp_id,
        "member_id": 1,
        "device": bytes(32),
        "address": None,
        "shape_digest": bytes(32),
        "now_us": service.clock.now_us(),
    }
    dialect = service.database.engine.dialect
    compiled = after_matching(service.rules).compile(dialect=dialect)
    explain = "EXPLAIN QUERY PLAN" if service.database.is_sqlite else "EXPLAIN"
    values: Any = compiled.construct_params(known)
    if compiled.positiontup is not None:
        values = tuple(values[name] for name in compiled.positiontup)
    with service.database.read() as connection:
        rows = connection.exec_driver_sql(f"{explain} {compiled}", values)
        plan = "\n".join(str(row[-1]) for row in rows)
    return ", ".join(sorted(set(re.findall(r"(?:ix|uq|pk)_presses\w*", plan)))) or "none"
