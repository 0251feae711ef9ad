"""Threat 12: one coupon redeemed by many at once, and a service that is killed while it works."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import IO, Final

import httpx
import numpy as np

from bench.scenarios import Finding, Trial
from bench.scenarios.city_day.driving import Ask, client_of
from bench.scenarios.city_day.stage import Merchant, PressOf, Stage
from bench.scenarios.hardened import Tally
from firmware_emulator.errors import InputError
from sim.service.settings import SECRET_VARIABLE

THREAT: Final = "12 Double redeem, retry storms, killed mid-request"
_STAMPS: Final = 10
_SENDERS: Final = 4
_ROUND: Final = 20
"""Presses of each client until it gives up, fewer than the service calls a burst."""


def trials(stage: Stage) -> Iterator[Finding]:
    """All trials of value."""
    yield from _races(stage)
    yield from _kills(stage)


def _races(stage: Stage) -> Iterator[Trial]:
    """Everybody freezes one coupon, then everybody executes it."""
    rng, settings = stage.draws("races"), stage.settings
    merchant = stage.merchant("Raced", stamps=_STAMPS)
    path, key, member = merchant.path, merchant.server_key, "racer"
    stage.tell.say(f"double redeem: {settings.racers} clients at once, {settings.races} rounds")
    doubled = Tally(
        THREAT, f"{settings.racers} clients freeze, then execute one coupon: one success, the rest 409"
    )
    balance = Tally(THREAT, "ledger after each round: one coupon used, nothing frozen")
    for spent in range(1, settings.races + 1):
        stage.clock.advance(hours=1)
        tokens = []
        for n in range(settings.racers):
            stamp = merchant.store.stamps[n % _STAMPS]
            press = PressOf(
                stage.hands.press(stamp.code, rng), member, f"racer's phone {n}", purpose="redeem"
            )
            tokens.append(stage.press(merchant, press).body["token"])
        coupon = stage.need("POST", f"{path}/coupons", key, {"member": member, "name": "free"})["id"]
        freezes = [
            Ask("POST", f"{path}/redemptions", key, {"member": member, "token": token, "coupon": coupon})
            for token in tokens
        ]
        replies = stage.driver.together(freezes)
        frozen = [reply.body["id"] for reply in replies if reply.ok]
        for n, status in enumerate(sorted(reply.status for reply in replies)):
            doubled.expect(True, status == (201 if n == 0 else 409))
        executes = [Ask("POST", f"{path}/redemptions/{frozen[0]}/execute", key)] * settings.racers
        for n, reply in enumerate(sorted(stage.driver.together(executes), key=lambda one: one.status)):
            doubled.expect(True, reply.status == (200 if n == 0 else 409))
        card = stage.need("GET", f"{path}/members/{member}/card", key)
        ledger = stage.need("GET", f"{path}/members/{member}/ledger", key)
        sums = sum(entry["amount"] for entry in ledger if entry["account"] == "coupons")
        balance.expect(True, card["balances"]["coupons"] == sums == 0)
        balance.expect(True, card["balances"]["coupons-frozen"] == 0)
        used = [one for one in card["coupons"] if one["state"] == "redeemed"]
        balance.expect(True, len(used) == spent)
    yield doubled.trial()
    yield balance.trial()


class Victim:
    """The service in a process of its own, on the same database, to be killed."""

    def __init__(self, stage: Stage) -> None:
        url = stage.service.settings.database_url
        command = [sys.executable, "-c", "from bench.cli.main import main; main()", "service", "serve"]
        command += ["--database", url, "--port", "0", "--quiet"]
        environment = os.environ | {SECRET_VARIABLE: stage.secret.hex()}
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
        )
        said = _line(self._process.stdout)
        if not said:
            raise InputError("the service's process ended before it said its address; expected http://...")
        self.port = int(said.rpartition(":")[2])

    def kill(self) -> None:
        """End it without a warning, wherever it is."""
        self._process.kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()


def _line(stream: IO[str] | None) -> str:
    return "" if stream is None else stream.readline().strip()


def _kills(stage: Stage) -> Iterator[Trial]:
    """Clients press; the process is killed; they send again what was not answered, to the next process."""
    rng, kills = stage.draws("kills"), stage.settings.kills
    merchant = stage.merchant(
        "Killed", stamps=_SENDERS * kills, program={"stamps_per_day": 1000, "card_stamps": 1000}
    )
    stage.tell.say(f"killing the service {kills} times")
    sent: list[Ask] = []
    answered: dict[str, int] = {}
    for n in range(kills):
        stage.tell.step(n, kills)
        _until_killed(stage, merchant, rng, sent, answered, n)
    twice = lost = 0
    for ask in sent:
        reply = stage.driver.ask(ask)
        before = answered.get(ask.idempotency_key)
        lost += before is not None and (reply.body["press"] != before or not reply.body["earlier"])
        lost += not reply.accepted
        twice += not reply.ok
    yield Trial(THREAT, "answered presses that are gone after a kill", len(sent), lost, note=f"{kills} kills")
    stamps = 0
    for sender in range(_SENDERS):
        path = f"{merchant.path}/members/sender {sender}/card"
        stamps += stage.need("GET", path, merchant.server_key)["balances"]["stamps"]
    wrong = min(len(sent), abs(stamps - len(sent)) + twice)
    yield Trial(THREAT, "presses counted twice or not at all, each sent again", len(sent), wrong)


def _until_killed(
    stage: Stage,
    merchant: Merchant,
    rng: np.random.Generator,
    sent: list[Ask],
    answered: dict[str, int],
    round_number: int,
) -> None:
    """Four clients press until the process is gone; what they sent and what was answered is noted."""
    victim = Victim(stage)
    seeds = rng.integers(2**63, size=_SENDERS)
    enough = threading.Semaphore(0)
    noted = threading.Lock()

    def send(sender: int) -> None:
        draws = np.random.default_rng(int(seeds[sender]))
        stamp = merchant.store.stamps[round_number * _SENDERS + sender]
        with client_of(victim.port) as client:
            for n in range(_ROUND):
                who = f"sender {sender}"
                # Another phone each time: a burst of one phone would wait for a person.
                press = PressOf(stage.hands.press(stamp.code, draws), who, f"{who} {round_number} {n}")
                ask = stage.asked(merchant, press, f"killed-{round_number}-{sender}-{n:04d}")
                with noted:
                    sent.append(ask)
                try:
                    answer = client.post(ask.path, json=ask.json, headers=ask.headers)
                except httpx.TransportError:
                    return
                with noted:
                    answered[ask.idempotency_key] = answer.json()["press"]
                enough.release()

    threads = [threading.Thread(target=send, args=(sender,)) for sender in range(_SENDERS)]
    for thread in threads:
        thread.start()
    for _ in range(int(rng.integers(1, 12))):
        enough.acquire()
    victim.kill()
    for thread in threads:
        thread.join()
