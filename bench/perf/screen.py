"""Cost of the touchscreen emulator: its own window, drawn without a display, over a live 120 Hz panel."""

from __future__ import annotations

import dataclasses
import math
import os
import time
from collections.abc import Callable
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from stampbench.bench.perf import Figure

if TYPE_CHECKING:
    from stampbench.bench.window.session.session import Session
    from stampbench.bench.window.window import Window

PROFILE: Final = "nexus-5"
FAMILY: Final = "p5-60k"
CODE: Final = 12_345
FRAME_INTERVAL_US: Final = 8_333
"""A panel of 120 Hz."""
FRAMES_PER_S: Final = 60
SECONDS: Final = 10.0
TAPS: Final = 25
_GONE_S: Final = 0.6
"""Less than the second of rest after which a controller scans slowly."""
_ROUND_MM: Final = 6.0


def measure(seconds: float = SECONDS, taps: int = TAPS) -> dict[str, Figure]:
    """Return figures of the window under the dummy driver of SDL, at 60 frames a second.

    ``drawn_fps``: frames drawn in a second of the clock, while a stamp is dragged about by mouse events and
    read live. ``core_share``: share of one core that 60 of them a second take, and ``session_share`` what
    panel, controller, link and decoder have of it; both of the process's own time, so that others do not
    count. ``frame_ms``: the same for one frame.
    ``input_to_contact_ms``: from a mouse button that goes down on a finger to the end of the frame in which
    its contact is drawn, 95th percentile; ``drag_to_contact_ms``: from a mouse movement to the end of the
    frame that shows the contacts moved. Both begin just after a frame was drawn, the worst moment; the
    controller's own debounce of two scans is in the first.

    Args:
        seconds: how long the stamp is dragged.
        taps: how many fingers are put down.
    """
    os.environ["SDL_VIDEODRIVER"] = "dummy"
    os.environ["SDL_AUDIODRIVER"] = "dummy"
    from stampbench.bench.window.clocks import RealClock
    from stampbench.bench.window.session.session import Session, warm_up
    from stampbench.bench.window.window import Window
    from stampbench.sim.panel import load_profile
    from stampbench.sim.stamps import load_family

    profile = dataclasses.replace(load_profile(PROFILE), frame_interval_us=FRAME_INTERVAL_US)
    family = load_family(FAMILY)
    for _ in warm_up(family, profile):
        pass
    clock = RealClock()
    session = Session(family, profile, clock=clock)
    with closing(session), closing(Window(session, clock=clock)) as window:
        hand = _Hand(window, session)
        figures = hand.drag(seconds)
        figures |= hand.tap(taps)
    return figures


class _Hand:
    """Moves the mouse by posted events, and looks at what is drawn."""

    def __init__(self, window: Window, session: Session) -> None:
        import pygame

        self._pygame = pygame
        self._window, self._session = window, session
        self._pace = pygame.time.Clock()
        self._middle = session.panel.width_mm / 2, session.panel.height_mm / 2

    def drag(self, seconds: float) -> dict[str, Figure]:
        """Press a stamp and drag it round and round."""
        session, (x_mm, y_mm) = self._session, self._middle
        session.arrangement.add_stamp(CODE, x_mm, y_mm)
        self._post("MOUSEBUTTONDOWN", x_mm, y_mm)
        self._until(lambda: bool(session.observation.reader.stamps), 2.0)
        for _ in range(FRAMES_PER_S):
            self._frame()
        frames, begun_s, begun_cpu_s = 0, time.perf_counter(), time.process_time()
        delays_ms = []
        while (now_s := time.perf_counter() - begun_s) < seconds:
            angle = math.tau * now_s / 4.0
            before = session.observation.report
            self._post(
                "MOUSEMOTION",
                x_mm + _ROUND_MM * math.sin(angle),
                y_mm + _ROUND_MM * (1.0 - math.cos(angle)),
            )
            posted_s = time.perf_counter()
            self._frame()
            while session.observation.report is before:  # no scan was due in this frame
                self._frame()
                frames += 1
            delays_ms.append(1e3 * (time.perf_counter() - posted_s))
            frames += 1
        elapsed_s, cpu_s = time.perf_counter() - begun_s, time.process_time() - begun_cpu_s
        session_s = self._session_s()
        self._post("MOUSEBUTTONUP", x_mm, y_mm)
        return {
            "drawn_fps": Figure(frames / elapsed_s, "frames/s"),
            "core_share": Figure(cpu_s / frames * FRAMES_PER_S, "of a core"),
            "session_share": Figure(session_s * FRAMES_PER_S, "of a core"),
            "frame_ms": Figure(1e3 * cpu_s / frames, "ms"),
            "drag_to_contact_ms": Figure(float(np.percentile(delays_ms, 95)), "ms"),
        }

    def tap(self, taps: int) -> dict[str, Figure]:
        """Put a finger down again and again."""
        from stampbench.sim.screen.scene import ObjectKind

        session, (x_mm, y_mm) = self._session, self._middle
        session.scene.clear()
        session.arrangement.add_object(ObjectKind.FINGER, x_mm, y_mm)
        delays_ms = []
        for number in range(taps):
            self._until(lambda: not session.picture.contacts, _GONE_S)
            time.sleep((number % 8) / 8 * FRAME_INTERVAL_US / 1e6)  # at any phase of the scans
            self._pace.tick()
            posted_s = time.perf_counter()
            self._post("MOUSEBUTTONDOWN", x_mm, y_mm)
            self._until(lambda: bool(self._session.picture.contacts), _GONE_S)
            delays_ms.append(1e3 * (time.perf_counter() - posted_s))
            self._post("MOUSEBUTTONUP", x_mm, y_mm)
        return {"input_to_contact_ms": Figure(float(np.percentile(delays_ms, 95)), "ms")}

    def _session_s(self, rounds: int = 120) -> float:
        """Return the time of the session alone for one drawn frame."""
        session, clock_us = self._session, self._session.look().t_us
        begun_s = time.process_time()
        for number in range(rounds):
            session.advance(clock_us + (number + 1) * 1_000_000 // FRAMES_PER_S)
            session.look()
        return (time.process_time() - begun_s) / rounds

    def _frame(self) -> None:
        """Wait for the next frame's turn, and draw it."""
        self._pace.tick(FRAMES_PER_S)
        self._window.frame()

    def _until(self, holds: Callable[[], bool], most_s: float) -> None:
        """Draw frames until something holds, at least one."""
        end_s = time.perf_counter() + most_s
        self._frame()
        while not holds() and time.perf_counter() < end_s:
            self._frame()

    def _post(self, kind: str, x_mm: float, y_mm: float) -> None:
        """Post a mouse event of the left button at a place of the glass."""
        pygame = self._pygame
        x, y = self._window.phone.glass.to_px(x_mm, y_mm)
        fields: dict[str, Any] = {"pos": (round(x), round(y))}
        if kind == "MOUSEMOTION":
            fields |= {"rel": (0, 0), "buttons": (1, 0, 0)}
        else:
            fields |= {"button": 1}
        pygame.event.post(pygame.event.Event(getattr(pygame, kind), fields))
