"""What is wrong with a plan, in words: key, value, and what would be right."""

from __future__ import annotations

import difflib
import re
import reprlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_AT = r"(?: - at `\$\.?(?P<at>.*)`)?$"
_UNKNOWN_FIELD = re.compile(r"Object contains unknown field `(?P<field>.*?)`" + _AT, re.S)
_MISSING_FIELD = re.compile(r"Object missing required field `(?P<field>.*?)`" + _AT, re.S)
_WRONG_VALUE = re.compile(r"(?P<what>.*?)(?:, got `[^`]*`)?" + _AT, re.S)
_EXPECTED = {
    "kind": 'expected "genuine" or "foreign"',
    "stamps": 'expected "random" or a list',
    "conditions[]": "expected a table by its name, such as [conditions.tram]",
    "handlings[]": "expected a table by its name, such as [handlings.careless]",
    "prompt": "expected a text or a list of them",
    "name": "expected at most 80 letters, digits, spaces or ._+-",
}
"""What msgspec says of these keys names its own types or a pattern."""


def explain(
    message: str,
    raw: Mapping[str, Any],
    tables: Mapping[str, Sequence[str]],
    expected: Mapping[str, str] = _EXPECTED,
) -> str:
    """Turn a message of msgspec into one line with the key, its value, and what would be right.

    Args:
        message: what ``msgspec.convert`` said.
        raw: the plan as TOML has it.
        tables: known keys by table.
        expected: what would be right, by key, where msgspec does not say it well.
    """
    if match := _UNKNOWN_FIELD.match(message):
        table = re.sub(r"\[.*?\]", "", match["at"] or "")
        text = f"{_key(match)}: unknown key: {choose(match['field'], tables.get(table, ()))}"
    elif match := _MISSING_FIELD.match(message):
        text = f"{_key(match)}: missing: expected this key"
    else:
        match = _WRONG_VALUE.match(message)
        at, what = (match["at"] or "", match["what"]) if match else ("", message)
        at = at.replace("[...]", "[]")  # of some key, msgspec does not say which
        right = expected.get(at.rpartition(".")[2], what[:1].lower() + what[1:])
        text = f"{at or 'the plan'} = {reprlib.repr(_value_at(raw, at))}: {right.replace('`', '')}"
    return text.replace("\n", "\\n")


def choose(wrong: str, right: Iterable[str], noun: str = "one of") -> str:
    """Return what stands in a message after a name that is not known: the nearest one, and all of them."""
    names = list(right)
    near = difflib.get_close_matches(wrong, names, n=1, cutoff=0.6)
    hint = f'did you mean "{near[0]}"? ' if near else ""
    return f"{hint}expected {noun}{': ' if noun != 'one of' else ' '}{', '.join(names)}"


def _key(match: re.Match[str]) -> str:
    return f"{match['at']}.{match['field']}" if match["at"] else match["field"]


def _value_at(raw: object, at: str) -> object:
    value: Any = raw
    for key, place in re.findall(r"([A-Za-z_]+)|\[(\d+)\]", at):
        value = value[key] if key else value[int(place)]
    return value
