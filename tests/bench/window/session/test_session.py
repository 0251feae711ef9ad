from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pytest
from stampbench.bench.window.session.setup import PRESETS
from stampbench.firmware_emulator.errors import InputError
from stampbench.firmware_emulator.touch import Contact, Frame, TouchReport
from stampbench.sim.decoder import Verdict
from stampbench.sim.panel import Condition
from stampbench.sim.screen.scene import ObjectKind
from stampbench.sim.screen.sources import Item, PanelInfo, SourceKind, SourceState

from ..conftest import new_live

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from stampbench.bench.window.session.session import Session
    from stampbench.sim.panel import Profile
    from stampbench.sim.stamps import Family

    from tests.bench.window.conftest import Live


def test_a_pressed_stamp_becomes_contacts_and_is_read_where_it_stands(live: Live) -> None:
    live.press_stamp(123, 30.0, 50.0)
    picture = live.session.look()
    (reading,) = picture.readings
    assert (reading.verdict, reading.code) == (Verdict.READ, 123)
    assert np.hypot(reading.pose[0] - 30.0, reading.pose[1] - 50.0) < 0.3
    assert reading.pose[2] == pytest.approx(0.3, abs=0.02)
    assert len(picture.contacts) == 5
    assert {contact.stamp for contact in picture.contacts} == {reading.number}
    assert picture.explanation.key == "read"
    assert picture.deltas.max() > 100
    assert live.session.observation.reader.decision_ms <= 100.0


def test_a_stamp_above_the_glass_is_not_seen(live: Live) -> None:
    live.session.arrangement.add_stamp(123)
    live.run(0.3)
    picture = live.session.look()
    assert (picture.contacts, picture.readings) == ((), ())
    assert picture.explanation.key == "above"


def test_the_contacts_follow_a_dragged_stamp_and_leave_a_trail(live: Live) -> None:
    key = live.press_stamp(123, 30.0, 50.0)
    for step in range(30):
        live.session.scene.move(key, 30.0, 50.0 + 0.3 * step)
        live.run(1 / 60)
    live.run(0.1)
    picture = live.session.look()
    assert picture.readings[0].pose[1] == pytest.approx(58.7, abs=0.5)
    trail = picture.contacts[0].trail_mm
    assert np.ptp(trail[:, 1]) > 5.0


def test_two_stamps_are_read_at_once(nexus_wide: Live) -> None:
    nexus_wide.press_stamp(123, 60.0, 60.0)
    nexus_wide.press_stamp(456, 160.0, 100.0)
    assert [reading.code for reading in nexus_wide.session.look().readings] == [123, 456]


def test_the_same_seed_and_hand_give_the_same_frames(
    live: Live, family: Family, nexus: Profile, tmp_path: Path
) -> None:
    other = new_live(family, nexus, tmp_path)
    for each in (live, other):
        each.press_stamp()
    np.testing.assert_array_equal(live.session.look().deltas, other.session.look().deltas)


def test_a_long_pause_is_not_made_up_for(live: Live) -> None:
    live.session.advance(live.clock.advance(60_000_000))
    counters = live.session.source.counters
    assert counters["scans"] <= 101
    assert counters["scans_left_out"] == 5901


def test_frozen_time_stands_still_and_goes_on_where_it_was(live: Live) -> None:
    live.press_stamp()
    live.session.freeze()
    before = live.session.look()
    live.run(1.0)
    assert live.session.look().device_us == before.device_us
    live.session.resume()
    live.run(0.1)
    assert 0 < live.session.look().device_us - before.device_us <= 110_000


@pytest.mark.parametrize("preset", [preset.key for preset in PRESETS])
def test_every_preset_takes_effect(live: Live, preset: str) -> None:
    live.press_stamp()
    live.session.arrangement.apply_preset(preset)
    live.run(0.2)
    thing, setup = live.session.look().objects[0].thing, live.session.setup
    assert setup.preset == preset
    ordinary = preset == "ordinary"
    unusual = setup.condition != Condition() or thing.hold.grip < 1.0 or "~" in thing.body.name
    assert unusual is not ordinary


