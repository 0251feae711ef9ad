from __future__ import annotations

import itertools
import os
import subprocess
import sys
from importlib.metadata import version

import numpy as np
import pytest
from stampbench.firmware_emulator.errors import InputError
from stampbench.firmware_emulator.link.messages import Capability, ContactReader, pack_contacts
from stampbench.sim.decoder import Decoder, PressDecoder
from stampbench.sim.device import Device, identity_of
from stampbench.sim.hold import Hold
from stampbench.sim.panel import Condition, PlacedObject, load_profile, profile_names
from stampbench.sim.press import REST_FRAMES, Hand, Handling, Keyframe, Press
from stampbench.sim.stamps import load_family
from stampbench.sim.stamps.objects import resolve_object

NEXUS = load_profile("nexus-5")
INTERVAL_US = NEXUS.frame_interval_us


def test_a_performed_press_starts_and_ends_at_rest_and_shows_five_pads_between() -> None:
    press = Hand().press("random-stamp/5", NEXUS, np.random.default_rng(3))
    scans = list(Device(NEXUS).press(press, 1))
    times = [frame.t_us for frame, _ in scans]
    assert times == [n * INTERVAL_US for n in range(len(scans))]
    assert all(report.t_us == frame.t_us for frame, report in scans)
    assert not any(report.down for _, report in scans[:REST_FRAMES])
    assert max(len(report.down) for _, report in scans) == 5
    assert scans[-1][1].contacts == ()
    assert sum(not contact.tip for _, report in scans for contact in report.contacts) == 5
    dwell = scans[REST_FRAMES + press.keyframes[1].t_us // INTERVAL_US + 4]
    pads = press.at(dwell[0].t_us - REST_FRAMES * INTERVAL_US).place(resolve_object(press.object).pads)
    for contact in dwell[1].down:
        assert np.hypot(*(pads - [contact.x_mm, contact.y_mm]).T).min() < 0.6


def test_the_same_seed_performs_the_same_press_whatever_went_before() -> None:
    device = Device(NEXUS)
    press = Hand().press("random-stamp/6", NEXUS, np.random.default_rng(4))
    first = list(device.press(press, 9))
    list(device.press(Hand().press("palm", NEXUS, np.random.default_rng(5)), 10))
    again = list(device.press(press, 9))
    other = list(device.press(press, 11))
    assert [report for _, report in first] == [report for _, report in again]
    assert all(np.array_equal(a.deltas, b.deltas) for (a, _), (b, _) in zip(first, again, strict=True))
    assert any((a.deltas != b.deltas).any() for (a, _), (b, _) in zip(first, other, strict=True))


def test_a_press_is_the_same_to_the_bit_with_compiled_and_with_plain_kernels() -> None:
    script = (
        "import hashlib, numpy as np\n"
        "from stampbench.sim.device import Device\n"
        "from stampbench.sim.panel import Condition, load_profile\n"
        "from stampbench.sim.press import Hand, Handling\n"
        "profile = load_profile('nexus-5')\n"
        "hand = Hand(Handling(grip=(0.5, 0.5)))\n"
        "press = hand.press('random-stamp/1', profile, np.random.default_rng(1))\n"
        "device = Device(profile, Condition(resting_fingers=1, charger_v=1.0))\n"
        "digest = hashlib.sha256()\n"
        "for frame, report in device.press(press, 1):\n"
        "    digest.update(frame.deltas.tobytes() + repr(report).encode())\n"
        "print(digest.hexdigest())\n"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "NUMBA_DISABLE_JIT": disabled},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for disabled in ("0", "1")
    }
    assert len(digests) == 1


def test_a_released_stamp_shows_less_than_a_held_one() -> None:
    def most_contacts(grip: float) -> int:
        hand = Hand(Handling(grip=(grip, grip)))
        press = hand.press("random-stamp/5", NEXUS, np.random.default_rng(3))
        return sum(len(report.down) for _, report in Device(NEXUS).press(press, 1))

    assert most_contacts(0.0) < 0.8 * most_contacts(1.0)


def test_an_unknown_object_is_refused() -> None:
    press = Press("thumb", (Keyframe(0, Hold(1.0, 1.0)),))
    with pytest.raises(InputError, match="'thumb' is unknown"):
        next(Device(NEXUS).press(press))


@pytest.mark.parametrize("name", profile_names())
def test_the_identity_tells_the_profile_and_what_its_controller_does(name: str) -> None:
    profile = load_profile(name)
    identity = identity_of(profile, "A-1")
    assert (identity.serial_number, identity.profile) == ("A-1", name)
    assert identity.firmware_version == version("stampbench")
    assert (identity.rows, identity.columns) == (profile.grid.rows, profile.grid.cols)
    assert identity.frame_interval_us == profile.frame_interval_us
    both = Capability.CANCELS_ALL | Capability.MARKS_CANCELLED
    cancels = profile.controller.contact_policy == "cancel_all"
    assert identity.capabilities & both == (both if cancels else Capability(0))
    assert identity.cancel_limit is None  # what is cancelled is marked: nobody has to guess


