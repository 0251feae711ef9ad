"""The first minute with the window: it says what can be done, and what a key or a click would need."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from stampbench.bench.capacity.losses import LossCurve
from stampbench.bench.window.parts.tour import STEPS, first_time
from stampbench.bench.window.parts.verdict import figures, headline
from stampbench.bench.window.session.reasons import steps_to_verdict
from stampbench.sim.screen import theme
from stampbench.sim.screen.sources import SourceState

from .session.test_hand_rig import panel

if TYPE_CHECKING:
    from pathlib import Path

    from tests.bench.window.conftest import Screen

ADD = 'at = 0.0\nkey = "c"\n[[do]]\nat = 0.02\ntype = "20406\\n"'


def test_an_empty_glass_offers_a_ghost_that_becomes_a_stamp_when_it_is_dragged(screen: Screen) -> None:
    screen.do(seconds=0.1)
    assert "1: put a stamp down" in screen.window.shown.invitation
    red, _, blue = screen.colour_at(30.8, 50.0)
    assert blue > red
    picture = screen.do("at = 0.0\ndrag = [[30.8, 54.8], [28.0, 40.0]]\nseconds = 0.1", seconds=0.2)
    (drawn,) = picture.objects
    assert (drawn.thing.hold.x_mm, drawn.thing.hold.y_mm) == pytest.approx((28.0, 40.0), abs=0.3)
    assert screen.window.shown.invitation == ""


def test_a_stamp_taken_from_the_ghost_is_pressed_and_read_by_holding_still(screen: Screen) -> None:
    picture = screen.do("at = 0.0\npress = [30.8, 54.8]", seconds=0.9)
    assert picture.explanation.key == "read"


def test_a_click_beside_the_ghost_says_how_to_get_a_stamp(screen: Screen) -> None:
    picture = screen.do("at = 0.0\nclick = [5, 100]", seconds=0.1)
    assert picture.objects == ()
    assert any("1 puts a stamp down" in text for text in screen.window.toasts.texts)


@pytest.mark.parametrize(
    ("key", "said"),
    [
        *((key, "select a stamp first") for key in ("w", "left", "space", "x", "delete")),
        *((key, "only while a recording") for key in (",", "o", "home")),
    ],
)
def test_a_key_that_can_do_nothing_says_what_it_needs(screen: Screen, key: str, said: str) -> None:
    screen.do(ADD, 'at = 0.2\nkey = "escape"', f'at = 0.3\nkey = "{key}"', seconds=0.4)
    assert any(said in text for text in screen.window.toasts.texts)


def test_on_real_glass_keys_of_the_hand_say_where_they_work(screen: Screen) -> None:
    screen.session.sources.use_touch(400.0, 600.0, 0.1)
    screen.do('at = 0.1\nkey = "w"', seconds=0.2)
    assert any("only on the simulated phone" in text for text in screen.window.toasts.texts)


def test_a_lost_source_is_the_headline(screen: Screen) -> None:
    source = panel()
    screen.session.sources.use(source)
    screen.do(seconds=0.1)
    source.state = SourceState.LOST
    screen.do(seconds=0.1)
    assert headline(screen.window.desk) == ("SOURCE LOST", theme.WRONG)


def test_the_distance_beside_the_verdict_is_that_of_the_plot(screen: Screen) -> None:
    screen.do(ADD, "at = 0.2\npress = [30.8, 54.8]", seconds=0.9)
    shown = screen.session.observation.gauges.all["nearest"].value
    assert ("to nearest code", f"{shown:.2f} mm") in figures(screen.window.desk)


def test_a_preset_levels_what_was_tilted(screen: Screen) -> None:
    screen.do(ADD, 'at = 0.2\nkey = "w"', 'at = 0.3\nkey = "ctrl+1"', seconds=0.4)
    assert screen.session.picture.objects[0].thing.hold.tilt_y_rad == 0.0


def test_messages_never_lie_over_controls(screen: Screen) -> None:
    screen.window.toasts.tell("a message")
    screen.do(seconds=0.1)
    (place, _) = screen.window.toasts._places[0]
    widgets = screen.window.desk.widgets
    assert not [name for name in widgets.names() if widgets.named(name).rect.colliderect(place)]


def test_in_korean_this_machines_screen_has_a_korean_name(screen: Screen) -> None:
    screen.do('at = 0.0\nkey = "ctrl+l"', seconds=0.1)
    screen.session.sources.use_touch(400.0, 600.0, 0.1)
    screen.do(seconds=0.1)
    assert "실제 터치에서 읽는 중" in screen.window.toasts.texts


def test_only_recordings_are_offered_as_recordings(screen: Screen) -> None:
    screen.do(ADD, 'at = 0.1\nkey = "ctrl+r"', 'at = 0.5\nkey = "ctrl+r"', seconds=0.6)
    for name in ("picture.png", "run.err"):
        (screen.live.folder / name).write_bytes(b"\x89PNG nothing")
    screen.window.dialogs._directory = screen.live.folder
    screen.do('at = 0.0\nkey = "f7"', seconds=0.1)
    offered = [name for name in screen.window.desk.widgets.names() if name.startswith("item.")]
    assert offered == ["item...", "item.capture-20260102-030405.jsonl"]


def test_why_tells_every_step_to_the_verdict_and_marks_the_number_that_decided(screen: Screen) -> None:
    picture = screen.do(ADD, 'at = 0.1\nclick = "tab.why"', "at = 0.2\npress = [30.8, 54.8]", seconds=0.9)
    decoder = screen.session.setup.decoder
    steps = steps_to_verdict(picture, decoder, 0.1)
    assert [step.key for step in steps] == 5 * ["pad_seen"] + ["contacts", "distance", "margin"]
    (decisive,) = (step for step in steps if step.decisive)
    assert decisive.values["distance_mm"] < decisive.values["radius_mm"] == decoder.acceptance.radius_mm
    lines = [text for text, _, _ in screen.window.instruments.tab._lines]
    assert lines[0].startswith("pad 1: touches with 100 %, seen as contact #")
    assert lines[-1] == "Code 20406"


def test_why_says_that_a_stamp_is_weak_on_the_panel(screen: Screen) -> None:
    picture = screen.do(ADD, "at = 0.2\npress = [30.8, 54.8]", seconds=0.9)
    decoder = screen.session.setup.decoder
    wide = LossCurve((1.661, 0.6601, 0.01696))
    (*_, weak) = steps_to_verdict(picture, decoder, 0.1, wide)
    assert weak.key == "weak"
    assert not weak.decisive
    assert weak.values["loss"] == pytest.approx(100.0 * wide.losses(decoder.codebook.pads(20406)[None])[0])
    fine = LossCurve((-40.0, 0.0, 0.0))
    assert "weak" not in [step.key for step in steps_to_verdict(picture, decoder, 0.1, fine)]


def test_why_begins_a_failure_at_the_pad_that_was_not_seen(screen: Screen) -> None:
    tilts = [f'at = 0.{20 + 4 * n}\nkey = "d"' for n in range(4)]
    picture = screen.do(ADD, *tilts, "at = 0.4\npress = [30.8, 54.8]", seconds=1.2)
    steps = steps_to_verdict(picture, screen.session.setup.decoder, None)
    (decisive,) = (step for step in steps if step.decisive)
    assert decisive.key in ("pad_cause", "pad_unseen")
    assert decisive.values["share"] < 50
    assert "tilted" in [step.values.get("cause") for step in steps]


def test_a_press_is_seen_beside_the_same_press_under_another_condition(screen: Screen) -> None:
    keep = 'at = 0.9\nkey = "ctrl+b"'
    kept = screen.do(ADD, 'at = 0.2\nkey = "space"\nseconds = 2.9', keep, seconds=1.0)
    screen.do('at = 0.0\nkey = "ctrl+6"', seconds=0.6)
    comparison = screen.window._comparison
    assert comparison is not None
    assert comparison._kept.picture.explanation == kept.explanation
    assert comparison._kept.word == "READ  20406"
    assert comparison._differences() == ["Grip: 1 → 0"]
    screen.do('at = 0.0\nkey = "ctrl+b"', seconds=0.1)
    assert screen.window._comparison is None


def test_the_tour_takes_ten_seconds_through_the_window(screen: Screen) -> None:
    screen.do('at = 0.0\nkey = "f3"', seconds=0.1)
    seen = []
    for _ in range(5):
        seen.append(screen.window.tour.step)
        screen.do(seconds=2.5)
    assert seen == [*STEPS, None]


def test_any_key_ends_the_tour_and_does_nothing_else(screen: Screen) -> None:
    picture = screen.do('at = 0.0\nkey = "f3"', 'at = 0.2\nkey = "1"', seconds=0.3)
    assert screen.window.tour.step is None
    assert picture.objects == ()


def test_a_click_ends_the_tour_and_takes_the_ghost(screen: Screen) -> None:
    drag = "at = 0.2\ndrag = [[30.8, 54.8], [28.0, 40.0]]\nseconds = 0.1"
    picture = screen.do('at = 0.0\nkey = "f3"', drag, seconds=0.4)
    assert screen.window.tour.step is None
    assert len(picture.objects) == 1


def test_the_first_time_is_once(tmp_path: Path) -> None:
    assert first_time(tmp_path / "config")
    assert not first_time(tmp_path / "config")
    (tmp_path / "file").write_text("")
    assert not first_time(tmp_path / "file")
