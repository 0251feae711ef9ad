"""Recognisers read every press of a corpus; what they said is counted, what it cost is measured."""

from __future__ import annotations

import math
import pickle
import queue
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field

from stampbench.bench.bench_off.corpus import Corpus, CorpusPress
from stampbench.bench.bench_off.recognisers import BUILT_IN
from stampbench.bench.dut.answers import Heard
from stampbench.bench.dut.device import TWICE_WITHIN_S, DeviceUnderTest
from stampbench.bench.dut.process import ProcessSink
from stampbench.bench.dut.python import Recogniser, said_of
from stampbench.bench.judging.statistics import Rate, rate
from stampbench.bench.plans.messages import choose
from stampbench.bench.runs.progress import Progress
from stampbench.firmware_emulator.errors import InputError, LinkError
from stampbench.firmware_emulator.link.messages import Identity
from stampbench.sim.stamps import load_family

ReadPress = Callable[[int, CorpusPress], tuple[int | None, float]]
"""Reads a press of this number; the code, and what that took, s. LinkError: the recogniser failed."""


@dataclass(slots=True)
class Counts:
    """What a recogniser made of the presses under one condition.

    Attributes:
        genuine, lost, misread: stamps pressed; not read as their code; of these, read as another one.
        foreign, accepted: foreign objects pressed; read as some code.
        errors: presses of either kind that it did not take; they count nowhere else.
    """

    genuine: int = 0
    lost: int = 0
    misread: int = 0
    foreign: int = 0
    accepted: int = 0
    errors: int = 0

    def add(self, truth: int | None, said: int | None) -> None:
        """Count one press."""
        if truth is None:
            self.foreign += 1
            self.accepted += said is not None
        else:
            self.genuine += 1
            self.lost += said != truth
            self.misread += said not in (truth, None)

    @property
    def frr(self) -> Rate:
        """Stamps not read as their code."""
        return rate(self.lost, self.genuine)

    @property
    def misreads(self) -> Rate:
        """Stamps read as another code."""
        return rate(self.misread, self.genuine)

    @property
    def far(self) -> Rate:
        """Foreign objects read as some code."""
        return rate(self.accepted, self.foreign)


@dataclass(slots=True, kw_only=True)
class Score:
    """One recogniser on the whole corpus.

    Attributes:
        name: of the recogniser.
        conditions: counts by condition, in the order of the corpus.
        total: of all conditions.
        press_ms: mean time for one press: of the processor; by the clock where it is a process of its own.
        ready_s: time to make it ready.
        memory_mb: what it keeps, in its pickled size, which is the same each time; None where that cannot be
            said.
        failure: why presses were not taken, the first of them.
    """

    name: str
    conditions: dict[str, Counts] = field(default_factory=dict)
    total: Counts = field(default_factory=Counts)
    press_ms: float = 0.0
    ready_s: float = 0.0
    memory_mb: float | None = None
    failure: str = ""


def bench_off(
    corpus: Corpus,
    *,
    only: Sequence[str] = (),
    processes: Sequence[Sequence[str]] = (),
    others: Mapping[str, Recogniser] | None = None,
    timeout_s: float = 10.0,
    progress: Progress | None = None,
) -> list[Score]:
    """Let recognisers read a corpus, one after another.

    Args:
        corpus: what they read.
        only: names of those of :data:`BUILT_IN` that take part; empty: all.
        processes: commands of recognisers as child processes, see :mod:`stampbench.bench.dut.process`.
        others: further recognisers by name.
        timeout_s: time of a process for one answer.
        progress: is told how it goes.

    Raises:
        InputError: the family or a recogniser does not exist, or a command cannot be started.
    """
    progress = progress or Progress()
    family = load_family(corpus.header.family)
    scores = []
    for name in only or BUILT_IN:
        if name not in BUILT_IN:
            raise InputError(f"{name!r} takes no part: {choose(name, list(BUILT_IN))}")
        progress.say(name)
        BUILT_IN[name](family, corpus.header.sigma_mm)  # compiles
        begun_s = time.process_time()
        recogniser = BUILT_IN[name](family, corpus.header.sigma_mm)
        ready_s = time.process_time() - begun_s
        score = Score(name=name, ready_s=ready_s, memory_mb=len(pickle.dumps(recogniser, protocol=5)) / 1e6)
        scores.append(_scored(score, corpus, _called(recogniser), progress))
    for name, other in (others or {}).items():
        progress.say(name)
        scores.append(_scored(Score(name=name), corpus, _called(other), progress))
    for command in processes:
        name = " ".join(command)
        progress.say(name)
        with closing(_Process(command, timeout_s)) as read:
            scores.append(_scored(Score(name=name), corpus, read, progress))
    return scores


