"""One press: draw it, let a rig make it, read it, judge it; one record."""

from __future__ import annotations

import functools
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from stampbench.bench.plans.draws import Draw, PressDrawer
from stampbench.bench.plans.plan import Plan, PlannedPress
from stampbench.bench.plans.tables import Case
from stampbench.bench.records.presses import Outcome, PressRecord
from stampbench.bench.records.readings import Listener, PressReports, judged, listen, press_of, unread_record
from stampbench.bench.rig.connection import check_same_rig
from stampbench.bench.rig.opening import VIRTUAL, Opener, Rig, faults_of, open_rig
from stampbench.bench.runs.progress import Made
from stampbench.bench.runs.prompts import PATIENCE_S, PressRefused, Prompter, asking, prompted, prompts_of
from stampbench.bench.sources.frames import ReportInput
from stampbench.firmware_emulator.errors import InputError, LinkError
from stampbench.firmware_emulator.link.messages import Capability

if TYPE_CHECKING:
    from stampbench.firmware_emulator.link.messages import Identity
    from stampbench.firmware_emulator.link.packets import LinkCounters
    from stampbench.sim.device import Device
    from stampbench.sim.panel import Condition
    from stampbench.sim.press import Press

T = TypeVar("T")

LINK_FAILURES_IN_A_ROW = 3
"""After so many the rig counts as broken, and the run ends."""
QUIET_US = 500_000
"""Device time without contact after which a press by hand is over."""

FAULTS = (
    "lost",
    "crc_errors",
    "cobs_errors",
    "too_short",
    "too_long",
    "duplicates",
    "restarts",
    "clock_jumps",
)
"""Counters of the link that stand in the record of a press where they are not 0."""


def made_press(record: PressRecord, counters: Mapping[str, int]) -> Made:
    """Return a press as the run takes it; one that is made again is none of the plan's."""
    failed = int(record.outcome is Outcome.FAILED)
    return Made(line=record, presses=int(not record.again), failed=failed, counters=counters)


