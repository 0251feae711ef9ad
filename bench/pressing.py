"""One press: draw it, let a rig make it, read it, judge it; one record."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from bench.draws import Draw, PressDrawer
from bench.plans import Plan, PlannedPress
from bench.records import (
    ContactRecord,
    Outcome,
    PressRecord,
    ReadingRecord,
    RigIdentity,
    Timing,
    finite,
)
from firmware_emulator.errors import LinkError

if TYPE_CHECKING:
    from bench.sources.serial_rig import SerialRig
    from firmware_emulator.touch import TouchReport
    from sim.decoder import PressDecision
    from sim.press import Press

VIRTUAL = "virtual"
"""Name of the rig in software where a port is expected."""
LINK_FAILURES_IN_A_ROW = 3
"""After so many the rig counts as broken, and the run ends."""
PROMPT_S = 120.0
"""How long an operator may take to the next press."""
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

Prompt = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Pressed:
    """A press and what the link did meanwhile."""

    record: PressRecord
    counters: dict[str, int]


@contextmanager
def open_rig(port: str, profile: str) -> Iterator[SerialRig]:
    """Open the rig on a port with pyserial; :data:`VIRTUAL` first starts one in software, behind a real port.

    Raises:
        NoHardwareError: there is no such port.
        InputError: the port cannot be used, or speaks another protocol.
        LinkError: the rig died while it was used.
    """
    from bench.sources.serial_rig import SerialRig

    if port != VIRTUAL:
        with SerialRig(port) as rig:
            yield rig
        return
    from sim.rig import virtual_rig

    with virtual_rig(profile) as virtual_port, SerialRig(virtual_port) as rig:
        yield rig


def identity_of(rig: SerialRig, port: str) -> RigIdentity:
    """What the rig says of itself, for the header of the records."""
    said = rig.identity
    return RigIdentity(
        port=port,
        virtual=port == VIRTUAL,
        serial_number=said.serial_number,
        profile=said.profile,
        firmware=f"{said.firmware_name} {said.firmware_version}",
        protocol=said.protocol_version,
    )


class Presser:
    """Makes the presses of a plan on rigs.

    Args:
        plan: what is pressed.
        seed: of the run.
        port: of the rig, or :data:`VIRTUAL`.
        prompt: tells an operator what to press, on rigs that cannot press by themselves.

    Raises:
        InputError: the plan names something that does not exist.
    """

    def __init__(self, plan: Plan, seed: int, port: str = VIRTUAL, prompt: Prompt | None = None) -> None:
        from sim.decoder import Decoder

        self._plan = plan
        self._port = port
        self._prompt = prompt
        self._drawer = PressDrawer(plan, seed)
        self._decoder = Decoder(self._drawer.codebook, sigma_mm=plan.decoder.sigma_mm)
        self._configured: tuple[SerialRig, dict[str, Any]] | None = None

    def press_all(self, profile: str, presses: Iterable[PlannedPress]) -> Iterator[Pressed]:
        """Make presses on one panel, in order.

        A press during which the link fails is an error, and the rig is opened anew for the next one.

        Raises:
            LinkError: the link failed several times in a row.
        """
        failures = 0
        coming = iter(presses)
        planned = next(coming, None)
        while planned is not None:
            try:
                with open_rig(self._port, profile) as rig:
                    while planned is not None:
                        pressed = self.press(rig, planned)
                        planned = next(coming, None)
                        failures = 0
                        yield pressed
            except LinkError as error:
                failures += 1
                if failures == LINK_FAILURES_IN_A_ROW or planned is None:
                    raise
                yield Pressed(self._lost(planned, str(error)), {})
                planned = next(coming, None)

    def press(self, rig: SerialRig, planned: PlannedPress) -> Pressed:
        """Make one press and read it.

        Raises:
            LinkError: the link failed.
        """
        from bench.sources.serial_rig import ManualPressError
        from firmware_emulator.messages import Capability

        draw = self._drawer.draw(planned)
        condition: dict[str, Any] = {}
        if Capability.CONFIGURE in rig.identity.capabilities:
            condition = self._plan.condition_of(planned.case)
            self._configure(rig, condition)
        try:
            heard = self._listen(rig.press(draw.press, draw.seed))
        except ManualPressError:
            return self._press_by_hand(rig, planned, draw)
        return self._judged(rig, _blank(planned, draw, condition, draw.press), heard)

    def repeat(self, rig: SerialRig, record: PressRecord) -> PressRecord:
        """Make the press of a record again, and read it.

        Raises:
            LinkError: the link failed.
        """
        self._configure(rig, record.condition)
        heard = self._listen(rig.press(press_of(record), record.seed))
        return self._judged(rig, record, heard).record

    def _configure(self, rig: SerialRig, condition: dict[str, Any]) -> None:
        if self._configured != (rig, condition):
            rig.configure(condition)
            self._configured = rig, condition

    def _press_by_hand(self, rig: SerialRig, planned: PlannedPress, draw: Draw) -> Pressed:
        """Ask the operator to press, and listen."""
        if self._prompt is not None:
            self._prompt(f"press {planned.index} of {self._plan.size}: press {draw.object} now, then let go")
        record = _blank(planned, draw, {}, None)
        try:
            heard = self._listen(rig.watch(first_contact_s=PROMPT_S, quiet_us=QUIET_US))
        except LinkError as error:
            rig.reset()  # fails if the link is dead: then it was not the operator
            return Pressed(msgspec.structs.replace(record, outcome=Outcome.TIMEOUT, message=str(error)), {})
        return self._judged(rig, record, heard)

    def _listen(self, reports: Iterable[TouchReport]) -> _Heard:
        """Feed the reports of one press to the decoder, to the end, which may come after the decision."""
        from sim.decoder import PressDecoder

        decoder = PressDecoder(self._decoder)
        decision = fullest = first = None
        count = 0
        for report in reports:
            count += 1
            first = first or report
            now = decoder.feed(report)
            if now is not None:
                decision, fullest = now, report
            elif decision is None and (fullest is None or len(report.down) >= len(fullest.down)):
                fullest = report
        return _Heard(decision or decoder.finish(), fullest, 0 if first is None else first.t_us, count)

    def _judged(self, rig: SerialRig, record: PressRecord, heard: _Heard) -> Pressed:
        """Fill in what was read, and whether that is right."""
        reading = heard.decision.reading
        counters = rig.press_counters.to_mapping()
        record = msgspec.structs.replace(
            record,
            reading=ReadingRecord(
                code=reading.code,
                verdict=reading.verdict.value,
                distance_mm=finite(reading.distance_mm),
                margin_mm=finite(reading.margin_mm),
                margin_is_bound=reading.margin_is_bound,
                pose=reading.pose,
            ),
            timing=heard.timing,
            contacts=heard.contacts,
            decisive_us=heard.decisive_us,
            link={"reports": heard.reports} | {name: counters[name] for name in FAULTS if counters[name]},
        )
        if not rig.press_whole:
            outcome, message = Outcome.ERROR, _loss(counters)
        else:
            right = record.read_right if record.kind == "genuine" else not record.accepted
            outcome, message = (Outcome.PASSED if right else Outcome.FAILED), ""
        return Pressed(msgspec.structs.replace(record, outcome=outcome, message=message), counters)

    def _lost(self, planned: PlannedPress, message: str) -> PressRecord:
        """Record of a press during which the link failed."""
        draw = self._drawer.draw(planned)
        record = _blank(planned, draw, self._plan.condition_of(planned.case), draw.press)
        return msgspec.structs.replace(record, message=message)


@dataclass(frozen=True, slots=True)
class _Heard:
    """What came over the link during one press.

    Attributes:
        decisive: the report of the decision; without one, the last with the most contacts.
        start_us: device time of the first scan.
        reports: how many.
    """

    decision: PressDecision
    decisive: TouchReport | None
    start_us: int
    reports: int

    @property
    def timing(self) -> Timing:
        """Times since the first scan."""
        decision = self.decision
        return Timing(
            first_contact_us=self._since_start(decision.first_contact_us),
            all_pads_us=self._since_start(decision.all_pads_us),
            decided_us=self._since_start(decision.decided_at_us),
            reports=decision.reports_used,
        )

    @property
    def decisive_us(self) -> int | None:
        """Time of the decisive report since the first scan."""
        return None if self.decisive is None else self.decisive.t_us - self.start_us

    @property
    def contacts(self) -> list[ContactRecord]:
        """Contacts of the decisive report that have a place in mm."""
        return [
            ContactRecord(id=contact.id, x_mm=contact.x_mm, y_mm=contact.y_mm)
            for contact in (self.decisive.down if self.decisive is not None else ())
            if contact.x_mm is not None and contact.y_mm is not None
        ]

    def _since_start(self, t_us: int | None) -> int | None:
        return None if t_us is None else t_us - self.start_us


def _blank(planned: PlannedPress, draw: Draw, condition: dict[str, Any], press: Press | None) -> PressRecord:
    """Record of a press of which nothing is known but the truth; an error until somebody says otherwise."""
    return PressRecord(
        press=planned.index,
        profile=planned.profile,
        case=planned.case.name,
        kind=planned.case.kind,
        number=planned.number,
        object=draw.object,
        code=draw.code,
        seed=draw.seed,
        condition=condition,
        keyframes=[] if press is None else [dataclasses.astuple(keyframe) for keyframe in press.keyframes],
        outcome=Outcome.ERROR,
    )


def press_of(record: PressRecord) -> Press:
    """The press as a record tells it."""
    from sim.press import Keyframe, Press

    return Press(record.object, tuple(Keyframe(int(values[0]), *values[1:]) for values in record.keyframes))


def _loss(counters: dict[str, int]) -> str:
    """What the link did to a press that is not whole."""
    faults = [f"{counters[name]} {name.replace('_', ' ')}" for name in FAULTS if counters[name]]
    return f"the link did not bring all reports: {', '.join(faults) or 'the press ended early'}"
