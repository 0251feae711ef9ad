"""Devices that are read while they are used: what is known of them, and when reading ends."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from stampbench.bench.sources.capture import CaptureHeader
from stampbench.firmware_emulator.touch import Frame, TouchReport

Clock = Callable[[], float]
RETURN_WITHIN_S = 30.0
"""How long a device may be gone before its reader gives up."""


@dataclass(frozen=True, slots=True)
class LiveSource:
    """A device that is read while it is used.

    Attributes:
        format: what it speaks.
        header: its name, and the range of its coordinates.
        items: reports and raw frames as they come, without end; None where nothing came for a while.
        counters: tells what was received, lost and damaged so far.
        cancel_limit: contacts beyond which the device cancels all touches; None if it never does.
        notes: what the reader should be told of it, a line each.
    """

    format: str
    header: CaptureHeader
    items: Iterator[TouchReport | Frame | None]
    counters: Callable[[], dict[str, int]]
    cancel_limit: int | None = None
    notes: tuple[str, ...] = ()


@contextmanager
def interrupts() -> Iterator[Callable[[], bool]]:
    """Let Ctrl-C end the block in good order: yields a function that says whether it was pressed.

    Pressed twice, it interrupts as ever.
    """
    pressed = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield pressed.is_set
        return
    usual = signal.getsignal(signal.SIGINT)

    def press(number: int, frame: FrameType | None) -> None:
        pressed.set()
        signal.signal(signal.SIGINT, usual)

    signal.signal(signal.SIGINT, press)
    try:
        yield pressed.is_set
    finally:
        signal.signal(signal.SIGINT, usual)


def until(
    items: Iterator[TouchReport | Frame | None],
    seconds: float | None,
    stopped: Callable[[], bool],
    clock: Clock = time.monotonic,
    idle: Callable[[], None] = lambda: None,
) -> Iterator[TouchReport | Frame]:
    """Yield what comes within some seconds, or until ``stopped`` says so; ``idle`` where nothing comes."""
    end_s = None if seconds is None else clock() + seconds
    for item in items:
        if item is not None:
            yield item
        else:
            idle()
        if stopped() or (end_s is not None and clock() >= end_s):
            return
