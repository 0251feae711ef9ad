"""``stampbench run``: every press of a plan, recorded, judged and reported."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from stampbench.bench.cli.run_options import (
    Alpha,
    AsJson,
    Beta,
    Cap,
    Duts,
    Live,
    LivePort,
    Operator,
    Out,
    Resume,
    Robot,
    RobotSetup,
    RunOptions,
    SabotageOption,
    Seed,
    Settings,
    ShardOption,
    Station,
    UntilConfident,
    Workers,
    confidence_of,
    new_directory,
    order_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from stampbench.bench.records.files import RunEnd
    from stampbench.bench.runs.orders import RunOrder
    from stampbench.bench.runs.progress import Progress


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="run")(run)


def run(
    plan: Annotated[
        Path | None,
        typer.Argument(
            help="Plan in TOML, or the name of one that travels along, such as quickstart; "
            "--resume and --replay know theirs.",
            show_default=False,
        ),
    ] = None,
    rig: Annotated[
        str | None,
        typer.Option(
            help="Serial port of the rig, as pyserial takes it, or the rig in software.",
            show_default="STAMPBENCH_RIG, or virtual",
        ),
    ] = None,
    robot: Robot = None,
    robot_setup: RobotSetup = Path("robot.toml"),
    out: Out = None,
    seed: Seed = None,
    workers: Workers = None,
    settings: Settings = None,
    shard: ShardOption = None,
    resume: Resume = None,
    replay: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Press nothing; read the records of this run again.", show_default=False
        ),
    ] = None,
    until_confident: UntilConfident = False,
    alpha: Alpha = 0.05,
    beta: Beta = 0.05,
    cap: Cap = None,
    station: Station = "",
    operator: Operator = "",
    duts: Duts = None,
    sabotage: SabotageOption = "",
    live: Live = False,
    live_port: LivePort = 0,
    as_json: AsJson = False,
) -> None:
    """Press a plan's stamps, and hold what was read against its limits; or make the trials of a scenario."""
    options = RunOptions(
        settings=settings or (),
        shard=shard,
        resume=resume,
        confidence=confidence_of(until_confident, alpha, beta, cap),
        station=station,
        operator=operator,
        duts=duts or (),
        sabotage=sabotage,
    )
    if replay is not None:
        _reread(plan, replay, options, rig=rig, workers=workers, out=out, seed=seed, as_json=as_json)
        return
    from stampbench.bench.runs.running import run as run_plan

    execute(
        run_plan if robot is None else pressed_by_robot(robot, robot_setup, rig),
        plan,
        workers=workers,
        port=rig,
        out=out,
        seed=seed,
        as_json=as_json,
        options=options,
        live_port=live_port if live else None,
    )


def pressed_by_robot(port: str, setup_file: Path, rig: str | None) -> Callable[[RunOrder, Progress], RunEnd]:
    """Return what runs an order with a machine that presses, after it was seen that it can make every press.

    Raises:
        InputError: the station file cannot be used, or no rig is named that hears.
    """
    import functools

    from stampbench.bench.robot.pressing import check_plan, robot_opener
    from stampbench.bench.robot.setup import read_setup
    from stampbench.bench.runs.running import run as run_plan
    from stampbench.firmware_emulator.errors import InputError

    if rig is None:
        raise InputError("--robot: expected --rig PORT beside it: the rig hears what the robot presses")
    setup = read_setup(setup_file)

    def made(order: RunOrder, progress: Progress) -> RunEnd:
        check_plan(order.plan, setup, order.seed)
        return functools.partial(run_plan, opener=robot_opener(port, setup, progress.say))(order, progress)

    return made


def _reread(
    plan: Path | None,
    replay: Path,
    options: RunOptions,
    *,
    rig: str | None,
    workers: int | None,
    out: Path | None,
    seed: int | None,
    as_json: bool,
) -> None:
    """Read the records of a run again with today's decoder, and report what changed."""
    from stampbench.bench.report import report_run
    from stampbench.bench.report.terminal import RunProgress, announce
    from stampbench.bench.runs.rereading import read_again, reread_order
    from stampbench.firmware_emulator.errors import InputError

    if (
        plan is not None
        or rig is not None
        or seed is not None
        or options != RunOptions(settings=options.settings)
    ):
        raise InputError(
            "--replay: expected --set, --workers, --out and --json alone beside it; the rest is recorded"
        )
    order = reread_order(replay, options.settings, workers or 1)
    order = dataclasses.replace(order, directory=out or new_directory(f"{order.plan.header.name}-again"))
    with RunProgress(order.size) as progress:
        read_again(order, progress)
        reported = report_run(order.directory)
    announce(reported, as_json=as_json)


def execute(
    make: Callable[[RunOrder, Progress], RunEnd],
    plan: Path | None,
    *,
    workers: int | None,
    port: str | None = None,
    presses_per_case: int | None = None,
    out: Path | None,
    seed: int | None,
    as_json: bool,
    options: RunOptions | None = None,
    live_port: int | None = None,
) -> None:
    """Make the presses of a plan in one way or another, report them, and leave with their exit status.

    Args:
        make: how.
        plan: which; None: that of the run to be resumed.
        workers: processes; None: all cores.
        port: of the rig.
        presses_per_case: instead of the plan's own numbers.
        out: where to; None: a new directory.
        seed: of the run; None: the plan's.
        as_json: print the summary as JSON.
        options: further ones.
        live_port: of a web page that shows the run, 0 for a free one; None: no page.
    """
    import signal
    from contextlib import ExitStack

    from stampbench.bench.report import report_run
    from stampbench.bench.report.terminal import RunProgress, announce
    from stampbench.firmware_emulator.errors import InputError

    # A service manager's stop is an interrupt too: the records are ended and reported.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    order = order_of(
        plan,
        options or RunOptions(),
        workers=workers,
        port=port,
        presses_per_case=presses_per_case,
        out=out,
        seed=seed,
    )
    if live_port is not None and order.plan.header.scenario:
        raise InputError(f"--live: {plan} names a scenario: expected no --live; nothing is pressed")
    with ExitStack() as stack:
        progress: Progress = stack.enter_context(RunProgress(order.size))
        if live_port is not None:
            from stampbench.bench.report.live import live_page

            progress = stack.enter_context(live_page(order, progress, live_port))
        end = make(order, progress)
        progress.say("writing the reports")
        reported = report_run(order.directory)
        if end.status != "complete" and not order.plan.header.scenario:
            command = "campaign" if reported.run.header.campaign else "run"
            progress.say(f"to go on: stampbench {command} --resume {order.directory}")
    announce(reported, as_json=as_json)
