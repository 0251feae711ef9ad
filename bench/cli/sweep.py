"""``stampbench sweep``: one plan at every point of a grid of settings, as a heat map."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="sweep")(sweep)


def sweep(
    file: Annotated[
        Path,
        typer.Argument(metavar="SWEEP", help="Sweep in TOML, or its name.", show_default=False),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="Directory for sweep.json, .svg and .html.", show_default="sweeps/NAME-TIME"
        ),
    ] = None,
    svg: Annotated[Path | None, typer.Option(help="The heat map here, too.", show_default=False)] = None,
    presses: Annotated[
        int | None,
        typer.Option(
            min=1, max=1_000_000, help="Presses of each case at each point.", show_default="the plan's"
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, max=2**53, help="Seed of every point.", show_default="the plan's")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, max=256, help="Processes that press.", show_default="all cores")
    ] = None,
    dask: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS", help="Scheduler of a Dask cluster that presses instead.", show_default=False
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON alone on stdout.")] = False,
) -> None:
    """Vary any settings of a plan, press every combination in memory, and draw what was measured."""
    import os
    import signal

    import msgspec
    from stampbench.bench.cli.run_options import new_directory
    from stampbench.bench.plans.text import plan_file
    from stampbench.bench.report.terminal import RunProgress
    from stampbench.bench.sweep.report import FILE_NAME, write_sweep
    from stampbench.bench.sweep.sweeping import make_sweep, read_sweep
    from stampbench.firmware_emulator.errors import InputError

    if dask is not None and workers is not None:
        raise InputError("--dask, --workers: a cluster has its own workers: expected one of them")
    file = plan_file(file, "sweeps")
    read = read_sweep(file, presses)
    directory = out or new_directory(file.stem, "sweeps")
    if (directory / FILE_NAME).exists():
        raise InputError(f"{directory}: there is a sweep already: expected another directory by --out")
    if workers is None:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        workers = max(1, min(cores, len(read.points)))
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends the workers, too
    with RunProgress(read.presses) as progress:
        result = make_sweep(read, seed=seed, workers=workers, cluster=dask, progress=progress)
    paths = write_sweep(result, directory, svg)
    if as_json:
        typer.echo(msgspec.json.encode(result).decode())
        return
    good = sum(map(result.is_good, result.cells))
    if result.good is not None:
        typer.echo(f"{result.title}: {good} of {len(result.cells)} points are good")
    typer.echo(", ".join(map(str, paths)))
