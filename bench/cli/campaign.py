"""``stampbench campaign``: the presses of a plan by the hundred thousand, in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.run_options import (
    Alpha,
    Beta,
    Cap,
    Duts,
    Live,
    LivePort,
    Operator,
    Resume,
    RunOptions,
    Settings,
    ShardOption,
    Station,
    UntilConfident,
    confidence_of,
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="campaign")(campaign)


def campaign(
    plan: Annotated[
        Path | None, typer.Argument(help="Plan in TOML; --resume knows its own.", show_default=False)
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, max=256, help="Processes that press.", show_default="all cores")
    ] = None,
    dask: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Scheduler of a Dask cluster whose workers press instead, such as tcp://host:8786.",
            show_default=False,
        ),
    ] = None,
    presses: Annotated[
        int | None,
        typer.Option(
            min=1, max=10_000_000, help="Presses of each case on each profile.", show_default="the plan's"
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Directory for records and reports.", show_default="runs/NAME-TIME")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, max=2**53, help="Seed of the run.", show_default="the plan's")
    ] = None,
    settings: Settings = None,
    shard: ShardOption = None,
    resume: Resume = None,
    until_confident: UntilConfident = False,
    alpha: Alpha = 0.05,
    beta: Beta = 0.05,
    cap: Cap = None,
    station: Station = "",
    operator: Operator = "",
    duts: Duts = None,
    live: Live = False,
    live_port: LivePort = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON alone on stdout.")] = False,
) -> None:
    """Make a plan's presses on simulated panels without a link; each is read as ``run`` reads it."""
    import functools

    from bench.cli.run import execute
    from bench.runs.campaign import campaign as run_campaign
    from firmware_emulator.errors import InputError

    if dask is not None and workers is not None:
        raise InputError("--dask, --workers: a cluster has its own workers: expected one of them")
    execute(
        functools.partial(run_campaign, cluster=dask),
        plan,
        workers=1 if dask is not None else workers,
        presses_per_case=presses,
        out=out,
        seed=seed,
        as_json=as_json,
        options=RunOptions(
            settings=settings or (),
            shard=shard,
            resume=resume,
            confidence=confidence_of(until_confident, alpha, beta, cap),
            station=station,
            operator=operator,
            duts=duts or (),
        ),
        live_port=live_port if live else None,
    )
