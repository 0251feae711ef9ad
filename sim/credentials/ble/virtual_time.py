"""An event loop whose clock jumps: what waits for an hour is done at once, and in the same order."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

from stampbench.firmware_emulator.errors import StampbenchError

_T = TypeVar("_T")


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """A loop that begins at 0 s and never waits.

    Raises:
        StampbenchError: everything waits for something that no clock brings about.
    """

    def __init__(self) -> None:
        self._now_s = 0.0
        super().__init__(_JumpingSelector(self))

    def time(self) -> float:
        """Return virtual seconds."""
        return self._now_s

    def jump(self, seconds: float) -> None:
        """Let this time have passed."""
        self._now_s += seconds


class _JumpingSelector(selectors.DefaultSelector):
    def __init__(self, loop: VirtualTimeLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise StampbenchError("virtual time: nothing is left that time could bring about: a deadlock")
        if timeout > 0.0:
            self._loop.jump(timeout)
        return super().select(0.0)


def run_virtual(work: Coroutine[Any, Any, _T]) -> _T:
    """Run to the end in virtual time, and cancel what is left over.

    Raises:
        StampbenchError: a deadlock.
    """
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(work)