def _scored(score: Score, corpus: Corpus, read: ReadPress, progress: Progress) -> Score:
    """Read all presses, and count."""
    taken_s: list[float] = []
    # The first of each sort is read ahead of all, untimed: it compiles, and fills caches.
    first = {(press.condition, press.panel, press.code is None): press for press in reversed(corpus.presses)}
    for number, press in enumerate(first.values(), 1):
        _tried(read, number, press)
    for number, press in enumerate(corpus.presses, len(first) + 1):
        counts = score.conditions.setdefault(press.condition, Counts())
        said = _tried(read, number, press)
        if isinstance(said, LinkError):
            score.failure = score.failure or str(said)
            for each in (counts, score.total):
                each.errors += 1
        else:
            taken_s.append(said[1])
            for each in (counts, score.total):
                each.add(press.code, said[0])
        progress.pressed(1, 0)
    score.press_ms = 1e3 * sum(taken_s) / max(len(taken_s), 1)
    return score


def _tried(read: ReadPress, number: int, press: CorpusPress) -> tuple[int | None, float] | LinkError:
    try:
        return read(number, press)
    except LinkError as error:
        return error


def _called(recogniser: Recogniser) -> ReadPress:
    def read(_: int, press: CorpusPress) -> tuple[int | None, float]:
        reports = press.reports
        begun_s = time.process_time()
        try:
            returned = recogniser(reports)
        except Exception as error:  # somebody else's code: whatever it does, the bench-off goes on
            raise LinkError(f"{type(error).__name__}: {error}: expected a code or None") from error
        taken_s = time.process_time() - begun_s
        said = said_of(returned)
        if said.fault or isinstance(said.value, str):
            raise LinkError(said.fault or f"it said {said.value!r}: expected a code or None")
        return said.value, taken_s

    return read


class _Process:
    """A recogniser as a child process; started anew for each panel, as it is told the size when it begins."""

    def __init__(self, command: Sequence[str], timeout_s: float) -> None:
        self._command, self._timeout_s = command, timeout_s
        self._panel = ""
        self._dut: DeviceUnderTest | None = None

    def __call__(self, number: int, press: CorpusPress) -> tuple[int | None, float]:
        if self._dut is None or self._panel != press.panel:
            self.close()
            heard: Heard = queue.SimpleQueue()
            self._panel = press.panel
            self._dut = DeviceUnderTest(
                sink=ProcessSink(self._command, _panel_of(press), heard),
                heard=heard,
                codes={},
                timeout_s=self._timeout_s,
                late_ms=math.inf,
            )
            self._dut.press(0, press.reports)  # it starts, and reads what it needs
        begun_s = time.perf_counter()
        answer = self._dut.press(number, press.reports)
        return answer.code, time.perf_counter() - begun_s - TWICE_WITHIN_S

    def close(self) -> None:
        """End the process."""
        if self._dut is not None:
            self._dut.sink.close()
            self._dut = None


def _panel_of(press: CorpusPress) -> Identity:
    """Return who a panel says it is, as far as a corpus knows."""
    return Identity(
        "corpus",
        press.panel,
        "stampbench bench-off",
        "",
        contact_limit=max((len(report.down) for report in press.reports), default=0),
        x_max=1,
        y_max=1,
        width_um=round(press.width_mm * 1000),
        height_um=round(press.height_mm * 1000),
        frame_interval_us=0,
    )
