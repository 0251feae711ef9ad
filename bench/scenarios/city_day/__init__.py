"""Scenario ``city-day``: stores, members, staff and attackers of a city, over HTTP to the stamp service.

Honest people come first: their days are drawn beforehand, and ledger, attendance and invoices must agree with
what was drawn. Then the attackers, one part for each group of threats. Time is virtual: the service is handed
the clock that the city moves.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from msgspec import Meta, Struct

from bench.scenarios import Finding, Progress

Transport = Literal["http", "asgi"]
Part = Literal[
    "honest",
    "value",
    "kills",
    "patterns",
    "places",
    "tokens",
    "staff",
    "books",
    "capture",
    "bluetooth",
    "sounds",
]
_Count = Annotated[int, Meta(ge=1, le=1_000_000)]


class Settings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The ``[settings]`` table.

    Attributes:
        parts: what is played; none: everything.
        database: of the service: a file, or a PostgreSQL server of its own whose commits wait for the disk.
        transport: of honest use, races and kills; ``http`` is a server on loopback, ``asgi`` calls the
            application in this process.
        attack_transport: of all other attacks, whose numbers are large.
        profile: panel on which people press.
        panel_presses: made on simulated panel and controller; the error of all others is taken from them.
        panel_share: of honest presses that are those of the panel.
        merchants, stores_each: of honest use.
        members_each: of each merchant.
        days: of honest use, before any attack.
        visits: of a member in a month.
        clones: copied patterns that try to redeem.
        patterns: random ones that are sent; ``patterns_offline`` are decoded without a service between.
        enrolled: stamps among which random patterns search.
        captures: recorded requests, each sent again ``replays`` times in every way.
        repeats: genuine presses of one stamp, none of which may look like another.
        thefts: stamps used away from their store, and as many in two places.
        staff_days: of colluding staff, and as many of honest staff.
        tokens: forged, or brought to the wrong place.
        races: rounds of ``racers`` clients that redeem one coupon.
        kills: of the service's process, at random moments.
        usage_events: told in order, and again dropped, repeated and shuffled.
        guesses: of a one-time code.
        erasures: members who are erased.
        gestures: of each kind, for each of the capture rules.
        relay_s: longest delay of a relay of Bluetooth, tried second by second.
        beacon_days: of honest use of beacons before they are relayed.
        recordings: of each beacon, up to 26 h old.
        battery_changes: of beacons, spread over a day.
        sound_replay_s: longest delay of a recording of sound, tried second by second.
        at_once: presses that show one identifier, or one sound, at the same time.
    """

    parts: tuple[Part, ...] = ()
    database: Literal["sqlite", "postgresql"] = "sqlite"
    transport: Transport = "http"
    attack_transport: Transport = "asgi"
    profile: str = "nexus-5"
    panel_presses: _Count = 60
    panel_share: Annotated[float, Meta(ge=0.0, le=1.0)] = 0.1
    merchants: Annotated[int, Meta(ge=1, le=20)] = 2
    stores_each: Annotated[int, Meta(ge=1, le=20)] = 3
    members_each: Annotated[int, Meta(ge=10, le=5_000)] = 120
    days: Annotated[int, Meta(ge=1, le=60)] = 30
    visits: Annotated[float, Meta(gt=0.0, le=60.0)] = 8.0
    clones: _Count = 10_000
    patterns: _Count = 1_000
    patterns_offline: _Count = 200_000
    enrolled: Annotated[int, Meta(ge=2, le=20_000)] = 1_000
    captures: _Count = 5
    replays: Annotated[int, Meta(ge=2, le=1_000)] = 100
    repeats: _Count = 10_000
    thefts: _Count = 600
    staff_days: _Count = 60
    tokens: _Count = 50
    races: _Count = 2
    racers: Annotated[int, Meta(ge=2, le=64)] = 50
    kills: Annotated[int, Meta(ge=1, le=1_000)] = 3
    usage_events: Annotated[int, Meta(ge=10)] = 100_000
    guesses: _Count = 10_000
    erasures: _Count = 20
    gestures: _Count = 20
    relay_s: Annotated[int, Meta(ge=1, le=600)] = 60
    beacon_days: Annotated[int, Meta(ge=1, le=365)] = 7
    recordings: Annotated[int, Meta(ge=2, le=10_000)] = 60
    battery_changes: Annotated[int, Meta(ge=2, le=1440)] = 24
    sound_replay_s: Annotated[int, Meta(ge=1, le=600)] = 120
    at_once: Annotated[int, Meta(ge=2, le=64)] = 16


def run(settings: Settings, *, seed: int, directory: Path, tell: Progress) -> Iterator[Finding]:
    """Play the city; see :class:`bench.scenarios.Scenario`."""
    from bench.scenarios.city_day import (
        bluetooth,
        books,
        capture,
        honest,
        kills,
        patterns,
        places,
        sounds,
        staff,
        tokens,
        value,
    )
    from bench.scenarios.city_day.stage import Stage

    def draws(name: str) -> np.random.Generator:
        digest = hashlib.sha256(name.encode()).digest()
        return np.random.default_rng([seed, int.from_bytes(digest[:8], "big")])

    modules = {"honest": honest, "value": value, "kills": kills}
    attacks = {
        "patterns": patterns,
        "places": places,
        "tokens": tokens,
        "staff": staff,
        "books": books,
        "capture": capture,
        "bluetooth": bluetooth,
        "sounds": sounds,
    }
    with closing(Stage(settings, draws, seed, directory, tell)) as stage:
        for transport, parts in ((settings.transport, modules), (settings.attack_transport, attacks)):
            stage.over(transport)
            for name, part in parts.items():
                if not settings.parts or name in settings.parts:
                    yield from part.trials(stage)
