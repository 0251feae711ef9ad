"""Kernels compiled, or loaded from their cache, before the window opens."""

from __future__ import annotations

from collections.abc import Iterator

from stampbench.bench.window.clocks import VirtualClock
from stampbench.bench.window.session.session import Session
from stampbench.sim.panel import Profile
from stampbench.sim.screen.scene import ObjectKind
from stampbench.sim.stamps import Catalogue, Family

_STEP_US = 20_000


def warm_up(codebook: Family | Catalogue, profile: Profile) -> Iterator[str]:
    """Do once all that the live screen will do; yields what comes next, for a line of progress."""
    yield "panel and controller"
    clock = VirtualClock()
    session = Session(codebook, profile, clock=clock)
    finger = session.add_object(ObjectKind.FINGER, 5.0, 5.0)
    session.scene.press(finger)
    _run(session, clock, 4)
    session.scene.remove(finger)
    yield "decoder"
    stamp = session.add_stamp(0)
    session.scene.press(stamp)
    _run(session, clock, 16)
    yield "nearest codes"
    session.neighbours(1, code=0)
    yield "missing pads"
    pads = codebook.pads(0)[:-1]
    session.reader.decoder.decode(pads)
    session.view()


def _run(session: Session, clock: VirtualClock, steps: int) -> None:
    for _ in range(steps):
        session.advance(clock.advance(_STEP_US))
