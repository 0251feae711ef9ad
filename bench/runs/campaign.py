"""Campaigns: presses by the hundred thousand, through panel, controller and decoder in memory.

A press depends on plan, seed, case, profile and its number alone, and is read as
``run`` reads it over a link; so the result is the same for any number of workers, on
this machine or on a Dask cluster.
"""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version

from stampbench.bench.plans.draws import check_plan
from stampbench.bench.plans.plan import Plan, PlannedPress
from stampbench.bench.records.chunks import PressChunk
from stampbench.bench.records.files import FILE_NAME, RigIdentity, RunEnd, check_place
from stampbench.bench.records.presses import Outcome
from stampbench.bench.runs.cluster import check_cluster, on_cluster
from stampbench.bench.runs.orders import RunOrder
from stampbench.bench.runs.pressing import SimulatedPresser
from stampbench.bench.runs.progress import Made, Progress
from stampbench.bench.runs.running import chunked, record_run
from stampbench.bench.runs.workers import in_order
from stampbench.firmware_emulator.errors import InputError, StampbenchError

CHUNK = 200
"""Presses in a line of the records, and in a worker's hands: half a second of work."""
MEMORY = "memory"
"""Stands in the records where a rig on a link has its port."""


def campaign(
    order: RunOrder,
    progress: Progress | None = None,
    *,
    cluster: str | None = None,
    clock: Callable[[], float] = time.monotonic,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> RunEnd:
    """Make all presses of a plan in memory and record their results; an interrupt ends it in order.

    Args:
        order: what to press; its port is not used.
        progress: is told how it goes.
        cluster: address of a Dask scheduler whose workers make the presses; None: this machine's processes.
        clock: seconds, for the duration.
        now: wall clock, for the header and the end.

    Raises:
        InputError: the plan or the directory cannot be used; nothing has run then.
        NoHardwareError: nobody answers at the cluster's address; nothing has run then.
    """
    progress = progress or Progress()
    begun_s = clock()
    check_plan(order.plan)
    if order.plan.header.scenario:
        raise InputError(f"{order.plan.path} names a scenario: expected stampbench run; nothing is pressed")
    if order.plan.rig.faults:
        raise InputError(f"{order.plan.path}: rig.faults: a campaign has no link: expected stampbench run")
    if order.plan.dut is not None:
        raise InputError(
            f"{order.plan.path}: dut: a campaign judges our own decoder: expected stampbench run, or no [dut]"
        )
    if order.shard.of > 1:  # whole chunks are dealt, so that a line holds presses that follow each other
        order = dataclasses.replace(order, shard=dataclasses.replace(order.shard, block=CHUNK))
    if not order.resumed_at:
        check_place(order.directory / FILE_NAME)
    if cluster is not None:
        check_cluster(cluster)
    progress.say("preparing: compiling kernels (a fresh machine takes some seconds, once)")
    presser = SimulatedPresser(order.plan, order.seed)
    first_of_profile = sum(case.presses for case in order.plan.cases)
    for index in range(1, order.plan.size + 1, first_of_profile):
        presser.press(order.plan.press(index))
    rigs = {
        profile: RigIdentity(
            port=MEMORY, virtual=True, profile=profile, firmware=f"stampbench {version('stampbench')}"
        )
        for profile in order.plan.header.profiles
    }
    made = _made(pressed_chunks(order, presser, progress, cluster))
    return record_run(order, rigs, made, progress, begun_s=begun_s, clock=clock, now=now, campaign=True)


def _made(chunks: Generator[PressChunk, None, None]) -> Generator[Made, None, None]:
    with closing(chunks):
        for chunk in chunks:
            failed = sum(result.outcome is Outcome.FAILED for result in chunk.results())
            yield Made(line=chunk, presses=len(chunk.rows), failed=failed)


def pressed_chunks(
    order: RunOrder, presser: SimulatedPresser, progress: Progress, cluster: str | None = None
) -> Generator[PressChunk, None, None]:
    """Make all presses of an order, in order; ``presser`` makes them where there is one worker."""
    chunks = chunked(
        order.presses(),
        CHUNK,
        lambda press: (press.profile, press.case.name, (press.index - 1) // CHUNK * (order.shard.of > 1)),
    )
    if cluster is not None:
        made_by = version("stampbench")
        jobs = (ClusterJob(order.plan, order.seed, chunk[0].index, len(chunk), made_by) for chunk in chunks)
        yield from on_cluster(cluster, press_cluster_job, jobs, say=progress.say)
        return
    if order.workers == 1:
        for chunk in chunks:
            yield press_chunk(presser, chunk)
        return
    yield from in_order(
        _press_chunk,
        chunks,
        workers=order.workers,
        start=_start_presser,
        arguments=(order.plan, order.seed),
        say=progress.say,
    )


def press_chunk(presser: SimulatedPresser, chunk: list[PlannedPress]) -> PressChunk:
    """Make presses of one case on one profile."""
    return PressChunk.of(presser.press_all(chunk))


_presser: SimulatedPresser
"""The one of this worker process: its decoder's index is made once."""


def _start_presser(plan: Plan, seed: int) -> None:
    global _presser
    _presser = SimulatedPresser(plan, seed)


def _press_chunk(chunk: list[PlannedPress]) -> PressChunk:
    return press_chunk(_presser, chunk)


@dataclass(frozen=True, slots=True)
class ClusterJob:
    """A chunk to be made far away.

    Attributes:
        plan, seed: of the run.
        first, presses: place of the first press in the run, from 1, and how many follow each other.
        made_by: version of stampbench that the worker must have, too.
    """

    plan: Plan
    seed: int
    first: int
    presses: int
    made_by: str


_pressers = threading.local()
"""The last one of each thread of a cluster's worker, which may have several."""


def press_cluster_job(job: ClusterJob) -> PressChunk:
    """Make a chunk on a worker of a cluster.

    Raises:
        StampbenchError: the worker has another version.
        InputError: the plan names a file that the worker does not have.
    """
    if version("stampbench") != job.made_by:
        raise StampbenchError(
            f"a worker of the cluster has stampbench {version('stampbench')}: expected {job.made_by}"
        )
    key = job.plan, job.seed
    if getattr(_pressers, "key", None) != key:
        _pressers.presser = SimulatedPresser(job.plan, job.seed)
        _pressers.key = key
    return press_chunk(_pressers.presser, [job.plan.press(job.first + place) for place in range(job.presses)])
