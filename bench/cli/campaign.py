"""``stampbench campaign``: the presses of a plan by the hundred thousand, in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from stampbench.bench.cli.run_options import (
    Alpha,
    AsJson,
    Beta,
    Cap,
    Duts,
    Live,
    LivePort,
    Operator,
    Out,
    Resume,
    RunOptions,
    Seed,
    Settings,
    ShardOption,
    Station,
    UntilConfident,
    Workers,
    confidence_of,
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="campaign")(campaign)


def campaign(
    plan: Annotated[
        Path | None,
        typer.Argument(
            help="Plan in TOML, or the name of one that travels along.",
            show_default=False,
        ),
    ] = None,
    workers: Workers = None,
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
    out: Out = None,
    seed: Seed = None,
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
    as_json: AsJson = False,
) -> None:
    """Make a plan's presses on simulated panels without a link; each is read as ``run`` reads it."""
    import functools

    from stampbench.bench.cli.run import execute
    from stampbench.bench.runs.campaign import campaign as run_campaign
    from stampbench.firmware_emulator.errors import InputError

    if plan is None and resume is None:
        raise InputError("PLAN: expected a plan, or --resume with the directory of a campaign")
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
