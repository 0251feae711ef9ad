"""``stampbench screen --plan``: a plan pressed by a person in the window."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from stampbench.bench.cli.run_options import RunOptions
    from stampbench.bench.runs.orders import RunOrder

SCREEN: Final = "screen"
"""Stands in the records where a run on a rig has its port, for the simulated panel of the window."""


def order_for_window(
    plan: Path | None,
    options: RunOptions,
    *,
    source: str | None,
    profile: str | None,
    out: Path | None,
    seed: int | None,
) -> RunOrder:
    """Return what is to be pressed in the window: a plan on one panel.

    Args:
        plan: which; None: that of the run to be resumed.
        options: further ones.
        source: port of the panel; None: the simulated one.
        profile: of the panel, one of the plan's; None: its first.
        out: where to; None: a new directory.
        seed: of the run; None: the plan's.

    Raises:
        InputError: the plan or the options cannot be used here.
    """
    import dataclasses

    from stampbench.bench.cli.run_options import order_of
    from stampbench.bench.plans.draws import check_plan
    from stampbench.firmware_emulator.errors import InputError

    if source is not None and Path(source).is_file():
        raise InputError(f"--source {source}: a recording: expected a panel that can be pressed, for --plan")
    order = order_of(
        plan, options, workers=1, port=source or SCREEN, presses_per_case=None, out=out, seed=seed
    )
    check_plan(order.plan)
    if order.plan.header.scenario:
        raise InputError(f"{plan} names a scenario: expected a plan of presses")
    profiles = order.plan.header.profiles
    if profile is not None and profile not in profiles:
        raise InputError(f"--profile {profile}: expected one of the plan's profiles, {', '.join(profiles)}")
    if order.plan.rig.faults:
        raise InputError(f"{order.plan.path}: rig.faults befall a rig in software: leave them out here")
    if source is None or profile is not None:
        narrowed = order.plan.on_profiles([profile or profiles[0]])
        order = dataclasses.replace(order, plan=narrowed)
    return order


@contextmanager
def closed_by_signals() -> Iterator[None]:
    """Let an interrupt, or a service manager's stop, close the window of a plan, whose records end in order.

    A second one, or one where there is no window, ends the program at once.
    """
    import signal

    import pygame

    def close(number: int, frame: object) -> None:
        signal.signal(number, signal.default_int_handler)
        if not pygame.display.get_init():
            raise KeyboardInterrupt
        pygame.event.post(pygame.event.Event(pygame.QUIT))

    before = {number: signal.signal(number, close) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
