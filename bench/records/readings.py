"""What one press said: its reports, read to the decision, and judged against the truth."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
from stampbench.bench.plans.draws import Draw
from stampbench.bench.plans.plan import PlannedPress
from stampbench.bench.records.presses import (
    ContactRecord,
    Outcome,
    PressRecord,
    ReadingRecord,
    SaidContact,
    Timing,
    finite,
)

if TYPE_CHECKING:
    from stampbench.firmware_emulator.touch import Contact, TouchReport
    from stampbench.sim.decoder import Decoder, PressDecision, Reading
    from stampbench.sim.press import Press


@dataclass(frozen=True, slots=True)
class PressReports:
    """What the reports of one press came to.

    Attributes:
        decisive: the report of the decision; without one, the last with the most contacts.
        start_us: device time of the first scan.
        reports: how many were listened to.
        said: them all, as they are recorded, if that was asked for.
    """

    decision: PressDecision
    decisive: TouchReport | None
    start_us: int
    reports: int
    said: tuple[tuple[int, list[SaidContact]], ...] = ()

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


class Listener:
    """Reads one press, report by report.

    Args:
        decoder: reads the shapes.
        cancel_limit: contacts beyond which the phone cancels all touches; None if it never does.
        keep: keep the reports, to be recorded.
    """

    def __init__(self, decoder: Decoder, *, cancel_limit: int | None = None, keep: bool = False) -> None:
        from stampbench.sim.decoder import PressDecoder

        self._press = PressDecoder(decoder, contact_limit=cancel_limit)
        self._keep = keep
        self._decision: PressDecision | None = None
        self._fullest: TouchReport | None = None
        self._start_us = self._count = self._most = 0
        self._said: list[tuple[int, list[SaidContact]]] = []

    def feed(self, report: TouchReport) -> bool:
        """Take in the next report; return whether it decided the press."""
        if self._count == 0:
            self._start_us = report.t_us
        self._count += 1
        if self._keep:
            said = [_said(contact) for contact in report.contacts]
            self._said.append((report.t_us - self._start_us, said))
        decision = self._press.feed(report)
        if decision is not None:
            self._decision, self._fullest = decision, report
        elif self._decision is None and (self._fullest is None or len(report.down) >= self._most):
            self._fullest, self._most = report, len(report.down)
        return decision is not None

    def finish(self) -> PressReports:
        """Return what the press said; it is over."""
        decision = self._decision or self._press.finish()
        return PressReports(decision, self._fullest, self._start_us, self._count, tuple(self._said))


def listen(
    decoder: Decoder,
    reports: Iterable[TouchReport],
    *,
    cancel_limit: int | None = None,
    until_decided: bool = False,
    keep: bool = False,
) -> PressReports:
    """Feed all reports of one press to the decoder, and return what it said.

    Args:
        decoder: reads the shapes.
        reports: of the press.
        cancel_limit: contacts beyond which the phone cancels all touches; None if it never does.
        until_decided: leave the reports after the decision alone; they cannot change it.
        keep: keep the reports, to be recorded.
    """
    listener = Listener(decoder, cancel_limit=cancel_limit, keep=keep)
    for report in reports:
        if listener.feed(report) and until_decided:
            break
    return listener.finish()


def reports_of(record: PressRecord) -> list[TouchReport]:
    """Return the reports that a record keeps, again; their device time begins at 0."""
    from stampbench.firmware_emulator.touch import Contact, TouchReport

    return [
        TouchReport(
            t_us,
            tuple(
                Contact(
                    id=number,
                    tip=bool(flags & 1),
                    x=x,
                    y=y,
                    x_mm=x_mm,
                    y_mm=y_mm,
                    size_mm=size_mm,
                    cancelled=bool(flags & 2),
                )
                for number, flags, x, y, x_mm, y_mm, size_mm in contacts
            ),
        )
        for t_us, contacts in record.said
    ]


def _said(contact: Contact) -> SaidContact:
    return (contact.id, contact.tip | contact.cancelled << 1, *contact[2:7])


def unread_record(
    planned: PlannedPress, draw: Draw, condition: dict[str, Any], press: Press | None
) -> PressRecord:
    """Return the record of a press of which the truth alone is known; an error until it is read."""
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
        keyframes=[] if press is None else [keyframe.values for keyframe in press.keyframes],
        outcome=Outcome.ERROR,
    )


def judged(record: PressRecord, press_reports: PressReports) -> PressRecord:
    """Return the record with what was read, passed or failed."""
    decision = press_reports.decision
    read = msgspec.structs.replace(
        record,
        reading=reading_record(decision.reading),
        timing=press_reports.timing,
        contacts=press_reports.contacts,
        decisive_us=press_reports.decisive_us,
        said=list(press_reports.said),
        message=decision.explanation if decision.cancelled else "",
    )
    outcome = Outcome.PASSED if read.as_it_should else Outcome.FAILED
    return msgspec.structs.replace(read, outcome=outcome)


def reading_record(reading: Reading) -> ReadingRecord:
    """Return what the decoder said, as it is recorded."""
    return ReadingRecord(
        code=reading.code,
        verdict=reading.verdict.value,
        distance_mm=finite(reading.distance_mm),
        margin_mm=finite(reading.margin_mm),
        margin_is_bound=reading.margin_is_bound,
        pose=reading.pose,
    )


def press_of(record: PressRecord) -> Press:
    """Return the press as a record tells it."""
    from stampbench.sim.press import Keyframe, Press

    return Press(record.object, tuple(Keyframe.of(values) for values in record.keyframes))