def test_wear_of_a_preset_leaves_with_it(live: Live) -> None:
    live.press_stamp()
    live.session.arrangement.apply_preset("worn stamp")
    live.session.arrangement.apply_preset("ordinary")
    assert live.session.look().objects[0].thing.body.name == "p5-60k/123"


def test_a_slider_changes_one_setting_and_ends_the_preset(live: Live) -> None:
    live.session.arrangement.change_condition(noise=3.0)
    assert live.session.setup.condition == Condition(noise=3.0)
    assert live.session.setup.preset == ""


@pytest.mark.parametrize(
    "wrong",
    [
        lambda session: session.arrangement.change_condition(noise=-1.0),
        lambda session: session.arrangement.change_condition(rain=1.0),
        lambda session: session.setup.change_handling({"force": [2.0, 3.0]}),
        lambda session: session.arrangement.apply_preset("rainy"),
        lambda session: session.arrangement.set_profile("no-such-phone"),
        lambda session: session.arrangement.set_family("no-such-family"),
        lambda session: session.arrangement.set_catalogue("nowhere.toml"),
        lambda session: session.arrangement.set_seed(-1),
        lambda session: session.arrangement.set_code(10**9),
        lambda session: session.arrangement.set_wear("eaten=1"),
        lambda session: session.arrangement.add_stamp(-5),
        lambda session: session.sources.use_recording("nowhere.jsonl"),
        lambda session: session.start_capture("nowhere/capture.jsonl"),
        lambda session: session.start_autopress(0),
        lambda session: session.save_case("nowhere/case.toml"),
    ],
)
def test_what_is_wrong_is_refused_and_all_stays_as_it_was(
    live: Live, wrong: Callable[[Session], object]
) -> None:
    live.press_stamp()
    setup = live.session.setup
    before = setup.condition, setup.handling, setup.wear, setup.codebook, live.session.panel
    with pytest.raises(InputError):
        wrong(live.session)
    assert (setup.condition, setup.handling, setup.wear, setup.codebook, live.session.panel) == before
    live.run(0.1)
    assert live.session.look().explanation.key == "read"


def test_a_profile_with_a_missing_figure_is_refused(live: Live, tmp_path: Path) -> None:
    path = tmp_path / "broken.toml"
    path.write_text("title = 'a phone'\nframe_interval_us = 10000\n[grid]\nrows = 10\n")
    with pytest.raises(InputError, match=r"broken\.toml"):
        live.session.arrangement.set_profile(str(path))


def test_another_panel_takes_its_place_with_the_stamps_on_it(live: Live) -> None:
    live.press_stamp(123, 40.0, 50.0)
    live.session.arrangement.set_profile("surface-book-2")
    live.run(0.5)
    picture = live.session.look()
    assert picture.panel.name == "surface-book-2"
    assert picture.deltas.shape == (picture.panel.rows, picture.panel.cols)
    assert picture.explanation.key == "read"


def test_another_codebook_clears_the_glass_of_its_stamps_alone(live: Live, tmp_path: Path) -> None:
    live.press_stamp()
    live.session.arrangement.add_object(ObjectKind.FINGER, 10.0, 90.0)
    path = tmp_path / "own.toml"
    editor = live.session.arrangement.begin_stamp(77)
    editor.move(0, *(editor.pads_mm[0] + 1.0))
    live.session.arrangement.save_stamp(path, "mine")
    live.session.arrangement.set_catalogue(path)
    picture = live.session.look()
    assert [drawn.thing.kind for drawn in picture.objects] == [ObjectKind.FINGER]
    setup = live.session.setup
    assert (setup.codebook.name, setup.codebook.size, setup.family) == (str(path), 1, None)
    live.press_stamp(0)
    assert live.session.look().readings[0].name == "mine"


def test_a_chosen_code_replaces_that_of_the_selected_stamp(live: Live) -> None:
    key = live.press_stamp(123)
    live.session.arrangement.set_code(456)
    live.run(0.5)
    picture = live.session.look()
    assert picture.objects[0].thing.key == key
    assert picture.readings[0].code == 456


