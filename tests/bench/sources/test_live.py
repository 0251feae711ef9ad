from __future__ import annotations

import itertools
import os
import signal
import threading

import pytest
from stampbench.bench.sources.live import interrupts, until
from stampbench.firmware_emulator.touch import TouchReport

REPORTS = [TouchReport(t_us, ()) for t_us in range(5)]


def test_items_end_when_the_time_is_up() -> None:
    ticks = itertools.count()
    items = iter([REPORTS[0], None, REPORTS[1], None, REPORTS[2]])
    assert list(until(items, 3.0, lambda: False, clock=lambda: float(next(ticks)))) == REPORTS[:2]


def test_items_end_when_somebody_stops_them() -> None:
    asked = itertools.count()
    assert list(until(iter(REPORTS), None, lambda: next(asked) == 1)) == REPORTS[:2]


needs_signals = pytest.mark.skipif(os.name == "nt", reason="a process cannot be interrupted alone")


@needs_signals
def test_interrupt_is_noted_once_and_interrupts_when_repeated() -> None:
    with interrupts() as pressed:
        assert not pressed()
        signal.raise_signal(signal.SIGINT)
        assert pressed()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


@needs_signals
def test_interrupts_are_as_before_after_the_block() -> None:
    before = signal.getsignal(signal.SIGINT)
    with interrupts():
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before


def test_thread_that_is_not_the_main_one_is_never_interrupted() -> None:
    pressed: list[bool] = []

    def run() -> None:
        with interrupts() as is_pressed:
            pressed.append(is_pressed())

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert pressed == [False]
