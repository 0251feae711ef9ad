"""``stampbench enrol``: several presses of a stamp averaged into an entry of a catalogue."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from stampbench.bench.cli.stamp_options import takes_ruler

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stampbench.bench.capacity.enrolling import Enrolled, Points
    from stampbench.bench.sources.ruler import GivenRuler


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="enrol")(enrol)


@takes_ruler
def enrol(
    catalogue: Annotated[
        Path, typer.Option(help="Catalogue, TOML or CSV; made if it is not there.", show_default=False)
    ],
    name: Annotated[str, typer.Option(help="What the stamp is called.", show_default=False)],
    files: Annotated[
        list[str] | None,
        typer.Argument(metavar="[FILE]...", help="Recordings of presses; - is standard input."),
    ] = None,
    rig: Annotated[
        str | None,
        typer.Option(help="Port of a rig to press on, or virtual; instead of files.", show_default=False),
    ] = None,
    object_name: Annotated[
        str | None,
        typer.Option("--object", help="What a rig with an actuator presses.", show_default="the name"),
    ] = None,
    profile: Annotated[str, typer.Option(help="Panel of the virtual rig.")] = "nexus-5",
    presses: Annotated[int, typer.Option(min=1, max=1000, help="Presses on the rig.")] = 5,
    seed: Annotated[int, typer.Option(min=0, help="Of the presses on a rig with an actuator.")] = 0,
    min_distance: Annotated[
        float | None,
        typer.Option(min=0.0, help="Least rigid distance to other entries, mm.", show_default="2.0"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON alone on stdout.")] = False,
    *,
    given: GivenRuler,
) -> None:
    """Average several presses of a stamp into a new catalogue entry, unless it is too near to another."""
    from stampbench.bench.capacity.enrolling import MIN_DISTANCE_MM, enrol_stamp
    from stampbench.firmware_emulator.errors import InputError

    if bool(files) == (rig is not None):
        raise InputError("expected either recordings or --rig PORT")
    shapes = (
        _from_recordings(files, given)
        if files
        else _from_rig(str(rig), profile, object_name or name, presses, seed)
    )
    enrolled = enrol_stamp(
        catalogue, name, shapes, min_distance_mm=MIN_DISTANCE_MM if min_distance is None else min_distance
    )
    _show(enrolled, catalogue, as_json=as_json)


def _from_recordings(files: list[str], given: GivenRuler) -> Iterator[Points]:
    from stampbench.bench.capacity.enrolling import press_shapes
    from stampbench.bench.sources.recording_formats import open_recording
    from stampbench.firmware_emulator.errors import InputError

    for file in files:
        with open_recording(file, given) as recording:
            ruler = recording.ruler
            if ruler is None:
                raise InputError(f"{file}: gives no physical size of the panel: expected --size-mm WxH")
            if ruler.coarse:
                raise InputError(
                    f"{file}: the size, {ruler}, is too coarse to measure a stamp: expected --size-mm WxH"
                )
            yield from press_shapes(recording)
            for note in recording.notes:
                typer.echo(f"stampbench: {file}: {note}", err=True)


def _from_rig(port: str, profile: str, object_name: str, presses: int, seed: int) -> Iterator[Points]:
    from stampbench.bench.capacity.enrolling import presses_on_rig
    from stampbench.bench.rig.opening import open_rig

    with open_rig(port, profile) as rig:
        yield from presses_on_rig(
            rig, object_name, presses, seed=seed, prompt=lambda text: typer.echo(text, err=True)
        )


def _show(enrolled: Enrolled, catalogue: Path, *, as_json: bool) -> None:
    import json
    import math

    presses = len(enrolled.residual_mm)
    if as_json:
        nearest = enrolled.nearest and {"name": enrolled.nearest[0], "distance_mm": enrolled.nearest[1]}
        answer = {
            "catalogue": str(catalogue),
            "name": enrolled.name,
            "presses": presses,
            "pads_mm": enrolled.pads_mm.tolist(),
            "sigma_mm": None if math.isnan(enrolled.sigma_mm) else enrolled.sigma_mm,
            "residual_mm": list(enrolled.residual_mm),
            "nearest": nearest,
        }
        typer.echo(json.dumps(answer, indent=2))
        return
    typer.echo(f"{catalogue}: {enrolled.name}, {len(enrolled.pads_mm)} pads from {presses} presses")
    for number, (x_mm, y_mm) in enumerate(enrolled.pads_mm, start=1):
        typer.echo(f"  pad {number}   {x_mm:8.3f} {y_mm:8.3f} mm")
    if not math.isnan(enrolled.sigma_mm):
        typer.echo(
            f"  a contact scatters by {enrolled.sigma_mm:.3f} mm per axis; "
            f"the farthest press is {max(enrolled.residual_mm):.3f} mm off"
        )
    if enrolled.nearest is not None:
        typer.echo(f"  nearest entry: {enrolled.nearest[0]}, {enrolled.nearest[1]:.2f} mm away")