class Presser:
    """Makes the presses of a plan on rigs.

    Args:
        plan: what is pressed.
        seed: of the run.
        port: of the rig, or :data:`VIRTUAL`.
        prompter: tells an operator what to press, on rigs that cannot press by themselves.
        opener: opens the rig; None: as a serial port.

    Raises:
        InputError: the plan names something that does not exist.
    """

    def __init__(
        self,
        plan: Plan,
        seed: int,
        port: str = VIRTUAL,
        prompter: Prompter | None = None,
        opener: Opener | None = None,
    ) -> None:
        from stampbench.sim.decoder import Decoder

        self._plan = plan
        self._seed = seed
        self._port = port
        self._prompter = prompter
        self._opener = opener
        self._drawer = PressDrawer(plan, seed)
        self._decoder = Decoder(self._drawer.codebook, sigma_mm=plan.decoder.sigma_mm)
        self._input = ReportInput(self._decoder, frames=plan.decoder.input == "frames")
        self._configured: tuple[Rig, dict[str, Any]] | None = None

    def press_all(self, profile: str, presses: Iterable[PlannedPress]) -> Iterator[Made | None]:
        """Make presses on one panel, in order; None where a person has not pressed yet, and others have time.

        A press during which the link fails is an error, and the rig is opened anew for the next one. One that
        the operator botched is made again.

        Raises:
            LinkError: the link failed several times in a row.
            RigChangedError: another rig answers on the port than at first.
            KeyboardInterrupt: the operator ended the run.
        """
        failures = openings = 0
        first: Identity | None = None
        faults = faults_of(self._plan, self._seed, profile) if self._port == VIRTUAL else None
        coming = iter(presses)
        planned = next(coming, None)
        while planned is not None:
            counters = _Counters()
            try:
                with (self._opener or open_rig)(self._port, profile, faults) as rig:
                    openings += 1
                    first = first or rig.identity
                    check_same_rig(self._port, first, rig.identity)
                    counters.of(rig, anew=openings > 1)
                    while planned is not None:
                        pressed = yield from self._pressing(rig, planned)
                        failures = 0
                        yield made_press(counters.noted(pressed), counters.taken())
                        if pressed.again:
                            continue
                        if pressed.outcome is Outcome.ABORTED:
                            raise KeyboardInterrupt
                        planned = next(coming, None)
                    if faults is not None:
                        faults.active = False
                        rig.settle()
                    injected = {} if faults is None else faults.injected.to_mapping()
                    yield Made(counters=counters.taken(), injected=injected)
            except LinkError as error:
                failures += 1
                if failures == LINK_FAILURES_IN_A_ROW or (planned is None and faults is None):
                    raise
                if planned is not None:
                    yield made_press(self._lost(planned, str(error)), counters.taken())
                    planned = next(coming, None)
                if planned is None and faults is not None:
                    yield Made(counters=counters.taken(), injected=faults.injected.to_mapping())

    def press(self, rig: Rig, planned: PlannedPress) -> PressRecord:
        """Make one press and read it.

        Raises:
            LinkError: the link failed.
        """
        return all_at_once(self._pressing(rig, planned))

    def _pressing(self, rig: Rig, planned: PlannedPress) -> Generator[None, None, PressRecord]:
        """Make one press; one by hand is waited for in steps."""
        from stampbench.bench.rig.serial_rig import ManualPressError

        draw = self._drawer.draw(planned)
        condition: dict[str, Any] = {}
        if Capability.CONFIGURE in rig.identity.capabilities:
            condition = self._plan.condition_of(planned.case)
            self._configure(rig, condition)
        try:
            press_reports = self._listen(rig, draw.press, draw.seed)
        except ManualPressError:
            return (yield from self._press_by_hand(rig, planned, draw, condition))
        return self._pressed(rig, unread_record(planned, draw, condition, draw.press), press_reports)

    def repeat(self, rig: Rig, record: PressRecord) -> PressRecord:
        """Make the press of a record again, and read it.

        Raises:
            LinkError: the link failed.
        """
        self._configure(rig, record.condition)
        press_reports = self._listen(rig, press_of(record), record.seed)
        return self._pressed(rig, record, press_reports)

    def _listen(self, rig: Rig, press: Press, seed: int) -> PressReports:
        self._check_input(rig)
        reports = self._input.of_press(rig.identity.profile, functools.partial(rig.press, press, seed))
        return listen(self._decoder, reports, cancel_limit=self._cancel_limit(rig), keep=self._keeps_reports)

    def _check_input(self, rig: Rig) -> None:
        """Refuse to read frames that a rig does not send.

        Raises:
            InputError: the plan asks for them.
        """
        if self._input.frames and Capability.RAW_FRAMES not in rig.identity.capabilities:
            raise InputError(
                f'{self._plan.path}: decoder.input = "frames": the rig on {self._port} sends no raw frames: '
                'expected "contacts", or another rig'
            )

    def _cancel_limit(self, rig: Rig) -> int | None:
        """Return contacts beyond which the panel cancels all touches; frames show them all the same."""
        return None if self._input.frames else rig.identity.cancel_limit

    @property
    def _keeps_reports(self) -> bool:
        """Whether records keep the reports: what a real panel said no seed says again."""
        return self._port != VIRTUAL

    def _configure(self, rig: Rig, condition: dict[str, Any]) -> None:
        if self._configured != (rig, condition):
            rig.configure(condition)
            self._configured = rig, condition

    def _press_by_hand(
        self, rig: Rig, planned: PlannedPress, draw: Draw, condition: dict[str, Any]
    ) -> Generator[None, None, PressRecord]:
        """Ask the operator to press, and listen."""
        record = unread_record(planned, draw, condition, None)
        prompts = prompts_of(
            planned.case.prompts,
            object_name=draw.object,
            number=planned.number,
            press=planned.index,
            presses=self._plan.size,
        )
        self._check_input(rig)
        listener = Listener(self._decoder, cancel_limit=self._cancel_limit(rig), keep=self._keeps_reports)

        prompter = self._prompter
        watch = functools.partial(rig.watch, first_contact_s=PATIENCE_S, quiet_us=QUIET_US)
        if prompter is not None:
            watch = functools.partial(watch, first_contact_s=prompter.patience_s, meanwhile=asking(prompter))
        try:
            reports = self._input.of_press(rig.identity.profile, watch)
            if prompter is not None:
                reports = prompted(prompter, prompts, reports)
            for report in reports:
                if report is None:
                    yield
                else:
                    listener.feed(report)
        except PressRefused as refused:
            rig.reset()
            if refused.answer == "again":
                return _botched(record)
            outcome = Outcome.SKIPPED if refused.answer == "skip" else Outcome.ABORTED
            return msgspec.structs.replace(record, outcome=outcome, message="by the operator")
        except LinkError as error:
            rig.reset()  # fails if the link is dead: then it was not the operator
            return msgspec.structs.replace(record, outcome=Outcome.TIMEOUT, message=str(error))
        record = self._pressed(rig, record, listener.finish())
        if record.outcome is Outcome.FAILED and self._prompter is not None:
            while (again := self._prompter.again(record)) is None:
                yield
            return _botched(record) if again else record
        return record

    def _pressed(self, rig: Rig, record: PressRecord, press_reports: PressReports) -> PressRecord:
        """Fill in what was read, whether that is right, and what the link did."""
        counters = rig.press_counters.to_mapping()
        seen = {name: counters[name] for name in FAULTS} | rig.press_reports.to_mapping()
        odd = {name: count for name, count in seen.items() if count}
        record = msgspec.structs.replace(
            judged(record, press_reports), link={"reports": press_reports.reports} | odd
        )
        if not rig.press_whole:
            message = _loss(counters, rig.press_reports.breaches)
            record = msgspec.structs.replace(record, outcome=Outcome.ERROR, message=message)
        return record

    def _lost(self, planned: PlannedPress, message: str) -> PressRecord:
        """Record of a press during which the link failed."""
        draw = self._drawer.draw(planned)
        record = unread_record(planned, draw, self._plan.condition_of(planned.case), draw.press)
        return msgspec.structs.replace(record, message=message)


