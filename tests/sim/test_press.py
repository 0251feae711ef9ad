from __future__ import annotations

import dataclasses
import math
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stampbench.firmware_emulator.controller import Controller
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.panel import Panel, load_profile
from stampbench.sim.press import REST_FRAMES, Hand, Handling, Keyframe, Press, perform
from stampbench.sim.stamps.objects import resolve_object

NEXUS = load_profile("nexus-5")
INTERVAL_US = NEXUS.frame_interval_us


def controller() -> Controller:
    return Controller(NEXUS.geometry, NEXUS.controller)


def pads_at(press: Press, t_us: int) -> np.ndarray:
    now = press.at(t_us)
    cos, sin = math.cos(now.theta_rad), math.sin(now.theta_rad)
    return resolve_object(press.object).pads @ np.array([[cos, sin], [-sin, cos]]) + [now.x_mm, now.y_mm]


def test_between_keyframes_everything_changes_in_proportion() -> None:
    first = Keyframe(1000, 1.0, 2.0, 0.0, 0.0, 1.0, 0.1, -0.1)
    last = Keyframe(3000, 3.0, 6.0, 0.4, 1.0, 0.0, 0.0, 0.0)
    press = Press("coin", (first, last))
    middle = press.at(2000)
    assert dataclasses.astuple(middle) == pytest.approx((2000, 2.0, 4.0, 0.2, 0.5, 0.5, 0.05, -0.05))
    assert (press.at(0), press.at(1000), press.at(3000), press.at(9999)) == (first, first, last, last)
    assert press.duration_us == 3000


@pytest.mark.parametrize("times", [(), (-1,), (0, 0), (5, 3)])
def test_times_that_do_not_rise_are_refused(times: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="keyframes at"):
        Press("coin", tuple(Keyframe(t, 0.0, 0.0, 0.0, 1.0) for t in times))


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    name=st.sampled_from(["random-stamp/4", "finger", "fingers/2/1", "coin", "palm"]),
)
def test_a_press_keeps_every_pad_a_pitch_inside_the_active_area(seed: int, name: str) -> None:
    press = Hand().press(name, NEXUS, np.random.default_rng(seed))
    radius = resolve_object(name).discs[:, 4].min() / 2
    geometry = NEXUS.geometry
    for keyframe in press.keyframes:
        pads = pads_at(press, keyframe.t_us)
        assert (
            pads.min(axis=0) - radius >= np.array([geometry.pitch_x_mm, geometry.pitch_y_mm]) - 1e-9
        ).all()
        limits = [geometry.width_mm - geometry.pitch_x_mm, geometry.height_mm - geometry.pitch_y_mm]
        assert (pads.max(axis=0) + radius <= np.array(limits) + 1e-9).all()


def test_a_press_lands_dwells_and_lifts_within_the_ranges() -> None:
    handling = Handling(approach_ms=(30.0, 30.0), dwell_ms=(100.0, 110.0), grip=(0.4, 0.4), force=(0.8, 0.8))
    press = Hand(handling).press("coin", NEXUS, np.random.default_rng(1))
    touch, full, release, clear = press.keyframes
    assert 0 <= touch.t_us < INTERVAL_US
    assert full.t_us - touch.t_us == 30_000
    assert 100_000 <= release.t_us - full.t_us <= 110_000
    assert (touch.force, full.force, release.force, clear.force) == (0.0, 0.8, 0.8, 0.0)
    assert {keyframe.grip for keyframe in press.keyframes} == {0.4}
    assert math.hypot(full.tilt_x_rad, full.tilt_y_rad) <= math.radians(0.1)
    assert math.hypot(touch.tilt_x_rad, touch.tilt_y_rad) >= math.radians(0.2)


def test_a_hand_that_lets_go_loses_its_grip_while_dwelling() -> None:
    handling = Handling(grip=(1.0, 1.0), grip_drop=(0.6, 0.6))
    press = Hand(handling).press("coin", NEXUS, np.random.default_rng(1))
    assert [keyframe.grip for keyframe in press.keyframes] == pytest.approx([1.0, 1.0, 0.4, 0.4])


def test_wear_is_added_to_the_name_of_the_stamp() -> None:
    press = Hand(Handling(wear="worn=0.2~missing=1")).press("random-stamp/3", NEXUS, np.random.default_rng(1))
    assert press.object == "random-stamp/3~worn=0.2~missing=1"


def test_no_spread_presses_in_the_middle() -> None:
    press = Hand(Handling(spread=0.0, slide_mm=(0.0, 0.0))).press("coin", NEXUS, np.random.default_rng(2))
    assert (press.keyframes[0].x_mm, press.keyframes[0].y_mm) == pytest.approx((30.8, 54.8))


