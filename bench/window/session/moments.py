"""A frozen moment turned into a press that can be made again."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Final

from stampbench.bench.window.session.setup import Setup
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.panel import Condition
from stampbench.sim.press import Keyframe
from stampbench.sim.screen.hand_log import HandLog
from stampbench.sim.screen.scene import ObjectKind, Scene, SceneObject
from stampbench.sim.screen.workbench import DrawnPress, Moment

LEAST_DWELL_US: Final = 250_000
"""A press that was frozen sooner goes on as it was for so long: a run waits for its decision."""
LIFT_US: Final = 40_000


def moment_of_thing(thing: SceneObject, scene: Scene, hand_log: HandLog, setup: Setup, note: str) -> Moment:
    """What the hand has done with an object of the scene, under the condition in force.

    Raises:
        InputError: it has not touched the glass, or it is of a kind that cannot be pressed again.
    """
    keyframes = hand_log.keyframes(thing.key)
    if not keyframes:
        raise InputError(
            f"test case: {thing.body.name!r} has not touched the glass; expected it to be pressed"
        )
    stamp: int | str
    if thing.kind is ObjectKind.STAMP:
        if thing.code is None:
            raise InputError(
                "test case: a drawn stamp has no name yet; expected it saved in a catalogue in use"
            )
        stamp = thing.code if setup.family is not None else setup.codes.name_of(thing.code)
    elif thing.kind is ObjectKind.WATER:
        raise InputError("test case: water is not pressed; expected a stamp or a finger to be selected")
    else:
        stamp = thing.kind.value
    others = (other for other in scene if other.key != thing.key and other.force > 0.0)
    return Moment(
        setup.profile_name,
        setup.family,
        setup.catalogue,
        setup.sigma_mm,
        "genuine" if thing.kind is ObjectKind.STAMP else "foreign",
        stamp,
        setup.wear if thing.kind is ObjectKind.STAMP else "",
        _ended(keyframes),
        _with_company(setup.condition, others),
        None,
        note,
    )


def moment_of_press(drawn: DrawnPress, setup: Setup, note: str) -> Moment:
    """The press that was drawn, with the very noise it had."""
    name, _, wear = drawn.press.object.partition("~")
    stamp: int | str = name
    if drawn.code is not None:
        stamp = drawn.code if setup.family is not None else setup.codes.name_of(drawn.code)
    return Moment(
        setup.profile_name,
        setup.family,
        setup.catalogue,
        setup.sigma_mm,
        "foreign" if drawn.code is None else "genuine",
        stamp,
        wear,
        drawn.press.keyframes,
        setup.condition,
        drawn.seed,
        note,
    )


def _ended(keyframes: tuple[Keyframe, ...]) -> tuple[Keyframe, ...]:
    """The press dwelling long enough, and with a lift."""
    last = keyframes[-1]
    rest_us = max(last.t_us + 1, LEAST_DWELL_US)
    dwelling = dataclasses.replace(last, t_us=rest_us)
    return (*keyframes, dwelling, dataclasses.replace(last, t_us=rest_us + LIFT_US, force=0.0))


def _with_company(condition: Condition, others: Iterable[SceneObject]) -> Condition:
    """The condition with what else lay on the glass, as far as a condition can say it."""
    kinds = [other.kind for other in others]
    return dataclasses.replace(
        condition,
        water_drops=condition.water_drops + kinds.count(ObjectKind.WATER),
        palm=condition.palm or ObjectKind.PALM in kinds,
        resting_fingers=min(10, condition.resting_fingers + kinds.count(ObjectKind.FINGER)),
    )
