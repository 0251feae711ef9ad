"""A plan whose presses a person makes in the window: what they are asked, what they answer, what came of it.

The session tells an :class:`OperatedRun` what its source brings, and lays out what is to be pressed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from stampbench.sim.press import Press
from stampbench.sim.screen.sources import Item, Source

if TYPE_CHECKING:
    from stampbench.bench.window.session.view import Explanation, View

Decision: TypeAlias = Literal["skip", "again", "count", "stop"]
"""Pass this press over; make it again; it counts as it was read; end the run."""

DO: frozenset[str] = frozenset({"press", "press_and_let_go", "turn", "let_go", "own"})
"""What a step can ask for; ``own`` is in the words of the plan, its value ``text``."""

RESULTS: frozenset[str] = frozenset(
    {"read", "rightly_not_read", "misread", "foreign_read", "partial", "ambiguous", "foreign", "none"}
    | {"cancelled", "error", "timeout", "aborted", "skipped", "again"}
)
"""What a press can come to."""


class Stage(StrEnum):
    """How far it is."""

    PREPARING = "preparing"
    CONNECTING = "connecting"
    """The source is not there, or not there yet."""
    LIFT = "lift"
    """Something stands on the glass that belongs to no press that was asked for."""
    PRESS = "press"
    ASK = "ask"
    """A press failed: does it count, or was it botched?"""
    REPORTING = "reporting"
    DONE = "done"
    BROKEN = "broken"
    """Nothing ran; the message says why."""


@dataclass(frozen=True, slots=True)
class Laid:
    """What is to lie over the simulated glass.

    Attributes:
        press: the object, and where the plan would press it.
        code: of the stamp; None for an object that is in no codebook.
        condition: settings of the panel.
    """

    press: Press
    code: int | None
    condition: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ResultView:
    """What a press came to.

    Attributes:
        press: its number in the run.
        good: read as it should be; None where it says nothing of the stamp.
        key: of :data:`RESULTS`, with its values.
        why: what the window saw of an unread stamp while it was pressed; None where it knows no more.
    """

    press: int
    good: bool | None
    key: str
    values: Mapping[str, int | str]
    why: Explanation | None = None


@dataclass(frozen=True, slots=True)
class LimitView:
    """A limit of the plan at the end, in the report's words; ``kept`` is None where nothing was measured."""

    text: str
    kept: bool | None


@dataclass(frozen=True, slots=True)
class PlanView:
    """What the operator sees.

    Attributes:
        name, case: of the plan and of the case under way.
        press, presses, made: the press asked for, how many the plan has, how many are recorded.
        thing: what is to be pressed: its kind ("stamp", "coin", ...) and its name.
        do: what is asked for, of :data:`DO`, with its values.
        step, steps: place of this step in the press.
        touched: whether the press has begun.
        asked: the result that is in question, in stage ASK.
        results: of the last presses of this session, newest first.
        good, bad, neither: how many of its presses were read as they should be, were not, and do not count.
        verdict, reason, limits, folder: of the run, once it is over; the run's folder all the time.
        message: what is wrong.
    """

    name: str
    folder: str
    stage: Stage
    press: int
    presses: int
    made: int
    case: str = ""
    thing: tuple[str, str] = ("", "")
    do: str = "own"
    values: Mapping[str, int | str] | None = None
    step: int = 1
    steps: int = 1
    touched: bool = False
    asked: ResultView | None = None
    results: tuple[ResultView, ...] = ()
    good: int = 0
    bad: int = 0
    neither: int = 0
    verdict: str = ""
    reason: str = ""
    limits: tuple[LimitView, ...] = ()
    message: str = ""

    @property
    def over(self) -> bool:
        """Whether nothing more is pressed."""
        return self.stage in (Stage.REPORTING, Stage.DONE, Stage.BROKEN)


class OperatedRun(Protocol):
    """A plan under way, as the window sees it."""

    lay_out: Callable[[Laid], None]

    def advance(self, now_us: int, source: Source, items: Sequence[Item]) -> None:
        """Take what the source brought for a drawn frame, and go on."""

    def look(self, view: View) -> None:
        """See what the window shows, for the reason why a stamp is not read."""

    def decide(self, decision: Decision) -> None:
        """What the operator decided."""

    def view(self) -> PlanView:
        """What they see."""
