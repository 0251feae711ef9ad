"""``stampbench metrics``: touch metrics by the field's names and limits."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from stampbench.bench.cli.stamp_options import takes_ruler

if TYPE_CHECKING:
    from stampbench.bench.sources.ruler import GivenRuler
    from stampbench.bench.touch.metrics import TouchMetric


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="metrics")(metrics)


@takes_ruler
def metrics(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="FILE...",
            help="A session file (TOML) that says what was done, or recordings of which nobody knows.",
        ),
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(help="Instead of files: fingers on this simulated panel.", show_default=False),
    ] = None,
    noise: Annotated[
        float, typer.Option(min=0.0, max=100.0, help="Scale of the simulated panel's noise.")
    ] = 1.0,
    charger_v: Annotated[
        float, typer.Option(min=0.0, max=20.0, help="Common mode of its charger, volts peak to peak.")
    ] = 0.0,
    seed: Annotated[int, typer.Option(min=0, max=2**53, help="Of places and noise.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON alone on stdout.")] = False,
    *,
    given: GivenRuler,
) -> None:
    """Measure a touch panel: accuracy, linearity, jitter, rate, latency, separation, ghosts."""
    from stampbench.bench.touch.metrics import touch_metrics
    from stampbench.firmware_emulator.errors import InputError

    if bool(files) == (profile is not None):
        raise InputError("metrics: expected files, or --profile and a simulated panel")
    if profile is not None:
        from stampbench.bench.touch.gestures import simulated_gestures
        from stampbench.sim.panel import Condition, load_profile

        gestures, area = simulated_gestures(
            load_profile(profile), Condition(noise=noise, charger_v=charger_v), seed=seed
        )
    else:
        from stampbench.bench.touch.gestures import recorded_gestures, unknown_gestures

        sessions = [file for file in files or () if file.suffix == ".toml"]
        if sessions and len(files or ()) > 1:
            raise InputError(f"{sessions[0]}: a session among other files: expected it alone")
        gestures, area = (
            recorded_gestures(sessions[0], given) if sessions else unknown_gestures(files or [], given)
        )
        if not area.sized:
            typer.echo(
                "stampbench: no physical size, so nothing in mm is measured; give it with --size-mm WxH",
                err=True,
            )
    found = touch_metrics(gestures, area)
    failed = any(metric.passed is False for metric in found)
    if as_json:
        _print_json(found, len(gestures))
    else:
        _show(found, len(gestures))
    if failed:
        raise typer.Exit(1)


def _print_json(found: tuple[TouchMetric, ...], gestures: int) -> None:
    import json
    from dataclasses import asdict

    metrics = [asdict(metric) | {"passed": metric.passed} for metric in found]
    typer.echo(json.dumps({"gestures": gestures, "metrics": metrics}, indent=2))


def _show(found: tuple[TouchMetric, ...], gestures: int) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 140
    table = Table("metric", "value", "limit", "", "from", "source of the limit", box=None, pad_edge=False)
    for metric in found:
        table.add_row(
            metric.title,
            "-" if metric.value is None else f"{metric.value:.3g} {_unit(metric)}".rstrip(),
            _limit(metric),
            {True: "✓ passed", False: "✗ failed", None: "unset" if metric.value is None else ""}[
                metric.passed
            ],
            f"{metric.n:,}",
            metric.source,
        )
    console.print(table)
    console.print(f"from {gestures} gestures; a metric without data is unset, neither passed nor failed")


def _unit(metric: TouchMetric) -> str:
    return "" if metric.unit == "1" else metric.unit


def _limit(metric: TouchMetric) -> str:
    parts = [
        f"{sign} {limit:g}" for sign, limit in (("≥", metric.min), ("≤", metric.max)) if limit is not None
    ]
    return f"{', '.join(parts)} {_unit(metric)}".strip() if parts else ""
