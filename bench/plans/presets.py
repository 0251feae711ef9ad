"""Conditions that people report and ways to handle a stamp, which plans, the window and sweeps know by name.

The catalogue is ``conditions.toml`` beside this module: each with its model, source and advice.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct


class ReportedCondition(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What users or makers report, and how it is modelled.

    Attributes:
        name: in plans and sweeps.
        title: what it is, in words.
        source: where its size is from, by how it is known: measured, stated, derived or assumed.
        advice: what to tell people.
        then: condition that is left once they follow it; empty: none helps.
        assumed: whether no recording supports its size.
        condition: settings of :class:`stampbench.sim.panel.Condition`.
        handling: settings of :class:`stampbench.sim.press.Handling`.
    """

    name: str
    title: str
    source: str
    advice: str
    then: str = ""
    assumed: bool = False
    condition: dict[str, Any] = {}
    handling: dict[str, Any] = {}


class NotModelled(Struct, frozen=True, forbid_unknown_fields=True):
    """What people report and no pass covers, and why."""

    name: str
    why: str


class ConditionCatalogue(Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that people report, as the file has it."""

    conditions: list[ReportedCondition]
    not_modelled: list[NotModelled]


CATALOGUE: Final = msgspec.toml.decode(
    Path(__file__).with_name("conditions.toml").read_bytes(), type=ConditionCatalogue
)
REPORTED: Final[Mapping[str, ReportedCondition]] = {one.name: one for one in CATALOGUE.conditions}
"""Conditions of the catalogue by name."""
CONDITIONS: Final[Mapping[str, Mapping[str, Any]]] = {
    **{name: one.condition for name, one in REPORTED.items()},
    "quiet": {"noise": 0.0, "stripe": 0.0, "drift": 0.0, "memory": 0.0},
}
"""Settings of the panel by the name of the condition, which may have settings of the hand, too."""
HANDLINGS: Final[Mapping[str, Mapping[str, Any]]] = {
    name: one.handling for name, one in REPORTED.items() if not one.condition
}
"""Settings of the hand by the name of those conditions that leave the panel as it is."""
