from __future__ import annotations

import pytest
from stampbench.sim.screen.hand_log import HandLog
from stampbench.sim.screen.scene import ObjectKind, Scene
from stampbench.sim.stamps.objects import resolve_object

STEP_US = 10_000


@pytest.fixture
def scene() -> Scene:
    scene = Scene()
    scene.press(scene.add(ObjectKind.STAMP, resolve_object("random-stamp/1"), 30.0, 40.0))
    return scene


def note(log: HandLog, scene: Scene, scans: range) -> None:
    for n in scans:
        scene.step(STEP_US)
        log.note(n * STEP_US, scene)


def test_a_press_that_rests_is_told_in_a_few_keyframes(scene: Scene) -> None:
    log = HandLog()
    note(log, scene, range(500))
    keyframes = log.keyframes(1)
    assert len(keyframes) <= 4
    assert keyframes[0].t_us == 0
    assert keyframes[-1].t_us == 499 * STEP_US
    assert keyframes[-1].hold.force == 1.0


def test_what_was_done_can_be_done_again(scene: Scene) -> None:
    from stampbench.sim.press import Press

    log = HandLog()
    note(log, scene, range(20))
    places = []
    for n in range(20, 60):
        scene.move(1, 30.0 + 0.01 * (n - 20) ** 1.5, 40.0)
        note(log, scene, range(n, n + 1))
        places.append(scene.get(1).hold.x_mm)
    press = Press("x", log.keyframes(1))
    again = [press.at(n * STEP_US).x_mm for n in range(20, 60)]
    assert again == pytest.approx(places, abs=0.02)


def test_the_last_touch_is_kept_after_the_lift(scene: Scene) -> None:
    log = HandLog()
    note(log, scene, range(20))
    scene.lift(1)
    note(log, scene, range(20, 40))
    assert log.touched_us(1) is None
    assert log.keyframes(1)[0].t_us == 0
    assert log.keyframes(99) == ()
