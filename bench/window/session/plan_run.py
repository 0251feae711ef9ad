"""A plan run in the window: ``stampbench run``'s own run, in a thread, with a person who presses."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from types import TracebackType
from typing import Any, Final, Self

from stampbench.bench.plans.draws import load_codebook
from stampbench.bench.records.chunks import PressChunk
from stampbench.bench.records.presses import Outcome, PressRecord
from stampbench.bench.report import Reported, report_run
from stampbench.bench.report.limit_rows import limit_row
from stampbench.bench.runs.orders import RunOrder
from stampbench.bench.runs.prompts import Answer, Prompt, said_object
from stampbench.bench.runs.running import Progress, run
from stampbench.bench.window.session.hand_rig import HandRig, identity_of_source
from stampbench.bench.window.session.handover import Handover
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
    """A run in a thread of its own while the block runs; see ``OperatedRun``.

    Args:
        order: what to run; its port names the source of the window.
        in_step: the window waits for the run with each frame (scripts).

    Raises:
        InputError: the plan names a family or catalogue that does not exist.
    """

    def __init__(self, order: RunOrder, *, in_step: bool) -> None:
        self.prompter = _Asked(self)
        self.handover = Handover(in_step=in_step)
        self._order = order
        self._codebook = load_codebook(order.plan)
        self._rig: HandRig | None = None
        self._laid: Laid | None = None
        self._why: Explanation | None = None
        self._given: Decision | None = None
        self._done: Future[Reported] | None = None
        self._shown = PlanView(
            order.plan.header.name,
            str(order.directory),
            Stage.PREPARING,
            order.after + 1,
            order.plan.size,
            order.after,
        )
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="plan")

    def __enter__(self) -> Self:
        self._done = self._worker.submit(self._work)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()
        self._worker.shutdown()

    def stop(self) -> None:
        """End the run in good order: the window is gone."""
        self.decide("stop")
        self.handover.close()

    def finish(self) -> Reported:
        """Wait for the end; the run with its reports.

        Raises:
            StampbenchError: nothing ran, and why; or the reports cannot be written.
            KeyboardInterrupt: it was ended before it began.
        """
        if self._done is None:
            raise RuntimeError("finish() before the block was entered")
        return self._done.result()

    def _work(self) -> Reported:
        try:
            run(self._order, self, opener=self._opened)
            self._show(stage=Stage.REPORTING, message="")
            reported = report_run(self._order.directory)
            judged = reported.assessment
            limits = tuple(_limit_view(reported, place) for place in range(len(judged.limits)))
            self._show(stage=Stage.DONE, verdict=judged.verdict.value, reason=judged.reason, limits=limits)
        except StampbenchError as error:
            self._show(stage=Stage.BROKEN, message=str(error))
            raise
        finally:
            self.handover.end()
        return reported

    # --- the window's side

    def hear(self, now_us: int, source: Source, items: Sequence[Item]) -> Laid | None:
        """Take what the source brought for a drawn frame; what is to be laid out now, if it changes."""
        self.handover.give(now_us, source, items)
        laid, self._laid = self._laid, None
        return laid if source.kind is SourceKind.SIMULATED else None

    def look(self, view: View) -> None:
        """See why a stamp that is pressed is not read."""
        for thing in view.objects:
            told = thing.explanation
            if thing.pressed and thing.force >= 1.0 and told is not None:
                self._why = told if told.key in _TELLING else None

    def decide(self, decision: Decision) -> None:
        """What the operator decided; it is taken as soon as the run looks up."""
        if self._given != "stop":
            self._given = decision

    def forget(self) -> None:
        """What was decided was about something else; that it ends stays."""
        if self._given != "stop":
            self._given = None

    def view(self) -> PlanView:
        """What they see."""
        shown, rig = self._shown, self._rig
        if shown.stage is Stage.PRESS and rig is not None and rig.clearing:
            return replace(shown, stage=Stage.LIFT)
        if shown.stage is Stage.PRESS and not self.handover.live and self.handover.source is not None:
            return replace(shown, stage=Stage.CONNECTING, message=self.handover.source.message)
        return shown

    # --- the run's side

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

    @contextmanager
    def _opened(self, port: str, profile: str, faults: RigFaults | None) -> Iterator[HandRig]:
        """The panel in the window, once it is there.

        Raises:
            InputError: nobody can press it, or nothing can be read on it.
            NoHardwareError: the window was closed before it came.
            KeyboardInterrupt: it was closed after the panel had been lost.
        """
        handover = self.handover
        while not handover.live:
            message = "" if handover.source is None else handover.source.message
            self._show(stage=Stage.CONNECTING, message=message)
            if self._given == "stop" and self._rig is not None:
                raise KeyboardInterrupt
            if self._given == "stop":
                raise NoHardwareError(message or f"{port} was not there before the window was closed")
            handover.next()
        source = handover.source
        if source is None:
            raise RuntimeError("a source that is live and is not there")
        identity = identity_of_source(source, self._order.plan.header.profiles[0])
        self._rig = HandRig(identity, handover, self._lay)
        self._show(message="")
        yield self._rig

    def _lay(self, press: Press, condition: Mapping[str, Any]) -> None:
        """Let the window put over the simulated glass what is to be pressed."""
        name, codebook = press.object.partition("~")[0], self._codebook
        code = None
        if name.startswith((f"{self._order.plan.codebook_name}/", f"{self._order.plan.codebook_name}#")):
            own = said_object(name)[1]
            code = int(own) if isinstance(codebook, Family) else codebook.code_of(own)
        self._laid = Laid(press, code, condition)

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


class _Asked:
    """The prompter of a run in the window."""

    patience_s = math.inf

    def __init__(self, plan_run: PlanRun) -> None:
        self._run = plan_run

    def show(self, prompt: Prompt) -> None:
        """Show a step."""
        run = self._run
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
            run._why = None
            run.forget()
            changes |= {"touched": False, "case": run._order.plan.press(prompt.press).case.name}
        run._show(**changes)

    def answer(self) -> Answer | None:
        """What was answered instead of pressing; nothing can be made again that has not begun."""
        run = self._run
        rig = run._rig
        if rig is not None and not rig.clearing and run.handover.touching and not run._shown.touched:
            run._show(touched=True)
        given = run._given
        if given == "stop":
            return "abort"
        run._given = None
        if given == "skip" or (given == "again" and run._shown.touched):
            return given
        return None

    def clear(self) -> None:
        """The next step takes its place."""

    def again(self, record: PressRecord) -> bool:
        """Ask whether a press that failed counts; one that nobody answers for counts."""
        run = self._run
        run.forget()
        run._show(stage=Stage.ASK, asked=run._result(record))
        while True:
            given = run._given
            if given is not None and given != "skip":
                return given == "again"
            run.handover.next()


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
