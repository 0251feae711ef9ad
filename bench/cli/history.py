"""``stampbench history``: the start page over all runs below a directory."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

if TYPE_CHECKING:
    from stampbench.bench.judging.statistics import Rate
    from stampbench.bench.report.history import Group, History

NOTHING_RAN: Final = 5


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="history")(history)


def history(
    directory: Annotated[Path, typer.Argument(help="Where runs lie, at any depth.", show_default=False)],
    output: Annotated[
        Path | None, typer.Option("-o", help="The page, HTML.", show_default="DIRECTORY/history.html")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON alone on stdout.")] = False,
) -> None:
    """Write a page over many runs: what is missed most, by plan, panel, station, and limits over time."""
    from stampbench.bench.report.history import read_history, render_history
    from stampbench.firmware_emulator.errors import InputError, expect_new

    found = read_history(directory)
    for path, why in found.unreadable.items():
        typer.echo(f"stampbench: {path}: left out: {why}", err=True)
    if not found.runs:
        typer.echo(f"{directory}: expected runs (records.jsonl) below it", err=True)
        raise typer.Exit(NOTHING_RAN)
    page = output or directory / "history.html"
    if output is not None:
        expect_new(output)
    try:
        page.write_text(render_history(found, page), encoding="utf-8")
    except OSError as error:
        raise InputError(f"{page}: cannot be written: {error.strerror}") from None
    if as_json:
        import json

        typer.echo(json.dumps(_mapping(found, page), indent=2))
        return
    verdicts: dict[str, int] = {}
    for run in found.runs:
        verdicts[run.summary["verdict"]] = verdicts.get(run.summary["verdict"], 0) + 1
    told = ", ".join(f"{count:,} {verdict}" for verdict, count in sorted(verdicts.items()))
    typer.echo(f"{len(found.runs):,} runs: {told}")
    for row in found.missed_most()[:3]:
        missed = f"{row.rate.k:,} of {row.rate.n:,} ({100 * row.rate.low:.3g} to {100 * row.rate.high:.3g} %)"
        typer.echo(f"  {row.measurement} of {row.case} on {row.profile}, {row.plan}: {missed}")
    typer.echo(f"page: {page}")


def _mapping(found: History, page: Path) -> dict[str, Any]:
    def groups(rows: list[Group]) -> list[dict[str, Any]]:
        return [
            {
                "name": row.name,
                "read_right": _rate(row.read_right),
                "foreign_read": _rate(row.accepted),
                "runs": len(row.runs),
            }
            for row in rows
        ]

    return {
        "page": str(page),
        "runs": [
            {"directory": str(run.directory), "verdict": run.summary["verdict"], "plan": run.plan}
            for run in found.runs
        ],
        "unreadable": {str(path): why for path, why in found.unreadable.items()},
        "by_plan": groups(found.groups(lambda run: [run.plan])),
        "by_panel": groups(found.groups(None)),
        "by_station": groups(found.groups(lambda run: [run.summary["station"]])),
        "by_serial_number": groups(found.groups(lambda run: run.serials)),
    }


def _rate(found: Rate) -> dict[str, Any]:
    return {"k": found.k, "n": found.n, "value": found.estimate, "low": found.low, "high": found.high}
