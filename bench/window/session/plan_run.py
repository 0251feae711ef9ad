"""A plan pressed in the window: ``stampbench run``'s own run, frame by frame, with a person who presses."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Literal, TypeAlias

from msgspec import Struct
from stampbench.bench.plans.draws import load_codebook
from stampbench.bench.records.presses import Outcome, PressRecord
from stampbench.bench.report import Reported, report_run
from stampbench.bench.report.limit_rows import limit_row
from stampbench.bench.runs.orders import RunOrder
from stampbench.bench.runs.progress import Progress
from stampbench.bench.runs.prompts import Answer, Prompt, said_object
from stampbench.bench.runs.running import steps_of_run
from stampbench.bench.window.session.codes import Codes
from stampbench.bench.window.session.hand_rig import HandRig
from stampbench.firmware_emulator.errors import NoHardwareError, StampbenchError
from stampbench.sim.press import Press
from stampbench.sim.rig import RigFaults
from stampbench.sim.screen.picture import Explanation, ObjectView
from stampbench.sim.screen.sources import Item, Source, SourceKind

OperatorChoice: TypeAlias = Literal["skip", "again", "count", "stop"]
"""Pass this press over; make it again; it counts as it was read; end the run."""
LayOut: TypeAlias = Callable[[Press, int | None, Mapping[str, Any]], None]
"""Takes what is to be pressed, the code of the stamp (None for what is in no codebook), and the condition."""

STEPS: Final = frozenset({"press", "press_and_let_go", "turn", "let_go", "own"})
"""What a step can ask for; ``own`` is in the words of the plan, its value ``text``."""
RESULTS: Final = frozenset(
    {"read", "rightly_not_read", "misread", "foreign_read", "partial", "ambiguous", "foreign", "none"}
    | {"cancelled", "error", "timeout", "aborted", "skipped", "again"}
)
"""What a press can come to."""
MOST_RESULTS: Final = 50
"""So many of the last results are shown."""
_TELLING: Final = frozenset({"pad_missing", "pads_missing", "displaced", "read_without"})
"""Explanations that say more of an unread stamp than its contacts do."""
_WORDINGS: Final = (
    ("press_and_let_go", re.compile(r"press .+ now,? (?:then|and) let go", re.IGNORECASE)),
    ("press", re.compile(r"press .+ now", re.IGNORECASE)),
    (
        "turn",
        re.compile(r"(?:rotate|turn)(?: it)? by (\d+(?:\.\d+)?) ?(?:degrees|°)", re.IGNORECASE),
    ),
    ("let_go", re.compile(r"(?:now )?let go(?: of it)?", re.IGNORECASE)),
)
"""Steps of prompts that the window says in its own language; all others it says as the plan does."""


class Stage(StrEnum):
    """How far a plan is."""

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
class PressResult:
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
class LimitResult:
    """A limit of the plan at the end, in the report's words; ``kept`` is None where nothing was measured."""

    text: str
    kept: bool | None


