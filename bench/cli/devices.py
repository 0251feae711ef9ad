"""``stampbench devices``: rigs on serial ports, and touchscreens of this machine."""

from __future__ import annotations

import json
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="devices")(devices)


def devices(
    port: Annotated[
        list[str] | None,
        typer.Option("--port", help="Ask this port (repeatable); default: every serial port."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON alone on stdout.")] = False,
) -> None:
    """Ask every serial port for a rig, and list the touchscreens that Linux drives."""
    from dataclasses import asdict

    from stampbench.bench.rig.ports import serial_ports, touchscreens
    from stampbench.bench.rig.serial_rig import rigs

    asked = port or [found.port for found in serial_ports()]
    found_rigs = [{"port": name} | asdict(identity) for name, identity in rigs(asked)]
    screens = touchscreens()
    if as_json:
        screen_list = [asdict(screen) for screen in screens]
        typer.echo(json.dumps({"rigs": found_rigs, "touchscreens": screen_list}, indent=2))
        return
    if not (found_rigs or screens):
        typer.echo(f"no rig on {len(asked)} serial ports, and no touchscreen", err=True)
        return

    from rich.console import Console
    from rich.table import Table

    table = Table("device", "what", "serial number", "firmware")
    for rig in found_rigs:
        firmware = f"{rig['firmware_name']} {rig['firmware_version']}"
        table.add_row(str(rig["port"]), f"rig, {rig['profile']}", str(rig["serial_number"]), firmware)
    for screen in screens:
        table.add_row(screen.path, f"touchscreen, {screen.name}", "", "")
    Console().print(table)
