"""Threats 1 to 3: copied patterns, random ones, recorded requests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from stampbench.bench.records.findings import Figure, Finding, Trial
from stampbench.bench.scenarios.city_day.driving import Reply
from stampbench.bench.scenarios.city_day.hands import Points, Touches, fingers, random_pads
from stampbench.bench.scenarios.city_day.stage import Merchant, PressOf, Stage
from stampbench.bench.scenarios.city_day.tags import Tag
from stampbench.bench.scenarios.tally import Tally
from stampbench.sim.decoder import Decoder
from stampbench.sim.service.presses.geometry import repeat_digest
from stampbench.sim.service.shops.enrolment import enrol_stamp
from stampbench.sim.stamps import Catalogue, load_family

COPIED: Final = "1 Cloned pad pattern"
RANDOM: Final = "2 Random and brute-force patterns"
REPLAYED: Final = "3 Replay of a recorded request"
Draw = Callable[[np.random.Generator], Touches]
_PAUSE_S: Final = 1.1
"""Between two unknown patterns: a merchant hears 600 of them in ten minutes before it closes."""
_SNOWSHOE: Final = 0.0041
"""False matches of a random pattern among 1,000 stamps in SnowShoe's offline decoder, re-computed."""


def trials(stage: Stage) -> Iterator[Finding]:
    """All trials of patterns."""
    yield from _copies(stage)
    yield from _random(stage)
    yield from _replays(stage)


def _copies(stage: Stage) -> Iterator[Finding]:
    """Ways to copy a stamp; each copy tries to redeem, without the tag that the stamp has."""
    rng, hands = stage.draws("copies"), stage.hands
    merchant = stage.merchant("Copied", stamps=5, factor="sun")
    codes = [stamp.code for stamp in merchant.store.stamps]

    def copy(sigma_mm: float | None = None, scale: float = 1.0) -> Draw:
        return lambda rng: hands.press(int(rng.choice(codes)), rng, sigma_mm=sigma_mm, scale=scale)

    ways: dict[str, Draw] = {"exact copy": copy(sigma_mm=0.0), "copy pressed as the stamp is": copy()}
    ways |= {f"copy {percent:+d} % in size": copy(scale=1 + percent / 100) for percent in (-5, 5)}
    ways |= {
        f"copy with pads off by {sigma_mm:g} mm": copy(sigma_mm) for sigma_mm in (0.1, 0.2, 0.3, 0.5, 1.0)
    }
    ways["five fingers"] = lambda rng: hands.touch(fingers(rng), rng, sigma_mm=0.5)
    each = stage.settings.clones // len(ways)
    stage.tell.say(f"copied patterns: {len(ways)} kinds, {each} of each")
    for n, (way, draw) in enumerate(ways.items()):
        stage.tell.tried(n, len(ways))
        answers = _send(stage, merchant, [draw(rng) for _ in range(each)], "redeem")
        accepted, passed = answers["ok"], answers["factor_missing"]
        yield Trial(COPIED, f"{way}: redeems without its tag", each, accepted, note=_told(answers))
        if "in size" in way or way == "five fingers":
            yield Trial(COPIED, f"{way}: taken for the stamp", each, accepted + passed)
        else:
            yield Figure(
                f"{way}: taken for the stamp (FAR of the pattern alone)",
                (accepted + passed) / each,
                "1",
                note=f"{accepted + passed} of {each}; a pattern says which stamp, it proves nothing",
            )
    yield from _worth(stage, merchant)
    yield _liveness(stage)


def _send(stage: Stage, merchant: Merchant, touches: list[Touches], purpose: str) -> Counter[str]:
    """Press each from a phone of its own, no faster than the merchant's limit; how often which reason."""
    answers: Counter[str] = Counter()
    for touch in touches:
        stage.clock.advance(seconds=_PAUSE_S)
        number = stage.number()
        press = PressOf(touch, f"thief{number}", f"thief's phone {number}", purpose=purpose)
        answers[stage.press(merchant, press).reason] += 1
    return answers


