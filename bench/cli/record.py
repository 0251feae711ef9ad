"""``stampbench record``: what a device sends, kept in a capture while it is used."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from stampbench.bench.cli.stamp_options import takes_ruler
from stampbench.firmware_emulator.formats import WireFormat

if TYPE_CHECKING:
    from stampbench.bench.sources.ruler import GivenRuler


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="record")(record)


@takes_ruler
def record(
    port: Annotated[
        str,
        typer.Argument(help="Serial port, socket://HOST:PORT, or /dev/input/event* (extra evdev)."),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Capture to write; must not exist.", show_default=False)
    ],
    seconds: Annotated[
        float | None, typer.Option(help="How long; until Ctrl-C without it.", min=0.0, show_default=False)
    ] = None,
    frames: Annotated[
        bool, typer.Option("--frames", help="Keep raw frames, too, of rigs that can send them.")
    ] = False,
    wire_format: Annotated[
        WireFormat | None,
        typer.Option("--format", help="What the port speaks; recognised without it.", show_default=False),
    ] = None,
    baudrate: Annotated[
        int | None,
        typer.Option(
            "--baud", help="Bits per second; that of the format without it.", min=1, show_default=False
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON alone on stdout.")] = False,
    *,
    given: GivenRuler,
) -> None:
    """Record a device until Ctrl-C; stampbench decode reads the capture, also while it is written.

    Kept are contacts; of hardware that sends raw frames alone these, and with --size-mm their contacts.
    """
    import time

    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
    from stampbench.bench.sources.capture import CaptureWriter
    from stampbench.bench.sources.devices import open_device
    from stampbench.bench.sources.live import interrupts, until
    from stampbench.firmware_emulator.touch import Frame

    begun_s = time.monotonic()
    kept = {"reports": 0, "contacts_max": 0, "frames": 0}
    columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(f"{port}: waiting for what it sends", total=None)
        with (
            open_device(
                port,
                wire_format=wire_format,
                baudrate=baudrate,
                given=given,
                frames=frames,
            ) as source,
            interrupts() as stopped,
            CaptureWriter(output, source.header) as writer,
        ):
            for note in source.notes:
                console.print(f"stampbench: {port}: {note}", soft_wrap=True)
            for item in until(source.items, seconds, stopped):
                if isinstance(item, Frame):
                    writer.frame(item)
                    kept["frames"] += 1
                else:
                    writer.report(item)
                    kept["reports"] += 1
                    kept["contacts_max"] = max(kept["contacts_max"], len(item.down))
                progress.update(task, description=f"{source.format}: " + _told(kept | source.counters()))
            counters = source.counters()
    result = {
        "file": str(output),
        "device": source.header.device,
        "format": str(source.format),
        "seconds": round(time.monotonic() - begun_s, 3),
        **kept,
        "counters": counters,
    }
    if as_json:
        typer.echo(json.dumps(result, indent=2))
    else:
        typer.echo(f"{output}: {result['device']}, {result['seconds']} s, " + _told(kept | counters))


def _told(counts: dict[str, int]) -> str:
    """Return counts as text; those of faults only where there were any."""
    always = ("reports", "contacts_max", "frames")
    told = [f"{count} {name.replace('_', ' ')}" for name, count in counts.items() if count or name in always]
    return ", ".join(told)
