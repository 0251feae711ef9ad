"""Threat 12: one coupon redeemed by many at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from stampbench.bench.records.findings import Finding
from stampbench.bench.scenarios.city_day.driving import Ask
from stampbench.bench.scenarios.city_day.stage import PressOf, Stage
from stampbench.bench.scenarios.tally import Tally

THREAT: Final = "12 Double redeem, retry storms, killed mid-request"
"""Its kills are a part of their own."""
_STAMPS: Final = 10


def trials(stage: Stage) -> Iterator[Finding]:
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
