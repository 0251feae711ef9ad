"""``stampbench watch``: a station followed, with alarms as they arise."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from stampbench.bench.cli.output import end_with_reader

if TYPE_CHECKING:
    from stampbench.bench.validation.watching import Alarm, Watcher


NOTHING_RAN = 5
"""Exit status where there was nothing to look at: no alarm of an empty directory is no good news."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="watch")(watch)


def watch(
    directory: Annotated[Path, typer.Argument(help="Where lots and runs appear.", show_default=False)],
    once: Annotated[
        bool, typer.Option("--once", help="Look once, and fail if there is an alarm; for CI.")
    ] = False,
    every_s: Annotated[
        float, typer.Option("--every", min=0.1, max=3600.0, help="Seconds between two looks.")
    ] = 2.0,
    picture: Annotated[
        Path | None,
        typer.Option(
            "-o", help="Control charts, .svg, .png or .pdf, after each new lot.", show_default=False
        ),
    ] = None,
    public_key: Annotated[
        list[str] | None,
        typer.Option(
            help="Base64 of a key that must have signed the certificates; again for each.", show_default=False
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON alone: one document, or a line per alarm.")
    ] = False,
) -> None:
    """Follow a station: rejected lots, drifting cavities, bad gauges, runs worse than before."""
    import json
    import time

    from stampbench.bench.validation.watching import Watcher
    from stampbench.firmware_emulator.errors import expect_new

    if picture is not None:
        expect_new(picture)
    watcher = Watcher(directory, public_key or ())
    alarms = watcher.look(last=once)
    _draw(watcher, picture)
    if once:
        if as_json:
            typer.echo(json.dumps(_summary(watcher, alarms), indent=2))
        else:
            for alarm in alarms:
                typer.echo(_line(alarm))
            station = watcher.station
            counts = {"lot": station.lots, "run": station.runs, "alarm": len(alarms)}
            said = (f"{count} {name}{'' if count == 1 else 's'}" for name, count in counts.items())
            typer.echo(f"{directory}: {', '.join(said)}")
        if not (alarms or watcher.station.lots or watcher.station.runs):
            if not as_json:
                typer.echo(f"{directory}: expected certificates or records below it", err=True)
            raise typer.Exit(NOTHING_RAN)
        raise typer.Exit(1 if alarms else 0)
    end_with_reader()
    while True:
        for alarm in alarms:
            typer.echo(json.dumps(alarm.to_mapping()) if as_json else _line(alarm))
        seen = watcher.station.lots
        time.sleep(every_s)
        alarms = watcher.look()
        if watcher.station.lots != seen:
            _draw(watcher, picture)


def _line(alarm: Alarm) -> str:
    return f"{alarm.kind}: {alarm.subject}: {alarm.text}"


def _summary(watcher: Watcher, alarms: list[Alarm]) -> dict[str, object]:
    station = watcher.station
    return {
        "lots": station.lots,
        "runs": station.runs,
        "alarms": [alarm.to_mapping() for alarm in alarms],
        "series": [
            {
                "name": series.name,
                "lots": list(series.lots),
                "values_mm": series.values_mm.tolist(),
                "sigma_mm": series.chart.sigma,
                "ewma_mm": series.chart.ewma.tolist(),
                "ewma_limit_mm": series.chart.ewma_half.tolist(),
                "cusum_up": series.chart.up.tolist(),
                "cusum_down": series.chart.down.tolist(),
                "cusum_limit": series.chart.limit,
                "limit_mm": series.limit_mm,
                "alarm": bool(series.chart.alarms[-1]),
            }
            for series in station.series()
        ],
    }


def _draw(watcher: Watcher, picture: Path | None) -> None:
    if picture is not None:
        from stampbench.bench.validation.certificate.chart_pictures import draw_charts

        draw_charts(watcher.station.series(), picture)
