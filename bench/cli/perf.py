"""``stampbench perf``: how fast stampbench is on this machine, each figure beside its baseline."""

from __future__ import annotations

import importlib
import json
from enum import StrEnum
from typing import Annotated

import typer


class Subject(StrEnum):
    """What can be measured."""

    DECODER = "decoder"
    PRESS = "press"
    LINK = "link"
    SCREEN = "screen"
    SOUND = "sound"
    SERVICE = "service"
    PHONE = "phone"
    DUT = "dut"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="perf")(perf)


def perf(
    subject: Annotated[Subject, typer.Argument(help="What to measure.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON alone on stdout.")] = False,
    family: Annotated[
        list[str] | None, typer.Option("--family", help="decoder: only these families (repeatable).")
    ] = None,
    stored: Annotated[
        int | None,
        typer.Option(
            min=100_000, help="service: presses stored when a decision is timed again (default 1,000,000)."
        ),
    ] = None,
) -> None:
    """Measure speed, each figure beside its baseline in the same run."""
    from stampbench.bench.perf import machine

    module = importlib.import_module(f"stampbench.bench.perf.{subject.value}")
    figures = module.measure(**_options(subject, family, stored))
    if as_json:
        report = {
            "machine": machine(),
            "figures": {name: figure.to_mapping() for name, figure in figures.items()},
        }
        typer.echo(json.dumps(report, indent=2))
        return

    from rich.console import Console
    from rich.table import Table

    console = Console()
    if not console.is_terminal:
        console.width = 140  # nobody's window: names in a log need not be cut
    console.print(", ".join(f"{key} {value}" for key, value in machine().items()), soft_wrap=True)
    table = Table("figure", "value", "unit", "baseline", "ratio", "baseline is")
    for name, figure in figures.items():
        table.add_row(
            name,
            f"{figure.value:,.4g}" if figure.value < 100 else f"{figure.value:,.0f}",
            figure.unit,
            "" if figure.baseline is None else f"{figure.baseline:,.4g}",
            "" if figure.ratio is None else f"{figure.ratio:,.2f}",
            figure.baseline_name or "",
        )
    console.print(table)


def _options(subject: Subject, families: list[str] | None, stored: int | None) -> dict[str, object]:
    from stampbench.firmware_emulator.errors import InputError

    if families and subject is not Subject.DECODER:
        raise InputError(f"--family: `perf {subject}` has none; expected `perf decoder`")
    if stored and subject is not Subject.SERVICE:
        raise InputError(f"--stored: `perf {subject}` stores no presses; expected `perf service`")
    return ({"families": families} if families else {}) | ({"stored": stored} if stored else {})