def test_presses_point_in_all_directions_and_fill_the_panel() -> None:
    presses = [Hand().press("coin", NEXUS, np.random.default_rng(seed)) for seed in range(300)]
    thetas = np.array([press.keyframes[0].theta_rad for press in presses])
    ys = np.array([press.keyframes[0].y_mm for press in presses])
    assert abs(np.exp(1j * thetas).mean()) < 0.1
    assert ys.min() < 25.0
    assert ys.max() > 85.0


def test_an_object_larger_than_the_panel_is_refused_with_both_sizes() -> None:
    with pytest.raises(
        InputError, match=r"'fingers/5/1' is \d+ x \d+ mm and does not fit 'mxt224-4', 56 x 94 mm"
    ):
        Hand(Handling(rotation_deg=(0.0, 0.0))).press(
            "fingers/5/1", load_profile("mxt224-4"), np.random.default_rng(0)
        )


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        ({"approch_ms": [1, 2]}, "unknown key 'approch_ms'"),
        ({"dwell_ms": [200.0, 100.0]}, "smaller number first"),
        ({"dwell_ms": 100.0}, "expected a list"),
        ({"grip": [0.5, 1.5]}, r"grip\[1\] = 1.5"),
        ({"spread": 2.0}, "from 0 to 1"),
    ],
)
def test_a_bad_handling_names_key_and_value(mapping: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        Handling.from_mapping(mapping)


def test_handling_survives_the_round_trip() -> None:
    handling = Handling(grip=(0.0, 0.5), margin_pitch=0.0)
    assert Handling.from_mapping(handling.to_mapping()) == handling


def test_a_performed_press_starts_and_ends_at_rest_and_shows_five_pads_between() -> None:
    press = Hand().press("random-stamp/5", NEXUS, np.random.default_rng(3))
    scans = list(perform(press, Panel(NEXUS), controller(), seed=1))
    times = [frame.t_us for frame, _ in scans]
    assert times == [n * INTERVAL_US for n in range(len(scans))]
    assert all(report.t_us == frame.t_us for frame, report in scans)
    assert not any(report.down for _, report in scans[:REST_FRAMES])
    assert max(len(report.down) for _, report in scans) == 5
    assert scans[-1][1].contacts == ()
    assert sum(not contact.tip for _, report in scans for contact in report.contacts) == 5
    dwell = scans[REST_FRAMES + press.keyframes[1].t_us // INTERVAL_US + 4]
    pads = pads_at(press, dwell[0].t_us - REST_FRAMES * INTERVAL_US)
    for contact in dwell[1].down:
        assert np.hypot(*(pads - [contact.x_mm, contact.y_mm]).T).min() < 0.6


def test_the_same_seed_performs_the_same_press_whatever_went_before() -> None:
    panel, electronics = Panel(NEXUS), controller()
    press = Hand().press("random-stamp/6", NEXUS, np.random.default_rng(4))
    first = list(perform(press, panel, electronics, seed=9))
    list(perform(Hand().press("palm", NEXUS, np.random.default_rng(5)), panel, electronics, seed=10))
    again = list(perform(press, panel, electronics, seed=9))
    other = list(perform(press, panel, electronics, seed=11))
    assert [report for _, report in first] == [report for _, report in again]
    assert all(np.array_equal(a.deltas, b.deltas) for (a, _), (b, _) in zip(first, again, strict=True))
    assert any((a.deltas != b.deltas).any() for (a, _), (b, _) in zip(first, other, strict=True))


def test_a_press_is_the_same_to_the_bit_with_compiled_and_with_plain_kernels() -> None:
    script = (
        "import hashlib, numpy as np\n"
        "from stampbench.firmware_emulator.controller import Controller\n"
        "from stampbench.sim.panel import Condition, Panel, load_profile\n"
        "from stampbench.sim.press import Hand, Handling, perform\n"
        "profile = load_profile('nexus-5')\n"
        "hand = Hand(Handling(grip=(0.5, 0.5)))\n"
        "press = hand.press('random-stamp/1', profile, np.random.default_rng(1))\n"
        "panel = Panel(profile, Condition(resting_fingers=1, charger_v=1.0))\n"
        "digest = hashlib.sha256()\n"
        "controller = Controller(profile.geometry, profile.controller)\n"
        "for frame, report in perform(press, panel, controller, seed=1):\n"
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
        return sum(len(report.down) for _, report in perform(press, Panel(NEXUS), controller(), seed=1))

    assert most_contacts(0.0) < 0.8 * most_contacts(1.0)


def test_an_unknown_object_is_refused() -> None:
    press = Press("thumb", (Keyframe(0, 1.0, 1.0, 0.0, 1.0),))
    with pytest.raises(InputError, match="'thumb' is unknown"):
        next(perform(press, Panel(NEXUS), controller(), seed=0))
