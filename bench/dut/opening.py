"""The device under test that a plan's ``[dut]`` describes, opened for one panel."""

from __future__ import annotations

import queue

from stampbench.bench.dut.answers import Heard
from stampbench.bench.dut.device import DeviceUnderTest
from stampbench.bench.dut.process import ProcessSink
from stampbench.bench.dut.sink import Sink
from stampbench.bench.plans.tables import DutSettings
from stampbench.firmware_emulator.link.messages import Identity


def device_under_test(dut: DutSettings, panel: Identity) -> DeviceUnderTest:
    """Return the device under test of a plan; it is opened with its first press.

    Args:
        dut: of the plan.
        panel: that is pressed on.

    Raises:
        InputError: it cannot be opened as it is described.
    """
    heard: Heard = queue.SimpleQueue()
    return DeviceUnderTest(
        sink=sink_of(dut, panel, heard),
        heard=heard,
        codes=dut.codes,
        timeout_s=dut.timeout_s,
        late_ms=dut.late_ms,
    )


def sink_of(dut: DutSettings, panel: Identity, heard: Heard) -> Sink:
    """Return the way into a device under test.

    Args:
        dut: of the plan.
        panel: that is pressed on.
        heard: where answers go that come back on the same way.
    """
    return ProcessSink(dut.command, panel, heard)
