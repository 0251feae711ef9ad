"""Sessions on a virtual clock: what happens in them depends on nothing but what the test does."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Any

import pygame
import pytest
from stampbench.bench.cli.main import main
from stampbench.bench.window.clocks import VirtualClock
from stampbench.bench.window.script import play
from stampbench.bench.window.session.captures import Folder
from stampbench.bench.window.session.session import Session
from stampbench.bench.window.window import Window
from stampbench.sim.panel import Profile, load_profile
from stampbench.sim.screen.picture import Picture
from stampbench.sim.stamps import Family, load_family

FRAME_US = 16_667
_MOST_LOOKS = 2_000
_LOOK_EVERY_S = 0.01


@dataclass
class Live:
    """A session, its clock, and the folder that it saves in."""

    session: Session
    clock: VirtualClock
    folder: Path

    def run(self, seconds: float) -> None:
        """Let time pass, one drawn frame after the other."""
        for _ in range(round(seconds * 1e6 / FRAME_US)):
            self.session.advance(self.clock.advance(FRAME_US))

    def until(self, holds: Callable[[Picture], bool]) -> Picture:
        """Draw frames in real time until something holds: what comes from a port comes when it comes."""
        never = Event()
        for _ in range(_MOST_LOOKS):
            self.run(1 / 60)
            picture = self.session.look()
            if holds(picture):
                return picture
            never.wait(_LOOK_EVERY_S)
        raise AssertionError(f"never happened; {self.session.source}, {list(self.session.messages)}")

    def press_stamp(self, code: int = 123, x_mm: float = 30.0, y_mm: float = 50.0) -> int:
        """Put a stamp on the glass and press it until it is read; its key."""
        key = self.session.arrangement.add_stamp(code, x_mm, y_mm, 0.3)
        self.session.scene.press(key)
        self.run(0.5)
        return key


@pytest.fixture(scope="session")
def family() -> Family:
    """The family that travels with the package."""
    return load_family("p5-60k")


@pytest.fixture(scope="session")
def nexus() -> Profile:
    """A phone."""
    return load_profile("nexus-5")


def new_live(family: Family, profile: Profile, folder: Path, **settings: Any) -> Live:
    """A session on a virtual clock, which saves in a folder of its own."""
    clock = VirtualClock()
    saved = Folder(folder, now=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    return Live(Session(family, profile, clock=clock, seed=1, folder=saved, **settings), clock, folder)


@pytest.fixture
def live(family: Family, nexus: Profile, tmp_path: Path) -> Iterator[Live]:
    """A session on a phone."""
    live = new_live(family, nexus, tmp_path / "saved")
    yield live
    live.session.close()


@pytest.fixture
def nexus_wide(family: Family, tmp_path: Path) -> Live:
    """A session with a panel on which two stamps have room."""
    return new_live(family, load_profile("surface-book-2"), tmp_path / "saved")


@dataclass
class Screen:
    """A window over a session, driven by scripts as a hand would."""

    window: Window
    live: Live
    folder: Path

    @property
    def session(self) -> Session:
        """What the window shows."""
        return self.window.session

    def do(self, *steps: str, seconds: float = 0.0) -> Picture:
        """Play ``[[do]]`` tables, each given as the lines of one, and what the window then shows."""
        path = self.folder / "script.toml"
        path.write_text(f"seconds = {seconds}\n" + "".join(f"[[do]]\n{step}\n" for step in steps), "utf-8")
        play(self.window, self.live.clock, path)
        return self.window.session.picture

    def until(self, holds: Callable[[Picture], bool]) -> Picture:
        """Draw frames until something holds: what comes from a port comes when it comes."""
        for _ in range(2000):
            self.live.clock.advance(FRAME_US)
            self.window.frame()
            if holds(self.session.picture):
                return self.session.picture
            pygame.time.wait(10)
        raise AssertionError(f"never happened; {self.session.source}, {list(self.session.messages)}")

    def colour_at(self, x_mm: float, y_mm: float) -> tuple[int, int, int]:
        """Colour of the glass at a place."""
        x, y = self.window.phone.glass.to_px(x_mm, y_mm)
        return self.colour_of_pixel((round(x), round(y)))

    def colour_of_pixel(self, place: tuple[int, int]) -> tuple[int, int, int]:
        """Colour of a pixel of the window."""
        colour = pygame.display.get_surface().get_at(place)
        return colour.r, colour.g, colour.b


@pytest.fixture
def screen(live: Live, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Screen]:
    """A window without a display."""
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    window = Window(live.session, clock=live.clock, size=(1024, 700))
    yield Screen(window, live, tmp_path)
    window.close()


@pytest.fixture
def stampbench(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """Runs one command, and returns what it prints as JSON."""

    def call(*arguments: object) -> Any:
        monkeypatch.setattr(sys, "argv", ["stampbench", *map(str, arguments), "--json"])
        capsys.readouterr()
        with pytest.raises(SystemExit):
            main()
        captured = capsys.readouterr()
        assert captured.out, captured.err
        return json.loads(captured.out)

    return call
