"""What every rig owes: the same presses say the same, word by word, whichever rig makes them."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from stampbench.bench.plans.draws import Draw, PressDrawer
from stampbench.bench.plans.plan import Plan
from stampbench.bench.records.readings import listen
from stampbench.bench.rig.opening import VIRTUAL, open_rig
from stampbench.firmware_emulator.touch import TouchReport
from stampbench.sim.decoder import Decoder, PressDecision, PressDecoder, Reading
from stampbench.sim.device import Device
from stampbench.sim.panel import Condition, load_profile, profile_names
from stampbench.sim.press import REST_FRAMES, Press
from stampbench.sim.screen.reading import PRESS_GAP_US, LiveReader
from stampbench.sim.screen.scene import ObjectKind, Scene
from stampbench.sim.screen.simulated import SimulatedSource
from stampbench.sim.stamps import load_family
from stampbench.sim.stamps.objects import resolve_object

PLAN = Plan.parse(
    f"""
    [plan]
    name = "fifty presses"
    family = "p5-60k"
    profiles = {profile_names()}

    [handling]
    margin_pitch = 0.0

    [[cases]]
    name = "held stamp"
    kind = "genuine"
    presses = 25

    [[cases]]
    name = "stamp beside a finger"
    kind = "genuine"
    presses = 10
    condition = {{ resting_fingers = 1, charger_v = 1.0 }}
    handling = {{ grip = [0.0, 1.0] }}

    [[cases]]
    name = "foreign objects"
    kind = "foreign"
    stamps = ["random-stamp", "coin", "fingers/3", "random-stamp", "finger"]
    presses = 15
    """,
    Path("contract.toml"),
)
"""On a phone that cancels beyond five contacts, the finger beside the stamp makes it do so."""


class Said(NamedTuple):
    """What one press came to."""

    reports: list[TouchReport]
    reading: Reading
    explanation: str
    cancelled: bool


def said(reports: list[TouchReport], decision: PressDecision) -> Said:
    return Said(reports, decision.reading, decision.explanation, decision.cancelled)


@functools.cache
def decoder() -> Decoder:
    return Decoder(load_family("p5-60k"))


@functools.cache
def draws(profile: str) -> list[tuple[Draw, Condition]]:
    drawer = PressDrawer(PLAN, seed=4)
    return [
        (drawer.draw(planned), Condition.from_mapping(PLAN.condition_of(planned.case)))
        for planned in PLAN.presses()
        if planned.profile == profile
    ]


@functools.cache
def in_memory(profile: str) -> list[Said]:
    """What the device itself says of the presses."""
    device = Device(load_profile(profile))
    found = []
    for draw, condition in draws(profile):
        device.configure(condition)
        reports = list(device.reports(draw.press, draw.seed))
        heard = listen(decoder(), reports, cancel_limit=device.identity.cancel_limit)
        found.append(said(reports, heard.decision))
    return found


def from_zero(reports: Iterable[TouchReport]) -> Iterator[TouchReport]:
    """Reports with the time since the first; a rig's clock runs on from press to press."""
    start_us = None
    for report in reports:
        start_us = report.t_us if start_us is None else start_us
        yield report._replace(t_us=report.t_us - start_us)


class RigContract:
    """Presses on one kind of rig."""

    def press_all(self, profile: str) -> list[Said]:
        """Return what each of the draws came to."""
        raise NotImplementedError

    @pytest.mark.parametrize("profile", profile_names())
    def test_fifty_presses_say_what_the_device_says_in_memory(self, profile: str) -> None:
        there, here = self.press_all(profile), in_memory(profile)
        assert len(there) == len(here) == 50
        for press, (one, other) in enumerate(zip(there, here, strict=True)):
            assert one.reports == other.reports, f"press {press}"
            assert one[1:] == other[1:], f"press {press}"


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="this system has no pseudo-terminals")
class TestVirtualRig(RigContract):
    """Behind a pseudo-terminal, through packets."""

    def press_all(self, profile: str) -> list[Said]:
        found = []
        with open_rig(VIRTUAL, profile) as rig:
            for draw, condition in draws(profile):
                rig.configure(condition.to_mapping())
                reports = list(from_zero(rig.press(draw.press, draw.seed)))
                assert rig.press_whole
                heard = listen(decoder(), reports, cancel_limit=rig.identity.cancel_limit)
                found.append(said(reports, heard.decision))
        return found


class TestWindow(RigContract):
    """In the window, where the scene holds what a hand presses, and the window's own reader reads it."""

    def press_all(self, profile_name: str) -> list[Said]:
        profile, found = load_profile(profile_name), []
        for draw, condition in draws(profile_name):
            scene = PressedScene(draw.press, profile.frame_interval_us)
            source = SimulatedSource(profile, scene, condition, draw.seed, start_us=0)
            reader = LiveReader(decoder(), source.panel.cancel_limit)
            scans = len(in_memory(profile_name)[len(found)].reports)
            times_us = [number * profile.frame_interval_us for number in range(scans)]
            items = [item for t_us in times_us for item in source.advance(t_us)]
            reports = [item for item in items if isinstance(item, TouchReport)]
            # A finger that rests there stays down: the press is over when nothing is seen any more.
            for report in (*reports, TouchReport(times_us[-1] + 2 * PRESS_GAP_US, ())):
                reader.feed(report)
            found.append(said(reports, reader.decision or PressDecoder(decoder()).finish()))
        return found


class PressedScene(Scene):
    """One object, held at each scan as the press says."""

    def __init__(self, press: Press, interval_us: int) -> None:
        super().__init__()
        self._press = press
        self._interval_us = interval_us
        self._scans = 0
        self._key = self.add(ObjectKind.STAMP, resolve_object(press.object), 0.0, 0.0)

    def step(self, us: int) -> None:
        rested = self._scans >= REST_FRAMES
        hold = self._press.at((self._scans - REST_FRAMES) * self._interval_us)
        self._scans += 1
        if rested:
            self.change(self._key, hold=hold)


def test_touches_are_cancelled_and_explained_only_where_a_phone_says_so() -> None:
    found = in_memory("iphone-like")
    marked = [
        any(contact.cancelled for report in one.reports for contact in report.contacts) for one in found
    ]
    assert any(marked)
    assert [one.cancelled for one in found] == marked
