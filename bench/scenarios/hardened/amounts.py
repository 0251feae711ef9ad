"""What a plan may set of the scenario ``hardened``."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

_Count = Annotated[int, Meta(ge=1, le=1_000_000)]


class Settings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The ``[settings]`` table.

    Attributes:
        stamps: with a tag, for each of the ways in which a tag shows itself.
        taps: of each.
        altered_urls: whose every bit is changed, for each way.
        guesses: of a URL, and of a one-time password.
        threads: that show one URL at the same time.
        rounds: of those.
        relay_s: longest delay of a relay, tried second by second.
        days: of honest use of a beacon.
        battery_changes: spread over a day.
        sound_replay_s: longest delay of a recording of sound, tried second by second.
        sound_receptions: of sound from the energies of its tones on.
        sound_recordings: of sound as a whole, from waveforms on, in each place.
    """

    stamps: _Count = 20
    taps: Annotated[int, Meta(ge=3, le=10_000)] = 20
    altered_urls: _Count = 10
    guesses: _Count = 100_000
    threads: Annotated[int, Meta(ge=2, le=64)] = 16
    rounds: _Count = 60
    relay_s: Annotated[int, Meta(ge=1, le=600)] = 60
    days: Annotated[int, Meta(ge=2, le=365)] = 30
    battery_changes: Annotated[int, Meta(ge=2, le=1440)] = 95
    sound_replay_s: Annotated[int, Meta(ge=1, le=600)] = 120
    sound_receptions: _Count = 100_000
    sound_recordings: _Count = 100
