"""``stampbench rig``: serves the virtual rig on a port.

``rig check`` tries a rig against the protocol, ``rig soak`` the link against faults.
"""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from stampbench.firmware_emulator.formats import WireFormat


class ListenOn(StrEnum):
    """What the virtual rig is reached through."""

    AUTO = "auto"
    PTY = "pty"
    TCP = "tcp"


def register(app: typer.Typer) -> None:
    """Add the command."""
    group = typer.Typer(invoke_without_command=True)
    group.callback()(serve)
    group.command(name="check")(check)
    group.command(name="soak")(soak)
    app.add_typer(group, name="rig")


def serve(
    context: typer.Context,
    profile: Annotated[str, typer.Option(help="Device profile of the panel, by name or file.")] = "nexus-5",
    listen: Annotated[
        ListenOn, typer.Option(help="Pseudo-terminal or TCP; auto takes the first where there is one.")
    ] = ListenOn.AUTO,
    port: Annotated[int, typer.Option(help="TCP port; 0 lets the system choose.", min=0, max=65535)] = 0,
    speaks: Annotated[
        WireFormat,
        typer.Option("--format", help="Our link, or the stream of other hardware, which takes no commands."),
    ] = WireFormat.LINK,
    object_name: Annotated[
        str,
        typer.Option("--object", help="What is pressed, over and over, in the formats of other hardware."),
    ] = "finger",
    faults: Annotated[
        Path | None, typer.Option(help="TOML file of faults that befall the rig; they are counted on stderr.")
    ] = None,
    fault_seed: Annotated[int, typer.Option(help="From which the faults are drawn.", min=0)] = 0,
    serial_number: Annotated[str, typer.Option(help="By which rigs are told apart.")] = "virtual",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON alone on stdout.")] = False,
) -> None:
    """Serve the virtual rig and print its port on stdout, until interrupted."""
    if context.invoked_subcommand is not None:
        return
    from contextlib import closing, suppress

    from stampbench.firmware_emulator.errors import InputError
    from stampbench.firmware_emulator.link.faults import Faults
    from stampbench.sim.device import Device, RigDevice
    from stampbench.sim.panel import load_profile
    from stampbench.sim.rig import RigFaults, VirtualRig, open_channel, warmed_up
    from stampbench.sim.rig.channels import Channel

    if speaks is not WireFormat.LINK:
        if faults is not None:
            raise InputError(f"--faults befall packets of the link alone: leave out --format {speaks.value}")
        _serve_format(profile, object_name, speaks, listen, port)
        return
    befalls = None if faults is None else RigFaults(Faults.read(faults), fault_seed)
    device: RigDevice = warmed_up(Device(load_profile(profile), serial_number=serial_number))
    channel: Channel = open_channel(listen, port)
    if befalls is not None:
        device, channel = befalls.befall(device, channel)
    with closing(channel), suppress(KeyboardInterrupt):
        description = {
            "port": channel.port,
            "profile": device.identity.profile,
            "serial_number": serial_number,
        }
        typer.echo(json.dumps(description) if as_json else channel.port)
        VirtualRig(device, channel).serve()
    if befalls is not None:
        typer.echo(json.dumps(befalls.injected.to_mapping()), err=True)


def _serve_format(profile: str, object_name: str, speaks: WireFormat, listen: ListenOn, port: int) -> None:
    from contextlib import closing, suppress

    from stampbench.sim.panel import load_profile
    from stampbench.sim.rig import open_channel
    from stampbench.sim.rig.formats import FormatRig

    panel_profile = load_profile(profile)
    with closing(open_channel(listen, port)) as channel, suppress(KeyboardInterrupt):
        typer.echo(channel.port)
        FormatRig(panel_profile, object_name, speaks, channel).serve()


def check(
    port: Annotated[
        str | None,
        typer.Argument(help="Port of the rig: a device, or socket://HOST:PORT.", show_default=False),
    ] = None,
    object_name: Annotated[
        str | None,
        typer.Option("--object", help="What the rig holds and is to press.", show_default="what it knows"),
    ] = None,
    explain: Annotated[
        str | None,
        typer.Option(metavar="CLAUSE", help="Print what a clause asks for, such as P1.", show_default=False),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON alone on stdout.")] = False,
) -> None:
    """Try a rig against the clauses of firmware_emulator/PROTOCOL.md; exit status 1 if it breaks one."""
    from dataclasses import asdict

    from stampbench.bench.rig.check import Outcome, RigCheck, clauses, closing_line
    from stampbench.firmware_emulator.errors import InputError

    said = clauses()
    if explain is not None:
        if explain.upper() not in said:
            raise InputError(f"--explain {explain}: expected one of {', '.join(said)}")
        typer.echo(f"{explain.upper()}  {said[explain.upper()]}")
        return
    if port is None:
        raise InputError("rig check: expected the port of a rig, or --explain CLAUSE")
    findings = RigCheck(port, object_name=object_name).run()
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        for finding in findings:
            words = finding.detail or said[finding.clause].partition(". ")[0].partition(": ")[0]
            typer.echo(f"{finding.clause:<4} {finding.outcome:<8} {words}")
        typer.echo(closing_line(findings))
    if any(finding.outcome is Outcome.BROKEN for finding in findings):
        raise typer.Exit(1)


def soak(
    minutes: Annotated[float, typer.Option(help="How long.", min=0.0)] = 1.0,
    seed: Annotated[int, typer.Option(help="From which the faults are drawn.", min=0)] = 0,
    listen: Annotated[ListenOn, typer.Option(help="What the rig is reached through.")] = ListenOn.AUTO,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON alone on stdout.")] = False,
) -> None:
    """Run rig and reader with faults on the line; exit status 1 if one went uncounted."""
    import numpy as np
    from rich.console import Console
    from rich.progress import Progress
    from rich.table import Table
    from stampbench.bench.rig.soak import soak as run_soak
    from stampbench.sim.rig import Listen

    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("soak", total=60 * minutes)
        result = run_soak(
            60 * minutes,
            seed=seed,
            listen=Listen(listen),
            progress=lambda seconds: progress.update(task, completed=seconds),
        )
    median_ms, p99_ms = np.percentile(result.round_trips_ms, (50, 99))
    figures = {
        "presses": result.presses,
        "presses_whole": result.whole,
        "link_errors": result.link_errors,
        "packets_sent": result.injected.packets,
        "packets_received": result.counters.packets,
        "lost_counted": result.counters.lost,
        "lost_uncounted": result.lost_uncounted,
        "altered": result.altered,
        "round_trip_p50_ms": round(float(median_ms), 3),
        "round_trip_p99_ms": round(float(p99_ms), 3),
        "memory_start_mb": round(result.memory_mb[0], 1),
        "memory_end_mb": round(result.memory_mb[1], 1),
    }
    if as_json:
        details = {"injected": result.injected.to_mapping(), "counters": result.counters.to_mapping()}
        typer.echo(json.dumps(figures | details, indent=2))
    else:
        table = Table("figure", "value")
        for name, value in figures.items():
            table.add_row(name.replace("_", " "), f"{value:,}")
        Console().print(table)
    if not result.passed:
        raise typer.Exit(1)
