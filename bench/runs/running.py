"""Runs: every press of a plan, on one process or several, recorded in the order of the plan."""

from __future__ import annotations

import dataclasses
import itertools
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from typing import Literal, Protocol

from stampbench.bench.plans.draws import check_plan
from stampbench.bench.plans.plan import Plan, PlannedPress
from stampbench.bench.records.chunks import PressChunk
from stampbench.bench.records.files import FILE_NAME, RecordWriter, RigIdentity, RunEnd, set_aside
from stampbench.bench.records.presses import PressRecord
from stampbench.bench.rig.opening import Opener
from stampbench.bench.runs.orders import RunOrder
from stampbench.bench.runs.pressing import (
    VIRTUAL,
    LinkTail,
    Pressed,
    Presser,
    all_at_once,
    identity_of,
    open_rig,
)
from stampbench.bench.runs.prompts import Prompter
from stampbench.bench.runs.resuming import reopened
from stampbench.bench.runs.workers import in_order
from stampbench.firmware_emulator.errors import InputError, StampbenchError

__all__ = ["Made", "Progress", "RunOrder", "chunked", "record", "run", "steps_of_run"]

CHUNK = 20
"""Presses that a worker takes at once: few enough that little is lost when it is killed."""


class Progress:
    """What a run tells while it goes; by itself it says nothing.

    Attributes:
        prompter: tells an operator what to press; None: nobody is there.
    """

    prompter: Prompter | None = None

    def say(self, text: str) -> None:
        """Tell what is going on."""

    def recorded(self, line: PressRecord | PressChunk) -> None:
        """Tell what was recorded."""

    def pressed(self, presses: int, failed: int) -> None:
        """Tell that so many presses more are recorded, and how many of them failed."""


class Made(Protocol):
    """One press or several, made and read."""

    @property
    def line(self) -> PressRecord | PressChunk | None:
        """What is recorded, if anything."""

    @property
    def presses(self) -> int:
        """How many."""

    @property
    def failed(self) -> int:
        """How many of them failed."""

    @property
    def counters(self) -> Mapping[str, int]:
        """What the link did meanwhile."""


