"""Sabotage: small named faults in what a scenario tries, each of which a trial must find.

A trial that no fault makes fail proves nothing. ``stampbench run hardened --sabotage NAME`` plants one fault
while the scenario runs; the tests plant all of them.
"""

from __future__ import annotations

import importlib
import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

from stampbench.bench.plans.messages import choose
from stampbench.firmware_emulator.errors import InputError

_ROOT = "stampbench."


@dataclass(frozen=True, slots=True)
class Sabotage:
    """One fault.

    Attributes:
        fault: in words.
        where: module and attribute that it changes, as ``module:Class.method`` below :mod:`stampbench`.
        spoil: makes the faulty thing of the sound one.
        part: of the scenario whose trials must find it.
        found_by: words in the name of such a trial.
    """

    fault: str
    where: str
    spoil: Callable[[Any], Any]
    part: str
    found_by: str


def _always(answer: Any) -> Callable[[Any], Any]:
    return lambda sound: lambda *_, **__: answer


def _pays_for_a_pattern(sound: Any) -> Any:
    return lambda desk, action, evidence: sound(desk, type(action)("collect"), evidence)


def _takes_weak_signals(sound: Any) -> Any:
    return lambda way, evidence, presented: sound(replace(way, min_rssi_dbm=None), evidence, presented)


def _counts_in_two_bytes(sound: Any) -> Any:
    def tap_in(picc_data: bytes) -> Any:
        tap = sound(picc_data)
        return type(tap)(tap.uid, tap.counter & 0xFFFF)

    return tap_in


def _changed(**fields: Any) -> Callable[[Any], Any]:
    """Let a function's answer, where there is one, say something else."""

    def spoil(sound: Any) -> Any:
        def spoilt(*arguments: Any) -> Any:
            found = sound(*arguments)
            return replace(found, **fields) if hasattr(found, next(iter(fields))) else found

        return spoilt

    return spoil


def _takes_factory_keys(sound: Any) -> Any:
    def build(verifier: Any, *arguments: Any, production: bool = True) -> None:
        sound(verifier, *arguments, production=False)

    return build


def _never_the_same(sound: Any) -> Any:
    numbers = itertools.count()
    return lambda points, unit_mm: next(numbers).to_bytes(32, "big")


def _lives_in_1970(sound: Any) -> Any:
    return lambda connection, pseudonyms, merchant, token, member, now_us: sound(
        connection, pseudonyms, merchant, token, member, 0
    )


def _believes_yesterday(sound: Any) -> Any:
    def judge(belief: Any, window: int, time_s: float) -> Any:
        belief.back_until_s = time_s
        return sound(belief, window, time_s)

    return judge


def _doubles_points(sound: Any) -> Any:
    def movement(account: Any, amount: int, **named: Any) -> Any:
        return sound(account, 2 * amount if account.value == "points" else amount, **named)

    return movement


def _without(name: str) -> Callable[[Any], Any]:
    """Leave out the check of this name."""
    return lambda checks: tuple(check for check in checks if check.__name__ != name)


def _likes_every_stamp(sound: Any) -> Any:
    def judge_stamp(*arguments: Any, **named: Any) -> Any:
        found = sound(*arguments, **named)
        return replace(found, disposition=type(found.disposition)("accept"), reasons=())

    return judge_stamp


