from __future__ import annotations

import string
from typing import TYPE_CHECKING

import pytest
from stampbench.sim.decoder import Reading, Verdict
from stampbench.sim.screen.explain import CAUSES, KEYS, english, explain_reading, seen_pads
from stampbench.sim.screen.picture import Explanation
from stampbench.sim.screen.scene import ObjectKind

if TYPE_CHECKING:
    import numpy as np

    from tests.bench.window.conftest import Live


def told(live: Live) -> Explanation:
    """Why the selected stamp is read or not."""
    return live.session.look().explanation


def test_a_lifted_rim_leaves_pads_unseen_because_they_are_tilted(live: Live) -> None:
    key = live.press_stamp()
    live.session.scene.tilt(key, 0.02, 0.0)
    live.run(0.3)
    explanation = told(live)
    assert explanation.values["cause"] == "tilted"
    assert "tilted" in english(explanation)
    thing = live.session.look().objects[0]
    assert thing.shares[explanation.values["pad"] - 1] < 0.5


def test_pads_beyond_the_edge_are_told(live: Live) -> None:
    live.press_stamp(123, 5.0, 50.0)
    assert told(live).values["cause"] == "off_panel"


def test_a_stamp_that_nobody_holds_is_told(live: Live) -> None:
    live.session.arrangement.apply_preset("let go")
    causes = set()
    for code in range(100, 112):
        key = live.press_stamp(code)
        causes.add(told(live).values.get("cause"))
        live.session.scene.remove(key)
        live.run(0.3)
    assert "let_go" in causes
    assert causes <= {"let_go", None}


def test_a_dead_line_under_a_pad_is_told(live: Live) -> None:
    live.press_stamp()
    pad = live.session.look().objects[0].places_mm[2]
    panel = live.session.look().panel
    row = int(pad[1] / panel.height_mm * panel.rows)
    live.session.arrangement.change_condition(dead_tx=[row - 1, row, row + 1])
    live.run(0.3)
    explanation = told(live)
    assert explanation.key in ("read_without", "pad_missing", "pads_missing", "displaced")
    assert explanation.values["cause"] == "dead_line"


def test_a_pad_that_came_off_is_told(live: Live) -> None:
    live.session.arrangement.set_wear("missing=2")
    live.press_stamp()
    assert told(live) == Explanation("pad_missing", {"pad": 2, "cause": "worn"})


def test_a_finger_on_a_pad_is_told(live: Live) -> None:
    key = live.press_stamp()
    x_mm, y_mm = live.session.look().objects[0].places_mm[0]
    finger = live.session.arrangement.add_object(ObjectKind.FINGER, x_mm + 4.0, y_mm)
    live.session.scene.press(finger)
    live.session.scene.selected = key
    live.run(0.5)
    explanation = told(live)
    assert explanation.key == "read" or explanation.values["cause"] == "merged"


def test_a_stamp_that_lands_is_given_time(live: Live) -> None:
    key = live.session.arrangement.add_stamp(123)
    live.session.scene.press(key)
    live.run(0.04)
    assert told(live).key == "landing"


def test_too_many_touches_are_cancelled_by_a_phone_that_does_so(live: Live) -> None:
    live.session.arrangement.set_profile("iphone-like")
    for number in range(2):
        finger = live.session.arrangement.add_object(ObjectKind.FINGER, 6.0 + 16.0 * number, 80.0)
        live.session.scene.press(finger)
    live.press_stamp(123, 30.0, 35.0)
    assert told(live).key == "cancelled"


def test_a_drawn_stamp_is_in_no_codebook(live: Live) -> None:
    editor = live.session.arrangement.begin_stamp(123)
    editor.move(0, *(editor.pads_mm[0] * 0.6))
    live.session.arrangement.place_stamp()
    live.session.scene.press(live.session.scene.selected)
    live.run(0.5)
    assert told(live).key in ("foreign", "foreign_read")


@pytest.mark.parametrize(
    ("reading", "contacts", "key"),
    [
        (None, 0, "no_touch"),
        (None, 2, "too_few"),
        (Reading(Verdict.NONE), 30, "too_many"),
        (Reading(Verdict.READ, code=5), 5, "read"),
        (Reading(Verdict.PARTIAL, candidates_total=3), 4, "partial"),
        (Reading(Verdict.AMBIGUOUS, candidates_total=2), 10, "ambiguous"),
        (Reading(Verdict.FOREIGN), 5, "foreign"),
    ],
)
def test_contacts_alone_tell_what_was_read(reading: Reading | None, contacts: int, key: str) -> None:
    explanation = explain_reading(reading, contacts, 5)
    assert explanation.key == key
    assert english(explanation)


@pytest.mark.parametrize("patterns", [KEYS, CAUSES])
def test_every_sentence_can_be_filled(patterns: dict[str, str]) -> None:
    for pattern in patterns.values():
        assert list(string.Formatter().parse(pattern))


def test_contacts_are_given_to_the_nearest_pads_once(simple_pads: np.ndarray) -> None:
    from stampbench.firmware_emulator.touch import Contact

    contacts = [Contact(7, True, 0, 0, 10.5, 0.0), Contact(8, True, 0, 0, 0.5, 0.0)]
    assert seen_pads(simple_pads, contacts) == (8, 7, None)


@pytest.fixture
def simple_pads() -> np.ndarray:
    import numpy as np

    return np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])
