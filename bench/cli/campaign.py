"""``stampbench campaign``: the presses of a plan by the hundred thousand, in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="campaign")(campaign)


def campaign(
    plan: Annotated[Path, typer.Argument(help="Plan in TOML.", show_default=False)],
    workers: Annotated[
        int | None, typer.Option(min=1, max=256, help="Processes that press.", show_default="all cores")
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
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON alone on stdout.")] = False,
) -> None:
    """Make a plan's presses on simulated panels without a link; each is read as ``run`` reads it."""
    from bench.campaign import campaign as run_campaign
    from bench.cli.run import execute

    execute(
        run_campaign, plan, workers=workers, presses_per_case=presses, out=out, seed=seed, as_json=as_json
    )
