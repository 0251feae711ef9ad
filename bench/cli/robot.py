"""``stampbench robot``: a machine that presses a real stamp; ``robot emulate`` is one in software."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from stampbench.bench.robot.setup import Setup

Port = Annotated[str, typer.Argument(metavar="PORT", help="Port of the machine.", show_default=False)]
SetupFile = Annotated[
    Path, typer.Option("--setup", help="Station file: limits, heights, what is in the head.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON alone on stdout.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(
        help="Press a real stamp by a machine that speaks G-code (GRBL 1.1, Marlin 2).", no_args_is_help=True
    )
    group.command(name="check")(check)
    group.command(name="home")(home)
    group.command(name="jog")(jog)
    group.command(name="register")(register_phone)
    group.command(name="release")(release)
    group.command(name="emulate")(emulate)
    app.add_typer(group, name="robot")


def check(port: Port, setup: SetupFile = Path("robot.toml"), as_json: AsJson = False) -> None:
    """Say which machine answers and how it is set, and hold the station file against it; nothing moves."""
    from stampbench.bench.robot.pressing import open_machine
    from stampbench.bench.robot.setup import read_setup

    limits = read_setup(setup) if setup.exists() else None
    with open_machine(port) as machine:
        found: dict[str, Any] = {
            "port": port,
            "firmware": machine.firmware,
            "greeting": machine.greeting,
            "settings": machine.settings(),
        }
    doubts = [] if limits is None else _doubts(limits, found["settings"])
    found["doubts"] = doubts
    if as_json:
        typer.echo(json.dumps(found, indent=2))
    else:
        typer.echo(f"{port}: {found['greeting']}")
        for name, value in found["settings"].items():
            typer.echo(f"  {name} = {value:g}")
        for doubt in doubts:
            typer.echo(f"  {doubt}")
    if doubts:
        raise typer.Exit(1)


def _doubts(setup: Setup, settings: dict[str, float]) -> list[str]:
    """Return where a station file allows what the machine says that it cannot."""
    doubts = []
    for number, axis in enumerate("xyza"):
        limits, travel = getattr(setup, axis), settings.get(f"${130 + number}")
        if limits is not None and travel is not None and limits[1] - limits[0] > travel + 1e-6:
            doubts.append(
                f"robot.{axis} is {limits[1] - limits[0]:g} long: the machine's travel is {travel:g}"
            )
    return doubts


def home(port: Port) -> None:
    """Let the machine find its limit switches."""
    from stampbench.bench.robot.pressing import open_machine

    with open_machine(port) as machine:
        machine.home()
        typer.echo(_said(machine.position()))


def jog(
    port: Port,
    x: Annotated[float | None, typer.Option(help="Machine coordinate, mm.", show_default=False)] = None,
    y: Annotated[float | None, typer.Option(help="Machine coordinate, mm.", show_default=False)] = None,
    z: Annotated[float | None, typer.Option(help="Machine coordinate, mm.", show_default=False)] = None,
    a: Annotated[float | None, typer.Option(help="Turn of the head, degrees.", show_default=False)] = None,
    setup: SetupFile = Path("robot.toml"),
) -> None:
    """Move to a place within the limits of the station file; the machine has to know its home."""
    from stampbench.bench.robot.pressing import open_machine
    from stampbench.bench.robot.setup import read_setup

    limits = read_setup(setup)
    target = {axis: value for axis, value in zip("xyza", (x, y, z, a), strict=True) if value is not None}
    limits.check(target, "robot jog")
    with open_machine(port) as machine:
        if target:
            machine.position()  # refuses one in alarm
            machine.move(target, limits.approach_mm_s)
        typer.echo(_said(machine.position()))


def register_phone(
    port: Port,
    rig: Annotated[str, typer.Option(help="Port of the rig that hears; phone:PX_PER_MM for a phone.")],
    setup: SetupFile = Path("robot.toml"),
    as_json: AsJson = False,
) -> None:
    """Find the phone under the machine by pressing a grid of places, and say how well they fit."""
    from stampbench.bench.rig.opening import open_rig
    from stampbench.bench.robot.pressing import RobotRig, open_machine
    from stampbench.bench.robot.setup import read_setup

    limits = read_setup(setup)
    with open_rig(rig, "nexus-5") as hearing, open_machine(port) as machine:
        machine.home()
        pressing = RobotRig(hearing, machine, limits)
        try:
            found = pressing.register()
        finally:
            machine.lift({"z": limits.clear_z}, limits.travel_mm_s)
    figures = {
        "scale_x": found.scale_x,
        "scale_y": found.scale_y,
        "rotation_deg": found.rotation_deg,
        "skew_deg": found.skew_deg,
    }
    origin = found.to_machine([0.0, 0.0])
    if as_json:
        document: dict[str, Any] = {
            name: {"value": figure.value, "u95": figure.u95} for name, figure in figures.items()
        }
        document |= {"origin": origin.tolist(), "residual_mm": found.residual_mm}
        typer.echo(json.dumps(document, indent=2))
        return
    for name, figure in figures.items():
        typer.echo(f"{name:<14}{figure.value:.5f} +- {figure.u95:.5f}")
    typer.echo(f"{'origin':<14}[{origin[0]:.3f}, {origin[1]:.3f}]")
    typer.echo(f"{'residual':<14}{found.residual_mm:.3f} mm")


def release(port: Port, setup: SetupFile = Path("robot.toml")) -> None:
    """Stop whatever moves, and lift the head so that the phone can be taken out."""
    from stampbench.bench.robot.pressing import open_machine
    from stampbench.bench.robot.setup import read_setup

    limits = read_setup(setup)
    with open_machine(port) as machine:
        machine.lift({"z": limits.clear_z}, limits.travel_mm_s)
        machine.unlock()


def emulate(
    speaks: Annotated[Literal["grbl", "marlin"], typer.Option(help="What the machine speaks.")] = "grbl",
    profile: Annotated[str, typer.Option(help="Panel of the phone under it.")] = "nexus-5",
    object_name: Annotated[str, typer.Option("--object", help="What is in its head.")] = "p5-60k/20406",
    setup: Annotated[
        Path | None, typer.Option(help="Write a station file that fits it, new.", show_default=False)
    ] = None,
    backlash_mm: Annotated[float, typer.Option(help="Play of x and y.", min=0.0, max=5.0)] = 0.0,
    skew: Annotated[float, typer.Option(help="By which x shifts per mm of y.", min=-0.1, max=0.1)] = 0.0,
    scale: Annotated[float, typer.Option(help="Of x and y; 1 is true.", min=0.5, max=2.0)] = 1.0,
    lost_mm: Annotated[float, typer.Option(help="Lost in x at --lost-at.", min=-10.0, max=10.0)] = 0.0,
    lost_at: Annotated[int, typer.Option(help="Move in which it is lost; 0: never.", min=0)] = 0,
    slip_mm: Annotated[float, typer.Option(help="The phone is nudged so far.", min=-20.0, max=20.0)] = 0.0,
    slip_at: Annotated[int, typer.Option(help="Press at which it is; 0: never.", min=0)] = 0,
    stuck_limit: Annotated[bool, typer.Option("--stuck-limit", help="A limit switch never opens.")] = False,
    cut_after: Annotated[int, typer.Option(help="Lines after which the port is cut.", min=0)] = 0,
    listen: Annotated[str, typer.Option(help="auto, pty or tcp.")] = "auto",
) -> None:
    """Serve a machine in software, a stamp over a glass; print its port and that of the rig that hears."""
    import time
    from contextlib import suppress

    from stampbench.bench.robot.setup import write_setup
    from stampbench.firmware_emulator.gcode import MachineFaults
    from stampbench.sim.robot import RobotWorld, emulated_robot, machine_in_software, station_of

    faults = MachineFaults(
        backlash_mm=backlash_mm,
        skew=skew,
        scale=scale,
        lost_mm=lost_mm,
        lost_at_move=lost_at,
        stuck_limit=stuck_limit,
        cut_after_lines=cut_after,
    )
    firmware = machine_in_software(speaks, faults)
    tables = station_of(speaks, object_name)
    if setup is not None:
        write_setup(setup, tables)
    world = RobotWorld(
        motion=firmware.motion,
        object=object_name,
        origin=tables["origin"],
        touch_z=tables["touch_z"],
        depth_mm=tables["depth_mm"],
        slip_at_press=slip_at,
        slip_mm=slip_mm,
    )
    with emulated_robot(world, firmware, profile, listen=listen) as (port, rig), suppress(KeyboardInterrupt):
        typer.echo(json.dumps({"port": port, "rig": rig}))
        while not firmware.cut:
            time.sleep(0.1)


def _said(place: dict[str, float]) -> str:
    return ", ".join(f"{axis} {value:.3f}" for axis, value in place.items())
