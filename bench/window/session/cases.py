"""What is pressed in the window, as plans that ``stampbench run`` accepts: presses in a row, a frozen one."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from stampbench.bench.plans.draws import Draw
from stampbench.bench.plans.text import to_toml
from stampbench.bench.window.session.setup import Setup
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.panel import Condition
from stampbench.sim.press import Handling, Keyframe
from stampbench.sim.screen.hand_log import HandLog
from stampbench.sim.screen.scene import ObjectKind, Scene, SceneObject

GENUINE: Final = "stamps"
FOREIGN: Final = "foreign objects"
FOREIGN_OBJECTS: Final = (
    "random-stamp", "fingers/5", "random-stamp", "fingers/4", "coin", "random-stamp", "palm", "finger",
)  # fmt: skip
"""What is pressed in turn that must not be read; seeds are drawn."""
LEAST_DWELL_US: Final = 250_000
"""A press that was frozen sooner goes on as it was for so long: a run waits for its decision."""
LIFT_US: Final = 40_000


def plan_of_presses(setup: Setup, genuine: int, foreign: int, codes: Sequence[int]) -> str:
    """Return the plan of presses under the setup's condition.

    Args:
        setup: panel, stamps, condition, hand and seed.
        genuine: how many presses of stamps.
        foreign: how many presses of objects that must not be read.
        codes: that are pressed in turn; any, if there are none.

    Raises:
        InputError: no press is asked for.
    """
    if genuine < 0 or foreign < 0 or genuine + foreign == 0:
        raise InputError(
            f"auto-press: {genuine} presses of stamps, {foreign} of other objects: "
            "expected at least one press"
        )
    tables = _tables(setup, "auto-press", "Presses of the screen.", setup.condition)
    tables["plan"]["seed"] = setup.seed
    tables["handling"] = _changed(setup.handling, Handling())
    cases = tables["cases"] = []
    if genuine:
        stamps = list(codes) or "random"
        cases.append({"name": GENUINE, "kind": "genuine", "stamps": stamps, "presses": genuine})
    if foreign:
        case = {"name": FOREIGN, "kind": "foreign", "stamps": list(FOREIGN_OBJECTS), "presses": foreign}
        cases.append({**case, "handling": {"wear": ""}})  # only stamps wear
    return to_toml(tables)


def plan_of_object(thing: SceneObject, scene: Scene, hand_log: HandLog, setup: Setup, note: str) -> str:
    """Return a plan of the one press that the hand has made with an object of the scene.

    Args:
        thing: what was pressed.
        scene: what else lay on the glass goes into the condition, as far as one can say it.
        hand_log: what the hand did.
        setup: panel, stamps and condition.
        note: what was seen, one line.

    Raises:
        InputError: it has not touched the glass, or it is of a kind that cannot be pressed again.
    """
    keyframes = hand_log.keyframes(thing.key)
    if not keyframes:
        raise InputError(
            f"test case: {thing.body.name!r} has not touched the glass; expected it to be pressed"
        )
    if thing.kind is ObjectKind.WATER:
        raise InputError("test case: water is not pressed; expected a stamp or a finger to be selected")
    stamp: int | str = thing.kind.value
    settings: dict[str, Any] = {}
    if thing.kind is ObjectKind.STAMP:
        if thing.code is None:
            raise InputError(
                "test case: a drawn stamp has no name yet; expected it saved in a catalogue in use"
            )
        stamp = _stamp(setup, thing.code)
        settings = {"handling": {"wear": setup.wear}} if setup.wear else {}
    others = (other for other in scene if other.key != thing.key and other.hold.force > 0.0)
    condition = _with_others(setup.condition, others)
    genuine = thing.kind is ObjectKind.STAMP
    settings = {"keyframes": [_numbers(keyframe) for keyframe in _ended(keyframes)], **settings}
    return _plan_of_one(setup, condition, note, genuine=genuine, stamp=stamp, settings=settings)


def plan_of_draw(draw: Draw, setup: Setup, note: str) -> str:
    """Return a plan of the one press that was drawn, with the very noise it had."""
    name, _, wear = draw.press.object.partition("~")
    settings: dict[str, Any] = {
        "keyframes": [_numbers(keyframe) for keyframe in draw.press.keyframes],
        "noise_seed": draw.seed,
    }
    if wear:
        settings["handling"] = {"wear": wear}
    genuine = draw.code is not None
    stamp = name if draw.code is None else _stamp(setup, draw.code)
    return _plan_of_one(setup, setup.condition, note, genuine=genuine, stamp=stamp, settings=settings)


def _plan_of_one(
    setup: Setup,
    condition: Condition,
    note: str,
    *,
    genuine: bool,
    stamp: int | str,
    settings: Mapping[str, Any],
) -> str:
    """Return a plan of one case with one press, and the limit that it must keep."""
    kind, measurement = ("genuine", "frr") if genuine else ("foreign", "far")
    tables = _tables(setup, "frozen moment", note, condition)
    tables["cases"] = [{"name": "frozen", "kind": kind, "stamps": [stamp], "presses": 1, **settings}]
    tables["limits"] = [{"measurement": measurement, "max": 0.0}]
    return f"# Frozen in stampbench screen: {note}.\n\n" + to_toml(tables)


def _stamp(setup: Setup, code: int) -> int | str:
    """Return what a plan calls a stamp: its code in a family, its name in a catalogue."""
    return code if setup.family is not None else setup.codes.name_of(code)


def _ended(keyframes: tuple[Keyframe, ...]) -> tuple[Keyframe, ...]:
    """Return the press dwelling long enough, and with a lift."""
    last = keyframes[-1]
    rest_us = max(last.t_us + 1, LEAST_DWELL_US)
    lifted = dataclasses.replace(last.hold, force=0.0)
    return (*keyframes, Keyframe(rest_us, last.hold), Keyframe(rest_us + LIFT_US, lifted))


def _with_others(condition: Condition, others: Iterable[SceneObject]) -> Condition:
    """Return the condition with what else lay on the glass, as far as a condition can say it."""
    kinds = [other.kind for other in others]
    return dataclasses.replace(
        condition,
        water_drops=condition.water_drops + kinds.count(ObjectKind.WATER),
        palm=condition.palm or ObjectKind.PALM in kinds,
        resting_fingers=min(10, condition.resting_fingers + kinds.count(ObjectKind.FINGER)),
    )


def _tables(setup: Setup, name: str, description: str, condition: Condition) -> dict[str, Any]:
    """Return the tables of a plan without its cases."""
    head: dict[str, Any] = {"name": name, "description": description, "profiles": [setup.profile_name]}
    if setup.family is not None:
        head["family"] = setup.family
    if setup.catalogue is not None:
        # Names of files in a plan are relative to it; an absolute one holds wherever the plan lies.
        head["catalogue"] = str(Path(setup.catalogue).resolve())
    return {
        "plan": head,
        "condition": _changed(condition, Condition()),
        "decoder": {} if setup.sigma_mm is None else {"sigma_mm": setup.sigma_mm},
    }


def _changed(settings: Condition | Handling, usual: Condition | Handling) -> dict[str, Any]:
    """Return what differs from the usual."""
    before = usual.to_mapping()
    return {key: value for key, value in settings.to_mapping().items() if value != before[key]}


def _numbers(keyframe: Keyframe) -> list[float]:
    """Return a keyframe as press records have it, rounded to the link's units."""
    return [
        round(keyframe.t_us),
        *(round(axis, 3) for axis in (keyframe.hold.x_mm, keyframe.hold.y_mm)),
        round(keyframe.hold.theta_rad, 6),
        *(round(axis, 3) for axis in (keyframe.hold.force, keyframe.hold.grip)),
        *(round(axis, 6) for axis in (keyframe.hold.tilt_x_rad, keyframe.hold.tilt_y_rad)),
    ]