def _worth(stage: Stage, merchant: Merchant) -> Iterator[Trial]:
    """What an accepted copy is good for: a token of a press to stamp freezes nothing; the tag does redeem."""
    rng, tries = stage.draws("worth"), stage.settings.tokens
    stamp = merchant.store.stamps[0]
    bought = Tally(COPIED, "token of a copy's press to stamp: freezes a coupon")
    for n in range(tries):
        stage.clock.advance(minutes=11)
        member = f"thief of a stamp {n}"
        reply = stage.press(merchant, PressOf(stage.hands.press(stamp.code, rng), member, member))
        coupon = stage.need(
            "POST", f"{merchant.path}/coupons", merchant.server_key, {"member": member, "name": "free"}
        )
        body = {"member": member, "token": reply.body["token"], "coupon": coupon["id"]}
        bought.expect(False, stage.ask("POST", f"{merchant.path}/redemptions", merchant.server_key, body).ok)
    yield bought.trial()
    tag = Tag(stage, merchant, stamp, rng)
    genuine = Tally(COPIED, "genuine stamp with its tag: redeems")
    for n in range(tries):
        stage.clock.advance(minutes=11)
        press = PressOf(
            stage.hands.press(stamp.code, rng), f"honest {n}", f"honest {n}", None, "redeem", tag.url()
        )
        genuine.expect(True, stage.press(merchant, press).accepted)
    yield genuine.trial()


def _liveness(stage: Stage) -> Trial:
    """Computed contacts have no second set, or an equal one: where liveness is asked, a person decides."""
    rng = stage.draws("liveness")
    merchant = stage.merchant("Liveness", policy={"require_liveness": True})
    tally = Tally(
        COPIED, "liveness asked for: no second set, an equal one, one of another press; two live sets"
    )
    for n in range(4 * stage.settings.tokens):
        stage.clock.advance(minutes=1)
        touch, other = (stage.hands.press(merchant.stamp.code, rng) for _ in range(2))
        kind = n % 4
        again = (touch.again, touch.first, other.first + rng.normal(0.0, 2.5, other.first.shape))[kind % 3]
        press = PressOf(
            Touches(touch.first, touch.again if kind == 3 else again),
            f"live {n}",
            f"live {n}",
            again=kind != 0,
        )
        tally.expect(kind == 3, stage.press(merchant, press).accepted)
    return tally.trial()


def _random(stage: Stage) -> Iterator[Finding]:
    settings, rng = stage.settings, stage.draws("random")
    family, rules = load_family(stage.hands.family.name), stage.service.rules
    stage.tell.say(f"random patterns among {settings.enrolled} stamps")
    merchant = stage.merchant("Large")
    codes = _enrol_many(stage, merchant, settings.enrolled - 1)
    catalogue = Catalogue([str(code) for code in codes], [family.pads(code) for code in codes], "stamps")
    decoder = Decoder(catalogue, sigma_mm=rules.sigma_mm)
    matched = 0
    for begin in range(0, settings.patterns_offline, 100_000):
        count = min(100_000, settings.patterns_offline - begin)
        found, _ = decoder.decode_batch(random_pads(rng, count))
        matched += int((found >= 0).sum())
        stage.tell.tried(begin + count, settings.patterns_offline)
    yield Trial(
        RANDOM,
        f"read as one of {settings.enrolled} stamps, decoder alone",
        settings.patterns_offline,
        matched,
        _SNOWSHOE / 10.0,
        "bar: a tenth of SnowShoe's offline decoder",
    )
    answers = _send(
        stage,
        merchant,
        [Touches(pads, pads + 0.01) for pads in random_pads(rng, settings.patterns)],
        "stamp",
    )
    yield Trial(
        RANDOM,
        "accepted over HTTP, each from another phone, as fast as a merchant's limit lets",
        settings.patterns,
        answers["ok"],
        _SNOWSHOE / 10.0,
        _told(answers),
    )
    yield _lockout(stage, merchant, rng)
    yield _too_near(stage, merchant, rng)


def _enrol_many(stage: Stage, merchant: Merchant, count: int) -> list[int]:
    """Enrol stamps of the family without a request for each; its own distance keeps them apart."""
    codes = [stage.code() for _ in range(count)]
    with stage.service.database.write() as connection:
        for code in codes:
            enrol_stamp(
                connection,
                merchant.number,
                store_id=merchant.store.number,
                serial=f"L{code:06d}",
                name="one of many",
                presses_mm=[stage.hands.pads(code)],
                factor="",
                min_distance_mm=0.0,
                now_us=stage.clock.now_us(),
                key_id=1,
            )
    return [merchant.stamp.code, *codes]


