"""Each effect does what its name says: sign, size and place."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.hold import Hold
from stampbench.sim.panel import Condition, Panel, PlacedObject, load_profile, profile_names
from stampbench.sim.panel.effects import EFFECTS, Effect
from stampbench.sim.panel.placing import FIRST_SCAN
from stampbench.sim.stamps.objects import TouchObject, resolve_object, round_pads

NEXUS = load_profile("nexus-5")
GEOMETRY = NEXUS.geometry
QUIET: dict[str, Any] = {"noise": 0.0, "stripe": 0.0, "memory": 0.0, "drift": 0.0}
MIDDLE = (7.5 * GEOMETRY.pitch_x_mm, 13.5 * GEOMETRY.pitch_y_mm)
COIN = PlacedObject(resolve_object("coin"), Hold(*MIDDLE))


def scan(panel: Panel, t_us: int, *objects: PlacedObject) -> np.ndarray:
    return panel.frame(t_us, objects).deltas.astype(int)


def quiet(**effects: Any) -> Panel:
    return Panel(NEXUS, Condition(**{**QUIET, **effects}), seed=1)


def later(scans: int) -> int:
    return scans * NEXUS.frame_interval_us


def test_drift_moves_all_nodes_alike_at_the_measured_rate() -> None:
    """Measured: 0.013 counts/s."""
    frame = scan(quiet(drift=100.0), 10_000_000)
    assert (frame == 13).all()
    assert not scan(quiet(drift=1.0), 10_000_000).any()


def test_a_long_touch_leaves_its_nodes_low_by_the_measured_share() -> None:
    """Measured: 1.7 % of the touch after 18 s."""
    panel = quiet(memory=1.0)
    for t_us in range(0, 18_000_001, 100_000):
        scan(panel, t_us, COIN)
    after = scan(panel, 18_100_000)
    assert after[13, 7] == pytest.approx(-0.017 * 225 * 0.95, abs=0.6)
    assert not after[0].any()
    assert not scan(panel, 100_000_000).any()  # and it fades


def test_a_short_press_leaves_nothing() -> None:
    panel = quiet(memory=1.0)
    for n in range(30):
        scan(panel, later(n), COIN)
    assert not scan(panel, later(30)).any()


def test_a_charger_disturbs_only_lines_under_a_grounded_touch_and_only_in_bursts() -> None:
    panel = quiet(charger_v=2.0)
    extra = np.array([scan(panel, later(n), COIN) for n in range(3000)]) - np.round(panel.signal([COIN]))
    sizes = extra[:, :, 7].std(axis=1)
    in_burst = sizes > 5.0
    profile = NEXUS.charger
    assert in_burst.mean() == pytest.approx(
        profile.burst_ms / (profile.burst_ms + profile.pause_ms), abs=0.04
    )
    assert sizes[in_burst].mean() == pytest.approx(2.0 * profile.counts_per_v, rel=0.1)
    assert sizes[~in_burst].max() <= 0.6
    assert np.abs(extra[:, :, 0]).max() <= 1
    released = PlacedObject(COIN.object, Hold(*MIDDLE, grip=0.0))
    panel.reset(1)
    calm = np.array([scan(panel, later(n), released) for n in range(200)]) - np.round(
        panel.signal([released])
    )
    assert np.abs(calm).max() <= 2


def test_a_charger_does_not_change_the_other_noise() -> None:
    plain = Panel(NEXUS, Condition(), seed=2)
    charged = Panel(NEXUS, Condition(charger_v=2.0), seed=2)
    assert all(np.array_equal(scan(plain, later(n)), scan(charged, later(n))) for n in range(50))


def test_a_screen_protector_attenuates_and_widens() -> None:
    pad = PlacedObject(TouchObject("pad", round_pads(np.zeros((1, 2)), 8.0), (1,)), Hold(*MIDDLE))
    bare = Panel(NEXUS).signal([pad])
    covered = Panel(NEXUS, Condition(protector_mm=0.33)).signal([pad])
    thick = Panel(NEXUS, Condition(protector_mm=1.0)).signal([pad])
    assert 0.7 < covered.max() / bare.max() < 0.8
    assert thick.max() < covered.max()
    ratios = [image[13, 9] / image[13, 7] for image in (bare, covered, thick)]
    assert ratios[0] < ratios[1] < ratios[2]


def test_water_drops_lower_the_nodes_under_them_by_a_quarter_of_a_touch() -> None:
    """Stated: a drop as wide as a finger gives a quarter of its signal, of the other sign."""
    panel = quiet(water_drops=8)
    assert not scan(panel, 0).any()  # before the controller has its baseline
    wet = scan(panel, later(FIRST_SCAN))
    assert wet.max() <= 0
    assert -0.25 * 225 <= wet.min() < -15
    assert 5 < (wet < -2).sum() < 200


def test_a_film_of_water_lowers_everything_and_blurs_the_touch() -> None:
    wet, dry = quiet(water_film=0.5), quiet()
    assert np.allclose(scan(wet, 0), -0.5 * 0.25 * 225, atol=1)
    assert wet.signal([COIN])[13, 11] > dry.signal([COIN])[13, 11]


def test_a_palm_lies_on_the_lower_edge() -> None:
    panel = quiet(palm=True)
    assert not scan(panel, 0).any()
    resting = scan(panel, later(FIRST_SCAN))
    assert 150 < resting[22:].max() < 270  # recorded balls of the thumb, Nexus 5: 180 to 223 counts
    assert not resting[:18].any()


def test_resting_fingers_lie_on_the_long_edges() -> None:
    resting = scan(quiet(resting_fingers=4), later(FIRST_SCAN))
    assert resting[:, [0, 14]].max() > 150
    assert not resting[:, 5:10].any()


def test_what_rests_stays_where_it_is_while_a_stamp_is_pressed() -> None:
    panel = quiet(palm=True)
    alone = scan(panel, later(5))
    together = scan(panel, later(6), PlacedObject(resolve_object("random-stamp/1"), Hold(30.0, 40.0)))
    assert np.array_equal(together[22:], alone[22:])
    assert together[:18].max() > 80


def test_dead_lines_read_nothing() -> None:
    frame = scan(Panel(NEXUS, Condition(dead_tx=(13,), dead_rx=(6,))), 0, COIN)
    assert not frame[13].any()
    assert not frame[:, 6].any()
    assert frame[12, 7] > 200


def test_shorted_lines_both_read_the_mean() -> None:
    edge = PlacedObject(COIN.object, Hold(0.0, MIDDLE[1]))
    whole, shorted = scan(quiet(), 0, edge), scan(quiet(shorted_rx=(2,), shorted_tx=(10,)), 0, edge)
    assert np.array_equal(shorted[:, 2], shorted[:, 3])
    assert np.array_equal(shorted[10], shorted[11])
    assert shorted[13, 2] == pytest.approx((whole[13, 2] + whole[13, 3]) / 2, abs=1)
    assert shorted[13, 0] == whole[13, 0]


def test_stuck_nodes_do_not_move() -> None:
    panel = Panel(NEXUS, Condition(stuck_nodes=3), seed=4)
    frames = np.array([scan(panel, later(n), COIN) if n % 2 else scan(panel, later(n)) for n in range(12)])
    still = frames.std(axis=0) == 0.0
    assert still.sum() == 3
    assert np.abs(frames[0][still]).max() <= 0.4 * 225 + 1


def test_torn_rows_come_one_scan_late() -> None:
    everywhere = PlacedObject(TouchObject("plate", round_pads(np.zeros((1, 2)), 40.0), (1,)), Hold(*MIDDLE))
    panel = quiet(torn_rows=12)
    assert not scan(panel, 0).any()
    landing = scan(panel, later(1), everywhere)
    assert not landing[:12].any()
    assert landing[12:].max() == 225
    assert scan(panel, later(2))[:12].max() > 200


@pytest.mark.parametrize(
    "lines", [{"dead_tx": (27,)}, {"dead_rx": (15,)}, {"shorted_tx": (26,)}, {"shorted_rx": (14,)}]
)
def test_a_line_that_is_not_there_is_refused(lines: dict[str, tuple[int, ...]]) -> None:
    key, (line,) = next(iter(lines.items()))
    with pytest.raises(
        InputError, match=rf"condition: {key} = \[{line}\]: line {line} is not there; expected 0 to"
    ):
        Panel(NEXUS, Condition(**lines))  # type: ignore[arg-type]


def test_counts_are_clipped_to_the_range_of_the_converter(tmp_path: Any) -> None:
    from dataclasses import replace

    narrow = replace(NEXUS, readout=replace(NEXUS.readout, count_min=-20, count_max=100))
    frame = Panel(narrow, Condition(**QUIET)).frame(0, [COIN]).deltas
    assert frame.max() == 100
    pair = TouchObject("pair", round_pads(np.array([[-12.3, -12.2], [12.3, 12.2]]), 8.0), (2,))
    assert (
        Panel(narrow, Condition(**QUIET)).frame(0, [PlacedObject(pair, Hold(*MIDDLE, grip=0.0))]).deltas.min()
        == -20
    )


def test_a_squelched_panel_reads_exactly_nothing_at_rest() -> None:
    """Measured on IPTS panels: rest is exactly 0."""
    panel = Panel(load_profile("surface-book-2"), seed=5)
    frames = np.array([scan(panel, later(n)) for n in range(20)])
    assert (frames == 0).mean() > 0.999


def test_every_field_of_the_condition_and_what_hands_and_use_do_is_shown() -> None:
    shown = {effect.name.split()[0] for effect in EFFECTS}
    assert shown == {field.name for field in fields(Condition)} | {"grip", "force", "tilt_deg", "wear"}


@pytest.mark.parametrize("effect", EFFECTS, ids=lambda effect: effect.name)
def test_an_effect_that_is_shown_can_be_seen(effect: Effect) -> None:
    """At least a few nodes differ by a visible shade."""
    difference = np.abs(effect.on.take(NEXUS).astype(int) - effect.off.take(NEXUS))
    assert (difference >= 0.08 * effect.full_scale * NEXUS.flat.amplitude).sum() >= 3


@pytest.mark.parametrize("name", profile_names())
def test_every_effect_can_be_shown_on_every_panel(name: str) -> None:
    profile = load_profile(name)
    for effect in EFFECTS:
        assert effect.on.take(profile).shape == (profile.grid.rows, profile.grid.cols)
