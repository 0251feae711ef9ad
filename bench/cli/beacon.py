"""``stampbench beacon``: what a real Bluetooth adapter hears of stamps and beacons."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from stampbench.sim.credentials.ble.frames import Frame

commands = typer.Typer(no_args_is_help=True, help="Listen to beacons with this machine's Bluetooth adapter.")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(commands, name="beacon")


@commands.command()
def listen(
    seconds: Annotated[float, typer.Option(help="How long.", min=0.0)] = 10.0,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON alone on stdout, a frame a line.")
    ] = False,
) -> None:
    """Print every frame of a stamp or beacon with its strength; exit status 5 if none was heard."""
    import asyncio

    if not asyncio.run(_print_heard(seconds, as_json=as_json)):
        typer.echo(f"no stamp or beacon within {seconds:g} s", err=True)
        raise typer.Exit(5)


async def _print_heard(seconds: float, *, as_json: bool) -> int:
    """Print frames as they come until the time is over, and return how many came."""
    import asyncio

    from stampbench.sim.credentials.ble.adapter import listening

    count = 0
    with contextlib.suppress(TimeoutError):
        async with listening() as heard, asyncio.timeout(seconds):
            while True:
                frame, strength_dbm = await heard.get()
                count += 1
                _print(frame, strength_dbm, as_json=as_json)
    return count


def _print(frame: Frame, strength_dbm: int, *, as_json: bool) -> None:
    name, fields = type(frame).__name__.lower(), _fields(frame)
    if as_json:
        typer.echo(json.dumps({"strength_dbm": strength_dbm, "frame": name, **fields}))
    else:
        said = ", ".join(f"{key} {value}" for key, value in fields.items())
        typer.echo(f"{strength_dbm:4d} dBm  {name}: {said}")


def _fields(frame: Frame) -> dict[str, Any]:
    """Return the fields of a frame as JSON can say them, but for a password: it is good for one press."""
    from dataclasses import asdict

    fields = {name: value for name, value in asdict(frame).items() if name != "password"}
    plain = str | int | float
    return {
        name: value.hex() if isinstance(value, bytes) else value if isinstance(value, plain) else str(value)
        for name, value in fields.items()
    }
