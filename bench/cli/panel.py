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
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", help="A whole profile, a new .toml that every --profile takes.", show_default=False
        ),
    ] = None,
    like: Annotated[
        str, typer.Option(help="Profile from which what the recording does not tell is assumed.")
    ] = "nexus-5",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON alone on stdout.")] = False,
) -> None:
    """Fit noise, touches, grounding and response; rest and touched frames are found by themselves."""
    if output is not None:
        _expect_profile_name(output)
    held_range = None if held is None else _range("held", held)
    released_range = None if released is None else _range("released", released)

    from stampbench.bench.sources.frame_files import read_array, read_frames
    from stampbench.sim.panel.fit import fit_panel

    recorded = read_frames(frames)
    fitted = fit_panel(
        recorded.frames,
        pitch_mm,
        held=held_range,
        released=released_range,
        masks=None if masks is None else read_array(masks, "frames, m rows, n cols"),
    )
    figures = fitted.to_mapping()
    if output is not None:
        from stampbench.sim.panel import load_profile
        from stampbench.sim.panel.fit.profile_text import profile_text

        rows, cols = recorded.frames.shape[1:]
        text = profile_text(fitted, (rows, cols), pitch_mm, load_profile(like), frames.name)
        try:
            output.write_text(text, encoding="utf-8")
        except OSError as error:
            raise InputError(f"{output}: cannot be written: {error.strerror}") from None
        load_profile(output)
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


@commands.command()
def compare(
    profile: Annotated[str, typer.Argument(help="Profile, or a .toml of one.", show_default=False)],
    frames: Annotated[
        Path,
        typer.Argument(help="Raw frames: .npy (frames, rows, cols), Muca CSV or CapFingerId text."),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON alone on stdout.")] = False,
) -> None:
    """Say effect by effect how far a profile is from a recording; status 1 where an effect is far."""
    from dataclasses import asdict

    from stampbench.bench.sources.frame_files import read_frames
    from stampbench.sim.panel import load_profile
    from stampbench.sim.panel.fit.comparison import compare as compared

    found = compared(load_profile(profile), read_frames(frames).frames)
    if as_json:
        rows = [{**asdict(one), "verdict": one.verdict} for one in found]
        typer.echo(json.dumps(rows, indent=2, allow_nan=False))
    else:
        from rich.console import Console
        from rich.table import Table

        table = Table("effect", "recorded", "simulated", "verdict", title=f"{profile} and {frames.name}")
        for one in found:
            texts = ("-" if value is None else f"{value:.3g}" for value in (one.recorded, one.simulated))
            table.add_row(one.effect, *texts, one.verdict)
        Console().print(table)
    if any(one.verdict == "far" for one in found):
        raise typer.Exit(1)


def _range(name: str, text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+):(\d+)", text)
    if match is None:
        raise InputError(f"--{name} {text!r}: expected FIRST:LAST, two frame numbers such as 100:200")
    return int(match[1]), int(match[2])


def _expect_profile_name(path: Path) -> None:
    """Refuse a file that no ``--profile`` would take, or that is there already."""
    from stampbench.firmware_emulator.errors import expect_new

    if path.suffix != ".toml":
        raise InputError(f"-o {path}: expected a name that ends in .toml: so --profile knows a file")
    expect_new(path)
