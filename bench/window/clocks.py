"""The session's time: one clock, real or virtual, in microseconds."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeAlias

Clock: TypeAlias = Callable[[], int]
"""Tells the session's time."""


class RealClock:
    """Microseconds since it was made."""

    def __init__(self) -> None:
        self._begun_ns = time.monotonic_ns()

    def __call__(self) -> int:
        """Return the time now."""
        return (time.monotonic_ns() - self._begun_ns) // 1000


class VirtualClock:
    """Stands still until it is told to go on.

    Attributes:
        now_us: the time.
    """

    def __init__(self, now_us: int = 0) -> None:
        self.now_us = now_us

    def __call__(self) -> int:
        """Return the time now."""
        return self.now_us

    def advance(self, us: int) -> int:
        """Let time pass and return the time then."""
        self.now_us += us
        return self.now_us
