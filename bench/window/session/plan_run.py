"""A plan run in the window: ``stampbench run``'s own run, frame by frame, with a person who presses."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

from stampbench.bench.plans.draws import load_codebook
from stampbench.bench.records.chunks import PressChunk
from stampbench.bench.records.presses import Outcome, PressRecord
from stampbench.bench.report import Reported, report_run
from stampbench.bench.report.limit_rows import limit_row
from stampbench.bench.runs.orders import RunOrder
from stampbench.bench.runs.prompts import Answer, Prompt, said_object
from stampbench.bench.runs.running import Progress, steps_of_run
from stampbench.bench.window.session.hand_rig import HandRig
from stampbench.bench.window.session.view import Explanation, View
from stampbench.firmware_emulator.errors import NoHardwareError, StampbenchError
from stampbench.sim.press import Press
from stampbench.sim.rig import RigFaults
from stampbench.sim.screen.operating import Decision, Laid, LimitView, PlanView, ResultView, Stage
from stampbench.sim.screen.sources import Item, Source, SourceKind
from stampbench.sim.stamps import Family

MOST_RESULTS: Final = 50
"""So many of the last results are shown."""
_TELLING: Final = frozenset({"pad_missing", "pads_missing", "displaced", "read_without"})
"""Explanations that say more of an unread stamp than its contacts do."""
_STEPS: Final = (
    ("press_and_let_go", re.compile(r"press .+ now,? (?:then|and) let go", re.IGNORECASE)),
    ("press", re.compile(r"press .+ now", re.IGNORECASE)),
    (
        "turn",
        re.compile(r"(?:rotate|turn)(?: it)? by (\d+(?:\.\d+)?) ?(?:degrees|°)", re.IGNORECASE),
    ),
    ("let_go", re.compile(r"(?:now )?let go(?: of it)?", re.IGNORECASE)),
)
"""Steps of prompts that the window says in its own language; all others it says as the plan does."""


class PlanRun(Progress):
    """A run whose presses a person makes in the window; it goes on with each drawn frame.

    It is the run's own prompter: it shows what to press, and takes what the operator decided.

    Args:
        order: what to run; its port names the source of the window.

    Attributes:
        lay_out: puts what is to be pressed over the simulated glass; whoever has one sets it.

    Raises:
        InputError: the plan names a family or catalogue that does not exist.
    """

    patience_s = math.inf

    def __init__(self, order: RunOrder) -> None:
        self.prompter = self
        self.lay_out: Callable[[Laid], None] = lambda laid: None
        self._order = order
        self._codebook = load_codebook(order.plan)
        self._rig = HandRig(order.plan.header.profiles[0], self._lay_out)
        self._steps = steps_of_run(order, self, opener=self._opened)
        self._why: Explanation | None = None
        self._given: Decision | None = None
        self._begun = False
        self._reported: Reported | StampbenchError | None = None
        self._shown = PlanView(
            order.plan.header.name,
            str(order.directory),
            Stage.PREPARING,
            order.after + 1,
            order.plan.size,
            order.after,
        )

    def advance(self, now_us: int, source: Source, items: Sequence[Item]) -> None:
        """Take what the source brought for a drawn frame, and go on as far as that lasts."""
        self._rig.give(now_us, source, items)
        self._go_on()

    def stop(self) -> None:
        """End the run in good order, with its records and reports: the window is gone."""
        self.decide("stop")
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
            if self._shown.stage is Stage.REPORTING:
                self._report()
            elif self._reported is None and self._panel_is_there():
                next(self._steps)
        except StopIteration:
            self._show(stage=Stage.REPORTING, message="")  # drawn once before the reports are written
        except StampbenchError as error:
            self._reported = error
            self._show(stage=Stage.BROKEN, message=str(error))

    def _panel_is_there(self) -> bool:
        """Whether presses can be made; a stop ends the wait for a panel that is not there.

        Raises:
            NoHardwareError: the window was closed before it came.
            StopIteration: it was closed after the panel had been lost.
        """
        rig, shown = self._rig, self._shown
        if rig.is_open or rig.live or shown.made >= shown.presses:
            return True
        message = "" if rig.source is None else rig.source.message
        self._show(stage=Stage.CONNECTING, message=message)
        if self._given == "stop":
            if not self._begun:
                port = self._order.port
                raise NoHardwareError(message or f"{port} was not there before the window was closed")
            self._steps.throw(KeyboardInterrupt())
        return False

    def _report(self) -> None:
        self._reported = reported = report_run(self._order.directory)
        judged = reported.assessment
        limits = tuple(_limit_view(reported, place) for place in range(len(judged.limits)))
        self._show(stage=Stage.DONE, verdict=judged.verdict.value, reason=judged.reason, limits=limits)

    # --- what the window shows, and what the operator decides

    def look(self, view: View) -> None:
        """See why a stamp that is pressed is not read."""
        for thing in view.objects:
            told = thing.explanation
            if thing.pressed and thing.force >= 1.0 and told is not None:
                self._why = told if told.key in _TELLING else None

    def decide(self, decision: Decision) -> None:
        """Take what the operator decided; it counts as soon as the run asks."""
        if self._given != "stop":
            self._given = decision

    def _forget_decision(self) -> None:
        """What was decided was about something else; that it ends stays."""
        if self._given != "stop":
            self._given = None

    def view(self) -> PlanView:
        """What they see."""
        shown, rig = self._shown, self._rig
        if shown.stage is Stage.PRESS and rig.clearing:
            return replace(shown, stage=Stage.LIFT)
        if shown.stage is Stage.PRESS and not rig.live and rig.source is not None:
            return replace(shown, stage=Stage.CONNECTING, message=rig.source.message)
        return shown

    # --- what the run tells and asks

    def recorded(self, line: PressRecord | PressChunk) -> None:
        """Take in what was recorded."""
        if isinstance(line, PressRecord):
            result, shown = self._result(line), self._shown
            self._show(
                results=(result, *shown.results[: MOST_RESULTS - 1]),
                asked=None,
                good=shown.good + (result.good is True),
                bad=shown.bad + (result.good is False),
                neither=shown.neither + (result.good is None),
            )

    def pressed(self, presses: int, failed: int) -> None:
        """Count."""
        self._show(made=self._shown.made + presses)

    def show(self, prompt: Prompt) -> None:
        """Show a step."""
        do, values = known_step(prompt.text)
        changes = {
            "stage": Stage.PRESS,
            "press": prompt.press,
            "thing": said_object(prompt.object),
            "do": do,
            "values": values,
            "step": prompt.step,
            "steps": prompt.steps,
        }
        if prompt.step == 1:
            self._why = None
            self._forget_decision()
            changes |= {"touched": False, "case": self._order.plan.press(prompt.press).case.name}
        self._show(**changes)

    def answer(self) -> Answer | None:
        """What was answered instead of pressing; nothing can be made again that has not begun."""
        if not self._rig.clearing and self._rig.touching and not self._shown.touched:
            self._show(touched=True)
        given = self._given
        if given == "stop":
            return "abort"
        self._given = None
        if given == "skip" or (given == "again" and self._shown.touched):
            return given
        return None

    def clear(self) -> None:
        """The next step takes its place."""

    def again(self, record: PressRecord) -> bool | None:
        """Ask whether a press that failed counts; one that nobody answers for counts."""
        if self._shown.asked is None:
            self._forget_decision()
            self._show(stage=Stage.ASK, asked=self._result(record))
        given = self._given
        return None if given is None or given == "skip" else given == "again"

    @contextmanager
    def _opened(self, port: str, profile: str, faults: RigFaults | None) -> Iterator[HandRig]:
        """Let presses be made on the panel in the window, which is there."""
        self._show(message="")
        with self._rig.opened() as rig:
            self._begun = True
            yield rig

    def _lay_out(self, press: Press, condition: Mapping[str, Any]) -> None:
        """Let the window put over the simulated glass what is to be pressed."""
        name, codebook = press.object.partition("~")[0], self._codebook
        code = None
        if name.startswith((f"{self._order.plan.codebook_name}/", f"{self._order.plan.codebook_name}#")):
            own = said_object(name)[1]
            code = int(own) if isinstance(codebook, Family) else codebook.code_of(own)
        source = self._rig.source
        if source is not None and source.kind is SourceKind.SIMULATED:
            self.lay_out(Laid(press, code, condition))

    def _show(self, **changes: Any) -> None:
        self._shown = replace(self._shown, **changes)

    def _result(self, record: PressRecord) -> ResultView:
        """What a press came to, for the window."""
        good = record.outcome is Outcome.PASSED if record.outcome.judged else None
        key, values = self._told(record)
        why = self._why if good is False and key in ("partial", "ambiguous", "foreign", "none") else None
        return ResultView(record.press, good, key, values, why)

    def _told(self, record: PressRecord) -> tuple[str, dict[str, int | str]]:
        if record.again:
            return "again", {}
        if record.outcome in (Outcome.ERROR, Outcome.TIMEOUT):
            return record.outcome.value, {"text": record.message}
        if not record.outcome.judged:
            return record.outcome.value, {}
        read = None if record.reading is None else record.reading.code
        if read is None:
            if record.kind == "foreign":
                return "rightly_not_read", {}
            if record.message:
                return "cancelled", {}
            return record.verdict, {"contacts": len(record.contacts), "pads": self._codebook.pads_per_stamp}
        if record.kind == "foreign":
            return "foreign_read", {"read": self._name(read)}
        if record.misread:
            return "misread", {"read": self._name(read), "name": self._name(record.code or 0)}
        return "read", {"read": self._name(read)}

    def _name(self, code: int) -> str:
        return str(code) if isinstance(self._codebook, Family) else self._codebook.names[code]


def known_step(text: str) -> tuple[str, dict[str, int | str]]:
    """A step of a prompt as the window says it; ``own`` with its text where only the plan knows the words."""
    for key, pattern in _STEPS:
        if match := pattern.fullmatch(text.strip().rstrip(".!")):
            return key, ({"degrees": match[1]} if key == "turn" else {})
    return "own", {"text": text}


def _limit_view(reported: Reported, place: int) -> LimitView:
    judged = reported.assessment.limits[place]
    row = limit_row(reported.run, judged)
    kept = None if row.result == "unset" else row.result != "failed"
    return LimitView(f"{judged.measured.name}: {row.value} ({row.counted}), {row.limit}", kept)
