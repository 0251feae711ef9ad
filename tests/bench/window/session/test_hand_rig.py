"""The panel in the window as a rig, without a window: frames come as fast as they are asked for."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import count

import pytest
from stampbench.bench.rig.connection import ManualPressError
from stampbench.bench.window.session.hand_rig import HandRig, identity_of_source
from stampbench.bench.window.sources.touch import TouchInput
from stampbench.firmware_emulator.errors import InputError, LinkError
from stampbench.firmware_emulator.link.messages import Capability
from stampbench.firmware_emulator.touch import Contact, TouchReport
from stampbench.sim.hold import Hold
from stampbench.sim.panel import Condition, load_profile
from stampbench.sim.press import Keyframe, Press
from stampbench.sim.screen.scene import Scene
from stampbench.sim.screen.simulated import SimulatedSource
from stampbench.sim.screen.sources import SourceState

FRAME_US = 100_000


class Panel(SimulatedSource):
    """A source that can be lost, and whose link can lose packets."""

    state = SourceState.LIVE
    lost = 0

    @property
    def counters(self):
        return {"lost": self.lost, "packets": 100}


def panel() -> Panel:
    return Panel(load_profile("nexus-5"), Scene(), Condition(), 0, 0)


def report(number: int, *contacts: int) -> TouchReport:
    return TouchReport(number * FRAME_US, tuple(Contact(c, True, 10, 10, 1.0, 1.0) for c in contacts))


class Hand:
    """Gives one frame whenever the rig has taken in the one before."""

    def __init__(self, source: Panel, frames: Iterable[Sequence[TouchReport]]) -> None:
        self.source = source
        self.rig = HandRig("nexus-5", lambda *_: None)
        self.frames = iter(frames)
        self.numbers = count()
        self.clearing: list[bool] = []
        self.give()
        self.opened = self.rig.opened()
        self.opened.__enter__()

    def give(self) -> None:
        self.rig.give(next(self.numbers) * FRAME_US, self.source, next(self.frames, ()))
        self.clearing.append(self.rig.clearing)

    def watch(self, first_contact_s: float = math.inf) -> Iterator[TouchReport]:
        for report in self.rig.watch(first_contact_s=first_contact_s, quiet_us=250_000):
            if report is None:
                self.give()
            else:
                yield report


def test_a_press_is_all_from_the_first_frame_until_nothing_has_touched_for_a_while() -> None:
    reports = [report(0), report(1, 0), report(2, 0, 1), report(3), report(4, 0), report(5)]
    hand = Hand(panel(), [[each] for each in reports])
    assert list(hand.watch()) == reports
    assert hand.rig.press_whole


def test_a_press_ends_where_a_device_says_nothing_after_the_lift() -> None:
    hand = Hand(panel(), [[report(0, 0), report(1)]])
    assert list(hand.watch()) == [report(0, 0), report(1)]


def test_what_stands_on_the_glass_when_a_press_is_asked_for_is_none_of_it() -> None:
    hand = Hand(
        panel(), [[report(1), report(2, 0)], [report(3, 0)], [report(4)], [report(5, 5)], [report(6)]]
    )
    watch = hand.watch()
    assert next(watch) == report(1)
    assert next(watch) == report(2, 0)
    watch.close()
    assert hand.rig.touching
    assert list(hand.watch()) == [report(5, 5), report(6)]
    assert (hand.clearing[1], hand.clearing[-1]) == (True, False)


def test_packets_lost_in_a_press_leave_it_not_whole() -> None:
    source = panel()
    hand = Hand(source, [[report(0, 0)], [report(1)]])
    watch = hand.watch()
    next(watch)
    source.lost = 2
    list(watch)
    assert not hand.rig.press_whole
    assert hand.rig.press_counters.lost == 2


def test_a_source_that_is_lost_in_a_press_ends_it() -> None:
    source = panel()
    hand = Hand(source, [[report(0, 0)]])
    watch = hand.watch()
    next(watch)
    source.state = SourceState.LOST
    with pytest.raises(LinkError, match="lost during the press"):
        next(watch)
    with pytest.raises(LinkError, match="lost during the press"):
        hand.rig.reset()


def test_a_source_that_is_lost_before_a_press_is_waited_for() -> None:
    source = panel()

    def frames() -> Iterator[Sequence[TouchReport]]:
        source.state = SourceState.LOST
        yield [report(0, 0)]
        yield []
        source.state = SourceState.LIVE
        yield [report(3, 0)]
        yield [report(4)]

    hand = Hand(source, frames())
    assert list(hand.watch()) == [report(3, 0), report(4)]
    hand.rig.reset()


def test_patience_ends_in_the_time_of_the_window() -> None:
    with pytest.raises(LinkError, match=r"nobody pressed within 0\.5 s"):
        list(Hand(panel(), [[report(0)]]).watch(0.5))


def test_what_is_to_be_pressed_is_laid_out_under_the_condition_that_was_set() -> None:
    laid = []
    rig = HandRig("nexus-5", lambda *what: laid.append(what))
    press = Press("coin", (Keyframe(0, Hold(1.0, 2.0)),))
    rig.configure({"noise": 2.0})
    with pytest.raises(ManualPressError):
        rig.press(press, 3)
    assert laid == [(press, {"noise": 2.0})]


def test_a_simulated_panel_takes_conditions_and_other_hardware_has_the_profile_it_is_given() -> None:
    assert Capability.CONFIGURE in identity_of_source(panel(), "").capabilities
    touch = identity_of_source(TouchInput(600.0, 1000.0, 0.1), "nexus-5")
    assert (touch.profile, touch.width_um, touch.capabilities) == ("nexus-5", 60_000, Capability(0))


def test_a_device_without_a_size_cannot_be_pressed() -> None:
    from stampbench.bench.window.sources.touch_area import TouchArea

    unsized = TouchArea("pad", (0, 100), (0, 100), None).panel

    device = TouchInput(1.0, 1.0, 1.0)
    device.panel = unsized
    with pytest.raises(InputError, match="no size in mm"):
        identity_of_source(device, "nexus-5")
