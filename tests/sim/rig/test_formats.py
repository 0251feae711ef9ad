from __future__ import annotations

import numpy as np
import pytest
from stampbench.firmware_emulator.formats import WireFormat
from stampbench.firmware_emulator.formats.microtouch_px import PxParser
from stampbench.firmware_emulator.formats.muca import MucaByteParser, MucaTextParser, MucaTouchParser
from stampbench.firmware_emulator.formats.penmount import PenMountParser
from stampbench.firmware_emulator.touch import Frame, TouchReport
from stampbench.sim.device import Device
from stampbench.sim.panel import load_profile
from stampbench.sim.press import Hand
from stampbench.sim.rig.formats import FormatRig

PROFILE = load_profile("nexus-5")
OBJECT = "fingers/3/1"
SCANS = 60


class TimedChannel:
    """Keeps what is written, and when; time passes only where the rig waits."""

    port = "timed"

    def __init__(self) -> None:
        self.now_s = 100.0
        self.chunks: list[tuple[int, bytes]] = []
        self.interrupted = False

    def clock(self) -> float:
        return self.now_s

    def read(self, timeout_s: float) -> bytes:
        self.now_s += timeout_s
        return b""

    def write(self, data: bytes) -> bool:
        self.chunks.append((round((self.now_s - 100.0) * 1e6), data))
        self.interrupted = len(self.chunks) == SCANS
        return True

    def write_now(self, data: bytes) -> bool:
        return self.write(data)

    def pause(self, seconds: float) -> None:
        self.now_s += seconds

    def interrupt(self) -> None:
        self.interrupted = True

    def close(self) -> None:
        pass


def served(wire_format: WireFormat) -> list[tuple[int, bytes]]:
    channel = TimedChannel()
    FormatRig(PROFILE, OBJECT, wire_format, channel, seed=5, clock=channel.clock).serve()
    return channel.chunks


def first_press() -> list[tuple[Frame, TouchReport]]:
    rng = np.random.default_rng((5, 0))
    press = Hand().press(OBJECT, PROFILE, rng)
    return list(Device(PROFILE).press(press, int(rng.integers(1 << 63))))


def places(report: TouchReport, x_scale: float = 1.0, y_scale: float = 1.0) -> list[tuple[bool, int, int]]:
    return [(touch.tip, round(touch.x * x_scale), round(touch.y * y_scale)) for touch in report.contacts]


@pytest.mark.parametrize(
    ("wire_format", "parser", "maximum"),
    [
        (WireFormat.PX, PxParser(), 0x3FFF),
        (WireFormat.PENMOUNT, PenMountParser(), 0x3FF),
        (WireFormat.MUCA_TOUCHES, MucaTouchParser(), None),
    ],
)
def test_contacts_arrive_as_the_controller_said_them_in_units_of_the_format(
    wire_format: WireFormat, parser: PxParser | PenMountParser | MucaTouchParser, maximum: int | None
) -> None:
    parser.feed(b"\r\n" if wire_format is WireFormat.MUCA_TOUCHES else b"", 0)
    geometry = PROFILE.geometry
    scales = (1.0, 1.0) if maximum is None else (maximum / geometry.x_max, maximum / geometry.y_max)
    said = [places(report, *scales) for _, report in first_press() if report.contacts][:20]
    read = [report for t_us, data in served(wire_format) for report in parser.feed(data, t_us)]
    assert [places(report) for report in read if report.contacts][: len(said)] == said
    assert max(map(len, said)) == 3


@pytest.mark.parametrize(
    ("wire_format", "parser"),
    [(WireFormat.MUCA, MucaTextParser(27, 15)), (WireFormat.MUCA_BYTES, MucaByteParser(27, 15))],
)
def test_frames_arrive_relative_to_the_first(
    wire_format: WireFormat, parser: MucaTextParser | MucaByteParser
) -> None:
    parser.feed(b"\r\n" if wire_format is WireFormat.MUCA else b"", -1_000_000)
    if wire_format is WireFormat.MUCA_BYTES:
        parser._partial.clear()
    frames = [frame.deltas for frame, _ in first_press()]
    read = [frame.deltas for t_us, data in served(wire_format) for frame in parser.feed(data, t_us)]
    for sent, received in zip(frames[:20], read[:20], strict=True):
        difference = received - (sent - frames[0])
        assert np.abs(difference[sent > sent.max() - 255]).max() == 0


def test_scans_come_at_their_times_without_drift() -> None:
    times_us = [t_us for t_us, _ in served(WireFormat.MUCA)]
    steps = set(np.diff(times_us).tolist())
    assert steps == {PROFILE.frame_interval_us, 500_000}
