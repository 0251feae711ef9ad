"""Runs: every press of a plan, on one process or several, or the trials of its scenario, recorded in order.

There is one loop (:func:`recording`): presses, lots of stamps and trials go through it.
"""

from __future__ import annotations

import dataclasses
import itertools
import time
import traceback
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from stampbench.bench.plans.draws import check_plan
from stampbench.bench.plans.plan import Plan, PlannedPress
from stampbench.bench.records.chunks import PressChunk
from stampbench.bench.records.files import FILE_NAME, RecordWriter, RigIdentity, RunEnd, check_place
from stampbench.bench.records.presses import PressRecord
from stampbench.bench.rig.opening import VIRTUAL, Opener, identity_of, open_rig
from stampbench.bench.runs.orders import RunOrder
from stampbench.bench.runs.pressing import Presser, all_at_once
from stampbench.bench.runs.progress import Made, Progress
from stampbench.bench.runs.resuming import reopened
from stampbench.bench.runs.workers import in_order
from stampbench.bench.scenarios import load_scenario
from stampbench.bench.scenarios.sabotage import sabotaged
from stampbench.firmware_emulator.errors import InputError, StampbenchError

CHUNK = 20
"""Presses that a worker takes at once: few enough that little is lost when it is killed."""


def run(
    order: RunOrder,
    progress: Progress | None = None,
    *,
    opener: Opener = open_rig,
    clock: Callable[[], float] = time.monotonic,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> RunEnd:
    """Make all presses of a plan, or its trials, and record them; an interrupt ends the run in order.

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
    if not order.resumed_at:
        check_place(order.directory / FILE_NAME)
    if order.plan.header.scenario:
        rigs: dict[str, RigIdentity] = {}
        made = _findings(order, progress)
    else:
        order, rigs = _prepare(order, progress, opener)
        made = _all_presses(order, progress, opener)
    return (yield from _steps(order, rigs, made, progress, begun_s=begun_s, clock=clock, now=now))


def record_run(
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
    """Record what an order makes in its directory, behind its header or after what a resumed run recorded.

    Args:
        order: what is run.
        rigs: that press, by profile.
        made: all that is made; closed at the end.
        progress: is told how it goes.
        begun_s: when preparations began.
        clock: seconds, for the run's duration.
        now: wall clock, for the header and the end.
        campaign: True if there is no link.

    Raises:
        InputError: the directory cannot be written, or holds a run already.
    """
    return all_at_once(
        _steps(order, rigs, made, progress, begun_s=begun_s, clock=clock, now=now, campaign=campaign)
    )


def _steps(
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
    """Record what an order makes as :func:`record_run` does, in steps."""
    if order.resumed_at:
        writer = reopened(order, rigs, now)
    else:
        writer = RecordWriter(order.directory / FILE_NAME)
        writer.write(order.header(rigs, now(), campaign=campaign))
    with writer:
        steps = recording(
            writer,
            made if order.stops is None else _needed(order, made),
            progress,
            begun_s=begun_s,
            timeout_s=order.plan.header.timeout_s,
            clock=clock,
            now=now,
        )
        return (yield from steps)


def recording(
    writer: RecordWriter,
    made: Generator[Made | None, None, None],
    progress: Progress,
    *,
    begun_s: float,
    timeout_s: float | None = None,
    clock: Callable[[], float] = time.monotonic,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Generator[None, None, RunEnd]:
    """Record presses or findings as they are made; whatever breaks ends the records in order.

    It pauses after each, and wherever there is none yet; the end is returned.

    Args:
        writer: of the records, behind their header.
        made: all that is made, or None for a pause; closed at the end.
        progress: is told how it goes.
        begun_s: when preparations began.
        timeout_s: after so long the run is ended; None: never.
        clock: seconds, for the run's duration.
        now: wall clock, for the end.
    """
    ready_s = clock()
    presses = lines = 0
    link: Counter[str] = Counter()
    injected: Counter[str] = Counter()
    status: Literal["complete", "interrupted", "timeout", "error"] = "complete"
    message = ""
    try:
        with closing(made):
            for one in made:
                if one is None:
                    yield
                    continue
                link.update(one.counters)
                injected.update(one.injected)
                if one.line is not None:
                    writer.write(one.line)
                    lines += 1
                    presses += one.presses
                    progress.recorded(one.line)
                    progress.pressed(one.presses, one.failed)
                if timeout_s is not None and clock() - ready_s > timeout_s:
                    status, message = "timeout", f"not through after {timeout_s:g} s"
                    break
                yield
    except KeyboardInterrupt:
        status = "interrupted"
    except Exception as error:  # whatever breaks must end the records as an error, and never as passed
        status, message = "error", _one_line(error)
    end = RunEnd(
        status=status,
        presses=presses,
        lines=lines,
        seconds=round(clock() - ready_s, 3),
        prepare_seconds=round(ready_s - begun_s, 3),
        finished_at=now().isoformat(timespec="seconds"),
        message=message,
        link={name: count for name, count in link.items() if count},
        injected={name: count for name, count in injected.items() if count},
    )
    writer.write(end)
    return end


def _one_line(error: Exception) -> str:
    """Return the error's own words, and, where it is a defect, its kind and its place too."""
    if isinstance(error, StampbenchError):
        return str(error)
    place = traceback.extract_tb(error.__traceback__)[-1]
    text = f"{type(error).__name__}: {error} ({Path(place.filename).name}:{place.lineno})"
    return text.replace("\n", " ")


def _needed(order: RunOrder, made: Generator[Made | None, None, None]) -> Generator[Made | None, None, None]:
    """Pass on what is made, without presses of cases that were decided while another worker made them."""
    with closing(made):
        for one in made:
            if one is not None and isinstance(one.line, PressRecord | PressChunk):
                if order.needs(one.line):
                    order.see(one.line)
                else:
                    one = Made(counters=one.counters)
            yield one


def _findings(order: RunOrder, progress: Progress) -> Generator[Made | None, None, None]:
    """Yield what the scenario of a plan finds."""
    scenario, settings = load_scenario(order.plan.header.scenario), order.plan.scenario_settings
    if settings is None:
        raise InputError(f"{order.plan.path}: settings: missing: expected those of the scenario")
    with sabotaged(order.plan.header.scenario, order.sabotage) if order.sabotage else nullcontext():
        for finding in scenario.run(settings, seed=order.seed, directory=order.directory, tell=progress):
            yield Made(line=finding)


def _prepare(order: RunOrder, progress: Progress, opener: Opener) -> tuple[RunOrder, dict[str, RigIdentity]]:
    """Meet every rig, and compile the kernels once, before there are workers who would all do it."""
    if order.plan.dut is not None:
        from stampbench.bench.dut.opening import check_hardware
        from stampbench.bench.dut.pressing import dut_identity

        if order.port != VIRTUAL:
            raise InputError(
                f"{order.plan.path}: dut: presses go into the device under test: expected no rig beside it, "
                f"or the plan without [dut] on {order.port}"
            )
        check_hardware(order.plan.dut)
        profiles = order.plan.header.profiles
        identities = {profile: dut_identity(order.plan.dut, profile) for profile in profiles}
        return dataclasses.replace(order, workers=1), identities
    if order.port != VIRTUAL:
        if order.plan.rig.faults:
            raise InputError(
                f"{order.plan.path}: rig.faults befall a rig in software: leave them out on {order.port}"
            )
        with opener(order.port, order.plan.header.profiles[0], None) as rig:
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


def _all_presses(order: RunOrder, progress: Progress, opener: Opener) -> Generator[Made | None, None, None]:
    """Yield every press of the plan, made, in order; None where one by hand is waited for."""
    if order.plan.dut is not None:
        from stampbench.bench.dut.pressing import DutPresser

        dut_presser = DutPresser(order.plan, order.plan.dut, order.seed)
        for profile, presses in itertools.groupby(order.presses(), key=lambda press: press.profile):
            yield from dut_presser.press_all(profile, presses)
        return
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
    """Yield presses in order, in lists of at most ``size`` in which ``together`` is the same for all."""
    for _, group in itertools.groupby(presses, key=together):
        while chunk := list(itertools.islice(group, size)):
            yield chunk


_presser: Presser
"""The one of this worker process: its decoder's index is made once."""


def _start_presser(plan: Plan, seed: int) -> None:
    global _presser
    _presser = Presser(plan, seed)


def _press_chunk(chunk: list[PlannedPress]) -> list[Made]:
    return [made for made in _presser.press_all(chunk[0].profile, chunk) if made is not None]
