"""What ``run`` and ``campaign`` take on the command line, made into an order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from stampbench.bench.cli.defaults import usual

if TYPE_CHECKING:
    from stampbench.bench.records.files import Confidence
    from stampbench.bench.runs.orders import RunOrder

PRESSES_WORTH_A_WORKER = 100
"""A process takes about as long to start as it takes to make this many presses."""

Workers = Annotated[
    int | None, typer.Option(min=1, max=256, help="Processes that press.", show_default="all cores")
]
Out = Annotated[
    Path | None, typer.Option(help="Directory for records and reports.", show_default="runs/NAME-TIME")
]
Seed = Annotated[
    int | None, typer.Option(min=0, max=2**53, help="Seed of the run.", show_default="the plan's")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON alone on stdout.")]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Lay a setting on top of the plan.", show_default=False),
]
ShardOption = Annotated[
    str | None,
    typer.Option(
        metavar="I/N",
        help="Make only the I-th of N parts; stampbench report joins them.",
        show_default="all presses",
    ),
]
Resume = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Go on with the run in this directory.", show_default=False),
]
UntilConfident = Annotated[
    bool, typer.Option("--until-confident", help="Stop a case as soon as its limits are decided.")
]
Alpha = Annotated[float, typer.Option(help="With --until-confident: risk of failing a good stamp.")]
Beta = Annotated[float, typer.Option(help="With --until-confident: risk of passing one at the limit.")]
Cap = Annotated[
    int | None,
    typer.Option(
        min=1, help="With --until-confident: most presses of a case.", show_default="the plan's presses"
    ),
]
Station = Annotated[str, typer.Option(help="Name of the station.", show_default="the machine's")]
Operator = Annotated[str, typer.Option(help="Who runs it.", show_default="nobody")]
Duts = Annotated[
    list[str] | None,
    typer.Option(
        "--dut", metavar="[STAMP=]SERIAL", help="Serial number of what is tested.", show_default=False
    ),
]
SabotageOption = Annotated[
    str,
    typer.Option(
        "--sabotage", metavar="NAME", help="Plant this fault, which a trial must find.", show_default=False
    ),
]
Robot = Annotated[
    str | None,
    typer.Option(
        metavar="PORT", help="A machine presses, and the rig hears; see stampbench robot.", show_default=False
    ),
]
RobotSetup = Annotated[Path, typer.Option(help="Station file of the robot.")]
Live = Annotated[bool, typer.Option("--live", help="Show the run on a local web page while it goes.")]
LivePort = Annotated[int, typer.Option(min=0, max=65535, help="Port of the page.", show_default="a free one")]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """Options of a run that do not concern how it presses; each as the command line has it."""

    settings: Sequence[str] = ()
    shard: str | None = None
    resume: Path | None = None
    confidence: Confidence | None = None
    station: str = ""
    operator: str = ""
    duts: Sequence[str] = ()
    sabotage: str = ""


def confidence_of(until_confident: bool, alpha: float, beta: float, cap: int | None) -> Confidence | None:
    """Return the risks that were asked for; None: everything is pressed.

    Raises:
        InputError: risks that are none, or risks without the option that takes them.
    """
    from stampbench.bench.judging.sequential import SequentialTest
    from stampbench.bench.records.files import Confidence
    from stampbench.firmware_emulator.errors import InputError

    if not until_confident:
        if (alpha, beta, cap) != (0.05, 0.05, None):
            raise InputError("--alpha, --beta, --cap: expected --until-confident beside them")
        return None
    SequentialTest(0.25, 0.75, alpha, beta, cap)  # refuses risks that are none
    return Confidence(alpha=alpha, beta=beta, cap=cap)


def order_of(
    plan: Path | None,
    options: RunOptions,
    *,
    workers: int | None,
    port: str | None,
    presses_per_case: int | None,
    out: Path | None,
    seed: int | None,
) -> RunOrder:
    """Return what is to be run; where nothing is said of rig, station or operator, the usual ones.

    Raises:
        InputError: options that do not go together, or that name what does not exist.
    """
    from stampbench.bench.judging.early_stops import EarlyStops
    from stampbench.bench.plans.plan import Plan
    from stampbench.bench.runs.orders import RunOrder, Shard
    from stampbench.bench.scenarios.sabotage import sabotage_of
    from stampbench.firmware_emulator.errors import InputError

    if options.resume is not None:
        port = port or usual("rig") or "virtual"
        return _resumed(plan, options, workers=workers, port=port, out=out, seed=seed)
    if plan is None:
        raise InputError("PLAN: expected a plan, or --resume or --replay with the directory of a run")
    read = Plan.read(plan, options.settings)
    if read.header.scenario:
        _check_trials(plan, options, workers=workers, port=port)
        port = "virtual"
    if options.sabotage:
        sabotage_of(read.header.scenario, options.sabotage)
    if presses_per_case is not None:
        read = read.with_presses(presses_per_case)
    shard = Shard() if options.shard is None else Shard.parse(options.shard)
    if options.confidence is not None and shard.of > 1:
        raise InputError(
            "--until-confident, --shard: a part knows nothing of the others: expected one of them"
        )
    order = RunOrder(
        plan=read,
        directory=out or new_directory(read.header.name),
        seed=read.header.seed if seed is None else seed,
        port=port or usual("rig") or "virtual",
        presses_per_case=presses_per_case,
        shard=shard,
        stops=None if options.confidence is None else EarlyStops(read, options.confidence),
        station=options.station or usual("station") or "",
        operator=options.operator or usual("operator") or "",
        duts=_duts(options.duts),
        sabotage=options.sabotage,
    )
    return _with_workers(order, workers)


def _check_trials(plan: Path, options: RunOptions, *, workers: int | None, port: str | None) -> None:
    """Refuse what means nothing to the trials of a scenario."""
    from stampbench.firmware_emulator.errors import InputError

    given = {
        "--rig": port not in (None, "virtual"),
        "--workers": workers is not None,
        "--shard": options.shard is not None,
        "--until-confident": options.confidence is not None,
        "--dut": bool(options.duts),
    }
    for name, is_given in given.items():
        if is_given:
            raise InputError(f"{name}: {plan} names a scenario: expected no {name}; nothing is pressed")


def new_directory(name: str, folder: str = "") -> Path:
    """Return where a run goes that was given no place; nothing is there yet.

    Args:
        name: of what is run.
        folder: to be in; "": ``STAMPBENCH_RUNS``, or ``runs``.
    """
    import itertools
    from datetime import datetime

    stem = f"{name.replace(' ', '-')}-{datetime.now().astimezone():%Y%m%d-%H%M%S}"
    root = Path(folder or usual("runs") or "runs")
    numbered = (root / f"{stem}-{number}" for number in itertools.count(2))
    return next(path for path in itertools.chain([root / stem], numbered) if not path.exists())


def _resumed(
    plan: Path | None,
    options: RunOptions,
    *,
    workers: int | None,
    port: str,
    out: Path | None,
    seed: int | None,
) -> RunOrder:
    from stampbench.bench.plans.plan import Plan
    from stampbench.bench.runs.resuming import resumed
    from stampbench.firmware_emulator.errors import InputError

    given = {
        "--out": out is not None,
        "--set": plan is None and bool(options.settings),
        "--shard": options.shard is not None,
        "--until-confident": options.confidence is not None,
        "--station": bool(options.station),
        "--operator": bool(options.operator),
        "--dut": bool(options.duts),
        "--sabotage": bool(options.sabotage),
    }
    for name, is_given in given.items():
        if is_given:
            raise InputError(
                f"{name}: expected no {name} beside --resume, which goes on as the run was begun"
            )
    today = None if plan is None else Plan.read(plan, options.settings)
    directory = options.resume or Path()
    return _with_workers(resumed(directory, plan=today, seed=seed, port=port), workers)


def _duts(given: Sequence[str]) -> dict[str, str]:
    from stampbench.bench.plans.tables import ANY_STAMP
    from stampbench.firmware_emulator.errors import InputError

    found = {}
    for entry in given:
        stamp, equals, serial = entry.rpartition("=")
        if not serial.strip() or (equals and not stamp.strip()):
            raise InputError(f"--dut {entry!r}: expected a serial number, or STAMP=SERIAL")
        found[stamp.strip() or ANY_STAMP] = serial.strip()
    return found


def _with_workers(order: RunOrder, asked: int | None) -> RunOrder:
    """Return as many processes as asked for, or as there are cores and work for them."""
    import dataclasses
    import os

    if asked is None:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        asked = max(1, min(cores, order.size // PRESSES_WORTH_A_WORKER))
    return dataclasses.replace(order, workers=asked)
