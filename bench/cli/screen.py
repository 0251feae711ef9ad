"""``stampbench screen``: the touchscreen emulator."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from stampbench.bench.cli.run_options import Duts, Operator, Resume, RunOptions, Settings, Station
from stampbench.bench.cli.stamp_options import takes_ruler

if TYPE_CHECKING:
    from stampbench.bench.sources.ruler import GivenRuler
    from stampbench.bench.window.session.session import Session
    from stampbench.sim.panel import Profile
    from stampbench.sim.stamps import Catalogue, Family

UNSEEN_DRIVERS = ("dummy", "offscreen", "evdev")
USUAL_PROFILE = "nexus-5"
USUAL_OUT = Path("screen")
USUAL_SIZE = (1280, 800)
SMALLEST_WINDOW = (640, 400)
LARGEST_WINDOW = (7680, 4320)
_SILENT_S = 4.0
"""Preparing takes less where everything has been compiled before."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="screen")(screen)


@takes_ruler
def screen(
    profile: Annotated[
        str | None,
        typer.Option(
            help="Device profile of the panel, by name or file.", show_default="nexus-5, or the plan's first"
        ),
    ] = None,
    family: Annotated[
        str | None, typer.Option(help="Read stamps of this family.", show_default="p5-60k")
    ] = None,
    catalogue: Annotated[
        str | None, typer.Option(help="Read the stamps of this catalogue file.", show_default=False)
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            metavar="PORT|FILE",
            help="A rig on a serial port, or a recording.",
            show_default="the simulated panel",
        ),
    ] = None,
    plan: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Press this plan by hand, as the window says.", show_default=False),
    ] = None,
    frames: Annotated[
        bool, typer.Option("--frames", help="Read stamps from raw frames, where the source sends them.")
    ] = False,
    sigma_mm: Annotated[
        float | None,
        typer.Option(
            help="Error of a contact that must be survived, as sigma_mm of a plan's decoder.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(min=0, max=2**53 - 1, help="Of every random draw.", show_default="0, or the plan's"),
    ] = None,
    script: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Events in TOML to play; needs no display.", show_default=False),
    ] = None,
    shot: Annotated[
        Path | None,
        typer.Option(
            metavar="OUT.png", help="Picture of the window at the script's end.", show_default=False
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Directory for captures, pictures and test cases; with --plan, for the run.",
            show_default="screen, or runs/NAME-TIME",
        ),
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(
            metavar="WxH", help="Size of the window, pixels.", show_default="the script's, or 1280x800"
        ),
    ] = None,
    scale: Annotated[
        float | None,
        typer.Option(min=1.0, max=2.0, help="Of text and buttons.", show_default="the script's, or 1"),
    ] = None,
    language: Annotated[
        str | None,
        typer.Option(help="Of the captions: en or ko.", show_default="the script's, or en"),
    ] = None,
    settings: Settings = None,
    resume: Resume = None,
    station: Station = "",
    operator: Operator = "",
    duts: Duts = None,
    as_json: Annotated[bool, typer.Option("--json", help="With --plan: print JSON alone on stdout.")] = False,
    *,
    given: GivenRuler,
) -> None:
    """Open the touchscreen emulator: press stamps on a simulated phone, a rig or a recording.

    With --plan, the window says what to press and what was read; records, reports and exit status
    are those of stampbench run.
    """
    from contextlib import ExitStack, closing

    from stampbench.bench.cli.screen_plan import closed_by_signals, order_for_window
    from stampbench.bench.sources.ruler import GivenRuler
    from stampbench.firmware_emulator.errors import InputError
    from stampbench.sim.panel import load_profile

    if given != GivenRuler() and (source is None or plan is not None):
        raise InputError(
            "--size-mm, --px-per-mm, --range, --flip-x, --flip-y, --swap-xy: "
            "expected --source, and no --plan, beside them"
        )
    if shot is not None and script is None:
        raise InputError(f"--shot {shot}: expected --script beside it; in the window, a key saves a picture")
    pixels = None if size is None else _window_size(size)
    options = RunOptions(
        settings=settings or (), resume=resume, station=station, operator=operator, duts=duts or ()
    )
    order = None
    if plan is not None or resume is not None:
        if family is not None or catalogue is not None or sigma_mm is not None or frames:
            raise InputError(
                "--family, --catalogue, --frames, --sigma-mm: expected none beside --plan, which has its own"
            )
        from stampbench.bench.plans.draws import load_codebook

        order = order_for_window(plan, options, source=source, profile=profile, out=out, seed=seed)
        codebook: Family | Catalogue = load_codebook(order.plan)
        profile, sigma_mm, seed = order.plan.header.profiles[0], order.plan.decoder.sigma_mm, order.seed
        frames, out = order.plan.decoder.input == "frames", order.directory
    elif options != RunOptions() or as_json:
        raise InputError("--set, --station, --operator, --dut, --json: expected --plan beside them")
    else:
        codebook = _codebook(family, catalogue)
    profile = profile or USUAL_PROFILE
    panel_profile = load_profile(profile)
    _prepare_display(scripted=script is not None)

    from stampbench.bench.report.terminal import announce
    from stampbench.bench.window.clocks import RealClock, VirtualClock
    from stampbench.bench.window.parts.tour import first_time
    from stampbench.bench.window.script import play, read_script
    from stampbench.bench.window.session.captures import Folder
    from stampbench.bench.window.session.plan_run import PlanRun
    from stampbench.bench.window.session.session import Session
    from stampbench.bench.window.window import Window

    wanted = None if script is None else read_script(script)
    _compile(codebook, panel_profile)
    virtual, real = VirtualClock(), RealClock()
    clock = real if script is None else virtual
    with ExitStack() as stack:
        plan_run = None
        if order is not None:
            plan_run = PlanRun(order)
            stack.callback(plan_run.stop)
        session = Session(
            codebook,
            panel_profile,
            clock=clock,
            sigma_mm=sigma_mm,
            seed=seed or 0,
            folder=Folder(out or USUAL_OUT),
            plan=plan_run,
            frames=frames,
        )
        stack.enter_context(closing(session))
        session.setup.name_profile(profile)
        if source is not None:
            _open(session, source, given)
        window = Window(
            session,
            clock=clock,
            size=pixels or (wanted.size if wanted else USUAL_SIZE),
            scale=scale or (wanted.scale if wanted else 1.0),
            language=language or (wanted.language if wanted else "en"),
        )
        stack.enter_context(closing(window))
        if plan_run is not None:
            stack.enter_context(closed_by_signals())
        elif script is None and first_time():
            window.tour.begin()
        if script is None:
            window.run()
        else:
            play(window, virtual, script, shot)
    if plan_run is not None:
        announce(plan_run.finish(), as_json=as_json)


