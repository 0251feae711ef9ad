"""Runs: every press of a plan, on one process or several, recorded in the order of the plan."""

from __future__ import annotations

import itertools
import platform
import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from bench.draws import check_plan
from bench.plans import Plan, PlannedPress
from bench.pressing import VIRTUAL, Pressed, Presser, identity_of, open_rig
from bench.records import FILE_NAME, FORMAT, PressRecord, RecordWriter, RigIdentity, RunEnd, RunHeader
from firmware_emulator.errors import InputError, LinkError, StampbenchError

CHUNK = 20
"""Presses that a worker takes at once: few enough that little is lost when it is killed."""
_CHUNKS_AHEAD = 2
_LIBRARIES = ("stampbench", "numpy", "numba", "scipy")


class Progress:
    """What a run tells while it goes; by itself it says nothing."""

    def say(self, text: str) -> None:
        """Tell what is going on."""

    def prompt(self, text: str) -> None:
        """Ask the operator for something."""

    def pressed(self, record: PressRecord) -> None:
        """Tell that a press is recorded."""


@dataclass(frozen=True, slots=True)
class RunOrder:
    """What to run.

    Attributes:
        plan: which presses.
        directory: where the records go.
        seed: of the run.
        port: of the rig; the rig in software if :data:`VIRTUAL`.
        workers: processes; a rig on a port takes one.
    """

    plan: Plan
    directory: Path
    seed: int
    port: str = VIRTUAL
    workers: int = 1


