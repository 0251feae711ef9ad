"""Sessions with the bench above them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from bench.cli.main import main
from bench.screen.workbench import Bench
from sim.panel import load_profile
from sim.screen.clocks import VirtualClock
from sim.screen.session import Session
from sim.screen.view import View
from sim.stamps import load_family

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

    def until(self, holds: Callable[[View], bool]) -> View:
        """Draw frames in real time until something holds: what comes from a port comes when it comes."""
        never = Event()
        for _ in range(_MOST_LOOKS):
            self.run(1 / 60)
            view = self.session.view()
            if holds(view):
                return view
            never.wait(_LOOK_EVERY_S)
        raise AssertionError(f"never happened; {view.source}, {view.messages}")

    def press_stamp(self, code: int = 123, x_mm: float = 30.0, y_mm: float = 50.0) -> int:
        """Put a stamp on the glass and press it until it is read; its key."""
        key = self.session.add_stamp(code, x_mm, y_mm, 0.3)
        assert key is not False
        self.session.scene.press(key)
        self.run(0.5)
        return key

    @property
    def errors(self) -> list[str]:
        """Messages of errors so far."""
        return [str(m.values.get("text")) for m in self.session.messages if m.level == "error"]


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    """A session that saves in a folder of its own."""
    clock = VirtualClock()
    folder = tmp_path / "saved"
    bench = Bench(folder, now=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    session = Session(load_family("p5-60k"), load_profile("nexus-5"), clock=clock, seed=1, workbench=bench)
    yield Live(session, clock, folder)
    session.close()


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