def test_codes_are_found_by_number_and_others_refused(live: Live) -> None:
    assert live.session.setup.codes.code_of(" 42 ") == 42
    with pytest.raises(InputError):
        live.session.setup.codes.code_of("60k")


def test_neighbours_are_nearest_first_and_none_nearer_than_the_family_guarantees(live: Live) -> None:
    live.session.arrangement.add_stamp(123)
    found = live.session.arrangement.neighbours(5)
    distances = [distance for _, distance in found]
    assert len(found) == 5
    assert distances == sorted(distances)
    assert distances[0] >= live.session.setup.codebook.min_distance_mm
    assert 123 not in [code for code, _ in found]


def test_real_touch_is_read_like_any_panel(live: Live) -> None:
    session = live.session
    session.sources.use_touch(600.0, 1100.0, 0.1)
    pads = session.setup.codebook.pads(123) + np.array((30.0, 50.0))
    for finger, (x_mm, y_mm) in enumerate(pads):
        session.sources.finger(100 + finger, 10 * x_mm, 10 * y_mm, "down")
    for _ in range(5):
        live.run(0.05)
        session.sources.finger(100, 10 * pads[0][0], 10 * pads[0][1], "move")
    picture = session.look()
    assert live.session.source.kind is SourceKind.TOUCH
    assert picture.readings[0].code == 123
    assert picture.contacts_most == 5
    assert picture.objects == ()


def test_a_calibration_changes_what_a_pixel_is(live: Live) -> None:
    session = live.session
    session.sources.use_touch(600.0, 1100.0, 0.1)
    session.sources.calibrate(0.2)
    session.sources.finger(1, 100.0, 200.0, "down")
    live.run(0.1)
    picture = session.look()
    assert (picture.contacts[0].x_mm, picture.contacts[0].y_mm) == (20.0, 40.0)
    assert picture.panel.width_mm == 120.0


class Rubbish:
    """A source that sends anything."""

    kind, name, message, state, can_press = SourceKind.RIG, "rubbish", "", SourceState.LIVE, False
    panel = PanelInfo("rubbish", "rubbish", 60.0, 100.0, 10, 10)
    counters: ClassVar[dict[str, int]] = {}

    def __init__(self) -> None:
        self._rng = np.random.default_rng(8)
        self._t_us = 0

    def advance(self, to_us: int) -> list[Item]:
        return [self._item() for _ in range(self._rng.integers(6))]

    def resume(self, now_us: int) -> None: ...

    def close(self) -> None: ...

    def _item(self) -> Item:
        rng = self._rng
        self._t_us += int(rng.choice([10_000, 10_000, 10_000, 0, -5_000, 10**12, -(10**12)]))
        if rng.random() < 0.4:
            shape = rng.choice([0, 1, 10, 10, 40], 2)
            return Frame(self._t_us, rng.integers(-32_768, 32_767, shape).astype(np.int16))
        contacts = (
            Contact(int(rng.integers(12)), bool(rng.random() < 0.8), -5, 10**9, *self._lengths())
            for _ in range(rng.choice([0, 2, 4, 5, 6, 30]))
        )
        return TouchReport(self._t_us, tuple(contacts))

    def _lengths(self) -> list[float | None]:
        odd = [None, math.nan, math.inf, -math.inf, 1e308, -1e300, 1e-300]
        plain = list(self._rng.uniform(-10.0, 110.0, 20))
        return [(odd + plain)[self._rng.integers(27)] for _ in range(3)]


def test_a_source_that_sends_rubbish_is_shown_as_far_as_it_can_be(live: Live) -> None:
    live.session.sources.use(Rubbish())
    for _ in range(200):
        live.run(1 / 60)
        picture = live.session.look()
        assert all(np.isfinite([c.x_mm, c.y_mm]).all() for c in picture.contacts)
    live.session.sources.use_simulated()
    live.press_stamp()
    assert live.session.look().explanation.key == "read"
