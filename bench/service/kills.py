"""The service killed at random moments while presses come in: none accepted is lost, none counts twice.

Clients do what apps do: a press without an answer is sent again, under the same key, once the service
is back.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from stampbench.bench.service.process import QuickClient, ServiceProcess
from stampbench.bench.service.warm import WarmService
from stampbench.firmware_emulator.errors import LinkError

SENDERS: Final = 4
_ROUND: Final = 20
"""Presses of each sender from start to start; fewer of one stamp than the service calls a burst."""
_COLD: Final = 10
"""One start in so many is that of the command, from a new interpreter on."""
_LONGEST_S: Final = 0.2
"""A press takes some milliseconds: kills fall before, into and between many of them."""


@dataclass(frozen=True, slots=True)
class Victim:
    """A service to be killed, and a merchant of it.

    Attributes:
        url: of the database, with all tables.
        secret: of the service.
        merchant_id, app_key, server_key: of the merchant.
        stamps: of the merchant: ``SENDERS`` for each kill, so that none is pressed too often.
        press: contacts of a press of that stamp, by number; called in one thread.
    """

    url: str
    secret: bytes
    merchant_id: int
    app_key: str
    server_key: str
    stamps: int
    press: Callable[[int], list[list[float]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class KillReport:
    """What was found afterwards.

    Attributes:
        kills: of the service.
        presses: sent, of distinct members.
        acknowledged: of these, answered before a kill.
        kept: of the others, known to the service all the same: killed between commit and answer.
        lost: answered presses of which the service later knew nothing, or something else.
        miscounted: presses that stand in their member's ledger other than once.
    """

    kills: int
    presses: int
    acknowledged: int
    kept: int
    lost: int
    miscounted: int


@dataclass
class _Sent:
    """Every press that was sent, and the answers that came."""

    bodies: list[dict[str, Any]] = field(default_factory=list)
    acknowledged: dict[int, dict[str, Any]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)


def kill_and_recover(
    victim: Victim,
    folder: Path,
    *,
    kills: int,
    rng: np.random.Generator,
    tell: Callable[[int], object] = lambda kill: None,
) -> KillReport:
    """Kill the service again and again and count what its database holds in the end.

    Args:
        victim: the service and where to press.
        folder: for the log.
        kills: how often.
        rng: draws the moments, up to 0.2 s after the first answer.
        tell: is told the number of every kill.

    Raises:
        LinkError: the service does not start again, or refuses a press.
    """
    started = victim.url, victim.secret, folder / "service.log"
    cold, warm = ServiceProcess(*started), WarmService(*started)
    sent = _Sent()
    for kill in range(kills):
        tell(kill)
        contacts = [
            [victim.press((kill * SENDERS + sender) % victim.stamps) for _ in range(_ROUND)]
            for sender in range(SENDERS)
        ]
        process = warm if kill % _COLD else cold
        _press_until_killed(process, victim, contacts, sent, float(rng.uniform(0.0, _LONGEST_S)))
    with cold:
        client = cold.client()
        kept = lost = miscounted = 0
        for number, body in enumerate(sent.bodies):
            answer = _press(client, victim, number, body)
            before = sent.acknowledged.get(number)
            kept += before is None and answer["earlier"]
            lost += before is not None and (not answer["earlier"] or answer["press"] != before["press"])
            path = f"/v1/merchants/{victim.merchant_id}/members/{body['member']}/ledger"
            _, ledger = client.call("GET", path, victim.server_key)
            stamps = [(entry["press"], entry["amount"]) for entry in ledger if entry["account"] == "stamps"]
            miscounted += stamps != [(answer["press"], 1)]
        client.close()
    return KillReport(
        kills=kills,
        presses=len(sent.bodies),
        acknowledged=len(sent.acknowledged),
        kept=kept,
        lost=lost,
        miscounted=miscounted,
    )


def _press_until_killed(
    process: ServiceProcess,
    victim: Victim,
    contacts: Sequence[Sequence[list[list[float]]]],
    sent: _Sent,
    after_s: float,
) -> None:
    """Let all senders press until the service, killed a while after the first answer, gives none."""
    process.start()
    answered = threading.Event()

    def send(mine: Sequence[list[list[float]]]) -> None:
        client = process.client()
        try:
            for points in mine:
                with sent.lock:
                    number = len(sent.bodies)
                    body = {"contacts": points, "member": f"member-{number}", "device": f"phone-{number}"}
                    sent.bodies.append(body)
                answer = _press(client, victim, number, body)
                with sent.lock:
                    sent.acknowledged[number] = answer
                answered.set()
        except LinkError:
            if not answered.is_set():
                raise
        finally:
            client.close()
            answered.set()

    with ThreadPoolExecutor(len(contacts)) as pool:
        sending = [pool.submit(send, mine) for mine in contacts]
        answered.wait()
        threading.Event().wait(after_s)
        process.stop(signal.SIGKILL)
    for one in sending:
        one.result()


def _press(client: QuickClient, victim: Victim, number: int, body: dict[str, Any]) -> dict[str, Any]:
    headers = {"Idempotency-Key": f"kill-{victim.merchant_id}-{number:06d}"}
    status, answer = client.call("POST", "/v1/presses", victim.app_key, body, headers)
    if status != 200 or answer["outcome"] != "accepted":
        raise LinkError(f"service: press {number}: {status} {answer}")
    press: dict[str, Any] = answer
    return press
