"""``stampbench convert``: a recording of a touchscreen in another format."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from stampbench.bench.cli.stamp_options import FlipX, FlipY, PxPerMm, RangeUnits, SizeMm, SwapXy, given_ruler


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="convert")(convert)


def convert(
    source: Annotated[str, typer.Argument(metavar="IN", help="Recording; - is standard input.")],
    destination: Annotated[Path, typer.Argument(metavar="OUT", help="A new file.")],
    to: Annotated[
        str,
        typer.Option("--to", metavar="FORMAT", help="capture, hid-recorder, evemu, libinput, getevent."),
    ],
    size_mm: SizeMm = None,
    px_per_mm: PxPerMm = None,
    range_units: RangeUnits = None,
    flip_x: FlipX = False,
    flip_y: FlipY = False,
    swap_xy: SwapXy = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON alone on stdout.")] = False,
) -> None:
    """Write a recording in another format that can hold the same."""
    import json

    from stampbench.bench.sources.converting import Target, convert
    from stampbench.bench.sources.recording_formats import open_recording
    from stampbench.firmware_emulator.errors import InputError

    if to not in list(Target):
        raise InputError(f"--to {to}: expected one of {', '.join(Target)}")
    given = given_ruler(size_mm, px_per_mm, range_units, flip_x=flip_x, flip_y=flip_y, swap_xy=swap_xy)
    with open_recording(source) as opened:
        recording = given.apply(opened)
        scans = convert(recording, Target(to), destination)
        notes = recording.notes
    if as_json:
        typer.echo(json.dumps({"file": str(destination), "format": to, "scans": scans, "notes": notes}))
        return
    for note in notes:
        typer.echo(f"stampbench: {source}: {note}", err=True)
    typer.echo(f"{destination}: {scans} scans as {to}")
