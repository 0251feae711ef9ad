"""``stampbench panel``: what a recording of raw frames says about its panel."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated

import typer
from stampbench.bench.cli.panel_report import report
from stampbench.firmware_emulator.errors import InputError

commands = typer.Typer(help="Fit panels to recordings of raw frames.", no_args_is_help=True)
commands.command()(report)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(commands, name="panel")


@commands.command()
def fit(
    frames: Annotated[
        Path, typer.Argument(help="Raw frames: .npy (frames, rows, cols), Muca CSV or CapFingerId text.")
    ],
    pitch_mm: Annotated[float, typer.Option("--pitch-mm", help="Distance between lines, mm.")],
    held: Annotated[str | None, typer.Option("--held", help="Frames A:B in which an object is held.")] = None,
    released: Annotated[
        str | None, typer.Option("--released", help="Frames C:D in which the same object is released.")
    ] = None,
    masks: Annotated[
        Path | None,
        typer.Option("--masks", help=".npy of true contacts, any whole multiple of the node grid."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON alone on stdout.")] = False,
) -> None:
    """Fit noise, touches, grounding and response; rest and touched frames are found by themselves."""
    held_range = None if held is None else _range("held", held)
    released_range = None if released is None else _range("released", released)

    from stampbench.bench.sources.frame_files import read_array, read_frames
    from stampbench.sim.panel.fit import fit_panel

    recorded = read_frames(frames)
    figures = fit_panel(
        recorded.frames,
        pitch_mm,
        held=held_range,
        released=released_range,
        masks=None if masks is None else read_array(masks, "frames, m rows, n cols"),
    ).to_mapping()
    if as_json:
        typer.echo(json.dumps(figures, indent=2, allow_nan=False))
        return

    from rich.console import Console
    from rich.table import Table

    table = Table("figure", "value", title=f"{frames.name} ({recorded.format})")
    for name, value in figures.items():
        text = "not found" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
        table.add_row(name, text)
    Console().print(table)


def _range(name: str, text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+):(\d+)", text)
    if match is None:
        raise InputError(f"--{name} {text!r}: expected FIRST:LAST, two frame numbers such as 100:200")
    return int(match[1]), int(match[2])
