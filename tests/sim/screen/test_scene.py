from __future__ import annotations

import math

import numpy as np
import pytest
from stampbench.sim.screen.scene import LARGEST_TILT_RAD, ObjectKind, Scene
from stampbench.sim.stamps.objects import resolve_object


@pytest.fixture
def scene() -> Scene:
    return Scene()


def add_stamp(scene: Scene, x_mm: float = 30.0, y_mm: float = 40.0) -> int:
    return scene.add(ObjectKind.STAMP, resolve_object("random-stamp/1"), x_mm, y_mm)


def test_force_grows_while_pressed_and_falls_afterwards(scene: Scene) -> None:
    key = add_stamp(scene)
    scene.press(key)
    scene.step(60_000)
    assert scene.get(key).hold.force == pytest.approx(0.5)
    scene.step(60_000)
    assert scene.get(key).hold.force == 1.0
    scene.lift(key)
    scene.step(1_000_000)
    assert scene.get(key).hold.force == 0.0


def test_what_is_above_the_glass_does_not_touch_it(scene: Scene) -> None:
    key = add_stamp(scene)
    assert scene.placed() == ()
    scene.press(key)
    scene.step(10_000)
    assert len(scene.placed()) == 1


def test_water_lies_on_the_glass_at_once(scene: Scene) -> None:
    scene.add_named(ObjectKind.WATER, 10.0, 10.0)
    assert len(scene.placed()) == 1


def test_the_topmost_object_is_picked_and_the_rim_of_a_stamp_apart_from_its_face(scene: Scene) -> None:
    stamp = add_stamp(scene)
    finger = scene.add_named(ObjectKind.FINGER, 32.0, 40.0)
    assert scene.pick(32.0, 40.0).key == finger
    assert scene.pick(20.0, 40.0) == scene.pick(20.0, 41.0)
    assert scene.pick(20.0, 40.0).key == stamp
    assert scene.pick(20.0, 40.0).part == "face"
    radius = scene.get(stamp).face_radius_mm
    assert scene.pick(30.0 + radius, 40.0).part == "rim"
    assert scene.pick(30.0 + radius + 10.0, 40.0) is None


def test_a_removed_object_hands_its_selection_on(scene: Scene) -> None:
    first, second = add_stamp(scene), add_stamp(scene)
    scene.remove(second)
    assert scene.selected == first
    scene.remove(first)
    assert scene.selected is None


def test_a_tilt_is_limited_in_any_direction(scene: Scene) -> None:
    key = add_stamp(scene)
    scene.tilt(key, 1.0, -1.0)
    thing = scene.get(key)
    assert math.hypot(thing.hold.tilt_x_rad, thing.hold.tilt_y_rad) == pytest.approx(LARGEST_TILT_RAD)
    assert thing.hold.tilt_x_rad == pytest.approx(-thing.hold.tilt_y_rad)


def test_lifting_the_rim_takes_the_pads_below_it_off_the_glass_first(scene: Scene) -> None:
    key = add_stamp(scene)
    scene.change_hold(key, force=1.0)
    scene.tilt_by_rim(key, 30.0 + 20.0, 40.0, 0.3)
    thing = scene.get(key)
    right = thing.pads_mm[:, 0].argmax()
    assert thing.shares()[right] == thing.shares().min()
    assert thing.shares().max() == 1.0


def test_shares_are_those_that_the_panel_works_with(scene: Scene) -> None:
    key = add_stamp(scene)
    scene.change_hold(key, force=0.8, tilt_x_rad=0.01)
    thing = scene.get(key)
    heights = (thing.pads_mm[:, 0] - thing.pads_mm[:, 0].min()) * 0.01 / 0.5
    np.testing.assert_allclose(thing.shares(), np.clip(0.8 - heights, 0.0, 1.0))


def test_letting_go_concerns_all_stamps_and_those_to_come(scene: Scene) -> None:
    first = add_stamp(scene)
    finger = scene.add_named(ObjectKind.FINGER, 5.0, 5.0)
    scene.hold(0.0)
    second = add_stamp(scene)
    assert [scene.get(key).hold.grip for key in (first, finger, second)] == [0.0, 1.0, 0.0]


def test_changes_of_what_is_not_there_are_passed_over(scene: Scene) -> None:
    scene.move(7, 1.0, 1.0)
    scene.turn(7, 1.0)
    scene.tilt_by_rim(7, 1.0, 1.0, 1.0)
    scene.remove(7)
    assert len(scene) == 0
