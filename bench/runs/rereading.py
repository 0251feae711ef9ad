"""Old records read again with today's decoder: nothing is pressed, everything is judged anew."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from stampbench.bench.plans.draws import check_plan, load_codebook
from stampbench.bench.plans.plan import Plan
from stampbench.bench.records.chunks import PressChunk
from stampbench.bench.records.files import Run, RunEnd, read_run
from stampbench.bench.records.presses import Outcome, PressRecord
from stampbench.bench.records.readings import (
    PressReports,
    judged,
    listen,
    press_of,
    reading_record,
    reports_of,
)
from stampbench.bench.report.subject import plan_of
from stampbench.bench.runs.orders import RunOrder, Shard
from stampbench.bench.runs.pressing import SimulatedPresser, made_press
from stampbench.bench.runs.progress import Made, Progress
from stampbench.bench.runs.running import record_run
from stampbench.bench.runs.workers import in_order
from stampbench.bench.sources.frames import ReportInput
from stampbench.firmware_emulator.errors import InputError

if TYPE_CHECKING:
    from stampbench.firmware_emulator.touch import TouchReport
    from stampbench.sim.device import Device

CHUNK = 50
"""Presses that a worker reads again at once."""
_SAME_MM = 0.01


def reread_order(source: Path, settings: Sequence[str] = (), workers: int = 1) -> RunOrder:
    """Return what reading a run again amounts to.

    Args:
        source: directory of the run, or its records.
        settings: to lay on top of its plan, such as ``decoder.sigma_mm=0.2``.
        workers: processes.

    Raises:
        InputError: no records, or settings that change which presses there are.
    """
    run = read_run(source)
    plan = plan_of(run)
    today = plan_of(run, settings) if settings else plan
    if plan.dut is not None:
        raise InputError(
            f"{run.path}: presses of a device under test: expected stampbench run again, which asks it anew"
        )
    if [(case.name, case.kind) for case in today.cases] != [(case.name, case.kind) for case in plan.cases]:
        raise InputError(f"--set {' '.join(settings)}: other cases: expected the presses of {run.path}")
    return RunOrder(
        plan=today,
        directory=run.path.parent,
        seed=run.header.seed,
        workers=workers,
        presses_per_case=run.header.presses_per_case,
        shard=Shard(*run.header.shard, run.header.shard_block),
        station=run.header.station,
        operator=run.header.operator,
        duts=run.header.duts,
        replay_of=str(run.path.resolve()),
    )


def read_again(
    order: RunOrder,
    progress: Progress | None = None,
    *,
    clock: Callable[[], float] = time.monotonic,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> RunEnd:
    """Read all presses of old records again and record what they say now.

    Raises:
        InputError: the records, the plan or the directory cannot be used.
    """
    progress = progress or Progress()
    begun_s = clock()
    run = read_run(Path(order.replay_of))
    check_plan(order.plan)
    made = _all(run, order, progress)
    return record_run(
        order,
        run.header.rigs,
        made,
        progress,
        begun_s=begun_s,
        clock=clock,
        now=now,
        campaign=run.header.campaign,
    )


def _all(run: Run, order: RunOrder, progress: Progress) -> Generator[Made, None, None]:
    jobs = _jobs(run)
    arguments = (order.plan, order.seed, {name: rig.virtual for name, rig in run.header.rigs.items()})
    if order.workers > 1:
        for done in in_order(
            _read_job,
            jobs,
            workers=order.workers,
            start=_start_reader,
            arguments=arguments,
            say=progress.say,
        ):
            yield from done
        return
    reader = Reader(*arguments)
    for job in jobs:
        yield from reader.read(job)


Job = list[PressRecord] | PressChunk


def _jobs(run: Run) -> Iterator[Job]:
    if run.header.campaign:
        yield from run.chunks()
        return
    records = [press for press in run.presses if isinstance(press, PressRecord)]
    for first in range(0, len(records), CHUNK):
        yield records[first : first + CHUNK]


class Reader:
    """Reads recorded presses again.

    Args:
        plan: with today's settings of the decoder.
        seed: of the run.
        virtual: by profile, whether its rig was one in software.

    Raises:
        InputError: the plan names something that does not exist.
    """

    def __init__(self, plan: Plan, seed: int, virtual: Mapping[str, bool]) -> None:
        from stampbench.sim.decoder import Decoder

        self._plan = plan
        self._virtual = virtual
        self._codebook = load_codebook(plan)
        self._decoder = Decoder(self._codebook, sigma_mm=plan.decoder.sigma_mm)
        self._input = ReportInput(self._decoder, frames=plan.decoder.input == "frames")
        self._presser = SimulatedPresser(plan, seed)
        self._devices: dict[str, Device] = {}

    def read(self, job: Job) -> Iterator[Made]:
        """Read presses of a run one by one, or those of a campaign as the chunk they are."""
        if isinstance(job, PressChunk):
            records = [self._presser.press(self._plan.press(result.press)) for result in job.results()]
            yield Made(
                line=PressChunk.of(records),
                presses=len(records),
                failed=sum(not record.as_it_should for record in records),
                counters={"reread_simulated": len(records)},
            )
            return
        for old in job:
            new, source = self.reread(old)
            yield made_press(new, {f"reread_{source}": 1})

    def reread(self, old: PressRecord) -> tuple[PressRecord, str]:
        """Return one press as it reads now, and what that rests on.

        "reports": those in the record; "simulated": its press, made again to the same contacts; "contacts":
        those of the decisive report alone, where there is no more; "kept": nothing was read, and is not now.
        """
        if not old.outcome.judged:
            return old, "kept"
        if old.said:
            limit = self._cancel_limit(old.profile)
            return judged(
                old, listen(self._decoder, reports_of(old), cancel_limit=limit, keep=True)
            ), "reports"
        if old.keyframes and self._virtual.get(old.profile, False):
            press_reports = self._simulated(old)
            if press_reports is not None:
                return judged(old, press_reports), "simulated"
        return self._from_contacts(old), "contacts"

    def _simulated(self, old: PressRecord) -> PressReports | None:
        """Return what the press says when it is made again; None if today's panel says something else."""
        from stampbench.sim.panel import Condition

        device = self._device(old.profile)
        if device is None:
            return None
        device.configure(Condition.from_mapping(old.condition))
        press = functools.partial(device.reports, press_of(old), old.seed)
        reports = list(self._input.of_press(old.profile, press))
        if not _has(reports, old):
            return None
        return listen(self._decoder, reports, cancel_limit=self._cancel_limit(old.profile))

    def _from_contacts(self, old: PressRecord) -> PressRecord:
        import numpy as np

        points = np.array([(contact.x_mm, contact.y_mm) for contact in old.contacts]).reshape(-1, 2)
        reading = reading_record(self._decoder.decode(points))
        new = msgspec.structs.replace(old, reading=reading, message="read from its decisive contacts alone")
        outcome = Outcome.PASSED if new.as_it_should else Outcome.FAILED
        return msgspec.structs.replace(new, outcome=outcome)

    def _cancel_limit(self, profile: str) -> int | None:
        device = self._device(profile)
        return None if device is None or self._input.frames else device.identity.cancel_limit

    def _device(self, profile: str) -> Device | None:
        """Return the simulated device of a profile; None if this version knows none."""
        from stampbench.sim.device import Device
        from stampbench.sim.panel import load_profile

        if profile not in self._devices:
            try:
                self._devices[profile] = Device(load_profile(profile))
            except InputError:
                return None
        return self._devices[profile]


def _has(reports: Sequence[TouchReport], old: PressRecord) -> bool:
    """Return whether the reports hold the decisive one of a record."""
    if not reports or old.decisive_us is None:
        return False
    at_us = reports[0].t_us + old.decisive_us
    decisive = next((report for report in reports if report.t_us == at_us), None)
    if decisive is None:
        return False
    seen: list[tuple[Any, Any]] = [
        (contact.x_mm, contact.y_mm)
        for contact in decisive.down
        if contact.x_mm is not None and contact.y_mm is not None
    ]
    return len(seen) == len(old.contacts) and all(
        abs(x_mm - contact.x_mm) < _SAME_MM and abs(y_mm - contact.y_mm) < _SAME_MM
        for (x_mm, y_mm), contact in zip(seen, old.contacts, strict=True)
    )


_reader: Reader
"""The one of this worker process."""


def _start_reader(plan: Plan, seed: int, virtual: Mapping[str, bool]) -> None:
    global _reader
    _reader = Reader(plan, seed, virtual)


def _read_job(job: Job) -> list[Made]:
    return list(_reader.read(job))
