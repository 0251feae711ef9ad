"""``stampbench report``: the reports of a run, rendered again from its records."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="report")(report)


def report(
    run: Annotated[Path, typer.Argument(help="Directory of a run, or its records.", show_default=False)],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Directory to write to.", show_default="that of the run"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON alone on stdout.")] = False,
) -> None:
    """Render the reports of a run, also of one that was killed; the exit status is that of the run."""
    from bench.report import write_reports
    from bench.report.terminal import announce

    recorded, assessment = write_reports(run, out)
    announce(recorded, assessment, as_json=as_json)