class PlanRun(Progress):
    """A run whose presses a person makes in the window; it goes on with each drawn frame.

    It is the run's own prompter: it shows what to press, and takes what the operator chose.

    Args:
        order: what to run; its port names the source of the window.

    Attributes:
        lay_out: puts what is to be pressed over the simulated glass; whoever has one sets it.
        name, case: of the plan and of the case under way.
        folder: of the run.
        press, presses, made: the press asked for, how many the plan has, how many are recorded.
        thing: what is to be pressed: its kind ("stamp", "coin", ...) and its name.
        do, values: what is asked for, of :data:`STEPS`.
        step, steps: place of this step in the press.
        touched: whether the press has begun.
        asked: the result that is in question, in stage ASK.
        results: of the last presses of this session, newest first.
        good, bad, neither: how many of its presses were read as they should be, were not, and do not count.
        verdict, reason, limits: of the run, once it is over.

    Raises:
        InputError: the plan names a family or catalogue that does not exist.
    """

    patience_s = math.inf

    def __init__(self, order: RunOrder) -> None:
        self.prompter = self
        self.lay_out: LayOut = lambda press, code, condition: None
        self.name, self.case = order.plan.header.name, ""
        self.folder = str(order.directory)
        self.press, self.presses, self.made = order.after + 1, order.plan.size, order.after
        self.thing = ("", "")
        self.do = "own"
        self.values: Mapping[str, int | str] = {}
        self.step_number = self.steps = 1
        self.touched = False
        self.asked: PressResult | None = None
        self.results: tuple[PressResult, ...] = ()
        self.good = self.bad = self.neither = 0
        self.verdict = self.reason = ""
        self.limits: tuple[LimitResult, ...] = ()
        self._order = order
        self._codes = Codes(load_codebook(order.plan))
        self._rig = HandRig(order.plan.header.profiles[0], self._lay_out)
        self._running = steps_of_run(order, self, opener=self._opened)
        self._stage = Stage.PREPARING
        self._error = ""
        self._why: Explanation | None = None
        self._choice: OperatorChoice | None = None
        self._begun = False
        self._reported: Reported | StampbenchError | None = None

    @property
    def stage(self) -> Stage:
        """How far it is, as the operator sees it."""
        if self._stage is Stage.PRESS and self._rig.clearing:
            return Stage.LIFT
        if self._stage is Stage.PRESS and not self._rig.live and self._rig.source is not None:
            return Stage.CONNECTING
        return self._stage

    @property
    def message(self) -> str:
        """What is wrong."""
        source = self._rig.source
        return source.message if self.stage is Stage.CONNECTING and source is not None else self._error

    @property
    def over(self) -> bool:
        """Whether nothing more is pressed."""
        return self._stage in (Stage.REPORTING, Stage.DONE, Stage.BROKEN)

    def advance(self, now_us: int, source: Source, items: Sequence[Item]) -> None:
        """Take what the source brought for a drawn frame, and go on as far as that lasts."""
        self._rig.give(now_us, source, items)
        self._go_on()

    def look(self, objects: Sequence[ObjectView]) -> None:
        """See why a stamp that is pressed is not read."""
        for drawn in objects:
            thing, explanation = drawn.thing, drawn.explanation
            if thing.pressed and thing.hold.force >= 1.0 and explanation is not None:
                self._why = explanation if explanation.key in _TELLING else None

    def choose(self, choice: OperatorChoice) -> None:
        """Take what the operator chose; it counts as soon as the run asks."""
        if self._choice != "stop":
            self._choice = choice

    def stop(self) -> None:
        """End the run in good order, with its records and reports: the window is gone."""
        self.choose("stop")
        while self._reported is None:
            self._go_on()

    def finish(self) -> Reported:
        """Return the run with its reports; one under way is ended.

        Raises:
            StampbenchError: nothing ran, and why; or the reports cannot be written.
        """
        self.stop()
        reported = self._reported
        if reported is None or isinstance(reported, StampbenchError):
            raise reported or RuntimeError("a run that ended without an end")
        return reported

    def _go_on(self) -> None:
        """Press on, wait for the panel, or write the reports."""
        try:
            if self._stage is Stage.REPORTING:
                self._report()
            elif self._reported is None and self._panel_is_there():
                next(self._running)
        except StopIteration:
            self._stage = Stage.REPORTING  # drawn once before the reports are written
        except StampbenchError as error:
            self._reported, self._error = error, str(error)
            self._stage = Stage.BROKEN

    def _panel_is_there(self) -> bool:
        """Return whether presses can be made; a stop ends the wait for a panel that is not there.

        Raises:
            NoHardwareError: the window was closed before it came.
            StopIteration: it was closed after the panel had been lost.
        """
        rig = self._rig
        if rig.is_open or rig.live or self.made >= self.presses:
            return True
        self._stage = Stage.CONNECTING
        if self._choice == "stop":
            if not self._begun:
                port = self._order.port
                raise NoHardwareError(self.message or f"{port} was not there before the window was closed")
            self._running.throw(KeyboardInterrupt())
        return False

    def _report(self) -> None:
        self._reported = reported = report_run(self._order.directory)
        judged = reported.assessment
        self.limits = tuple(_limit_result(reported, place) for place in range(len(judged.limits)))
        self.verdict, self.reason = judged.verdict.value, judged.reason
        self._stage = Stage.DONE

    # --- what the run tells and asks

    def recorded(self, line: Struct) -> None:
        """Take in what was recorded."""
        if isinstance(line, PressRecord):
            result = self._result(line)
            self.results = (result, *self.results[: MOST_RESULTS - 1])
            self.asked = None
            self.good += result.good is True
            self.bad += result.good is False
            self.neither += result.good is None

    def pressed(self, presses: int, failed: int) -> None:
        """Count so many presses more, and how many of them failed."""
        self.made += presses

    def show(self, prompt: Prompt) -> None:
        """Show a step."""
        self._stage = Stage.PRESS
        self.press, self.step_number, self.steps = prompt.press, prompt.step, prompt.steps
        self.thing = said_object(prompt.object)
        self.do, self.values = recognised_step(prompt.text)
        if prompt.step == 1:
            self._why = None
            self._drop_choice()
            self.touched = False
            self.case = self._order.plan.press(prompt.press).case.name

    def answer(self) -> Answer | None:
        """Return what was chosen instead of pressing; nothing can be made again that has not begun."""
        if self._rig.touching and not self._rig.clearing:
            self.touched = True
        choice = self._choice
        if choice == "stop":
            return "abort"
        self._choice = None
        if choice == "skip" or (choice == "again" and self.touched):
            return choice
        return None

    def clear(self) -> None:
        """Let the next step take its place."""

    def again(self, record: PressRecord) -> bool | None:
        """Ask whether a press that failed counts; one that nobody answers for counts."""
        if self.asked is None:
            self._drop_choice()
            self._stage, self.asked = Stage.ASK, self._result(record)
        choice = self._choice
        return None if choice is None or choice == "skip" else choice == "again"

    def _drop_choice(self) -> None:
        """Forget what was chosen: it was about something else; that it ends stays."""
        if self._choice != "stop":
            self._choice = None

    @contextmanager
    def _opened(self, port: str, profile: str, faults: RigFaults | None) -> Iterator[HandRig]:
        """Let presses be made on the panel in the window, which is there."""
        with self._rig.opened() as rig:
            self._begun = True
            yield rig

    def _lay_out(self, press: Press, condition: Mapping[str, Any]) -> None:
        """Let the window put over the simulated glass what is to be pressed."""
        source, name = self._rig.source, press.object.partition("~")[0]
        code = None
        if name.startswith((f"{self._order.plan.codebook_name}/", f"{self._order.plan.codebook_name}#")):
            code = self._codes.code_of(said_object(name)[1])
        if source is not None and source.kind is SourceKind.SIMULATED:
            self.lay_out(press, code, condition)

    def _result(self, record: PressRecord) -> PressResult:
        """Return what a press came to, for the window."""
        good = record.outcome is Outcome.PASSED if record.outcome.judged else None
        key, values = self._words(record)
        why = self._why if good is False and key in ("partial", "ambiguous", "foreign", "none") else None
        return PressResult(record.press, good, key, values, why)

    def _words(self, record: PressRecord) -> tuple[str, dict[str, int | str]]:
        """Return a key of ``RESULTS`` and its values."""
        if record.again:
            return "again", {}
        if record.outcome in (Outcome.ERROR, Outcome.TIMEOUT):
            return record.outcome.value, {"text": record.message}
        if not record.outcome.judged:
            return record.outcome.value, {}
        read, codes = None if record.reading is None else record.reading.code, self._codes
        if read is None:
            if record.kind == "foreign":
                return "rightly_not_read", {}
            if record.message:
                return "cancelled", {}
            pads = codes.codebook.pads_per_stamp
            return record.verdict, {"contacts": len(record.contacts), "pads": pads}
        if record.kind == "foreign":
            return "foreign_read", {"read": codes.typed(read)}
        if record.misread:
            return "misread", {"read": codes.typed(read), "name": codes.typed(record.code or 0)}
        return "read", {"read": codes.typed(read)}


def recognised_step(text: str) -> tuple[str, dict[str, int | str]]:
    """Return a step of a prompt as the window says it; ``own`` with its text where the plan has words."""
    for key, pattern in _WORDINGS:
        if match := pattern.fullmatch(text.strip().rstrip(".!")):
            return key, ({"degrees": match[1]} if key == "turn" else {})
    return "own", {"text": text}


def _limit_result(reported: Reported, place: int) -> LimitResult:
    judged = reported.assessment.limits[place]
    row = limit_row(reported.run, judged)
    kept = None if row.result == "unset" else row.result != "failed"
    return LimitResult(f"{judged.measured.name}: {row.value} ({row.counted}), {row.limit}", kept)
