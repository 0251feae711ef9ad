"""``stampbench replay``: one press of a run once more, bit for bit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from bench.press_records import PressResult


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="replay")(replay)


def replay(
    records: Annotated[Path, typer.Argument(help="Records of a run.", show_default=False)],
    press: Annotated[int, typer.Option(min=1, help="Number of the press.", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON alone on stdout.")] = False,
) -> None:
    """Repeat one press through a virtual rig, and compare what is read now with the record."""
    import json

    import msgspec
    from rich.console import Console

    from bench.records import read_run
    from bench.replays import differences, replay_press

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


def _reading(record: PressResult) -> str:
    """What was read, in a few words."""
    reading, time_ms = record.reading, record.time_to_decision_ms
    words = [record.verdict if reading is None or reading.code is None else f"read as {reading.code}"]
    if reading is not None and reading.distance_mm is not None:
        words.append(f"distance {reading.distance_mm:.3f} mm")
    if time_ms is not None:
        words.append(f"decided after {time_ms:.1f} ms")
    return f"{record.outcome.value}: {', '.join(words)}"