def test_reports_are_those_that_the_link_would_carry() -> None:
    device = Device(load_profile("iphone-like"))
    reader = ContactReader(device.identity)
    press = Hand().press("random-stamp/5", device.profile, np.random.default_rng(3))
    reports = [report for _, report in device.press(press, 1)]
    assert any(report.contacts for report in reports)
    assert reports == [reader.report(report.t_us, pack_contacts(report)) for report in reports]


def test_a_condition_acts_until_another_is_set() -> None:
    def frames(device: Device) -> np.ndarray:
        press = Press("coin", (Keyframe(0, Hold(30.0, 60.0)),))
        return np.array([frame.deltas for frame, _ in device.press(press, 5)])

    device, wet = Device(NEXUS), Condition(water_drops=9)
    dry = frames(device)
    device.configure(wet)
    assert device.condition == wet
    assert np.array_equal(frames(device), frames(Device(NEXUS, wet)))
    device.configure(Condition())
    assert np.array_equal(frames(device), dry)


def test_presses_without_a_seed_differ_by_their_noise_and_come_again_from_the_seed_of_the_device() -> None:
    press = Press("coin", (Keyframe(0, Hold(30.0, 60.0)),))

    def first_frames(seed: int) -> list[bytes]:
        device = Device(NEXUS, seed=seed)
        return [next(device.press(press))[0].deltas.tobytes() for _ in range(3)]

    assert len({*first_frames(1), *first_frames(2)}) == 6
    assert first_frames(1) == first_frames(1)


def test_nothing_is_explained_as_cancelled_on_a_phone_that_marks_what_it_cancels() -> None:
    """Five pads are as many as `iphone-like` takes: with a guess instead of the mark, one in ten was."""
    device, family = Device(load_profile("iphone-like")), load_family("p5-60k")
    decoder, hand = Decoder(family), Hand(Handling(approach_ms=(20.0, 20.0), lift_ms=(20.0, 20.0)))
    cancelled = 0
    for seed in range(60):
        press = hand.press(f"p5-60k/{97 * seed}", device.profile, np.random.default_rng(seed))
        reader = PressDecoder(decoder, contact_limit=device.identity.cancel_limit)
        for _, report in device.press(press, seed):
            reader.feed(report)
        cancelled += reader.finish().cancelled
    assert cancelled == 0


CONDITIONS = {
    "ordinary": {},
    "fingers": {"resting_fingers": 4},
    "palm and water": {"palm": True, "water_drops": 5, "water_film": 0.3},
    "protector": {"protector_mm": 0.4},
    "charger": {"charger_v": 2.0, "stripe": 2.0},
    "torn rows": {"torn_rows": 5},
    "broken lines": {"dead_tx": [3], "dead_rx": [2, 7], "shorted_tx": [4, 5], "shorted_rx": [1]},
    "stuck nodes": {"stuck_nodes": 9, "torn_rows": 2},
    "drift and memory": {"noise": 2.0, "drift": 50.0, "memory": 20.0},
}
HANDLINGS = {
    "held": {},
    "tilted": {"tilt_deg": [0.5, 2.0], "landing_tilt_deg": [2.0, 5.0]},
    "slid": {"slide_mm": [3.0, 6.0]},
    "released": {"grip": [0.0, 0.5], "grip_drop": [0.0, 0.2]},
    "worn": {"wear": "broken=1"},
}


@pytest.mark.parametrize("name", profile_names())
def test_scans_made_many_at_a_time_are_those_made_one_by_one(name: str) -> None:
    profile = load_profile(name)
    for seed, (condition, handling) in enumerate(itertools.product(CONDITIONS.values(), HANDLINGS.values())):
        hand = Hand(Handling.from_mapping({"dwell_ms": [30.0, 60.0], **handling}))
        press = hand.press("random-stamp/5", profile, np.random.default_rng(seed))
        device = Device(profile, Condition.from_mapping(condition))
        together = list(device.press(press, seed))
        device.reset(seed)
        for n, (frame, report) in enumerate(together):
            hold = press.at((n - REST_FRAMES) * profile.frame_interval_us)
            there = n >= REST_FRAMES and hold.force > 0.0
            placed = [PlacedObject(resolve_object(press.object), hold)] if there else []
            alone, reported = device.scan(n * profile.frame_interval_us, placed)
            assert np.array_equal(alone.deltas, frame.deltas)
            assert reported == report


def test_a_controller_takes_any_number_of_frames_at_a_time() -> None:
    profile = load_profile("iphone-like")
    press = Hand().press("fingers/7/2", profile, np.random.default_rng(3))
    scans = list(Device(profile, Condition(resting_fingers=1)).press(press, 1))
    controller = Device(profile).controller
    times_us = np.array([frame.t_us for frame, _ in scans])
    deltas = np.array([frame.deltas for frame, _ in scans])
    assert controller.process_all(times_us, deltas) == [report for _, report in scans]
    assert controller.process_all(times_us[:0], deltas[:0]) == []
