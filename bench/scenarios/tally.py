"""What trials need: a generator of random numbers for each, and a count of wrong decisions."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from stampbench.bench.records.findings import Trial

Draws: TypeAlias = Callable[[str], np.random.Generator]
"""A generator of random numbers for each trial, by its name."""


def draws_of(seed: int) -> Draws:
    """Generators that depend on the run's seed and their name alone, not on what was drawn before."""

    def draws(name: str) -> np.random.Generator:
        digest = hashlib.sha256(name.encode()).digest()
        return np.random.default_rng([seed, int.from_bytes(digest[:8], "big")])

    return draws


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
