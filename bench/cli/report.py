"""``stampbench report``: the reports of a run, rendered again from its records."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="report")(report)


def report(
    runs: Annotated[
        list[Path],
        typer.Argument(
            metavar="RUN...", help="Directory of a run, or its records; all parts of one.", show_default=False
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Directory to write to.", show_default="that of the run"),
    ] = None,
    baseline: Annotated[
        Path | None, typer.Option(metavar="RUN", help="A run to compare it with.", show_default=False)
    ] = None,
    fail_if_worse: Annotated[
        bool,
        typer.Option(
            "--fail-if-worse", help="Exit status 1 where it is significantly worse than --baseline."
        ),
    ] = False,
    csv: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the presses as CSV.", show_default=False)
    ] = None,
    parquet: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the presses as Parquet.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON alone on stdout.")] = False,
) -> None:
    """Render the reports of a run, also of one that was killed; the exit status is that of the run."""
    from stampbench.bench.report import report_run
    from stampbench.bench.report.press_tables import write_csv, write_parquet
    from stampbench.bench.report.subject import plan_of
    from stampbench.bench.report.terminal import announce
    from stampbench.firmware_emulator.errors import InputError

    if fail_if_worse and baseline is None:
        raise InputError("--fail-if-worse: expected --baseline and an earlier run beside it")
    run = runs[0]
    if len(runs) > 1:
        run = _joined(runs, out)
    reported = report_run(run, out, baseline)
    for write, path in ((write_csv, csv), (write_parquet, parquet)):
        if path is not None:
            presses = write(plan_of(reported.run), reported.run, path)
            typer.echo(f"{path}: {presses:,} presses", err=True)
    announce(reported, as_json=as_json)
    if fail_if_worse and reported.beside is not None and (worse := reported.beside.comparison.worse):
        named = ", ".join(dict.fromkeys(f"{row.name} on {row.profile}" for row in worse))
        typer.echo(f"worse than {baseline}: {named}", err=True)
        raise typer.Exit(1)


def _joined(runs: list[Path], out: Path | None) -> Path:
    """Join the parts of a run in the directory of the reports."""
    from stampbench.bench.runs.merging import merge_records
    from stampbench.firmware_emulator.errors import InputError

    if out is None:
        raise InputError("--out: missing: expected a directory for the parts joined into one run")
    return merge_records(runs, out)
