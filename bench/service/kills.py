"""The service killed at random moments while presses come in: none accepted is lost, none counts twice.

Clients do what apps do: a press without an answer is sent again, under the same key, once the service
is back.
"""

from __future__ import annotations

import signal
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from bench.service.process import QuickClient, ServiceProcess
from firmware_emulator.errors import LinkError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sim.service.seed import SeededMerchant

_SECRET: Final = bytes(range(32))
_LONGEST_S: Final = 0.2
"""A press takes some milliseconds: kills fall before, into and between many of them."""


@dataclass(frozen=True, slots=True)
class KillReport:
    """What was found afterwards.

    Attributes:
        kills: of the service.
        presses: of distinct members, every one of which was accepted in the end.
        told: presses that were answered before a kill.
        lost: answered presses of which the service later knew nothing, or something else.
        miscounted: presses that stand on their member's card other than once.
    """

    kills: int
    presses: int
    told: int
    lost: int
    miscounted: int


def kill_and_recover(
    url: str,
    folder: Path,
    *,
    kills: int,
    presses_per_kill: int,
    rng: np.random.Generator,
    tell: Callable[[int], object] = lambda kill: None,
) -> KillReport:
    """Kill the service again and again and count what its database holds in the end.

    Args:
        url: of a database with all tables.
        folder: for the log.
        kills: how often.
        presses_per_kill: sent from start to start, as many as are answered.
        rng: draws the moments.
        tell: is told the number of every kill.

    Raises:
        LinkError: the service does not start again.
    """
    merchant = _merchant(url)
    bodies = _bodies(merchant, kills * presses_per_kill, rng)
    process = ServiceProcess(url, _SECRET, folder / "service.log")
    told: dict[int, dict[str, Any]] = {}
    for kill in range(kills):
        tell(kill)
        numbers = range(kill * presses_per_kill, (kill + 1) * presses_per_kill)
        _press_until_killed(process, merchant.app_key, bodies, numbers, told, rng)
    lost = miscounted = 0
    with process:
        client = process.client()
        for number, body in enumerate(bodies):
            answer = _press(client, merchant.app_key, number, body)
            before = told.get(number)
            lost += before is not None and (not answer["earlier"] or answer["press"] != before["press"])
            path = f"/v1/merchants/{merchant.merchant_id}/members/{body['member']}/card"
            _, card = client.call("GET", path, merchant.server_key)
            miscounted += card["balances"]["stamps"] != 1
        client.close()
    return KillReport(kills, len(bodies), len(told), lost, miscounted)


def _merchant(url: str) -> SeededMerchant:
    from sim.service.seed import seed_world
    from sim.service.service import open_service
    from sim.service.settings import ServiceSettings

    service = open_service(ServiceSettings(_SECRET, url))
    always = [[(0, 1440)] for _ in range(7)]
    world = seed_world(
        service, merchants=1, stores=10, stamps_per_store=10, opening=always, check_distance=False
    )
    service.database.close()
    return world.merchants[0]


def _bodies(merchant: SeededMerchant, count: int, rng: np.random.Generator) -> list[dict[str, Any]]:
    from sim.service.seed import pressed

    return [
        {
            "contacts": pressed(merchant.stamps[n % len(merchant.stamps)].pads_mm, rng).tolist(),
            "member": f"member-{n}",
            "device": f"phone-{n}",
        }
        for n in range(count)
    ]


def _press_until_killed(
    process: ServiceProcess,
    key: str,
    bodies: list[dict[str, Any]],
    numbers: range,
    told: dict[int, dict[str, Any]],
    rng: np.random.Generator,
) -> None:
    """Send presses until the service, killed a random while after the first answer, gives none."""
    process.start()
    client = process.client()
    killer: threading.Timer | None = None
    try:
        for number in numbers:
            told[number] = _press(client, key, number, bodies[number])
            if killer is None:
                after_s = float(rng.uniform(0.0, _LONGEST_S))
                killer = threading.Timer(after_s, process.stop, (signal.SIGKILL,))
                killer.start()
    except LinkError:
        if killer is None:
            raise
    finally:
        client.close()
        if killer is not None:
            killer.join()


def _press(client: QuickClient, key: str, number: int, body: dict[str, Any]) -> dict[str, Any]:
    headers = {"Idempotency-Key": f"kill-{number:06d}"}
    status, answer = client.call("POST", "/v1/presses", key, body, headers)
    if status != 200 or answer["outcome"] != "accepted":
        raise LinkError(f"service: press {number}: {status} {answer}")
    press: dict[str, Any] = answer
    return press
