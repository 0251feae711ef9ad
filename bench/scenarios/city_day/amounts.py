"""What a plan may set of the scenario ``city-day``."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

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
