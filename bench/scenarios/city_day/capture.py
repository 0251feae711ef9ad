"""Threat 17: what phones do to touches, and what the four capture rules of stamp SDKs make of it.

The rules, from SnowShoe's public SDKs: Android takes the coordinates at the fifth pointer down if there are
exactly five; iOS takes the touches that began with exactly five and gives up at any move; JavaScript takes
five or more touches at a touch start; Flutter takes what is down when the first finger lifts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from stampbench.bench.records.findings import Figure, Finding, Trial
from stampbench.bench.scenarios.city_day.hands import PADS, Points, Touches
from stampbench.bench.scenarios.city_day.stage import PressOf, Stage

THREAT: Final = "17 Touch stack: stolen gestures, cancel, palm, late pads"
_STAMPS: Final = 30


@dataclass(frozen=True, slots=True)
class Step:
    """What the touch stack says at one moment.

    Attributes:
        what: begin, move, lift or cancel.
        points: all contacts that are down; at a lift, those that were.
    """

    what: str
    points: Points


Rule = Callable[[Sequence[Step]], "Points | None"]
Gesture = Callable[[Points, np.random.Generator], list[Step]]


def android(steps: Sequence[Step]) -> Points | None:
    """At the fifth pointer down, if there are exactly five."""
    for step in steps:
        if step.what == "cancel":
            return None
        if step.what == "begin" and len(step.points) >= PADS:
            return step.points if len(step.points) == PADS else None
    return None


def ios(steps: Sequence[Step]) -> Points | None:
    """Touches began, exactly five of them; any move before that gives up."""
    for step in steps:
        if step.what in ("cancel", "move"):
            return None
        if step.what == "begin" and len(step.points) == PADS:
            return step.points
    return None


def javascript(steps: Sequence[Step]) -> Points | None:
    """Five touches or more at a touch start."""
    for step in steps:
        if step.what == "cancel":
            return None
        if step.what == "begin" and len(step.points) >= PADS:
            return step.points
    return None


def flutter(steps: Sequence[Step]) -> Points | None:
    """What was down when the first finger lifts; cancelled touches are gone."""
    for step in steps:
        if step.what == "cancel":
            return None
        if step.what == "lift":
            return step.points
    return None


RULES: Final[dict[str, Rule]] = {"Android": android, "iOS": ios, "JavaScript": javascript, "Flutter": flutter}


def clean(points: Points, rng: np.random.Generator) -> list[Step]:
    """All pads at once, then lifted."""
    return [Step("begin", points), Step("lift", points)]


def staggered(points: Points, rng: np.random.Generator) -> list[Step]:
    """Four pads, a little movement, then the fifth."""
    moved = points + rng.normal(0.0, 0.02, points.shape)
    return [Step("begin", points[:4]), Step("move", moved[:4]), Step("begin", moved), Step("lift", moved)]


def one_by_one(points: Points, rng: np.random.Generator) -> list[Step]:
    """One pad after the other, without movement."""
    return [Step("begin", points[:n]) for n in range(1, PADS + 1)] + [Step("lift", points)]


def palm(points: Points, rng: np.random.Generator) -> list[Step]:
    """The heel of the hand comes down before the stamp."""
    heel = np.array([[rng.uniform(5.0, 55.0), rng.uniform(100.0, 109.0)]])
    every = np.concatenate([heel, points])
    return [Step("begin", heel), Step("begin", every), Step("lift", every)]


def cancelled(points: Points, rng: np.random.Generator) -> list[Step]:
    """Three pads are taken for a gesture of the system, which cancels all touches."""
    return [Step("begin", points[:3]), Step("cancel", points[:3])]


def cancelled_late(points: Points, rng: np.random.Generator) -> list[Step]:
    """As above, and the two pads that are left begin anew."""
    return [*cancelled(points, rng), Step("begin", points[3:]), Step("lift", points[3:])]


def missing(points: Points, rng: np.random.Generator) -> list[Step]:
    """One pad is never felt."""
    return [Step("begin", points[:4]), Step("lift", points[:4])]


def lifted_early(points: Points, rng: np.random.Generator) -> list[Step]:
    """One pad lifts before the last one lands."""
    return [
        Step("begin", points[:4]),
        Step("lift", points[:4]),
        Step("begin", points[1:]),
        Step("lift", points[1:]),
    ]


GESTURES: Final[dict[str, Gesture]] = {
    "five pads at once": clean,
    "one pad after the other": one_by_one,
    "late fifth pad": staggered,
    "palm first": palm,
    "cancelled by a gesture": cancelled,
    "cancelled, then two pads": cancelled_late,
    "pad missing": missing,
    "pad lifted early": lifted_early,
}


def trials(stage: Stage) -> Iterator[Finding]:
    """Every gesture through every rule: the right stamp, or a press that is not accepted."""
    rng, each = stage.draws("capture"), stage.settings.gestures
    merchant = stage.merchant("Captured", stamps=_STAMPS)
    stamps = merchant.store.stamps
    stage.tell.say(f"touch stacks: {len(GESTURES)} gestures, {len(RULES)} capture rules, {each} of each")
    for n, (gesture, play) in enumerate(GESTURES.items()):
        stage.tell.tried(n, len(GESTURES))
        wrong = tries = 0
        read: Counter[str] = Counter()
        for rule, capture in RULES.items():
            for k in range(each):
                stage.clock.advance(minutes=1)
                stamp = stamps[k % _STAMPS]
                captured = capture(play(stage.hands.press(stamp.code, rng).first, rng))
                tries += 1
                if captured is None:
                    continue
                press = PressOf(Touches(captured, captured), f"g{k}", f"{gesture} {rule} {k}", again=False)
                reply = stage.press(merchant, press)
                read[rule] += reply.accepted
                wrong += reply.accepted and reply.body["stamp"]["serial"] != stamp.serial
                wrong += reply.status != 200
        shares = ", ".join(f"{rule} {read[rule]}/{each}" for rule in RULES)
        yield Trial(
            THREAT, f"{gesture}: another stamp accepted, or an error", tries, wrong, note=f"read: {shares}"
        )
        if gesture == "five pads at once":
            yield Figure("five pads at once: read by every rule", min(read.values()) / each, "1", min=0.95)
