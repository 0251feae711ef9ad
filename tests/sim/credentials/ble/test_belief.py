"""What is believed of a beacon, over every order of some events: never lost, never taken for a recording."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from stampbench.sim.credentials.ble.beacon import SAVED_EVERY_S
from stampbench.sim.credentials.ble.belief import BeaconBelief
from stampbench.sim.credentials.ble.clocks import ClockBounds

EXPONENT, HOUR_S = 12, 3600.0
WINDOW_S = 1 << EXPONENT
EVENTS = ("wait", "hear", "change", "play newest", "play middle", "play oldest")
MOST_EVENTS = 6
AGES = {"newest": 1, "middle": 9, "oldest": 20}
"""Of recordings, in windows that were shown since."""


class Scene:
    """A true beacon, somebody who records all of it, and what the server believes."""

    def __init__(self) -> None:
        self.now_s, self.offset_s = 40 * HOUR_S, 0.0
        self.belief = BeaconBelief(EXPONENT, ClockBounds(0.0, 0.0, WINDOW_S, 1, late=1))
        self.announced_s = -np.inf
        self.shown = [(n * WINDOW_S, n) for n in range(int(self.now_s) // WINDOW_S)]

    @property
    def window(self) -> int:
        return int(self.now_s + self.offset_s) // WINDOW_S

    def wait(self, hours: float) -> None:
        for _ in range(round(hours)):
            self.now_s += HOUR_S
            self.shown.append((self.now_s, self.window))

    def change(self) -> None:
        """Change the battery: it goes on from what it saves daily, and somebody says so, twice if need be."""
        clock_s = self.now_s + self.offset_s
        self.offset_s -= clock_s % SAVED_EVERY_S
        self.shown.append((self.now_s, self.window))
        for _ in range(2):
            self.belief.battery_changed(self.now_s)
            self.announced_s = self.now_s
            if self.hear():
                return
        raise AssertionError("the beacon was lost")

    def hear(self) -> bool:
        judged = self.belief.judge(self.window, self.now_s)
        return judged is not None and judged.in_time

    def play(self, age: int) -> None:
        """Play a recording; an old one counts as repeated, and only within a day of a change."""
        recorded_s, window = self.shown[-1 - age]
        judged = self.belief.judge(window, self.now_s)
        old = self.now_s - recorded_s > 5 * WINDOW_S
        if old and judged is not None and judged.in_time:
            assert judged.repeated
            assert self.now_s - self.announced_s <= 26 * HOUR_S

    def do(self, event: str) -> None:
        if event == "wait":
            self.wait(7)
        elif event == "hear":
            assert self.hear()
        elif event == "change":
            self.change()
            self.wait(1)
        else:
            self.play(AGES[event.removeprefix("play ")])

    def copy(self) -> Scene:
        twin = object.__new__(Scene)
        twin.__dict__ |= self.__dict__
        twin.shown, twin.belief = list(self.shown), copy.deepcopy(self.belief)
        return twin


@pytest.mark.parametrize("first", EVENTS)
def test_a_beacon_is_never_lost_and_a_recording_never_passes_for_it(first: str) -> None:
    """Every order of six events: each begins where a shorter one ended, and may end there."""
    checked = 0

    def search(scene: Scene, events: tuple[str, ...]) -> None:
        nonlocal checked
        scene.do(events[-1])
        checked += 1
        if len(events) < MOST_EVENTS:
            for event in EVENTS:
                search(scene.copy(), (*events, event))
        scene.wait(30)
        assert scene.hear(), events

    search(Scene(), (first,))
    assert checked == sum(len(EVENTS) ** n for n in range(MOST_EVENTS))


def test_a_recording_played_before_the_beacon_is_heard_does_not_take_it_away() -> None:
    scene = Scene()
    scene.offset_s = -20 * HOUR_S
    scene.belief.battery_changed(scene.now_s)
    recorded = int(scene.now_s) // WINDOW_S - 6
    judged = scene.belief.judge(recorded, scene.now_s)
    assert judged is not None
    assert (judged.in_time, judged.repeated) == (True, True)
    assert not scene.hear()
    scene.belief.battery_changed(scene.now_s)
    assert scene.hear()
    for _ in range(365):
        scene.wait(24)
        assert scene.hear()
