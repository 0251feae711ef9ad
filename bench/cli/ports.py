"""``stampbench ports``: the serial ports of this machine."""

from __future__ import annotations

import json
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="ports")(ports)


def ports(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON alone on stdout.")] = False,
) -> None:
    """List the serial ports of this machine; none is an empty list."""
    from dataclasses import asdict

    from stampbench.bench.rig.ports import serial_ports

    found = serial_ports()
    if as_json:
        typer.echo(json.dumps([asdict(port) for port in found], indent=2))
        return
    if not found:
        typer.echo("no serial ports", err=True)
        return

    from rich.console import Console
    from rich.table import Table

    table = Table("port", "description", "USB", "serial number", "location")
    for port in found:
        table.add_row(
            port.port, port.description, port.usb_id or "", port.serial_number or "", port.location or ""
        )
    Console().print(table)
