"""The window on a real display: an X server of its own that draws into memory (Xvfb)."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pygame
import pytest
from stampbench.bench.window.clocks import VirtualClock
from stampbench.bench.window.script import play
from stampbench.bench.window.session.session import Session
from stampbench.bench.window.window import Window
from stampbench.sim.panel import load_profile

if TYPE_CHECKING:
    from tests.bench.window.conftest import Live

pytestmark = pytest.mark.skipif(
    shutil.which("Xvfb") is None, reason="Xvfb is not installed (Debian: apt install xvfb)"
)


@dataclass(frozen=True)
class Display:
    """A running X server.

    Attributes:
        name: as DISPLAY has it.
        memory: the file that it draws into.
    """

    name: str
    memory: Path

    def pixels(self) -> np.ndarray:
        """What is on the screen, shape (height, width, 3); a window dump of X version 7."""
        data = self.memory.read_bytes()
        header = struct.unpack(">25I", data[:100])
        width, height, line, colours = header[4], header[5], header[12], header[19]
        begin = header[0] + 12 * colours
        rows = np.frombuffer(data, np.uint8, line * height, begin).reshape(height, line)
        return rows[:, : 4 * width].reshape(height, width, 4)[:, :, 2::-1]


@pytest.fixture
def display(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Display]:
    """A display with a free number, on which windows open at the top left."""
    reading, writing = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1100x750x24", "-fbdir", str(tmp_path)],
        pass_fds=[writing],
        stderr=subprocess.DEVNULL,
    )
    os.close(writing)
    try:
        with os.fdopen(reading) as told:
            number = told.readline().strip()
        if not number:
            pytest.skip("Xvfb did not start")
        monkeypatch.setenv("DISPLAY", f":{number}")
        monkeypatch.setenv("SDL_VIDEODRIVER", "x11")
        monkeypatch.setenv("SDL_VIDEO_WINDOW_POS", "0,0")
        yield Display(f":{number}", tmp_path / "Xvfb_screen0")
    finally:
        server.terminate()
        server.wait(10)


def test_a_stamp_is_pressed_and_read_in_a_real_window(display: Display, live: Live, tmp_path: Path) -> None:
    script = tmp_path / "script.toml"
    steps = ['at = 0\nkey = "c"', 'at = 0.02\ntype = "20406\\n"', "at = 0.2\npress = [30.8, 54.8]"]
    script.write_text("seconds = 0.8\n" + "".join(f"[[do]]\n{step}\n" for step in steps), "utf-8")
    window = Window(live.session, clock=live.clock, size=(1024, 700))
    try:
        assert pygame.display.get_driver() == "x11"
        play(window, live.clock, script)
        assert [reading.code for reading in window.session.picture.readings] == [20406]
        alike = 0.0
        for _ in range(100):  # the server draws when it comes to it
            window.frame()
            drawn = pygame.surfarray.array3d(pygame.display.get_surface()).transpose(1, 0, 2)
            alike = max(alike, float((display.pixels()[:700, :1024] == drawn).mean()))
            if alike > 0.99:
                break
            pygame.time.wait(10)
        assert alike > 0.99
    finally:
        window.close()
    assert not window.open


def test_a_plan_is_pressed_with_the_mouse_in_a_real_window(display: Display, tmp_path: Path) -> None:
    from stampbench.bench.plans.draws import load_codebook
    from stampbench.bench.plans.plan import Plan
    from stampbench.bench.runs.orders import RunOrder
    from stampbench.bench.window.session.plan_run import PlanRun

    text = """
    plan = { name = "one", family = "p5-60k", profiles = ["nexus-5"] }
    cases = [{ name = "held", kind = "genuine", presses = 1 }]
    """
    plan = Plan.parse(text, Path("one.toml"))
    order = RunOrder(plan=plan, directory=tmp_path / "run", seed=2, port="screen")
    clock = VirtualClock()
    script = tmp_path / "script.toml"
    run = PlanRun(order)
    with (
        closing(Session(load_codebook(plan), load_profile("nexus-5"), clock=clock, plan=run)) as session,
        closing(Window(session, clock=clock, size=(1024, 700))) as window,
    ):
        for _ in range(3):
            window.frame()
            clock.advance(16_667)
        (laid,) = window.session.picture.objects
        place = f"[{laid.thing.hold.x_mm}, {laid.thing.hold.y_mm}]"
        steps = [f"at = 0.0\npress = {place}", f"at = 0.8\nrelease = {place}"]
        script.write_text("seconds = 2.0\n" + "".join(f"[[do]]\n{step}\n" for step in steps), "utf-8")
        play(window, clock, script)
        assert pygame.display.get_driver() == "x11"
        assert window.session.plan is not None
        assert (window.session.plan.verdict, window.session.plan.good) == ("passed", 1)
    assert run.finish().assessment.verdict.exit_status == 0