SABOTAGES: Mapping[str, Mapping[str, Sabotage]] = {
    "hardened": {
        "guard-forgets": Sabotage(
            "the guard in memory accepts every counter",
            "sim.credentials.guard:MemoryGuard.advance",
            _always(True),
            "nfc",
            "the same URL again (plain)",
        ),
        "guard-forgets-names": Sabotage(
            "the guard in memory takes every use for the first",
            "sim.credentials.guard:MemoryGuard.first_use",
            _always(True),
            "sound",
            "used token replayed",
        ),
        "file-forgets": Sabotage(
            "the guard in SQLite accepts every counter",
            "sim.credentials.guard:SqliteGuard.advance",
            _always(True),
            "nfc",
            "guard in SQLite: one accepted",
        ),
        "file-forgets-names": Sabotage(
            "the guard in SQLite takes every use for the first",
            "sim.credentials.guard:SqliteGuard.first_use",
            _always(True),
            "nfc",
            "one name used twice, guard in SQLite",
        ),
        "mac-unchecked": Sabotage(
            "MACs of URLs are not compared",
            "sim.credentials.nfc.verifier:hmac",
            lambda sound: SimpleNamespace(compare_digest=lambda *_: True),
            "nfc",
            "tags of another issuer",
        ),
        "mac-one-byte": Sabotage(
            "MACs of URLs are compared in their first byte",
            "sim.credentials.nfc.verifier:hmac",
            lambda sound: SimpleNamespace(compare_digest=lambda a, b: a[:1] == b[:1]),
            "nfc",
            "every bit of every field changed",
        ),
        "counter-of-two-bytes": Sabotage(
            "a tag's counter is read from two of its three bytes",
            "sim.credentials.nfc.verifier:tap_in",
            _counts_in_two_bytes,
            "nfc",
            "65,536th tap",
        ),
        "factory-keys": Sabotage(
            "a server takes the keys with which chips are delivered",
            "sim.credentials.nfc.verifier:SunVerifier.__init__",
            _takes_factory_keys,
            "nfc",
            "server with the factory's key",
        ),
        "any-stamp": Sabotage(
            "a proof counts for a touch of any stamp",
            "sim.credentials.press:StampBook.proved",
            lambda sound: lambda book, credential, touch: sound(book, credential, None),
            "press",
            "touch of another or of none",
        ),
        "old-proofs": Sabotage(
            "a proof may be of any age",
            "sim.credentials.policy:_time_refused",
            _always(None),
            "press",
            "touch and tap within 5 s",
        ),
        "weak-beacon": Sabotage(
            "a beacon is taken however weakly it was heard",
            "sim.credentials.policy:_time_refused",
            _takes_weak_signals,
            "press",
            "beacon at -95 to -31 dBm",
        ),
        "pattern-pays": Sabotage(
            "a pattern alone pays",
            "sim.credentials.policy:Desk.decide",
            _pays_for_a_pattern,
            "press",
            "pay: accepted",
        ),
        "yesterday-believed": Sabotage(
            "identifiers of the day before are in time",
            "sim.credentials.ble.resolver:Resolver._judged",
            _changed(in_time=True),
            "ble",
            "recorded 0 s to 26 h before",
        ),
        "repeats-redeem": Sabotage(
            "a window that a beacon shows again counts as new",
            "sim.credentials.ble.resolver:Resolver._judged",
            _changed(repeated=False),
            "clocks",
            "no redeeming until the beacon has caught up",
        ),
        "exact-clocks": Sabotage(
            "no beacon's clock may err",
            "sim.credentials.ble.clocks:LARGEST_ERROR_PPM",
            lambda sound: 0.0,
            "clocks",
            "heard by nobody",
        ),
        "token-late": Sabotage(
            "a sounded token is good for 25 s after its window instead of 15",
            "sim.credentials.sound.token:LATE_S",
            lambda sound: 25.0,
            "sound",
            "unused token, 10 s before",
        ),
        "any-session": Sabotage(
            "a sounded token of any session pays",
            "sim.credentials.sound.token:SoundVerifier.verify",
            _changed(bound=True),
            "sound",
            "token without a session",
        ),
    },
    "city-day": {
        "factor-not-asked": Sabotage(
            "a press of value needs no second factor",
            "sim.service.presses.decision:of_factor",
            _always(None),
            "patterns",
            "exact copy: redeems without its tag",
        ),
        "replays-count": Sabotage(
            "no shape was ever seen before",
            "sim.service.presses.authentication:repeat_digest",
            _never_the_same,
            "patterns",
            "same contacts under a new key",
        ),
        "anywhere": Sabotage(
            "no press is suspicious, wherever and whenever it was made",
            "sim.service.presses.authentication:suspicions",
            lambda sound: lambda *_: iter(()),
            "places",
            "detected by the second press",
        ),
        "dead-stamps-count": Sabotage(
            "a stamp that was disabled counts on",
            "sim.service.presses.decision:of_state",
            _always(None),
            "places",
            "disabled or revoked",
        ),
        "token-lasts": Sabotage(
            "a token never ends",
            "sim.service.api.presses:use_token",
            _lives_in_1970,
            "tokens",
            "after its time",
        ),
        "yesterday-believed": Sabotage(
            "identifiers of the day before are taken",
            "sim.credentials.ble.belief:BeaconBelief.judge",
            _believes_yesterday,
            "bluetooth",
            "recorded 0 s to 26 h before",
        ),
        "beacons-count-again": Sabotage(
            "a beacon's identifier counts as often as it is shown",
            "sim.service.presses.beacons:spend",
            _always(SimpleNamespace(good=True, reason="")),
            "bluetooth",
            "same identifier, same member again",
        ),
        "answers-count-again": Sabotage(
            "an answer by sound counts as often as it is shown",
            "sim.service.presses.sounds:spend",
            _always(SimpleNamespace(good=True, reason="")),
            "sounds",
            "used answer replayed",
        ),
        "answers-last": Sabotage(
            "an answer by sound is good however late it comes",
            "sim.service.presses.sounds:is_in_time",
            _always(True),
            "sounds",
            "unused answer",
        ),
        "points-doubled": Sabotage(
            "a press books its points twice",
            "sim.service.loyalty.cards:movement",
            _doubles_points,
            "honest",
            "balances of all members",
        ),
        "erasure-forgets": Sabotage(
            "an erasure erases nothing",
            "sim.service.api.customers:erase",
            _always(None),
            "books",
            "erased: not found",
        ),
    },
    "rig-faults": {
        "rigs-believed": Sabotage(
            "no rig is checked by its reference",
            "bench.validation.judging.reference:CHECKS",
            lambda checks: (),
            "mirror",
            "1 rig, good lots",
        ),
        "mirror-unseen": Sabotage(
            "nobody looks whether an axis is mirrored",
            "bench.validation.judging.reference:CHECKS",
            _without("_check_mirror"),
            "mirror",
            "faulty rigs named",
        ),
        "level-unseen": Sabotage(
            "nobody looks at the level of the reference",
            "bench.validation.judging.reference:CHECKS",
            _without("_check_level"),
            "level 0.5",
            "faulty rigs named",
        ),
        "gauge-believed": Sabotage(
            "every gauge is good enough",
            "bench.validation.judging.lot_gauge:GaugeResult.proven",
            _always(True),
            "unsteady",
            "faulty rigs named",
        ),
        "stamps-all-good": Sabotage(
            "no stamp is ever rejected",
            "bench.validation.judging.judging:judge_stamp",
            _likes_every_stamp,
            "none",
            "1 rig, bad lots",
        ),
        "bad-stamps-allowed": Sabotage(
            "any number of bad stamps may be in a sample",
            "bench.validation.sampling.sampling:SamplingPlan.reject",
            lambda sound: 10**6,
            "none",
            "2 rigs, bad lots",
        ),
        "coverage-of-one": Sabotage(
            "the coverage factor is 1",
            "bench.validation.judging.budget:Budget.coverage",
            lambda sound: 1.0,
            "none",
            "coverage of U, perfect rigs",
        ),
    },
}
"""By scenario and name."""


def sabotage_of(scenario: str, name: str) -> Sabotage:
    """Return the sabotage of this name.

    Raises:
        InputError: there is no such sabotage of this scenario.
    """
    known = SABOTAGES.get(scenario, {})
    if not known:
        raise InputError(f"--sabotage {name}: expected a plan that names a scenario: {', '.join(SABOTAGES)}")
    if name not in known:
        raise InputError(f"--sabotage {name}: {choose(name, known)}")
    return known[name]


@contextmanager
def sabotaged(scenario: str, name: str) -> Iterator[None]:
    """Plant a fault while a scenario runs.

    Raises:
        InputError: there is no such sabotage of this scenario.
    """
    sabotage = sabotage_of(scenario, name)
    module, _, path = sabotage.where.partition(":")
    *owners, attribute = path.split(".")
    owner: Any = importlib.import_module(_ROOT + module)
    for part in owners:
        owner = getattr(owner, part)
    sound = getattr(owner, attribute)
    setattr(owner, attribute, sabotage.spoil(sound))
    try:
        yield
    finally:
        setattr(owner, attribute, sound)
