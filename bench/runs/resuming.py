"""Going on with a run that was killed or interrupted, where its records end."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from stampbench.bench.judging.early_stops import EarlyStops
from stampbench.bench.plans.plan import Plan
from stampbench.bench.records.files import FILE_NAME, RecordWriter, RigIdentity, Run, RunEnd, read_run
from stampbench.bench.runs.orders import RunOrder, Shard, codebook_sha256
from stampbench.firmware_emulator.errors import InputError


def resumed(
    directory: Path, *, plan: Plan | None = None, seed: int | None = None, port: str, workers: int = 1
) -> RunOrder:
    """Return what is left to do of a run.

    Its presses follow from plan, seed and number, so that it reads on what an unbroken run would have read.

    Args:
        directory: of the run.
        plan: as it is today, to be compared with the recorded one; None: the recorded one goes on.
        seed: likewise.
        port: of the rig.
        workers: processes.

    Raises:
        InputError: no records, a run that is complete, another plan, catalogue or seed, or a run that this
            version did not begin.
    """
    from importlib.metadata import version

    run = read_run(directory)
    header = run.header
    recorded = Plan.parse(header.plan_text, Path(header.plan_path)).on_profiles(header.profiles)
    if recorded.header.scenario:
        raise InputError(f"{run.path}: trials of a scenario: expected a run of presses; trials begin anew")
    if header.replay_of:
        raise InputError(
            f"{run.path}: presses read again: expected the records of a run; replay it once more"
        )
    _same(run, "plan", header.plan_sha256, header.plan_sha256 if plan is None else plan.sha256)
    _same(run, "catalogue", header.codebook_sha256, codebook_sha256(recorded))
    _same(run, "seed", header.seed, header.seed if seed is None else seed)
    _same(run, "stampbench", header.versions.get("stampbench", ""), version("stampbench"))
    if run.end is not None and run.end.status == "complete":
        raise InputError(f"{run.path}: the run is complete: expected one that was killed or interrupted")
    if header.presses_per_case is not None:
        recorded = recorded.with_presses(header.presses_per_case)
    stops = None
    if header.until_confident is not None:
        stops = EarlyStops(recorded, header.until_confident)
        stops.see(run.presses)
    return RunOrder(
        plan=dataclasses.replace(recorded, settings=tuple(header.settings)),
        directory=run.path.parent,
        seed=header.seed,
        port=port,
        workers=workers,
        presses_per_case=header.presses_per_case,
        shard=Shard(*header.shard, header.shard_block),
        after=run.last,
        resumed_at=run.length,
        stops=stops,
        station=header.station,
        operator=header.operator,
        duts=header.duts,
    )


def reopened(order: RunOrder, rigs: Mapping[str, RigIdentity], now: Callable[[], datetime]) -> RecordWriter:
    """Return the records of a run, to be gone on with; a session that was killed is given its end first.

    Raises:
        InputError: other rigs began it.
    """
    run = read_run(order.directory)
    for profile, rig in rigs.items():
        begun = run.header.rigs.get(profile, rig)
        for what in ("virtual", "serial_number", "firmware"):
            _same(run, f"a rig whose {what.replace('_', ' ')} is", getattr(begun, what), getattr(rig, what))
    writer = RecordWriter(order.directory / FILE_NAME, after=order.resumed_at)
    if run.end is None:
        writer.write(
            RunEnd(
                status="interrupted",
                presses=0,
                seconds=0.0,
                prepare_seconds=0.0,
                finished_at=now().isoformat(timespec="seconds"),
                message="killed",
            )
        )
    return writer


def _same(run: Run, what: str, recorded: object, today: object) -> None:
    if recorded != today:
        raise InputError(
            f"{run.path}: begun with {what} {str(recorded)[:16]}, now {str(today)[:16]}: expected the same"
        )
