"""One press: draw it, let a rig make it, read it, judge it; one record."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from bench.draws import Draw, PressDrawer
from bench.plans import Plan, PlannedPress
from bench.press_readings import Heard, blank, judged, listen, press_of
from bench.press_records import Outcome, PressRecord
from bench.records import RigIdentity
from firmware_emulator.errors import LinkError

if TYPE_CHECKING:
    from bench.sources.serial_rig import SerialRig
    from bench.sources.simulated import SimulatedSource
    from firmware_emulator.touch import TouchReport

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
    presses = 1

    @property
    def line(self) -> PressRecord:
        """What is recorded."""
        return self.record

    @property
    def failed(self) -> int:
        """How many presses failed."""
        return int(self.record.outcome is Outcome.FAILED)


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
            heard = self._listen(rig, rig.press(draw.press, draw.seed))
        except ManualPressError:
            return self._press_by_hand(rig, planned, draw)
        return self._pressed(rig, blank(planned, draw, condition, draw.press), heard)

    def repeat(self, rig: SerialRig, record: PressRecord) -> PressRecord:
        """Make the press of a record again, and read it.

        Raises:
            LinkError: the link failed.
        """
        self._configure(rig, record.condition)
        heard = self._listen(rig, rig.press(press_of(record), record.seed))
        return self._pressed(rig, record, heard).record

    def _listen(self, rig: SerialRig, reports: Iterable[TouchReport]) -> Heard:
        return listen(self._decoder, reports, cancel_limit=rig.identity.cancel_limit)

    def _configure(self, rig: SerialRig, condition: dict[str, Any]) -> None:
        if self._configured != (rig, condition):
            rig.configure(condition)
            self._configured = rig, condition

    def _press_by_hand(self, rig: SerialRig, planned: PlannedPress, draw: Draw) -> Pressed:
        """Ask the operator to press, and listen."""
        if self._prompt is not None:
            self._prompt(f"press {planned.index} of {self._plan.size}: press {draw.object} now, then let go")
        record = blank(planned, draw, {}, None)
        try:
            heard = self._listen(rig, rig.watch(first_contact_s=PROMPT_S, quiet_us=QUIET_US))
        except LinkError as error:
            rig.reset()  # fails if the link is dead: then it was not the operator
            return Pressed(msgspec.structs.replace(record, outcome=Outcome.TIMEOUT, message=str(error)), {})
        return self._pressed(rig, record, heard)

    def _pressed(self, rig: SerialRig, record: PressRecord, heard: Heard) -> Pressed:
        """Fill in what was read, whether that is right, and what the link did."""
        counters = rig.press_counters.to_mapping()
        faults = {name: counters[name] for name in FAULTS if counters[name]}
        record = msgspec.structs.replace(judged(record, heard), link={"reports": heard.reports} | faults)
        if not rig.press_whole:
            record = msgspec.structs.replace(record, outcome=Outcome.ERROR, message=_loss(counters))
        return Pressed(record, counters)

    def _lost(self, planned: PlannedPress, message: str) -> PressRecord:
        """Record of a press during which the link failed."""
        draw = self._drawer.draw(planned)
        record = blank(planned, draw, self._plan.condition_of(planned.case), draw.press)
        return msgspec.structs.replace(record, message=message)


class SimulatedPresser:
    """Makes the presses of a plan in memory, without a link; each is read as over one.

    Args:
        plan: what is pressed.
        seed: of the run.

    Raises:
        InputError: the plan names something that does not exist.
    """

    def __init__(self, plan: Plan, seed: int) -> None:
        from sim.decoder import Decoder

        self._plan = plan
        self._drawer = PressDrawer(plan, seed)
        self._decoder = Decoder(self._drawer.codebook, sigma_mm=plan.decoder.sigma_mm)
        self._sources: dict[str, SimulatedSource] = {}

    def press(self, planned: PlannedPress) -> PressRecord:
        """Make one press, up to its decision, and read it.

        Raises:
            InputError: the object does not fit the panel.
        """
        from bench.sources.simulated import SimulatedSource

        if planned.profile not in self._sources:
            self._sources[planned.profile] = SimulatedSource(planned.profile)
        source = self._sources[planned.profile]
        draw = self._drawer.draw(planned)
        condition = self._plan.condition_of(planned.case)
        source.configure(condition)
        reports = source.press(draw.press, draw.seed)
        heard = listen(self._decoder, reports, cancel_limit=source.cancel_limit, until_decided=True)
        return judged(blank(planned, draw, condition, draw.press), heard)


def _loss(counters: dict[str, int]) -> str:
    """What the link did to a press that is not whole."""
    faults = [f"{counters[name]} {name.replace('_', ' ')}" for name in FAULTS if counters[name]]
    return f"the link did not bring all reports: {', '.join(faults) or 'the press ended early'}"
