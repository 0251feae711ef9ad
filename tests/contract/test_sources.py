"""What every source of touch reports owes to the window, whatever is behind it."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from stampbench.bench.sources.capture import CaptureHeader, CaptureWriter
from stampbench.bench.window.sources.recording import open_recorded
from stampbench.bench.window.sources.rig import RigSource
from stampbench.bench.window.sources.touch import TouchInput
from stampbench.firmware_emulator.touch import Frame, TouchReport
from stampbench.sim.device import Device
from stampbench.sim.hold import Hold
from stampbench.sim.panel import Condition, load_profile
from stampbench.sim.press import Keyframe, Press
from stampbench.sim.rig import virtual_rig
from stampbench.sim.screen.scene import ObjectKind, Scene
from stampbench.sim.screen.simulated import SimulatedSource
from stampbench.sim.screen.sources import Item, Source, SourceState

PROFILE = load_profile("nexus-5")
STEP_US = 16_667
"""Of the session's clock from one drawn frame to the next."""
ON, OFF = Hold(30.0, 50.0), Hold(30.0, 50.0, force=0.0)
TAP = Press("finger", (Keyframe(0, ON), Keyframe(150_000, ON), Keyframe(160_000, OFF)))

Advance = Callable[[], None]
"""Does what a finger does between two drawn frames."""


class SourceContract:
    """One tap of a finger from one kind of source."""

    @contextmanager
    def opened(self, folder: Path) -> Iterator[tuple[Source, Advance]]:
        """Open the source; it is asked for reports in steps, with what a finger does between them."""
        raise NotImplementedError
        yield

    @pytest.fixture
    def tapped(self, tmp_path: Path) -> Iterator[tuple[Source, list[Item], list[dict[str, int]]]]:
        """The source, what it brought of the tap, and what it counted at each step."""
        items: list[Item] = []
        counted: list[dict[str, int]] = []
        with self.opened(tmp_path) as (source, between):
            until_s = time.monotonic() + 20.0
            for step in itertools.count():
                between()
                items += source.advance(step * STEP_US)
                counted.append(dict(source.counters))
                reports = [item for item in items if isinstance(item, TouchReport)]
                if any(report.down for report in reports) and not reports[-1].down:
                    break
                if source.state is SourceState.ENDED or time.monotonic() > until_s:
                    break
                if source.state is SourceState.OPENING or not items:
                    time.sleep(0.01)  # a thread reads the port
            yield source, items, counted
            source.close()

    def test_it_tells_what_it_is(self, tapped: tuple[Source, list[Item], list[dict[str, int]]]) -> None:
        source, _, _ = tapped
        assert source.name
        assert source.message == ""
        assert source.panel is not None
        assert source.panel.width_mm > 0
        assert source.panel.height_mm > 0

    def test_a_tap_comes_whole_from_landing_to_lift(
        self, tapped: tuple[Source, list[Item], list[dict[str, int]]]
    ) -> None:
        reports = [item for item in tapped[1] if isinstance(item, TouchReport)]
        touching = [report for report in reports if report.contacts]
        assert {contact.id for report in touching for contact in report.contacts} == {
            touching[0].contacts[0].id
        }
        assert [contact.tip for report in touching for contact in report.contacts][-2:] == [True, False]
        for contact in touching[len(touching) // 2].down:
            assert (contact.x_mm, contact.y_mm) == pytest.approx((30.0, 50.0), abs=0.5)

    def test_device_time_never_runs_backwards(
        self, tapped: tuple[Source, list[Item], list[dict[str, int]]]
    ) -> None:
        times_us = [item.t_us for item in tapped[1]]
        assert times_us == sorted(times_us)

    def test_the_frame_of_a_scan_comes_ahead_of_its_report(
        self, tapped: tuple[Source, list[Item], list[dict[str, int]]]
    ) -> None:
        frames = [place for place, item in enumerate(tapped[1]) if isinstance(item, Frame)]
        after = [tapped[1][place + 1] for place in frames if place + 1 < len(tapped[1])]
        assert all(isinstance(item, TouchReport) for item in after)
        assert [item.t_us for item in after] == [tapped[1][place].t_us for place in frames[: len(after)]]

    def test_counters_never_fall(self, tapped: tuple[Source, list[Item], list[dict[str, int]]]) -> None:
        for before, now in itertools.pairwise(tapped[2]):
            assert all(now.get(name, 0) >= count >= 0 for name, count in before.items())

    def test_closing_twice_does_no_harm(
        self, tapped: tuple[Source, list[Item], list[dict[str, int]]]
    ) -> None:
        tapped[0].close()
        tapped[0].close()


class TestSimulated(SourceContract):
    """The scene of the window."""

    @contextmanager
    def opened(self, folder: Path) -> Iterator[tuple[Source, Advance]]:
        scene, steps = Scene(), itertools.count()
        key = scene.add_named(ObjectKind.FINGER, 30.0, 50.0)

        def between() -> None:
            step = next(steps)
            if step == 5:
                scene.press(key)
            if step == 15:
                scene.lift(key)

        yield SimulatedSource(PROFILE, scene, Condition(), seed=1, start_us=0), between


class TestRig(SourceContract):
    """A rig at a port, which presses."""

    @contextmanager
    def opened(self, folder: Path) -> Iterator[tuple[Source, Advance]]:
        with virtual_rig("nexus-5") as port:
            source = RigSource(port)
            pressed: list[bool] = []

            def between() -> None:
                if source.can_press and not pressed:
                    source.press(TAP, 1)
                    pressed.append(True)

            yield source, between


class TestRecording(SourceContract):
    """A capture that is played."""

    @contextmanager
    def opened(self, folder: Path) -> Iterator[tuple[Source, Advance]]:
        geometry, path = PROFILE.geometry, folder / "tap.jsonl"
        header = CaptureHeader(
            device="nexus-5",
            x_min=0,
            x_max=geometry.x_max,
            y_min=0,
            y_max=geometry.y_max,
            width_mm=geometry.width_mm,
            height_mm=geometry.height_mm,
        )
        with CaptureWriter(path, header) as writer:
            for report in Device(PROFILE).reports(TAP, 1):
                writer.report(report)
        yield open_recorded(path), lambda: None


class TestTouch(SourceContract):
    """Fingers on this machine's own screen; an event without contacts ends the tap."""

    @contextmanager
    def opened(self, folder: Path) -> Iterator[tuple[Source, Advance]]:
        source, steps = TouchInput(600.0, 1200.0, 0.1), itertools.count()

        def between() -> None:
            step = next(steps)
            if step in (3, 4, 5, 6):
                source.touch(7, 300.0, 500.0, "down" if step == 3 else "move")
            if step in (7, 8):
                source.touch(7, 300.0, 500.0, "up")

        yield source, between