def run(
    order: RunOrder,
    progress: Progress | None = None,
    *,
    opener: Opener = open_rig,
    clock: Callable[[], float] = time.monotonic,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> RunEnd:
    """Make all presses of a plan and record them; an interrupt ends the run in order, with its records kept.

    Args:
        order: what to run.
        progress: is told how it goes.
        opener: opens the rig on the port.
        clock: seconds, for the run's duration.
        now: wall clock, for the header and the end.

    Raises:
        InputError: the plan, the port or the directory cannot be used; nothing has run then.
        NoHardwareError: there is no such port; nothing has run then.
    """
    return all_at_once(steps_of_run(order, progress or Progress(), opener=opener, clock=clock, now=now))


def steps_of_run(
    order: RunOrder,
    progress: Progress,
    *,
    opener: Opener,
    clock: Callable[[], float] = time.monotonic,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Generator[None, None, RunEnd]:
    """Make a run in steps: it pauses after each record, and where a person has not pressed yet.

    Who draws a window meanwhile goes on with it frame by frame; arguments and errors as of :func:`run`.
    """
    begun_s = clock()
    check_plan(order.plan)
    order, rigs = _prepare(order, progress, opener)
    made = _all_presses(order, progress, opener)
    return (yield from _recording(order, rigs, made, progress, begun_s=begun_s, clock=clock, now=now))


def record(
    order: RunOrder,
    rigs: dict[str, RigIdentity],
    made: Generator[Made | None, None, None],
    progress: Progress,
    *,
    begun_s: float,
    clock: Callable[[], float],
    now: Callable[[], datetime],
    campaign: bool = False,
) -> RunEnd:
    """Record presses as they are made; an interrupt or a bench that breaks ends the records in order.

    Args:
        order: what is run.
        rigs: that press, by profile.
        made: the presses; closed at the end.
        progress: is told how it goes.
        begun_s: when preparations began.
        clock: seconds, for the run's duration.
        now: wall clock, for the header and the end.
        campaign: True if there is no link.
    """
    return all_at_once(
        _recording(order, rigs, made, progress, begun_s=begun_s, clock=clock, now=now, campaign=campaign)
    )


def _recording(
    order: RunOrder,
    rigs: dict[str, RigIdentity],
    made: Generator[Made | None, None, None],
    progress: Progress,
    *,
    begun_s: float,
    clock: Callable[[], float],
    now: Callable[[], datetime],
    campaign: bool = False,
) -> Generator[None, None, RunEnd]:
    """Record presses as :func:`record` does, with a pause after each and wherever ``made`` has none yet."""
    with _records(order, rigs, now, campaign=campaign) as writer:
        ready_s = clock()
        presses = 0
        link: Counter[str] = Counter()
        injected: Counter[str] = Counter()
        status: Literal["complete", "interrupted", "timeout", "error"] = "complete"
        message = ""
        timeout_s = order.plan.header.timeout_s
        try:
            with closing(made):
                for one in made:
                    if one is None:
                        yield
                        continue
                    link.update(one.counters)
                    if isinstance(one, LinkTail):
                        injected.update(one.injected)
                    if one.line is not None and order.needs(one.line):
                        writer.write(one.line)
                        order.see(one.line)
                        presses += one.presses
                        progress.recorded(one.line)
                        progress.pressed(one.presses, one.failed)
                    if timeout_s is not None and clock() - ready_s > timeout_s:
                        status, message = "timeout", f"not through after {timeout_s:g} s"
                        break
                    yield
        except KeyboardInterrupt:
            status = "interrupted"
        except StampbenchError as error:
            status, message = "error", str(error)
        end = RunEnd(
            status=status,
            presses=presses,
            seconds=round(clock() - ready_s, 3),
            prepare_seconds=round(ready_s - begun_s, 3),
            finished_at=now().isoformat(timespec="seconds"),
            message=message,
            link={name: count for name, count in link.items() if count},
            injected={name: count for name, count in injected.items() if count},
        )
        writer.write(end)
    return end


def _records(
    order: RunOrder, rigs: dict[str, RigIdentity], now: Callable[[], datetime], *, campaign: bool
) -> RecordWriter:
    """The records of the run, with its header; or those it goes on with."""
    if order.resumed_at:
        return reopened(order, rigs, now)
    set_aside(order.directory / FILE_NAME)
    writer = RecordWriter(order.directory / FILE_NAME)
    writer.write(order.header(rigs, now(), campaign=campaign))
    return writer


def _prepare(order: RunOrder, progress: Progress, opener: Opener) -> tuple[RunOrder, dict[str, RigIdentity]]:
    """Meet every rig, and compile the kernels once, before there are workers who would all do it."""
    if order.port != VIRTUAL:
        if order.plan.rig.faults:
            raise InputError(
                f"{order.plan.path}: rig.faults befall a rig in software: leave them out on {order.port}"
            )
        with opener(order.port, "", None) as rig:
            identity = identity_of(rig, order.port)
        if identity.profile not in order.plan.header.profiles:
            raise InputError(
                f"rig on {order.port} has the panel {identity.profile!r}: "
                f"expected one of the plan's profiles, {', '.join(order.plan.header.profiles)}"
            )
        plan = order.plan.on_profiles([identity.profile])
        return dataclasses.replace(order, plan=plan, workers=1), {identity.profile: identity}
    if order.plan.rig.faults:
        order = dataclasses.replace(order, workers=1)  # one line, on which faults come one after the other
    progress.say("preparing: compiling kernels (a fresh machine takes some seconds, once)")
    rigs = {}
    presser = Presser(order.plan, order.seed)
    for profile in order.plan.header.profiles:
        first = order.plan.press(
            1 + order.plan.header.profiles.index(profile) * order.plan.presses_per_profile
        )
        with open_rig(VIRTUAL, profile) as rig:
            presser.press(rig, first)
            rigs[profile] = identity_of(rig, VIRTUAL)
    return order, rigs


def _all_presses(
    order: RunOrder, progress: Progress, opener: Opener
) -> Generator[Pressed | LinkTail | None, None, None]:
    """Yield every press of the plan, made, in order; None where one by hand is waited for."""
    if order.workers > 1 and order.port == VIRTUAL:
        for pressed in in_order(
            _press_chunk,
            chunked(order.presses(), CHUNK, lambda press: press.profile),
            workers=order.workers,
            start=_start_presser,
            arguments=(order.plan, order.seed),
            say=progress.say,
        ):
            yield from pressed
        return
    presser = Presser(order.plan, order.seed, order.port, progress.prompter, opener)
    for profile, presses in itertools.groupby(order.presses(), key=lambda press: press.profile):
        yield from presser.press_all(profile, presses)


def chunked(
    presses: Iterable[PlannedPress], size: int, together: Callable[[PlannedPress], object]
) -> Iterator[list[PlannedPress]]:
    """Presses in order, in lists of at most ``size`` in which ``together`` is the same for all."""
    for _, group in itertools.groupby(presses, key=together):
        while chunk := list(itertools.islice(group, size)):
            yield chunk


_presser: Presser
"""The one of this worker process: its decoder's index is made once."""


def _start_presser(plan: Plan, seed: int) -> None:
    global _presser
    _presser = Presser(plan, seed)


def _press_chunk(chunk: list[PlannedPress]) -> list[Pressed | LinkTail]:
    return [made for made in _presser.press_all(chunk[0].profile, chunk) if made is not None]