def _lockout(stage: Stage, merchant: Merchant, rng: np.random.Generator) -> Trial:
    """One phone: after the limit of unknown patterns even the right one is not looked at, for a while."""
    limit = stage.service.rules.misses_per_device
    tally = Tally(RANDOM, "one phone: looked at up to its limit, then not; after the pause again")
    for phone in range(5):
        stage.clock.advance(hours=1)
        device = f"guessing phone {phone}"
        for n in range(limit + 5):
            pads = random_pads(rng)[0]
            reply = stage.press(merchant, PressOf(Touches(pads, pads + 0.01), None, device))
            tally.expect(n < limit, reply.reason != "too_many_tries")
        right = PressOf(stage.hands.press(merchant.stamp.code, rng), None, device)
        tally.expect(False, stage.press(merchant, right).accepted)
        stage.clock.advance(minutes=stage.service.rules.misses_minutes + 1)
        again = PressOf(stage.hands.press(merchant.stamp.code, rng), None, device)
        tally.expect(True, stage.press(merchant, again).accepted)
    return tally.trial()


def _too_near(stage: Stage, merchant: Merchant, rng: np.random.Generator) -> Trial:
    """A stamp nearer than twice what a press may be off is not enrolled; far enough it is."""
    least = stage.service.rules.min_distance_mm
    tally = Tally(RANDOM, f"enrolling a stamp nearer than {least:g} mm to another: refused")
    path = f"{merchant.path}/stamps"
    for n in range(20):
        shift = rng.normal(0.0, 1.0, (5, 2))
        # A shift without move and turn is as long as the rigid distance that it makes, or longer.
        shift *= rng.uniform(0.05, 0.95) * least / np.linalg.norm(shift)
        pads: Points = stage.hands.pads(merchant.stamp.code) + shift
        body = {
            "store": merchant.store.number,
            "serial": f"N{n}",
            "name": "near",
            "presses_mm": [pads.tolist()],
        }
        tally.expect(False, stage.ask("POST", path, merchant.server_key, body).ok)
    return tally.trial()


def _replays(stage: Stage) -> Iterator[Trial]:
    settings, rng = stage.settings, stage.draws("replays")
    merchant = stage.merchant("Recorded", stamps=settings.captures)
    stage.tell.say(f"replays: {settings.captures} recorded requests, {settings.replays} times in every way")
    asks = []
    for n, stamp in enumerate(merchant.store.stamps):
        press = PressOf(stage.hands.press(stamp.code, rng), f"victim {n}", f"victim {n}")
        asks.append(stage.asked(merchant, press, f"captured-{n:04d}"))
    total = settings.captures * settings.replays
    order = [ask for ask in asks for _ in range(settings.replays)]
    for name, sequence in (
        ("in order", order),
        ("shuffled", [order[i] for i in rng.permutation(total)]),
    ):
        replies = [stage.driver.ask(ask) for ask in sequence]
        yield _one_each(f"same key, {name}: one press each, same answer", settings.captures, replies)
    asks = [replace(ask, idempotency_key=f"again-{n:06d}") for n, ask in enumerate(asks)]
    stage.clock.advance(minutes=30)
    fresh = []
    for n, stamp in enumerate(merchant.store.stamps):
        press = PressOf(stage.hands.press(stamp.code, rng), f"victim {n}", f"victim {n}")
        fresh.append(stage.asked(merchant, press, f"crowded-{n:04d}"))
    replies = [
        reply
        for _ in range(-(-settings.replays // 20))
        for ask in fresh
        for reply in stage.driver.together([ask] * 20)
    ]
    yield _one_each("same key, 20 at once: one press each, same answer", settings.captures, replies)
    renewed = Tally(REPLAYED, "same contacts under a new key, also moved: accepted")
    for n in range(settings.replays):
        for ask in asks:
            body = dict(ask.json)
            if n % 2:
                body["contacts"] = (np.array(body["contacts"]) + rng.uniform(-5.0, 5.0, 2)).tolist()
            replayed = replace(ask, json=body, idempotency_key=f"renewed-{stage.number():08d}")
            renewed.expect(False, stage.driver.ask(replayed).accepted)
    yield renewed.trial()
    yield _repeats(stage, rng)


def _one_each(case: str, captures: int, replies: Sequence[Reply]) -> Trial:
    numbers = {reply.body["press"] for reply in replies if reply.ok}
    failed = sum(not reply.ok for reply in replies)
    return Trial(REPLAYED, case, len(replies), failed + max(0, len(numbers) - captures))


def _repeats(stage: Stage, rng: np.random.Generator) -> Trial:
    """Genuine presses of one stamp, again and again, are not taken for replays of each other."""
    seen: set[bytes] = set()
    presses = stage.settings.repeats
    for _ in range(presses):
        seen.add(repeat_digest(stage.hands.press(stage.house_codes[0], rng).first, 1.0))
    return Trial(
        REPLAYED,
        "genuine presses of one stamp that look like an earlier one",
        presses,
        presses - len(seen),
        1e-4,
    )


def _told(answers: Counter[str]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in answers.most_common())
