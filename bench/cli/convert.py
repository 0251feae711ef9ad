"""``stampbench convert``: a recording of a touchscreen in another format."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from stampbench.bench.cli.stamp_options import takes_ruler

if TYPE_CHECKING:
    from stampbench.bench.sources.ruler import GivenRuler


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="convert")(convert)


@takes_ruler
def convert(
    source: Annotated[str, typer.Argument(metavar="IN", help="Recording; - is standard input.")],
    destination: Annotated[Path, typer.Argument(metavar="OUT", help="A new file.")],
    to: Annotated[
        str,
        typer.Option("--to", metavar="FORMAT", help="capture, hid-recorder, evemu, libinput, getevent."),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON alone on stdout.")] = False,
    *,
    given: GivenRuler,
) -> None:
    """Write a recording in another format that can hold the same."""
    import json

    from stampbench.bench.sources.converting import Target, convert
    from stampbench.bench.sources.recording_formats import open_recording
    from stampbench.firmware_emulator.errors import InputError

    if to not in list(Target):
        raise InputError(f"--to {to}: expected one of {', '.join(Target)}")
    with open_recording(source, given) as recording:
        scans = convert(recording, Target(to), destination)
        notes = recording.notes
    if as_json:
        typer.echo(json.dumps({"file": str(destination), "format": to, "scans": scans, "notes": notes}))
        return
    for note in notes:
        typer.echo(f"stampbench: {source}: {note}", err=True)
    typer.echo(f"{destination}: {scans} scans as {to}")
