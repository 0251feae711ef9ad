"""Speed of the link: parsing on one core, and from bytes on a pseudo-terminal to a reading."""

from __future__ import annotations

import select
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing

import numpy as np
import numpy.typing as npt
from stampbench.bench.perf import Figure

PACKETS = 50_000
FRAME_SHAPE = (72, 48)
FRAMES = 2000
LATENCY_REPORTS = 1000
REPLAYED_REPORTS = 500
REPORTS_PER_S = 250
_CHUNK = 4096
_FAMILY = "p5-60k"
_CODE = 12_345
_WAIT_S = 0.1


def measure() -> dict[str, Figure]:
    """Return the figures of the link.

    ``packets_per_s``: packets of five contacts parsed to touch reports, in chunks of 4 kB; the baseline takes
    the same bytes one by one. ``framing_packets_per_s``: the same without the touch reports.
    ``raw_frames_mb_per_min``: raw frames of 72 x 48 nodes. ``rig_packets_per_s``: reports of a press through
    pyserial, rig and reader in one process. ``latency_p50_ms``, ``latency_p99_ms``: from the moment that a
    report of five pads can be read from a pseudo-terminal to its verdict, at 250 reports a second.
    ``write_latency_p99_ms`` begins where it is written: the rest is the system's, and grows with what else
    runs. Latencies are missing where there are no pseudo-terminals. ``replug_ms``: from the return of a rig
    behind another port to its answer. ``replay_late_p99_ms``: how late reports of a recording at speed 1 come
    against deadlines that count from the first. Rates of parsing are by processor time, of one core.
    """
    from stampbench.sim.rig.pattern import pattern_report

    wire = _wire(PACKETS)
    parsing_s = _seconds(lambda: _parse(wire, _CHUNK, reports=True))
    bytewise_s = _seconds(lambda: _parse(wire[: len(wire) // 20], 1, reports=True)) * 20
    framing_s = _seconds(lambda: _parse(wire, _CHUNK, reports=False))
    figures = {
        "packets_per_s": Figure(
            PACKETS / parsing_s, "packets/s", PACKETS / bytewise_s, "the same parser, fed byte by byte"
        ),
        "framing_packets_per_s": Figure(PACKETS / framing_s, "packets/s"),
        "raw_frames_mb_per_min": Figure(_raw_frames_mb_per_min(), "MB/min"),
        "rig_packets_per_s": Figure(_rig_packets_per_s(len(pattern_report(0, 0).contacts)), "packets/s"),
    }
    figures["replug_ms"] = Figure(1000 * _replug_s(), "ms")
    figures["replay_late_p99_ms"] = Figure(1000 * _percentile(_replay_late_s(), 99), "ms")
    times_s = _latencies_s()
    if times_s is not None:
        written, readable, read = 1000 * times_s.T
        figures |= {
            "latency_p50_ms": Figure(_percentile(read - readable, 50), "ms"),
            "latency_p99_ms": Figure(_percentile(read - readable, 99), "ms"),
            "write_latency_p99_ms": Figure(
                _percentile(read - written, 99),
                "ms",
                _percentile(readable - written, 99),
                "the pseudo-terminal alone, until the reader is awake",
            ),
        }
    return figures


def _percentile(values: npt.NDArray[np.float64], percent: float) -> float:
    return float(np.percentile(values, percent))


def _wire(packets: int) -> bytes:
    """Return as many packets of five contacts."""
    from stampbench.firmware_emulator.link.messages import pack_contacts
    from stampbench.firmware_emulator.link.packets import PacketSender, PacketType
    from stampbench.sim.rig.pattern import pattern_report

    sender = PacketSender()
    reports = (pattern_report(1, scan) for scan in range(packets))
    return b"".join(
        sender.encode(PacketType.CONTACTS, report.t_us, pack_contacts(report)) for report in reports
    )


def _parse(wire: bytes, chunk: int, *, reports: bool) -> None:
    from stampbench.firmware_emulator.link.messages import ContactReader
    from stampbench.firmware_emulator.link.packets import PacketParser
    from stampbench.sim.rig.pattern import PatternDevice

    parser, reader = PacketParser(), ContactReader(PatternDevice().identity)
    for start in range(0, len(wire), chunk):
        packets = parser.feed(wire[start : start + chunk])
        if reports:
            for packet in packets:
                reader.report(packet.t_us, packet.payload)


def _raw_frames_mb_per_min() -> float:
    from stampbench.firmware_emulator.link.messages import pack_frame, unpack_frame
    from stampbench.firmware_emulator.link.packets import PacketParser, PacketSender, PacketType
    from stampbench.firmware_emulator.touch import Frame

    deltas = np.random.default_rng(1).integers(-30, 250, FRAME_SHAPE).astype(np.int16)
    sender = PacketSender()
    wire = b"".join(
        sender.encode(PacketType.RAW_FRAME, 10_000 * scan, pack_frame(Frame(0, deltas)))
        for scan in range(FRAMES)
    )

    def parse() -> None:
        parser = PacketParser()
        for start in range(0, len(wire), _CHUNK):
            for packet in parser.feed(wire[start : start + _CHUNK]):
                unpack_frame(packet.t_us, packet.payload)

    return len(wire) / 1e6 / _seconds(parse) * 60


def _rig_packets_per_s(contacts: int) -> float:
    """Return how many reports a second go from a rig in software to its reader."""
    from stampbench.bench.rig.serial_rig import SerialRig
    from stampbench.sim.rig import open_channel, served
    from stampbench.sim.rig.pattern import PatternDevice, pattern_press

    press = pattern_press(PACKETS)
    with served(PatternDevice(), open_channel()) as port, SerialRig(port) as rig:
        return PACKETS / _seconds(lambda: sum(1 for _ in rig.press(press, contacts)), 1, time.perf_counter)


def _replug_s() -> float:
    """Return how long a rig that is back behind another port takes to be found."""
    from stampbench.bench.rig.serial_rig import SerialRig
    from stampbench.sim.rig import open_channel, served
    from stampbench.sim.rig.pattern import PatternDevice

    with ExitStack() as open_rig:
        with served(PatternDevice(), open_channel()) as port:
            rig = open_rig.enter_context(SerialRig(port))
        with served(PatternDevice(), open_channel()) as port:
            begun_s = time.perf_counter()
            rig.reconnect(lambda: [port])
            return time.perf_counter() - begun_s


def _replay_late_s() -> npt.NDArray[np.float64]:
    """Return how late each report of a replay comes."""
    from stampbench.bench.sources.pacing import paced
    from stampbench.sim.rig.pattern import FRAME_INTERVAL_US, pattern_report

    begun_s = time.monotonic()
    came_s = [time.monotonic() for _ in paced(pattern_report(1, scan) for scan in range(REPLAYED_REPORTS))]
    return np.array(came_s) - begun_s - np.arange(REPLAYED_REPORTS) * FRAME_INTERVAL_US / 1e6


def _latencies_s() -> npt.NDArray[np.float64] | None:
    """Return when each report was written, could be read, and was read as a stamp; None without terminals."""
    from stampbench.bench.rig.port import SerialPort
    from stampbench.firmware_emulator.errors import InputError
    from stampbench.firmware_emulator.link.messages import ContactReader
    from stampbench.firmware_emulator.link.packets import PacketParser
    from stampbench.sim.decoder import Decoder
    from stampbench.sim.rig.channels import PtyChannel
    from stampbench.sim.rig.pattern import PatternDevice
    from stampbench.sim.stamps import load_family

    try:
        channel = PtyChannel()
    except InputError:
        return None
    parser, reader = PacketParser(), ContactReader(PatternDevice().identity)
    family = load_family(_FAMILY)
    decoder = Decoder(family)
    packets = _stamp_packets(family.pads(_CODE), LATENCY_REPORTS)
    times_s = np.empty((LATENCY_REPORTS, 3))

    def write() -> None:
        begun_s = time.perf_counter()
        for turn, packet in enumerate(packets):
            channel.pause(max(0.0, begun_s + turn / REPORTS_PER_S - time.perf_counter()))
            times_s[turn, 0] = time.perf_counter()
            channel.write(packet)

    with closing(channel), closing(SerialPort(channel.port)) as port, ThreadPoolExecutor(1) as executor:
        decoder.decode(family.pads(_CODE) + 30.0)  # compiles
        writing = executor.submit(write)
        turn = 0
        while turn < LATENCY_REPORTS:
            if writing.done():
                writing.result()  # tells why nothing more comes
            select.select([port], [], [], _WAIT_S)
            readable_s = time.perf_counter()
            for packet in parser.feed(port.read()):
                report = reader.report(packet.t_us, packet.payload)
                decoder.decode(np.array([(contact.x_mm, contact.y_mm) for contact in report.down]))
                times_s[turn, 1:] = readable_s, time.perf_counter()
                turn += 1
    return times_s


def _stamp_packets(pads_mm: npt.NDArray[np.float64], count: int) -> list[bytes]:
    """Return packets in which a stamp turns slowly in the middle of the panel."""
    from stampbench.firmware_emulator.link.messages import pack_contacts
    from stampbench.firmware_emulator.link.packets import PacketSender, PacketType
    from stampbench.firmware_emulator.touch import Contact, TouchReport
    from stampbench.sim.rig.pattern import FRAME_INTERVAL_US, PatternDevice

    identity = PatternDevice().identity
    sender, packets = PacketSender(), []
    for scan in range(count):
        angle = 0.01 * scan
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        places_mm = pads_mm @ turn.T + (30.0, 60.0)
        contacts = tuple(
            Contact(
                number,
                True,
                round(x_mm * 1000 / identity.width_um * identity.x_max),
                round(y_mm * 1000 / identity.height_um * identity.y_max),
            )
            for number, (x_mm, y_mm) in enumerate(places_mm)
        )
        t_us = scan * FRAME_INTERVAL_US
        packets.append(sender.encode(PacketType.CONTACTS, t_us, pack_contacts(TouchReport(t_us, contacts))))
    return packets


def _seconds(
    work: Callable[[], object], rounds: int = 5, clock: Callable[[], float] = time.process_time
) -> float:
    """Return the quickest of several rounds; the others were disturbed."""
    times_s = []
    for _ in range(rounds):
        begun_s = clock()
        work()
        times_s.append(clock() - begun_s)
    return min(times_s)
