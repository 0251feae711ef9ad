from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.hold import Hold
from stampbench.sim.panel import load_profile
from stampbench.sim.press import Hand, Handling, Keyframe, Press
from stampbench.sim.stamps.objects import resolve_object

NEXUS = load_profile("nexus-5")
INTERVAL_US = NEXUS.frame_interval_us


def pads_at(press: Press, t_us: int) -> np.ndarray:
    return press.at(t_us).place(resolve_object(press.object).pads)


def test_between_keyframes_everything_changes_in_proportion() -> None:
    first = Keyframe(1000, Hold(1.0, 2.0, force=0.0, tilt_x_rad=0.1, tilt_y_rad=-0.1))
    last = Keyframe(3000, Hold(3.0, 6.0, 0.4, grip=0.0))
    press = Press("coin", (first, last))
    middle = press.at(2000)
    assert middle.values == pytest.approx((2.0, 4.0, 0.2, 0.5, 0.5, 0.05, -0.05))
    ends = [press.at(t_us) for t_us in (0, 1000, 3000, 9999)]
    assert ends == [first.hold, first.hold, last.hold, last.hold]
    assert press.duration_us == 3000


@pytest.mark.parametrize("times", [(), (-1,), (0, 0), (5, 3)])
def test_times_that_do_not_rise_are_refused(times: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="keyframes at"):
        Press("coin", tuple(Keyframe(t, Hold(0.0, 0.0)) for t in times))


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
    touch, full, release, _ = press.keyframes
    holds = [keyframe.hold for keyframe in press.keyframes]
    assert 0 <= touch.t_us < INTERVAL_US
    assert full.t_us - touch.t_us == 30_000
    assert 100_000 <= release.t_us - full.t_us <= 110_000
    assert [hold.force for hold in holds] == [0.0, 0.8, 0.8, 0.0]
    assert {hold.grip for hold in holds} == {0.4}
    assert math.hypot(holds[1].tilt_x_rad, holds[1].tilt_y_rad) <= math.radians(0.1)
    assert math.hypot(holds[0].tilt_x_rad, holds[0].tilt_y_rad) >= math.radians(0.2)


def test_a_hand_that_lets_go_loses_its_grip_while_dwelling() -> None:
    handling = Handling(grip=(1.0, 1.0), grip_drop=(0.6, 0.6))
    press = Hand(handling).press("coin", NEXUS, np.random.default_rng(1))
    assert [keyframe.hold.grip for keyframe in press.keyframes] == pytest.approx([1.0, 1.0, 0.4, 0.4])


def test_wear_is_added_to_the_name_of_the_stamp() -> None:
    press = Hand(Handling(wear="worn=0.2~missing=1")).press("random-stamp/3", NEXUS, np.random.default_rng(1))
    assert press.object == "random-stamp/3~worn=0.2~missing=1"


def test_no_spread_presses_in_the_middle() -> None:
    press = Hand(Handling(spread=0.0, slide_mm=(0.0, 0.0))).press("coin", NEXUS, np.random.default_rng(2))
    assert press.keyframes[0].hold.values[:2] == pytest.approx((30.8, 54.8))


def test_presses_point_in_all_directions_and_fill_the_panel() -> None:
    presses = [Hand().press("coin", NEXUS, np.random.default_rng(seed)) for seed in range(300)]
    thetas = np.array([press.keyframes[0].hold.theta_rad for press in presses])
    ys = np.array([press.keyframes[0].hold.y_mm for press in presses])
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


def test_a_press_goes_through_the_command_of_the_link_as_it_is_rounded() -> None:
    press = Hand().press("random-stamp/3", NEXUS, np.random.default_rng(6))
    command = press.command(7)
    assert (command.seed, command.object_name) == (7, "random-stamp/3")
    assert Press.of_command(command) == press.rounded() != press
    assert press.rounded().rounded() == press.rounded()


def test_a_press_survives_plans_and_records() -> None:
    press = Hand().press("coin", NEXUS, np.random.default_rng(6))
    assert tuple(Keyframe.of(keyframe.values) for keyframe in press.keyframes) == press.keyframes
