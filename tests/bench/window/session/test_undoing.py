from __future__ import annotations

from typing import TYPE_CHECKING

from stampbench.sim.panel import Condition
from stampbench.sim.screen.scene import ObjectKind

if TYPE_CHECKING:
    from tests.bench.window.conftest import Live, Screen

ADD = 'at = 0.0\nkey = "c"\n[[do]]\nat = 0.02\ntype = "20406\\n"'
UNDO = 'at = {}\nkey = "ctrl+z"'


def test_changes_are_taken_back_one_by_one(live: Live) -> None:
    session = live.session
    key = session.arrangement.add_stamp(7, 30.0, 50.0)
    session.undo.note()
    session.scene.move(key, 20.0, 40.0)
    session.undo.note()
    session.arrangement.apply_preset("wet")
    session.undo.note()
    session.take_back()
    assert (session.setup.condition, session.setup.preset) == (Condition(), "ordinary")
    session.take_back()
    assert [(thing.hold.x_mm, thing.hold.y_mm) for thing in session.scene] == [(30.0, 50.0)]
    session.take_back()
    assert len(session.scene) == 0
    session.take_back()
    assert list(session.messages)[-1].key == "nothing_to_undo"


def test_a_press_is_no_change_and_what_comes_back_is_above_the_glass(live: Live) -> None:
    key = live.press_stamp()
    live.session.undo.note()
    live.session.scene.lift(key)
    live.run(0.3)
    live.session.undo.note()
    live.session.scene.press(key)
    live.run(0.3)
    live.session.arrangement.add_object(ObjectKind.WATER, 10.0, 10.0)
    live.session.undo.note()
    live.session.take_back()
    assert [(thing.key, thing.hold.force) for thing in live.session.scene] == [(key, 0.0)]


def test_what_was_changed_under_another_codebook_is_not_taken_back(live: Live) -> None:
    live.session.arrangement.add_stamp(7)
    live.session.undo.note()
    live.session.arrangement.set_family("p5-60k")
    live.session.take_back()
    assert len(live.session.scene) == 0


def test_a_whole_drag_is_taken_back_by_one_key(screen: Screen) -> None:
    drag = "at = 0.2\ndrag = [[30.8, 54.8], [28.0, 40.0]]\nseconds = 0.1"
    picture = screen.do(ADD, drag, UNDO.format(0.5), seconds=0.6)
    hold = picture.objects[0].thing.hold
    assert (round(hold.x_mm, 1), round(hold.y_mm, 1)) == (30.8, 54.8)
    assert screen.do(UNDO.format(0.0), seconds=0.1).objects == ()
