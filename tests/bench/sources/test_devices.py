from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager

import pytest
from stampbench.bench.sources.devices import device_recording, open_device
from stampbench.bench.sources.ruler import GivenRuler
from stampbench.firmware_emulator.errors import InputError, NoHardwareError, ProtocolError
from stampbench.firmware_emulator.formats import WireFormat
from stampbench.firmware_emulator.touch import Frame, TouchReport
from stampbench.sim.panel import load_profile
from stampbench.sim.rig import open_channel, served
from stampbench.sim.rig.formats import FormatRig
from stampbench.sim.rig.pattern import PatternDevice

PROFILE = load_profile("nexus-5")
SIZE_MM = (PROFILE.geometry.width_mm, PROFILE.geometry.height_mm)
NODES = (27, 15)


@contextmanager
def hardware(wire_format: WireFormat) -> Iterator[str]:
    """Somebody else's hardware, pressed by one finger again and again."""
    with closing(open_channel()) as channel, ThreadPoolExecutor(1) as executor:
        rig = FormatRig(PROFILE, "finger", wire_format, channel, seed=3)
        serving = executor.submit(rig.serve)
        try:
            yield channel.port
        finally:
            channel.interrupt()
            serving.result()


@pytest.mark.parametrize(
    "wire_format", [WireFormat.PX, WireFormat.PENMOUNT, WireFormat.MUCA, WireFormat.MUCA_BYTES]
)
def test_hardware_is_recognised_and_its_contacts_read_in_mm(wire_format: WireFormat) -> None:
    with (
        hardware(wire_format) as port,
        open_device(port, given=GivenRuler(size_mm=SIZE_MM, nodes=NODES)) as source,
    ):
        reports = (item for item in source.items if isinstance(item, TouchReport) and item.down)
        touches = [report.down[0] for report in itertools.islice(reports, 5)]
        assert source.format == wire_format
        assert (source.header.width_mm, source.header.height_mm) == SIZE_MM
        assert sum(count for name, count in source.counters().items() if name != "damaged") > 0
    for touch in touches:
        assert touch.x_mm == pytest.approx(touch.x * SIZE_MM[0] / source.header.x_max)
        assert 0 < touch.x_mm < SIZE_MM[0]


def test_what_was_heard_to_recognise_a_format_is_not_lost() -> None:
    with hardware(WireFormat.PX) as port, open_device(port) as source:
        reports = [item for item in itertools.islice(source.items, 10) if isinstance(item, TouchReport)]
        counters = source.counters()
    assert reports[0].contacts[0].id == 0
    assert counters["stray_bytes"] == 0


def test_raw_frames_without_a_size_stay_frames() -> None:
    with hardware(WireFormat.MUCA) as port, open_device(port, given=GivenRuler(nodes=NODES)) as source:
        items = list(itertools.islice((item for item in source.items if item is not None), 5))
        assert all(isinstance(item, Frame) and item.deltas.shape == NODES for item in items)


def test_decoding_raw_frames_asks_for_the_size() -> None:
    with (
        hardware(WireFormat.MUCA) as port,
        device_recording(port, given=GivenRuler(nodes=NODES)) as recording,
        pytest.raises(InputError, match="raw frames alone; --size-mm"),
    ):
        next(recording.reports)


def test_a_size_needs_the_range_of_the_coordinates() -> None:
    with (
        hardware(WireFormat.MUCA_TOUCHES) as port,
        pytest.raises(InputError, match=r"muca-touches .* does not give the range .* expected --range WxH"),
        open_device(port, given=GivenRuler(size_mm=SIZE_MM)),
    ):
        pass


def test_the_range_that_coordinates_lack_can_be_given() -> None:
    with (
        hardware(WireFormat.MUCA_TOUCHES) as port,
        open_device(port, given=GivenRuler(size_mm=SIZE_MM, range_units=(1000, 500))) as source,
    ):
        assert (source.header.x_max, source.header.width_mm) == (1000, SIZE_MM[0])


def test_rig_on_the_link_is_recognised_and_tells_its_size() -> None:
    with served(PatternDevice("SN-8"), open_channel()) as port, open_device(port, frames=True) as source:
        assert (source.format, source.header.device) == ("link", "pattern SN-8")
        assert (source.header.x_max, source.header.width_mm) == (4095, 60.0)
        assert next(source.items) is None
        assert source.counters()["packets"] > 0


def test_recording_of_a_device_ends_in_time() -> None:
    with (
        served(PatternDevice(), open_channel()) as port,
        device_recording(port, seconds=0.0) as recording,
    ):
        assert list(recording) == []
        assert "packets" in recording.notes[-1]


def test_silent_port_is_told_apart_from_an_unknown_format() -> None:
    with (
        closing(open_channel("tcp")) as channel,
        pytest.raises(ProtocolError, match="nothing came within 0 s; touch the panel"),
        open_device(channel.port, wait_s=0.0),
    ):
        pass


def test_port_that_does_not_exist_is_missing_hardware(tmp_path: os.PathLike[str]) -> None:
    with pytest.raises(NoHardwareError, match="does not exist"), open_device(f"{tmp_path}/none"):
        pass
