from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pytest
from stampbench.firmware_emulator.errors import InputError
from stampbench.firmware_emulator.settings import setting, settings_from_mapping, settings_to_mapping


@dataclass(frozen=True)
class Inner:
    level: float = setting(low=0.0, high=1.0)


@dataclass(frozen=True)
class Outer:
    count: int
    inner: Inner
    mode: Literal["a", "b"] = "a"
    pair: tuple[float, float] = setting((0.0, 1.0), low=0.0)
    lines: tuple[int, ...] = ()
    label: str | None = None


GOOD = {"count": 3, "inner": {"level": 1}, "pair": [1, 2.5], "lines": [4], "label": "x", "mode": "b"}


def test_a_mapping_makes_nested_settings_and_integers_become_floats_where_floats_are_meant() -> None:
    assert settings_from_mapping(Outer, GOOD, "plan") == Outer(3, Inner(1.0), "b", (1.0, 2.5), (4,), "x")


def test_settings_survive_the_round_trip() -> None:
    settings = settings_from_mapping(Outer, GOOD, "plan")
    assert settings_from_mapping(Outer, settings_to_mapping(settings), "plan") == settings


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"colour": 1}, ["unknown key 'colour'", "count"]),
        ({"count": 2.5}, ["count = 2.5", "an integer"]),
        ({"count": True}, ["count = True", "an integer"]),
        ({"inner": {}}, ["inner", "level is missing", "a number"]),
        ({"inner": 3}, ["inner", "3", "table"]),
        ({"inner": {"level": 2.0}}, ["level = 2.0", "from 0 to 1"]),
        ({"inner": {"level": float("nan")}}, ["level = nan", "from 0 to 1"]),
        ({"pair": [1.0]}, ["pair", "2 items"]),
        ({"pair": "wide"}, ["pair = 'wide'", "list"]),
        ({"pair": [1, -1]}, ["pair[1] = -1", "at least 0"]),
        ({"lines": ["x"]}, ["lines[0] = 'x'", "an integer"]),
        ({"mode": "c"}, ["mode = 'c'", "'a', 'b'"]),
        ({"label": 4}, ["label = 4", "a string"]),
    ],
)
def test_a_bad_value_is_one_line_naming_key_value_and_what_would_be_right(
    change: dict[str, object], words: list[str]
) -> None:
    with pytest.raises(InputError) as raised:
        settings_from_mapping(Outer, {**GOOD, **change}, "plan.toml")
    message = str(raised.value)
    assert message.startswith("plan.toml: ")
    assert "\n" not in message
    for word in words:
        assert word in message


def test_something_else_than_a_table_is_refused() -> None:
    with pytest.raises(InputError, match="not a table"):
        settings_from_mapping(Outer, [1], "plan")
