"""``stampbench run``: every press of a plan, recorded, judged and reported."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.records import RunEnd
    from bench.runs import Progress, RunOrder

PRESSES_WORTH_A_WORKER = 100
"""A process takes about as long to start as it takes to make this many presses."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="run")(run)


def run(
    plan: Annotated[Path, typer.Argument(help="Plan in TOML.", show_default=False)],
    rig: Annotated[
        str, typer.Option(help="Serial port of the rig, as pyserial takes it, or the rig in software.")
    ] = "virtual",
    out: Annotated[
        Path | None, typer.Option(help="Directory for records and reports.", show_default="runs/NAME-TIME")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, max=2**53, help="Seed of the run.", show_default="the plan's")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, max=256, help="Processes that press.", show_default="all cores")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON alone on stdout.")] = False,
) -> None:
    """Press a plan's stamps, and hold what was read against its limits."""
    from bench.runs import run as run_plan

    execute(run_plan, plan, workers=workers, port=rig, out=out, seed=seed, as_json=as_json)


def execute(
    make: Callable[[RunOrder, Progress], RunEnd],
    plan: Path,
    *,
    workers: int | None,
    port: str = "virtual",
    presses_per_case: int | None = None,
    out: Path | None,
    seed: int | None,
    as_json: bool,
) -> None:
    """Make the presses of a plan in one way or another, report them, and leave with their exit status."""
    import signal
    from datetime import datetime

    from bench.plans import read_plan
    from bench.report import write_reports
    from bench.report.terminal import RunProgress, announce
    from bench.runs import RunOrder

    # A service manager's stop is an interrupt too: the records are ended and reported.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    read = read_plan(plan)
    if presses_per_case is not None:
        read = read.with_presses(presses_per_case)
    name = read.header.name.replace(" ", "-")
    order = RunOrder(
        plan=read,
        directory=out or Path("runs") / f"{name}-{datetime.now().astimezone():%Y%m%d-%H%M%S}",
        seed=read.header.seed if seed is None else seed,
        port=port,
        workers=_worker_count(workers, read.size),
        presses_per_case=presses_per_case,
    )
    with RunProgress(read.size) as progress:
        make(order, progress)
        progress.say("writing the reports")
        run, assessment = write_reports(order.directory)
    announce(run, assessment, as_json=as_json)


def _worker_count(asked: int | None, presses: int) -> int:
    """As asked, or as many as there are cores and work for them."""
    import os

    if asked is not None:
        return asked
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cores, presses // PRESSES_WORTH_A_WORKER))
