"""Presses made one after the other: drawn and judged as ``stampbench run`` does, performed to be watched."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from stampbench.bench.judging.assessment import Measured, measure
from stampbench.bench.judging.tallies import Tally
from stampbench.bench.plans.draws import Draw, PressDrawer
from stampbench.bench.plans.plan import Plan, PlannedPress
from stampbench.bench.records.presses import Outcome
from stampbench.bench.records.readings import PressReports, judged, listen, unread_record
from stampbench.bench.window.session.cases import plan_of_presses
from stampbench.bench.window.session.setup import Setup
from stampbench.firmware_emulator.touch import Frame, TouchReport
from stampbench.sim.decoder import Decoder
from stampbench.sim.device import Device
from stampbench.sim.hold import Hold
from stampbench.sim.press import REST_FRAMES
from stampbench.sim.screen.scene import ObjectKind, SceneObject
from stampbench.sim.screen.sources import Item
from stampbench.sim.stamps.objects import Conductor, TouchObject, resolve_object

PAUSE_US: Final = 200_000
"""Between two presses, longer than the gap by which presses are told apart."""
AUTOMATIC_KEY: Final = -1
"""Key of the object that is pressed automatically: none of the scene's."""


class AutoPress:
    """Presses stamps and other objects by turns until all are made, one failed, or it is stopped.

    Args:
        setup: panel, stamps, condition and hand of every press.
        genuine: presses of stamps.
        foreign: presses of objects that must not be read.
        codes: that are pressed in turn; any, if there are none.
        stop_at_failure: whether the first press that is not read as it should be ends them.
        live: play each press in its own time; otherwise one press is made at each advance, and what is handed
            out of it ends with the report that decided.

    Attributes:
        plan: the same presses as a plan.
        wanted: how many presses.
        running: whether more presses are to come.
        failed: the press that ended it; None if none did.
        voids: how often what was known of the contacts before became void.

    Raises:
        InputError: no press is asked for, or a code that does not exist.
    """

    def __init__(
        self,
        setup: Setup,
        genuine: int,
        foreign: int = 0,
        *,
        codes: Sequence[int] = (),
        stop_at_failure: bool = False,
        live: bool = False,
    ) -> None:
        text = plan_of_presses(setup, genuine, foreign, codes)
        self.plan = Plan.parse(text, Path("auto-press.toml").resolve())
        self.wanted = genuine + foreign
        self.running = True
        self.failed: Draw | None = None
        self.voids = 0
        self._profile = setup.profile_name
        self._drawer = PressDrawer(self.plan, setup.seed)
        self._decoder = Decoder(self._drawer.codebook, sigma_mm=setup.sigma_mm)
        self._tally = Tally()
        self._measured: dict[str, Measured] = {}
        self._coming = iter(_by_turns(list(self.plan.presses()), genuine, foreign))
        self._device = Device(setup.profile, setup.condition)
        self._interval_us = setup.profile.frame_interval_us
        self._stop_at_failure = stop_at_failure
        self._live = live
        self._pressed: tuple[PlannedPress, Draw] | None = None
        self._scans: Iterator[tuple[Frame, TouchReport]] = iter(())
        self._next_scan: tuple[Frame, TouchReport] | None = None
        self._made: list[tuple[Frame, TouchReport]] = []
        self._judged = True
        self._base_us = 0
        self._shown_us = 0
        self._begun_us: int | None = None

    @property
    def made(self) -> int:
        """How many presses have been made."""
        return self._tally.presses

    @property
    def failures(self) -> int:
        """How many of them were not read as they should be."""
        return self._tally.outcomes[Outcome.FAILED]

    def measured(self, name: str) -> Measured:
        """Return a measurement of the presses so far, such as ``frr``, with its interval."""
        if name not in self._measured:
            sample = self._tally.sample(name, self._profile, None)
            self._measured[name] = measure(name, sample, profile=self._profile, case=None)
        return self._measured[name]

    @property
    def thing(self) -> SceneObject | None:
        """What is pressed, as it stood at the newest scan handed out."""
        if self._pressed is None:
            return None
        draw = self._pressed[1]
        now = draw.press.at(self._shown_us - REST_FRAMES * self._interval_us)
        return _object_of(resolve_object(draw.press.object), draw.code, now)

    def stop(self) -> None:
        """Make no more presses."""
        self.running = False

    def advance(self, to_us: int) -> Sequence[Item]:
        """Return what the presses report up to a time of the session's clock."""
        if not self.running:
            return ()
        return self._play(to_us) if self._live else self._make_one()

    def resume(self, now_us: int) -> None:
        """Go on after a pause as if no time had passed."""
        if self._begun_us is not None:
            self._begun_us = now_us - self._shown_us

    def _begin(self) -> bool:
        """Draw the next press; False when all have been made."""
        planned = next(self._coming, None)
        if planned is None:
            self.running = False
            return False
        if self._made:
            self._base_us += self._made[-1][0].t_us + PAUSE_US
        draw = self._drawer.draw(planned)
        self._pressed = planned, draw
        self._scans, self._made = self._device.press(draw.press, draw.seed), []
        self._shown_us = 0
        self._judged = False
        return True

    def _make_one(self) -> Sequence[Item]:
        """Return one press at once; what is to be seen of it ends with the report that decided."""
        if not self._begin():
            return ()
        self._made = list(self._scans)
        return self._judge()

    def _play(self, to_us: int) -> Sequence[Item]:
        """Return the scans that are due."""
        items: list[Item] = []
        if self._begun_us is None:
            self._begun_us = to_us
            self._advance_to_next()
        while self.running:
            while self._next_scan is not None and self._begun_us + self._next_scan[0].t_us <= to_us:
                self._made.append(self._next_scan)
                items += self._shown(self._next_scan)
                self._next_scan = next(self._scans, None)
            if self._next_scan is not None:
                break
            if not self._judged:
                decisive = self._judge()
                if self.failed is not None:
                    return decisive
            end_us = self._begun_us + self._made[-1][0].t_us + PAUSE_US
            if end_us > to_us:
                break
            self._begun_us = end_us
            self._advance_to_next()
        return items

    def _advance_to_next(self) -> None:
        if self._begin():
            self._next_scan = next(self._scans, None)

    def _judge(self) -> Sequence[Item]:
        """Count the press; what led to its decision, to be seen alone."""
        if self._pressed is None:
            return ()
        self._judged = True
        press_reports = listen(
            self._decoder,
            [report for _, report in self._made],
            cancel_limit=self._device.identity.cancel_limit,
        )
        if not self._count(*self._pressed, press_reports) and self._stop_at_failure:
            self.failed = self._pressed[1]
            self.running = False
        if self._live and self.failed is None:
            return ()
        self.voids += 1
        until_us = None if press_reports.decisive is None else press_reports.decisive.t_us
        seen = self._made if until_us is None else [s for s in self._made if s[0].t_us <= until_us]
        return [item for scan in seen for item in self._shown(scan)]

    def _count(self, planned: PlannedPress, draw: Draw, press_reports: PressReports) -> bool:
        """Add a press to the rates; return whether it was read as it should be."""
        condition = self.plan.condition_of(planned.case)
        record = judged(unread_record(planned, draw, condition, draw.press), press_reports)
        self._tally.add(record)
        self._measured.clear()
        return record.outcome is Outcome.PASSED

    def _shown(self, scan: tuple[Frame, TouchReport]) -> tuple[Frame, TouchReport]:
        """Return a scan in device time that runs on from press to press."""
        frame, report = scan
        self._shown_us = frame.t_us
        return (
            Frame(self._base_us + frame.t_us, frame.deltas),
            report._replace(t_us=self._base_us + report.t_us),
        )


def _by_turns(planned: list[PlannedPress], genuine: int, foreign: int) -> list[PlannedPress]:
    """Mix the presses of a plan of both kinds evenly; each is the same in whatever order it is made."""
    first, second = planned[:genuine], planned[genuine:]
    places = [(place + 0.5) / genuine for place in range(genuine)]
    places += [(place + 0.5) / foreign for place in range(foreign)]
    mixed = sorted(zip(places, (*first, *second), strict=True), key=lambda pair: pair[0])
    return [press for _, press in mixed]


def _object_of(body: TouchObject, code: int | None, hold: Hold) -> SceneObject:
    return SceneObject(
        key=AUTOMATIC_KEY,
        kind=ObjectKind.FINGER if body.conductor is Conductor.SKIN else ObjectKind.STAMP,
        body=body,
        hold=hold,
        code=code,
        pressed=hold.force > 0.0,
    )