class _Counters:
    """What the link of one opened rig did, between one taking and the next."""

    def __init__(self) -> None:
        self._rig: Rig | None = None
        self._before: LinkCounters | None = None
        self._anew = False

    def of(self, rig: Rig, *, anew: bool) -> None:
        """Count for this rig, from its opening on."""
        self._rig, self._anew = rig, anew

    def noted(self, record: PressRecord) -> PressRecord:
        """Return the record of the next press, which tells if its rig was opened anew."""
        if not self._anew:
            return record
        return msgspec.structs.replace(record, link=record.link | {"reconnects": 1})

    def taken(self) -> dict[str, int]:
        """Return the counts since the last time."""
        if self._rig is None:
            return {}
        now = self._rig.counters
        since = now if self._before is None else now - self._before
        anew, self._before, self._anew = self._anew, now, False
        return since.to_mapping() | ({"reconnects": 1} if anew else {})


class SimulatedPresser:
    """Makes the presses of a plan in memory, without a link; each is read as over one.

    Args:
        plan: what is pressed.
        seed: of the run.

    Raises:
        InputError: the plan names something that does not exist.
    """

    def __init__(self, plan: Plan, seed: int) -> None:
        from stampbench.sim.decoder import Decoder

        self._plan = plan
        self._drawer = PressDrawer(plan, seed)
        self._decoder = Decoder(self._drawer.codebook, sigma_mm=plan.decoder.sigma_mm)
        self._input = ReportInput(self._decoder, frames=plan.decoder.input == "frames")
        self._devices: dict[str, Device] = {}
        self._conditions: dict[str, tuple[dict[str, Any], Condition]] = {}

    def press(self, planned: PlannedPress) -> PressRecord:
        """Make one press, up to its decision, and read it; errors as of :meth:`press_all`."""
        return self.press_all([planned])[0]

    def press_all(self, planned: Sequence[PlannedPress]) -> list[PressRecord]:
        """Make presses, each up to its decision, and read them.

        All are drawn before the first is made: one thing at a time is done in less time.

        Raises:
            InputError: an object does not fit the panel.
        """
        draws = [self._drawer.draw(press) for press in planned]
        return [self._made(press, draw) for press, draw in zip(planned, draws, strict=True)]

    def _made(self, planned: PlannedPress, draw: Draw) -> PressRecord:
        device = self._device(planned.profile)
        settings, condition = self._condition(planned.case)
        device.configure(condition)
        press_reports = listen(
            self._decoder,
            self._input.of_press(planned.profile, functools.partial(device.reports, draw.press, draw.seed)),
            cancel_limit=None if self._input.frames else device.identity.cancel_limit,
            until_decided=True,
        )
        return judged(unread_record(planned, draw, settings, draw.press), press_reports)

    def _device(self, profile: str) -> Device:
        from stampbench.sim.device import Device
        from stampbench.sim.panel import load_profile

        if profile not in self._devices:
            self._devices[profile] = Device(load_profile(profile))
        return self._devices[profile]

    def _condition(self, case: Case) -> tuple[dict[str, Any], Condition]:
        """Return the condition of a case, as plans write it and as panels take it."""
        from stampbench.sim.panel import Condition

        if case.name not in self._conditions:
            settings = self._plan.condition_of(case)
            self._conditions[case.name] = settings, Condition.from_mapping(settings)
        return self._conditions[case.name]


def all_at_once(steps: Generator[object, None, T]) -> T:
    """Go through all steps of something without a pause; return what it returns."""
    while True:
        try:
            next(steps)
        except StopIteration as done:
            result: T = done.value
            return result


def _botched(record: PressRecord) -> PressRecord:
    """Return the record of a press that is made again: what was read of it stays, and does not count."""
    return msgspec.structs.replace(
        record, outcome=Outcome.ABORTED, again=True, message="by the operator, who made it again"
    )


def _loss(counters: dict[str, int], breaches: dict[str, str]) -> str:
    """Return what the link, or else the rig, did to a press that is not whole."""
    faults = [f"{counters[name]} {name.replace('_', ' ')}" for name in FAULTS if counters[name]]
    if breaches and not faults:
        broken = "; ".join(f"{clause} broken: {seen}" for clause, seen in breaches.items())
        return f"the rig does not keep its protocol, see stampbench rig check: {broken}"
    return f"the link did not bring all reports: {', '.join(faults) or 'the press ended early'}"
