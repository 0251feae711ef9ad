"""Threats 9, 14 and 15: tokens forged or misused, patterns of others, codes that are guessed."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any, Final

from stampbench.bench.records.findings import Finding, Trial
from stampbench.bench.scenarios.city_day.driving import Ask, Reply
from stampbench.bench.scenarios.city_day.stage import Merchant, PressOf, Stage
from stampbench.bench.scenarios.tally import Tally
from stampbench.sim.service.clock import HOUR_US, SECOND_US
from stampbench.sim.service.presses.fallback import STEP_S, hotp, totp_step

FORGED: Final = "9 Client decides success; token forged or reused"
LEAKED: Final = "14 Pattern database leak between tenants"
GUESSED: Final = "15 Fallback abuse: one-time codes, store number"


def trials(stage: Stage) -> Iterator[Finding]:
    """All trials of tokens, tenants and codes."""
    yield from _tokens(stage)
    yield from _leaks(stage)
    yield from _guesses(stage)
    yield _drift(stage)
    yield _store_number(stage)


def _verify(stage: Stage, merchant: Merchant, token: str, member: str | None, key: str = "") -> Reply:
    body = {"token": token, "member": member}
    return stage.ask("POST", f"{merchant.path}/tokens/verify", key or merchant.server_key, body)


def _tokens(stage: Stage) -> Iterator[Trial]:
    rng, tries = stage.draws("tokens"), stage.settings.tokens
    mine, other = stage.merchant("Tokens"), stage.merchant("Other tokens")
    stage.tell.say(f"tokens: {tries} of each kind")
    cases = {
        "success made up by the client: a token that was never given": False,
        "brought to another merchant": False,
        "brought for another member": False,
        "verified by an app's key, which is in everybody's hands": False,
        "after its time": False,
        "genuine": True,
        "a second time": False,
    }
    tallies = {case: Tally(FORGED, f"token: {case}") for case in cases}
    for n in range(tries):
        stage.clock.advance(minutes=11)
        member = f"holder {n}"
        reply = stage.press(mine, PressOf(stage.hands.press(mine.stamp.code, rng), member, member))
        token = str(reply.body["token"])
        forged = base64.urlsafe_b64encode(rng.bytes(32)).rstrip(b"=").decode()
        replies = [
            _verify(stage, mine, forged, member),
            _verify(stage, other, token, member),
            _verify(stage, mine, token, f"thief {n}"),
            _verify(stage, mine, token, member, mine.app_key),
        ]
        late = stage.press(mine, PressOf(stage.hands.press(mine.stamp.code, rng), member, member))
        replies_after = [_verify(stage, mine, token, member), _verify(stage, mine, token, member)]
        stage.clock.advance(seconds=stage.service.rules.token_seconds + 1)
        replies += [_verify(stage, mine, str(late.body["token"]), member), *replies_after]
        for (case, right), reply in zip(cases.items(), replies, strict=True):
            tallies[case].expect(right, reply.ok)
    for tally in tallies.values():
        yield tally.trial()


def _leaks(stage: Stage) -> Iterator[Trial]:
    """Every route of one tenant with the keys of another; what answers contain."""
    vendor = stage.vendor("Rival")
    mine, rival = stage.merchant("Tenant"), stage.merchant("Rival tenant", vendor=vendor)
    routes = Tally(LEAKED, "every route of a merchant, with another's keys: refused, and says nothing")
    pads = [f"{value:.4f}" for value in stage.hands.pads(mine.stamp.code).ravel().tolist()]
    values = {"merchant_id": mine.number, "vendor_id": stage.vendor_id, "stamp_id": mine.stamp.number}
    values |= {"store_id": mine.store.number}
    for path, methods in stage.app.openapi()["paths"].items():
        if "{merchant_id}" not in path and "{vendor_id}" not in path:
            continue
        asked = path
        for name in ("member", "month"):
            asked = asked.replace(f"{{{name}}}", {"member": "anna", "month": "2026-10"}[name])
        for name, value in values.items():
            asked = asked.replace(f"{{{name}}}", str(value))
        while "{" in asked:
            asked = asked[: asked.index("{")] + "1" + asked[asked.index("}") + 1 :]
        for method in methods:
            for key in (rival.server_key, rival.app_key, vendor[1], mine.app_key, ""):
                reply = stage.ask(method.upper(), asked, key)
                routes.expect(False, reply.status not in (401, 403, 404) or _shows(reply.body, pads))
    yield routes.trial("another merchant's server and app, another vendor, one's own app, nobody")
    bundles = Tally(LEAKED, "bundle and answers: patterns of one's own stamps alone, and nowhere else")
    for merchant, own in ((mine, mine), (rival, rival)):
        bundle = stage.need("GET", f"{merchant.path}/bundle", merchant.server_key)["bundle"]
        payload = bundle.split(".")[1]
        content = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        serials = {stamp["serial"] for stamp in content["stamps"]}
        bundles.expect(True, serials == {stamp.serial for stamp in own.store.stamps})
        for path in ("stamps", "counts", "stores", "alarms"):
            shown = stage.need("GET", f"{merchant.path}/{path}", merchant.server_key)
            bundles.expect(False, _shows(shown, pads))
    yield bundles.trial()


def _shows(body: Any, pads: list[str]) -> bool:
    text = json.dumps(body)
    return "pads" in text or any(pad.rstrip("0") in text for pad in pads if len(pad.rstrip("0")) > 5)


def _otp(stage: Stage, merchant: Merchant) -> bytes:
    path = f"{merchant.path}/stores/{merchant.store.number}/otp-secret"
    return base64.b32decode(stage.need("GET", path, stage.vendor_key)["secret"])


def _fallback(
    stage: Stage, merchant: Merchant, who: str, code: str, device: str, method: str = "otp"
) -> Reply:
    body = {
        "method": method,
        "store_number": merchant.store.wall_number,
        "code": code,
        "member": who,
        "device": device,
    }
    key = f"fallback-{stage.number():08d}"
    return stage.driver.ask(Ask("POST", "/v1/presses/fallback", merchant.app_key, body, key))


def _guesses(stage: Stage) -> Iterator[Finding]:
    rng, guesses = stage.draws("guesses"), stage.settings.guesses
    merchant = stage.merchant("Guessed")
    stage.tell.say(f"one-time codes: {guesses} guesses, each from another phone")
    begun_us, looked_at, accepted = stage.clock.at_us, 0, 0
    for n in range(guesses):
        if n % 1000 == 0:
            stage.tell.tried(n, guesses)
        stage.clock.advance(seconds=1)
        reply = _fallback(stage, merchant, f"guesser {n % 50}", f"{rng.integers(10**6):06d}", f"guessing {n}")
        looked_at += reply.reason != "too_many_tries"
        accepted += reply.accepted
    hours = (stage.clock.at_us - begun_us) / HOUR_US
    yield Trial(GUESSED, "guessed six-digit codes of one store: accepted", guesses, accepted)
    limit = stage.service.rules.fallback_per_store
    yield Trial(
        GUESSED,
        "guesses that are looked at at all, beyond the store's limit",
        guesses,
        max(0, looked_at - limit * int(hours + 1.0)),
        note=f"{looked_at} in {hours:.1f} h; the limit is {limit} an hour",
    )


def _drift(stage: Stage) -> Trial:
    """Codes of the steps around now: one step either way is good, once."""
    merchant = stage.merchant("Drift")
    secret = _otp(stage, merchant)
    tally = Tally(
        GUESSED, "staff's code 3 steps early to 3 late: good within one; used once; not older than used"
    )
    for n, drift in enumerate(range(-3, 4)):
        stage.clock.advance(hours=2)
        code = hotp(secret, totp_step(stage.clock.at_us) + drift)
        who = f"cracked {n}"
        tally.expect(abs(drift) <= 1, _fallback(stage, merchant, who, code, who).accepted)
        tally.expect(False, _fallback(stage, merchant, f"{who} friend", code, f"{who} friend").accepted)
    for n in range(10):
        stage.clock.advance(hours=2)
        step = totp_step(stage.clock.at_us)
        codes = hotp(secret, step), hotp(secret, step - 1)
        # A later step was used: the earlier one is gone with it.
        tally.expect(True, _fallback(stage, merchant, f"later {n}", codes[0], f"later {n}").accepted)
        tally.expect(False, _fallback(stage, merchant, f"older {n}", codes[1], f"older {n}").accepted)
        stage.clock.at_us += STEP_S * SECOND_US
    return tally.trial()


def _store_number(stage: Stage) -> Trial:
    """The number on the wall: once a day and member, a stamp at most, never a redemption's token."""
    merchant = stage.merchant("Wall")
    limit = stage.service.rules.store_number_per_day
    tally = Tally(GUESSED, f"store number: {limit} a day and member, without a token")
    for n in range(10):
        stage.next_morning()
        for step in range(limit + 2):
            reply = _fallback(stage, merchant, f"wall {n}", "", f"wall {n}", "store-number")
            tally.expect(step < limit, reply.accepted)
            tally.expect(False, reply.body["token"] is not None)
    return tally.trial()
