"""What the screen asks for, as plans that ``stampbench run`` accepts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.panel import Condition
from stampbench.sim.press import Handling, Keyframe
from stampbench.sim.screen.workbench import AutoPressOrder, Moment

GENUINE: Final = "stamps"
FOREIGN: Final = "foreign objects"
FOREIGN_OBJECTS: Final = (
    "random-stamp", "fingers/5", "random-stamp", "fingers/4", "coin", "random-stamp", "palm", "finger",
)  # fmt: skip
"""What is pressed in turn that must not be read; seeds are drawn."""


def plan_of_order(order: AutoPressOrder) -> str:
    """The plan whose presses an order makes, press by press the same.

    Raises:
        InputError: no press is asked for.
    """
    if order.genuine < 0 or order.foreign < 0 or order.genuine + order.foreign == 0:
        raise InputError(
            f"auto-press: {order.genuine} presses of stamps, {order.foreign} of other objects: "
            "expected at least one press"
        )
    lines = _head("auto-press", "Presses of the screen.", order)
    if order.genuine:
        codes = list(order.codes)
        lines += _case(GENUINE, "genuine", stamps=codes or "random", presses=order.genuine)
    if order.foreign:
        own = {"handling": {"wear": ""}}  # only stamps wear
        lines += _case(FOREIGN, "foreign", stamps=list(FOREIGN_OBJECTS), presses=order.foreign, **own)
    return "\n".join(lines) + "\n"


def plan_of_moment(moment: Moment) -> str:
    """A plan of one case with one press: that of a frozen moment."""
    lines = [f"# Frozen in stampbench screen: {moment.note}."]
    lines += _head("frozen moment", moment.note, moment)
    given: dict[str, Any] = {"keyframes": [_numbers(keyframe) for keyframe in moment.keyframes]}
    if moment.noise_seed is not None:
        given["noise_seed"] = moment.noise_seed
    if moment.wear:
        given["handling"] = {"wear": moment.wear}
    lines += _case("frozen", moment.kind, stamps=[moment.stamp], presses=1, **given)
    measurement = "frr" if moment.kind == "genuine" else "far"
    lines += ["", "[[limits]]", f"measurement = {_value(measurement)}", "max = 0.0"]
    return "\n".join(lines) + "\n"


def _head(name: str, description: str, about: AutoPressOrder | Moment) -> list[str]:
    lines = ["[plan]", f"name = {_value(name)}", f"description = {_value(description)}"]
    if about.family is not None:
        lines.append(f"family = {_value(about.family)}")
    if about.catalogue is not None:
        # Names of files in a plan are relative to it; an absolute one holds wherever the plan lies.
        lines.append(f"catalogue = {_value(str(Path(about.catalogue).resolve()))}")
    if isinstance(about, AutoPressOrder):
        lines.append(f"seed = {about.seed}")
    lines.append(f"profiles = {_value([about.profile])}")
    lines += _table("condition", _changed(about.condition, Condition()))
    if isinstance(about, AutoPressOrder):
        lines += _table("handling", _changed(about.handling, Handling()))
    if about.sigma_mm is not None:
        lines += _table("decoder", {"sigma_mm": about.sigma_mm})
    return lines


def _case(name: str, kind: str, **settings: Any) -> list[str]:
    return ["", "[[cases]]", *_settings({"name": name, "kind": kind, **settings})]


def _table(name: str, settings: Mapping[str, Any]) -> list[str]:
    return ["", f"[{name}]", *_settings(settings)] if settings else []


def _settings(settings: Mapping[str, Any]) -> list[str]:
    return [f"{key} = {_value(value)}" for key, value in settings.items()]


def _changed(settings: Condition | Handling, usual: Condition | Handling) -> dict[str, Any]:
    """What differs from the usual."""
    before = usual.to_mapping()
    return {key: value for key, value in settings.to_mapping().items() if value != before[key]}


def _numbers(keyframe: Keyframe) -> list[float]:
    """A keyframe as press records have it, rounded to the link's units."""
    return [
        round(keyframe.t_us),
        *(round(axis, 3) for axis in (keyframe.x_mm, keyframe.y_mm)),
        round(keyframe.theta_rad, 6),
        *(round(axis, 3) for axis in (keyframe.force, keyframe.grip)),
        *(round(axis, 6) for axis in (keyframe.tilt_x_rad, keyframe.tilt_y_rad)),
    ]


def _value(value: Any) -> str:
    """A value as TOML has it: as JSON, but for tables."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_value(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    # JSON and TOML strings differ in characters alone that are not printed: JSON leaves DEL as it is.
    return json.dumps(value, ensure_ascii=True).replace("\x7f", "\\u007f")
