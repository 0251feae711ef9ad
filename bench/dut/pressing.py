"""Presses of a plan made into a device under test: its own answer is judged, our decoder's beside it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import msgspec
from stampbench.bench.dut.answers import Answer
from stampbench.bench.dut.device import DeviceUnderTest
from stampbench.bench.dut.opening import device_under_test
from stampbench.bench.plans.draws import PressDrawer
from stampbench.bench.plans.plan import Plan, PlannedPress
from stampbench.bench.plans.tables import DutSettings
from stampbench.bench.records.files import RigIdentity
from stampbench.bench.records.presses import Outcome, PressRecord, ReadingRecord
from stampbench.bench.records.readings import judged, listen, press_of, unread_record
from stampbench.bench.runs.pressing import LINK_FAILURES_IN_A_ROW, made_press
from stampbench.bench.runs.progress import Made
from stampbench.firmware_emulator.errors import LinkError, NoHardwareError

if TYPE_CHECKING:
    from stampbench.sim.device import Device
    from stampbench.sim.press import Press


def dut_identity(dut: DutSettings, profile: str) -> RigIdentity:
    """Return what the records say of a device under test that stands for a panel."""
    what = " ".join(dut.command) or dut.url or dut.recogniser or dut.serial or dut.kind
    return RigIdentity(port=f"dut: {what}", virtual=True, profile=profile, firmware=dut.kind)


class DutPresser:
    """Makes the presses of a plan on simulated panels, and sends their reports into the device under test.

    Args:
        plan: what is pressed.
        dut: of the plan.
        seed: of the run.

    Raises:
        InputError: the plan names something that does not exist.
    """

    def __init__(self, plan: Plan, dut: DutSettings, seed: int) -> None:
        from stampbench.sim.decoder import Decoder

        self._plan = plan
        self._dut = dut
        self._drawer = PressDrawer(plan, seed)
        self._decoder = Decoder(self._drawer.codebook, sigma_mm=plan.decoder.sigma_mm)

    def press_all(self, profile: str, presses: Iterable[PlannedPress]) -> Iterator[Made]:
        """Make presses on one panel, in order.

        A press that the device under test did not take is an error of the bench, and it is started anew.

        Raises:
            LinkError: it failed several times in a row.
        """
        from stampbench.sim.device import Device
        from stampbench.sim.panel import load_profile

        device = Device(load_profile(profile))
        failures = 0
        with device_under_test(self._dut, device.identity) as dut:
            for planned in presses:
                try:
                    record, failures = self._press(dut, device, planned), 0
                except (LinkError, NoHardwareError) as error:
                    failures += 1
                    if failures == LINK_FAILURES_IN_A_ROW:
                        raise
                    record = self._lost(planned, str(error))
                yield made_press(record, {})

    def repeat(self, record: PressRecord) -> PressRecord:
        """Make the press of a record again, and return what the device under test says now.

        Raises:
            LinkError: it failed.
        """
        from stampbench.sim.device import Device
        from stampbench.sim.panel import load_profile

        device = Device(load_profile(record.profile))
        with device_under_test(self._dut, device.identity) as dut:
            return self._pressed(dut, device, record, press_of(record))

    def _press(self, dut: DeviceUnderTest, device: Device, planned: PlannedPress) -> PressRecord:
        draw = self._drawer.draw(planned)
        condition = self._plan.condition_of(planned.case)
        return self._pressed(dut, device, unread_record(planned, draw, condition, draw.press), draw.press)

    def _pressed(
        self, dut: DeviceUnderTest, device: Device, record: PressRecord, press: Press
    ) -> PressRecord:
        """Send one press into the device under test, and judge its answer."""
        from stampbench.sim.panel import Condition

        device.configure(Condition.from_mapping(record.condition))
        reports = list(device.reports(press, record.seed))
        own = listen(self._decoder, reports, cancel_limit=device.identity.cancel_limit)
        return _answered(judged(record, own), dut.press(record.press, reports), len(reports))

    def _lost(self, planned: PlannedPress, message: str) -> PressRecord:
        draw = self._drawer.draw(planned)
        record = unread_record(planned, draw, self._plan.condition_of(planned.case), draw.press)
        return msgspec.structs.replace(record, message=message)


def _answered(record: PressRecord, answer: Answer, reports: int) -> PressRecord:
    """Judge the answer, and keep what our decoder said beside it."""
    read = ReadingRecord(
        code=answer.code,
        verdict="none" if answer.code is None else "read",
        distance_mm=None,
        margin_mm=None,
        pose=None,
    )
    timing = record.timing and msgspec.structs.replace(record.timing, decided_us=answer.after_us)
    record = msgspec.structs.replace(
        record,
        reading=read,
        timing=timing,
        own_reading=record.reading,
        message=answer.why,
        link={"reports": reports, **answer.odd, **({} if answer.answered else {"no_answer": 1})},
        delivery=list(zip(answer.due_us, answer.sent_us, strict=True)) if answer.due_us else [],
    )
    outcome = Outcome.PASSED if record.as_it_should else Outcome.FAILED
    return msgspec.structs.replace(record, outcome=outcome)