def run(
    order: RunOrder,
    progress: Progress | None = None,
    *,
    clock: Callable[[], float] = time.monotonic,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> RunEnd:
    """Make all presses of a plan and record them; an interrupt ends the run in order, with its records kept.

    Args:
        order: what to run.
        progress: is told how it goes.
        clock: seconds, for the run's duration.
        now: wall clock, for the header and the end.

    Raises:
        InputError: the plan, the port or the directory cannot be used; nothing has run then.
        NoHardwareError: there is no such port; nothing has run then.
    """
    progress = progress or Progress()
    begun_s = clock()
    check_plan(order.plan)
    order, rigs = _prepare(order, progress)
    _set_aside(order.directory / FILE_NAME)
    with RecordWriter(order.directory / FILE_NAME) as writer:
        writer.write(_header(order, rigs, now()))
        ready_s = clock()
        done = 0
        link: Counter[str] = Counter()
        status: Literal["complete", "interrupted", "error"] = "complete"
        message = ""
        try:
            with closing(_all_presses(order, progress)) as all_pressed:
                for pressed in all_pressed:
                    writer.write(pressed.record)
                    link.update(pressed.counters)
                    done += 1
                    progress.pressed(pressed.record)
        except KeyboardInterrupt:
            status = "interrupted"
        except StampbenchError as error:
            status, message = "error", str(error)
        end = RunEnd(
            status=status,
            presses=done,
            seconds=round(clock() - ready_s, 3),
            prepare_seconds=round(ready_s - begun_s, 3),
            finished_at=now().isoformat(timespec="seconds"),
            message=message,
            link={name: count for name, count in link.items() if count},
        )
        writer.write(end)
    return end


def _prepare(order: RunOrder, progress: Progress) -> tuple[RunOrder, dict[str, RigIdentity]]:
    """Meet every rig, and compile the kernels once, before there are workers who would all do it."""
    if order.port != VIRTUAL:
        with open_rig(order.port, "") as rig:
            identity = identity_of(rig, order.port)
        if identity.profile not in order.plan.header.profiles:
            raise InputError(
                f"rig on {order.port} has the panel {identity.profile!r}: "
                f"expected one of the plan's profiles, {', '.join(order.plan.header.profiles)}"
            )
        plan = order.plan.on_profiles([identity.profile])
        return RunOrder(plan, order.directory, order.seed, order.port), {identity.profile: identity}
    progress.say("preparing: compiling kernels (a fresh machine takes some seconds, once)")
    rigs = {}
    presser = Presser(order.plan, order.seed)
    for profile in order.plan.header.profiles:
        first = next(press for press in order.plan.presses() if press.profile == profile)
        with open_rig(VIRTUAL, profile) as rig:
            presser.press(rig, first)
            rigs[profile] = identity_of(rig, VIRTUAL)
    return order, rigs


def _all_presses(order: RunOrder, progress: Progress) -> Generator[Pressed, None, None]:
    """Every press of the plan, made, in order."""
    if order.workers > 1 and order.port == VIRTUAL:
        yield from _presses_of_workers(order)
        return
    presser = Presser(order.plan, order.seed, order.port, progress.prompt)
    for profile, presses in itertools.groupby(order.plan.presses(), key=lambda press: press.profile):
        yield from presser.press_all(profile, presses)


def _presses_of_workers(order: RunOrder) -> Iterator[Pressed]:
    """Chunks of presses go out to the workers a few ahead, and come back in order."""
    chunks = _chunks(order.plan.presses())
    waiting: deque[Future[list[Pressed]]] = deque()
    with _workers(order) as pool:
        for chunk in itertools.islice(chunks, _CHUNKS_AHEAD * order.workers):
            waiting.append(pool.submit(_press_chunk, chunk))
        while waiting:
            try:
                pressed = waiting.popleft().result()
            except BrokenProcessPool:
                raise LinkError("a worker process died; the presses before it are recorded") from None
            for chunk in itertools.islice(chunks, 1):
                waiting.append(pool.submit(_press_chunk, chunk))
            yield from pressed


def _chunks(presses: Iterable[PlannedPress]) -> Iterator[list[PlannedPress]]:
    """Runs of presses on one profile, none longer than CHUNK."""
    for _, on_profile in itertools.groupby(presses, key=lambda press: press.profile):
        while chunk := list(itertools.islice(on_profile, CHUNK)):
            yield chunk


@contextmanager
def _workers(order: RunOrder) -> Iterator[ProcessPoolExecutor]:
    """Processes that each have their own rigs; however the block ends, nothing new is begun and all end."""
    import multiprocessing

    pool = ProcessPoolExecutor(
        order.workers,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_start_worker,
        initargs=(order.plan, order.seed),
    )
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


_presser: Presser
"""The one of this worker process: its decoder's index is made once."""


def _start_worker(plan: Plan, seed: int) -> None:
    """Leave Ctrl-C to the parent, and end with it even if it is killed."""
    import multiprocessing
    import os
    import signal
    import threading
    from multiprocessing.connection import wait

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()

    def end_with_parent() -> None:
        if parent is not None:
            wait([parent.sentinel])
            os._exit(1)

    threading.Thread(target=end_with_parent, name="end-with-parent", daemon=True).start()
    global _presser
    _presser = Presser(plan, seed)


def _press_chunk(chunk: list[PlannedPress]) -> list[Pressed]:
    return list(_presser.press_all(chunk[0].profile, chunk))


def _set_aside(records: Path) -> None:
    """Rename the records of an earlier run: what was measured is never overwritten."""
    if records.exists():
        free = next(n for n in itertools.count(1) if not records.with_suffix(f".{n}.jsonl").exists())
        records.rename(records.with_suffix(f".{free}.jsonl"))


def _header(order: RunOrder, rigs: dict[str, RigIdentity], started_at: datetime) -> RunHeader:
    plan = order.plan
    return RunHeader(
        format=FORMAT,
        plan_path=str(plan.path),
        plan_text=plan.text,
        plan_sha256=plan.sha256,
        seed=order.seed,
        versions={name: version(name) for name in _LIBRARIES} | {"python": platform.python_version()},
        station=platform.node(),
        profiles=list(plan.header.profiles),
        rigs=rigs,
        workers=order.workers,
        started_at=started_at.isoformat(timespec="seconds"),
    )
