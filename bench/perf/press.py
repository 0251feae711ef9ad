"""Speed of panel, controller, a whole press, and presses as a campaign makes and reads them, one core."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from stampbench.bench.perf import Figure

PROFILE: Final = "nexus-5"
FRAMES: Final = 4_000
PRESSES: Final = 40
PLAN: Final = """
[plan]
name = "perf"
family = "p5-60k"
seed = 1
profiles = ["nexus-5"]
[decoder]
sigma_mm = 0.15
[[cases]]
name = "held"
kind = "genuine"
stamps = "random"
presses = 1_000_000
[[cases]]
name = "foreign"
kind = "foreign"
stamps = "random"
presses = 1_000_000
"""
"""Presses that a campaign makes: stamps, up to the decision, and objects that are none, up to the lift."""
ROUNDS: Final = 5
"""Each part is timed this often; the quickest round counts, the others were disturbed."""

# Windows counts a process's time in steps of 16 ms.
_FINE = time.get_clock_info("process_time").resolution < 1e-4
_clock: Final = time.process_time if _FINE else time.perf_counter


def measure(frames: int = FRAMES, presses: int = PRESSES) -> dict[str, Figure]:
    """Return frames a second with five pads and all noise on, the share of each, and presses a second.

    All of one core's own time: what others do on the machine meanwhile does not count.

    The baseline of the frames is the panel's slow twin: masks on a fine grid, blurred by SciPy.

    Args:
        frames: frames in a round.
        presses: whole presses, from rest to lift.
    """
    from stampbench.sim.device import SCANS_AT_ONCE, Device
    from stampbench.sim.hold import Hold
    from stampbench.sim.panel import PlacedObject, load_profile, reference
    from stampbench.sim.panel.field import PAD_COMPRESSION_MM
    from stampbench.sim.press import Hand
    from stampbench.sim.stamps.objects import resolve_object

    profile = load_profile(PROFILE)
    device = Device(profile, seed=1)
    placed = PlacedObject(resolve_object("random-stamp/1"), Hold(30.0, 55.0, 0.4))
    times_us = profile.frame_interval_us * np.arange(frames)
    holds = np.tile(placed.hold.values, (SCANS_AT_ONCE, 1, 1))
    # As many at a time as in a press.
    blocks = np.split(times_us, range(SCANS_AT_ONCE, frames, SCANS_AT_ONCE))

    def scan() -> list[npt.NDArray[np.int16]]:
        return [device.panel.scan(times, (placed.object,), holds[: len(times)]) for times in blocks]

    scans = scan()

    def control() -> None:
        for times, deltas in zip(blocks, scans, strict=True):
            device.controller.process_all(times, deltas)

    control()  # compiles
    panel_s, controller_s = (_quickest(work) / frames for work in (scan, control))
    twin_s = _quickest(lambda: reference.signal([placed], profile, PAD_COMPRESSION_MM), rounds=1)
    hand = Hand()
    drawn = [hand.press(f"random-stamp/{n}", profile, np.random.default_rng(n)) for n in range(presses)]

    def press() -> None:
        for n, one in enumerate(drawn):
            for _ in device.press(one, n):
                pass

    press()
    held_s, foreign_s = _read_presses(presses)
    press_s = _quickest(press) / presses
    frame_s = panel_s + controller_s
    return {
        "frames_per_s": Figure(
            1 / frame_s, "frames/s", 1 / (twin_s + controller_s), "slow twin of the panel"
        ),
        "presses_per_s": Figure(1 / press_s, "presses/s"),
        "held_read_per_s": Figure(1 / held_s, "presses/s"),
        "foreign_read_per_s": Figure(1 / foreign_s, "presses/s"),
        "panel_share": Figure(panel_s / frame_s, "of a frame"),
        "controller_share": Figure(controller_s / frame_s, "of a frame"),
    }


def _read_presses(presses: int) -> tuple[float, float]:
    """Return the seconds of a campaign's press, panel to verdict: of a stamp, and of another object."""
    from stampbench.bench.plans.plan import Plan
    from stampbench.bench.runs.pressing import SimulatedPresser

    plan = Plan.parse(PLAN, Path("perf.toml"))
    presser = SimulatedPresser(plan, plan.header.seed)
    seconds = []
    for number, case in enumerate(plan.cases):
        places = itertools.count(1 + number * case.presses)
        presser.press(plan.press(next(places)))  # compiles

        def press(places: Iterator[int] = places) -> None:
            presser.press_all([plan.press(place) for place in itertools.islice(places, presses)])

        seconds.append(_quickest(press) / presses)
    return seconds[0], seconds[1]


def _quickest(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    best = float("inf")
    for _ in range(rounds):
        start = _clock()
        work()
        best = min(best, _clock() - start)
    return best
