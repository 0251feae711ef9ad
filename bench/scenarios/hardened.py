"""Scenario ``hardened``: attacks on stamps that prove themselves, and honest use of them.

The parts, one module each, try the threats of NFC, of Bluetooth LE, of sound, and of the press that bundles
them.
Every draw comes from the run's seed and the name of the trial, so that a trial does not depend on the others.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, TypeAlias

import numpy as np
from msgspec import Meta, Struct

from bench.scenarios import Finding, Progress, Trial

Draws: TypeAlias = Callable[[str], np.random.Generator]
"""A generator of random numbers for each trial, by its name."""
_Count = Annotated[int, Meta(ge=1, le=1_000_000)]


class Tally:
    """Counts tries and wrong decisions of one trial."""

    def __init__(self, threat: str, case: str, allowed: float = 0.0) -> None:
        self._threat, self._case, self._allowed = threat, case, allowed
        self.tries = self.wrong = 0

    def expect(self, right: bool, found: bool) -> bool:
        """Note one decision and what it had to be; returns the decision."""
        self.tries += 1
        self.wrong += bool(found) is not bool(right)
        return found

    def trial(self, note: str = "") -> Trial:
        """What was counted."""
        return Trial(self._threat, self._case, self.tries, self.wrong, self._allowed, note)


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


def run(settings: Settings, *, seed: int, directory: Path, tell: Progress) -> Iterator[Finding]:
    """Try every threat; see :class:`bench.scenarios.Scenario`."""
    from bench.scenarios import (
        hardened_ble,
        hardened_clocks,
        hardened_nfc,
        hardened_press,
        hardened_sound,
    )

    def draws(name: str) -> np.random.Generator:
        digest = hashlib.sha256(name.encode()).digest()
        return np.random.default_rng([seed, int.from_bytes(digest[:8], "big")])

    for part in (hardened_press, hardened_nfc, hardened_ble, hardened_clocks, hardened_sound):
        yield from part.trials(settings, draws, directory, tell)