def _window_size(text: str) -> tuple[int, int]:
    from stampbench.firmware_emulator.errors import InputError

    width, _, height = text.lower().partition("x")
    if width.isdecimal() and height.isdecimal():
        pixels = int(width), int(height)
        if all(
            low <= n <= high for low, n, high in zip(SMALLEST_WINDOW, pixels, LARGEST_WINDOW, strict=True)
        ):
            return pixels
    smallest = "x".join(map(str, SMALLEST_WINDOW))
    raise InputError(f"--size {text}: expected width and height in pixels, {smallest} at least")


def _codebook(family: str | None, catalogue: str | None) -> Family | Catalogue:
    from stampbench.bench.cli.defaults import usual
    from stampbench.firmware_emulator.errors import InputError
    from stampbench.sim.stamps import Catalogue, load_family

    if family is not None and catalogue is not None:
        raise InputError("--family and --catalogue exclude each other; expected one of them")
    return (
        Catalogue.read(catalogue)
        if catalogue is not None
        else load_family(family or usual("family") or "p5-60k")
    )


def _prepare_display(*, scripted: bool) -> None:
    """Let a script run without display and sound; whatever is set in the environment has its way.

    Raises:
        InputError: there is no display to open a window on.
    """
    import os

    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    os.environ.setdefault("SDL_AUDIODRIVER", "dummy")
    if scripted:
        os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
    if "SDL_VIDEODRIVER" in os.environ:
        return
    import pygame
    from stampbench.firmware_emulator.errors import InputError

    try:
        pygame.display.init()
    except pygame.error as error:
        raise InputError(f"no display ({error}); --script plays without one") from None
    if pygame.display.get_driver() in UNSEEN_DRIVERS:  # SDL draws where nobody sees it rather than fail
        raise InputError("no display to open a window on; --script plays without one")


def _compile(codebook: Family | Catalogue, profile: Profile) -> None:
    """Compile the kernels; where that takes its time, as the first time, a line on stderr says so."""
    import threading

    from rich.console import Console
    from stampbench.bench.window.session.session import warm_up

    console = Console(stderr=True)
    line = "preparing kernels: compiled once, then kept; this can take a minute"
    waiting = threading.Timer(_SILENT_S, console.print, [line], {"soft_wrap": True})
    waiting.start()
    try:
        for _ in warm_up(codebook, profile):
            pass
    finally:
        waiting.cancel()


def _open(session: Session, source: str, given: GivenRuler) -> None:
    """Read a recording if there is such a file, and a port if not.

    Raises:
        InputError: a recording that cannot be read.
    """
    if Path(source).is_file():
        session.sources.use_recording(source, given)
    else:
        session.sources.use_port(source, given)
