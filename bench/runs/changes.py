"""Which presses read otherwise than they did before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from stampbench.bench.records.files import Run
from stampbench.bench.records.presses import PressResult

MOST_SHOWN: Final = 200
"""Of the changed presses, this many are told one by one."""


@dataclass(frozen=True, slots=True)
class ChangedPress:
    """A press that reads otherwise than it did."""

    press: int
    profile: str
    case: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Changes:
    """Which presses two runs read differently.

    Attributes:
        presses: that both have.
        changed: how many of them differ in verdict or code.
        kinds: how many changed from what to what: "read right", "misread", or the verdict.
        first: some of them, in order.
    """

    presses: int
    changed: int
    kinds: Mapping[tuple[str, str], int]
    first: tuple[ChangedPress, ...]


def changes(before: Run, after: Run) -> Changes:
    """Compare two runs of the same presses, press by press."""
    presses = 0
    kinds: Counter[tuple[str, str]] = Counter()
    first: list[ChangedPress] = []
    theirs = (press for press in before.presses if not press.again)
    old = next(theirs, None)
    for new in after.presses:
        if new.again:
            continue
        while old is not None and old.press < new.press:
            old = next(theirs, None)
        if old is None:
            break
        if old.press != new.press:
            continue
        presses += 1
        if (old.verdict, _read_code(old), old.outcome) == (new.verdict, _read_code(new), new.outcome):
            continue
        kinds[_kind(old), _kind(new)] += 1
        if len(first) < MOST_SHOWN:
            first.append(ChangedPress(new.press, new.profile, new.case, _finding(old), _finding(new)))
    return Changes(presses, kinds.total(), dict(kinds.most_common()), tuple(first))


def _read_code(press: PressResult) -> int | None:
    return press.reading.code if press.reading else None


def _kind(press: PressResult) -> str:
    """Return what a press came to, without its code."""
    if not press.outcome.judged:
        return press.outcome.value
    if press.read_right:
        return "read rightly"
    if press.misread:
        return "misread"
    return "foreign object read" if press.accepted else press.verdict


def _finding(press: PressResult) -> str:
    """Return what a press came to, with its code."""
    return f"read as {_read_code(press)}" if press.verdict == "read" else _kind(press)
