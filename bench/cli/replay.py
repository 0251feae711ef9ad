"""``stampbench replay``: one press of a run, or of a capture of the screen, once more."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from stampbench.bench.records.presses import PressResult


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="replay")(replay)


def replay(
    records: Annotated[
        Path, typer.Argument(help="Records of a run, or a capture of the screen.", show_default=False)
    ],
    press: Annotated[int, typer.Option(min=1, help="Number of the press.", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON alone on stdout.")] = False,
) -> None:
    """Repeat one press, and compare what is read now with the record.

    A press of a run is made again through a virtual rig, bit for bit; of a capture, its reports are read
    again.
    """
    import json

    import msgspec
    from rich.console import Console
    from stampbench.bench.records.files import read_run
    from stampbench.bench.runs.replays import differences, replay_press
    from stampbench.bench.window.session.captures import is_capture

    if is_capture(records):
        _replay_capture(records, press, as_json=as_json)
        return
    run = read_run(records)
    recorded = run.press(press)
    repeated = replay_press(run, recorded)
    found = differences(recorded, repeated)
    if as_json:
        answer = {
            "identical": not found,
            "differences": [
                {"field": name, "recorded": before, "repeated": now} for name, before, now in found
            ],
            "press": msgspec.to_builtins(repeated),
        }
        typer.echo(json.dumps(answer, indent=2))
    else:
        console = Console(highlight=False, soft_wrap=True)
        console.print(
            f"press {press}: {repeated.object} on {repeated.profile}, {repeated.case}, seed {repeated.seed}"
        )
        console.print(f"recorded: {_reading(recorded)}")
        console.print(f"repeated: {_reading(repeated)}")
        for name, before, now in found:
            console.print(f"  {name}: {before} was recorded, now {now}")
        console.print("differs" if found else "identical")
    if found:
        raise typer.Exit(1)


def _replay_capture(path: Path, press: int, *, as_json: bool) -> None:
    """Read one press of a capture again."""
    import json

    from stampbench.bench.window.session.captures import replay_press

    then, now = replay_press(path, press)
    found = [
        {"field": name, "recorded": then.get(name), "repeated": value}
        for name, value in now.items()
        if then.get(name) != value
    ]
    if as_json:
        typer.echo(json.dumps({"identical": not found, "differences": found, "press": now}, indent=2))
    else:
        typer.echo(f"press {press} of {path}: recorded as {then.get('verdict')} {then.get('code')}")
        for difference in found:
            typer.echo("  {field}: {recorded} was recorded, now {repeated}".format(**difference))
        typer.echo("differs" if found else "identical")
    if found:
        raise typer.Exit(1)


def _reading(record: PressResult) -> str:
    """Return what was read, in a few words."""
    reading, time_ms = record.reading, record.time_to_decision_ms
    words = [record.verdict if reading is None or reading.code is None else f"read as {reading.code}"]
    if reading is not None and reading.distance_mm is not None:
        words.append(f"distance {reading.distance_mm:.3f} mm")
    if time_ms is not None:
        words.append(f"decided after {time_ms:.1f} ms")
    return f"{record.outcome.value}: {', '.join(words)}"
