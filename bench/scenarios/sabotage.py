"""Sabotage: small named faults in what a scenario tries, each of which a trial must find.

A trial that no fault makes fail proves nothing. ``stampbench run hardened --sabotage NAME`` plants one fault
while the scenario runs; the tests plant all of them.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

from stampbench.bench.plans.messages import choose
from stampbench.firmware_emulator.errors import InputError

_CREDENTIALS = "stampbench.sim.credentials."


@dataclass(frozen=True, slots=True)
class Sabotage:
    """One fault.

    Attributes:
        fault: in words.
        where: module and attribute that it changes, as ``module:Class.method`` below the credentials.
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
    return lambda sound: lambda *_: answer


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


SABOTAGES: Mapping[str, Mapping[str, Sabotage]] = {
    "hardened": {
        "guard-forgets": Sabotage(
            "the guard in memory accepts every counter",
            "guard:MemoryGuard.advance",
            _always(True),
            "nfc",
            "the same URL again (plain)",
        ),
        "guard-forgets-names": Sabotage(
            "the guard in memory takes every use for the first",
            "guard:MemoryGuard.first_use",
            _always(True),
            "sound",
            "used token replayed",
        ),
        "file-forgets": Sabotage(
            "the guard in SQLite accepts every counter",
            "guard:SqliteGuard.advance",
            _always(True),
            "nfc",
            "guard in SQLite: one accepted",
        ),
        "file-forgets-names": Sabotage(
            "the guard in SQLite takes every use for the first",
            "guard:SqliteGuard.first_use",
            _always(True),
            "nfc",
            "one name used twice, guard in SQLite",
        ),
        "mac-unchecked": Sabotage(
            "MACs of URLs are not compared",
            "nfc.verifier:hmac",
            lambda sound: SimpleNamespace(compare_digest=lambda *_: True),
            "nfc",
            "tags of another issuer",
        ),
        "mac-one-byte": Sabotage(
            "MACs of URLs are compared in their first byte",
            "nfc.verifier:hmac",
            lambda sound: SimpleNamespace(compare_digest=lambda a, b: a[:1] == b[:1]),
            "nfc",
            "every bit of every field changed",
        ),
        "counter-of-two-bytes": Sabotage(
            "a tag's counter is read from two of its three bytes",
            "nfc.verifier:tap_in",
            _counts_in_two_bytes,
            "nfc",
            "65,536th tap",
        ),
        "factory-keys": Sabotage(
            "a server takes the keys with which chips are delivered",
            "nfc.verifier:SunVerifier.__init__",
            _takes_factory_keys,
            "nfc",
            "server with the factory's key",
        ),
        "any-stamp": Sabotage(
            "a proof counts for a touch of any stamp",
            "press:StampBook.proved",
            lambda sound: lambda book, credential, touch: sound(book, credential, None),
            "press",
            "touch of another or of none",
        ),
        "old-proofs": Sabotage(
            "a proof may be of any age",
            "policy:_time_refused",
            _always(None),
            "press",
            "touch and tap within 5 s",
        ),
        "weak-beacon": Sabotage(
            "a beacon is taken however weakly it was heard",
            "policy:_time_refused",
            _takes_weak_signals,
            "press",
            "beacon at -95 to -31 dBm",
        ),
        "pattern-pays": Sabotage(
            "a pattern alone pays",
            "policy:Desk.decide",
            _pays_for_a_pattern,
            "press",
            "pay: accepted",
        ),
        "yesterday-believed": Sabotage(
            "identifiers of the day before are in time",
            "ble.resolver:Resolver._judged",
            _changed(in_time=True),
            "ble",
            "recorded 0 s to 26 h before",
        ),
        "repeats-redeem": Sabotage(
            "a window that a beacon shows again counts as new",
            "ble.resolver:Resolver._judged",
            _changed(repeated=False),
            "clocks",
            "no redeeming until the beacon has caught up",
        ),
        "exact-clocks": Sabotage(
            "no beacon's clock may err",
            "ble.clocks:LARGEST_ERROR_PPM",
            lambda sound: 0.0,
            "clocks",
            "heard by nobody",
        ),
        "token-late": Sabotage(
            "a sounded token is good for 25 s after its window instead of 15",
            "sound.token:LATE_S",
            lambda sound: 25.0,
            "sound",
            "unused token, 10 s before",
        ),
        "any-session": Sabotage(
            "a sounded token of any session pays",
            "sound.token:SoundVerifier.verify",
            _changed(bound=True),
            "sound",
            "token without a session",
        ),
    }
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
    owner: Any = importlib.import_module(_CREDENTIALS + module)
    for part in owners:
        owner = getattr(owner, part)
    sound = getattr(owner, attribute)
    setattr(owner, attribute, sabotage.spoil(sound))
    try:
        yield
    finally:
        setattr(owner, attribute, sound)
