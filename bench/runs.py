"""Runs: every press of a plan, on one process or several, recorded in the order of the plan."""

from __future__ import annotations

import dataclasses
import itertools
import platform
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Literal, Protocol

from bench.draws import check_plan
from bench.plans import Plan, PlannedPress
from bench.press_chunks import PressChunk
from bench.press_records import PressRecord
from bench.pressing import VIRTUAL, Pressed, Presser, identity_of, open_rig
from bench.records import FILE_NAME, FORMAT, RecordWriter, RigIdentity, RunEnd, RunHeader
from bench.workers import in_order
from firmware_emulator.errors import InputError, StampbenchError

CHUNK = 20
"""Presses that a worker takes at once: few enough that little is lost when it is killed."""
_LIBRARIES = ("stampbench", "numpy", "numba", "scipy")


class Progress:
    """What a run tells while it goes; by itself it says nothing."""

    def say(self, text: str) -> None:
        """Tell what is going on."""

    def prompt(self, text: str) -> None:
        """Ask the operator for something."""

    def pressed(self, presses: int, failed: int) -> None:
        """Tell that so many presses more are recorded, and how many of them failed."""


class Made(Protocol):
    """One press or several, made and read."""

    @property
    def line(self) -> PressRecord | PressChunk:
        """What is recorded."""

    @property
    def presses(self) -> int:
        """How many."""

    @property
    def failed(self) -> int:
        """How many of them failed."""

    @property
    def counters(self) -> Mapping[str, int]:
        """What the link did meanwhile."""


@dataclass(frozen=True, slots=True)
class RunOrder:
    """What to run.

    Attributes:
        plan: which presses.
        directory: where the records go.
        seed: of the run.
        port: of the rig; the rig in software if :data:`VIRTUAL`.
        workers: processes; a rig on a port takes one.
        presses_per_case: instead of the plan's own numbers, where the plan has been given them.
    """

    plan: Plan
    directory: Path
    seed: int
    port: str = VIRTUAL
    workers: int = 1
    presses_per_case: int | None = None


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
    made = _all_presses(order, progress)
    return record(order, rigs, made, progress, begun_s=begun_s, clock=clock, now=now)


def record(
    order: RunOrder,
    rigs: dict[str, RigIdentity],
    made: Generator[Made, None, None],
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
    _set_aside(order.directory / FILE_NAME)
    with RecordWriter(order.directory / FILE_NAME) as writer:
        writer.write(_header(order, rigs, now(), campaign))
        ready_s = clock()
        presses = 0
        link: Counter[str] = Counter()
        status: Literal["complete", "interrupted", "error"] = "complete"
        message = ""
        try:
            with closing(made):
                for one in made:
                    writer.write(one.line)
                    link.update(one.counters)
                    presses += one.presses
                    progress.pressed(one.presses, one.failed)
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
        return dataclasses.replace(order, plan=plan, workers=1), {identity.profile: identity}
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
        for pressed in in_order(
            _press_chunk,
            chunked(order.plan.presses(), CHUNK, lambda press: press.profile),
            workers=order.workers,
            start=_start_presser,
            arguments=(order.plan, order.seed),
            say=progress.say,
        ):
            yield from pressed
        return
    presser = Presser(order.plan, order.seed, order.port, progress.prompt)
    for profile, presses in itertools.groupby(order.plan.presses(), key=lambda press: press.profile):
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


def _press_chunk(chunk: list[PlannedPress]) -> list[Pressed]:
    return list(_presser.press_all(chunk[0].profile, chunk))


def _set_aside(records: Path) -> None:
    """Rename the records of an earlier run: what was measured is never overwritten."""
    if records.exists():
        free = next(n for n in itertools.count(1) if not records.with_suffix(f".{n}.jsonl").exists())
        records.rename(records.with_suffix(f".{free}.jsonl"))


def _header(order: RunOrder, rigs: dict[str, RigIdentity], started_at: datetime, campaign: bool) -> RunHeader:
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
        campaign=campaign,
        presses_per_case=order.presses_per_case,
    )
