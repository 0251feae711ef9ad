"""A reader against a rig with faults, over a real port: what arrives is right, the rest is counted."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager

import pytest
from stampbench.bench.rig.port import READ_WAIT_S, SerialPort
from stampbench.bench.rig.serial_rig import SerialRig
from stampbench.firmware_emulator.errors import LinkError, NoHardwareError
from stampbench.firmware_emulator.link.faults import BYTE_FAULTS, Faults, Injected
from stampbench.firmware_emulator.link.messages import pack_contacts
from stampbench.firmware_emulator.link.packets import PacketSender
from stampbench.firmware_emulator.touch import TouchReport
from stampbench.sim.press import Press
from stampbench.sim.rig import RigFaults, VirtualRig, open_channel, served
from stampbench.sim.rig.pattern import PatternDevice, pattern_press, pattern_report

needs_pty = pytest.mark.skipif(not hasattr(os, "openpty"), reason="this system has no pseudo-terminals")
Serve = Callable[[Faults, int], object]


def pattern(scans: int) -> Press:
    return pattern_press(scans)


def pixels(report: TouchReport) -> tuple[tuple[int, int, int], ...]:
    return tuple((contact.id, contact.x, contact.y) for contact in report.contacts)


@contextmanager
def faulty_rig(
    faults: Faults, seed: int = 0, listen: str = "auto", serial_number: str = "faulty"
) -> Iterator[tuple[str, Injected]]:
    befalls = RigFaults(faults, seed)
    with served(*befalls.befall(PatternDevice(serial_number), open_channel(listen))) as port:
        yield port, befalls.injected


@pytest.mark.parametrize("listen", [pytest.param("pty", marks=needs_pty), "tcp"])
def test_reader_of_a_bad_line_never_gets_a_wrong_report_and_counts_every_missing_one(listen: str) -> None:
    scans, share = 3000, 0.002
    names = (*BYTE_FAULTS, "join_packets", "drop_packet", "repeat_packet", "swap_packets")
    with (
        faulty_rig(Faults(**dict.fromkeys(names, share)), 3, listen) as (port, injected),
        SerialRig(port) as rig,
    ):
        right = {seed: {pixels(pattern_report(seed, scan)) for scan in range(scans)} for seed in range(5)}
        for seed in range(5):
            reports = list(rig.press(pattern(scans), seed))
            assert {pixels(report) for report in reports} <= right[seed]
            assert len(reports) >= scans - rig.press_counters.lost
            assert not rig.press_whole
    assert injected.spoiled > 100
    assert rig.counters.damaged >= 0.9 * injected.stretches
    assert rig.counters.lost == pytest.approx(injected.spoiled + injected.swap_packets, abs=5)


def test_press_between_two_faults_is_whole() -> None:
    with faulty_rig(Faults(flip_byte=0.01), 1) as (port, _), SerialRig(port) as rig:
        outcomes = []
        for seed in range(60):
            reports = list(rig.press(pattern(20), seed))
            right = [pixels(pattern_report(seed, scan)) for scan in range(20)]
            outcomes.append((rig.press_whole, [pixels(report) for report in reports] == right))
    # A press whose reports all arrived may still have lost its answer, but never the other way round.
    assert {(True, True), (False, False)} <= set(outcomes) <= {(True, True), (False, False), (False, True)}


def test_reboots_and_clock_jumps_void_the_press_and_are_counted() -> None:
    with faulty_rig(Faults(reboot=0.01, clock_jump=0.01), 1) as (port, injected), SerialRig(port) as rig:
        list(rig.press(pattern(1000), 0))
        assert not rig.press_whole
        assert rig.counters.restarts == injected.reboot > 3
        assert rig.counters.clock_jumps == injected.clock_jump > 3
        assert rig.counters.lost == 0


def test_half_rate_keeps_every_other_scan_and_its_time() -> None:
    with faulty_rig(Faults(half_rate=True)) as (port, injected), SerialRig(port) as rig:
        reports = list(rig.press(pattern(100), 0))
        assert rig.press_whole
        assert rig.press_reports.missed_scans == 49  # after the last one nothing tells
    assert injected.half_rate == 50
    assert {later.t_us - earlier.t_us for earlier, later in itertools.pairwise(reports)} == {8000}


def test_reports_that_come_twice_are_counted_and_leave_the_press_whole() -> None:
    with faulty_rig(Faults(repeat_packet=0.05), 2) as (port, injected), SerialRig(port) as rig:
        reports = list(rig.press(pattern(300), 4))
        assert rig.press_whole
        assert rig.press_counters.duplicates > 3
    assert rig.counters.duplicates == injected.repeat_packet
    assert [pixels(report) for report in reports] == [pixels(pattern_report(4, scan)) for scan in range(300)]


def test_stall_delays_and_loses_nothing() -> None:
    with faulty_rig(Faults(stall=0.02, stall_ms=5.0), 2) as (port, injected), SerialRig(port) as rig:
        reports = list(rig.press(pattern(300), 4))
        assert rig.press_whole
    assert injected.stall >= 3
    assert [pixels(report) for report in reports] == [pixels(pattern_report(4, scan)) for scan in range(300)]


def test_damaged_commands_are_repeated_and_counted_by_the_rig() -> None:
    faults = Faults(flip_command=0.06, drop_command=0.04)
    with faulty_rig(faults, 5) as (port, injected), SerialRig(port) as rig:
        for seed in range(40):
            assert len(list(rig.press(pattern(3), seed))) == 3
            assert rig.press_whole
        rig.reset()
        while rig.heartbeat is None or rig.heartbeat.host_errors < injected.flip_command:
            rig._next_packet()
        assert rig.heartbeat.host_errors == injected.flip_command > 0
    assert injected.drop_command > 0


PACKET = PacketSender().encode(0x10, 0, pack_contacts(pattern_report(0, 0)))


@pytest.mark.parametrize("listen", [pytest.param("pty", marks=needs_pty), "tcp"])
@pytest.mark.parametrize("byte", range(0, len(PACKET) + 1, 7))
def test_unplugging_at_any_byte_is_a_link_error_and_every_report_before_it_is_right(
    byte: int, listen: str
) -> None:
    with (
        faulty_rig(Faults(unplug_after=50_000 + byte), listen=listen) as (port, injected),
        SerialRig(port) as rig,
    ):
        reports = []
        with pytest.raises(LinkError, match="went away"):
            reports.extend(rig.press(pattern(1_000_000), 9))
    assert injected.unplug == 1
    assert [pixels(r) for r in reports] == [pixels(pattern_report(9, scan)) for scan in range(len(reports))]
    assert not rig.press_whole


@needs_pty
def test_rig_that_comes_back_under_another_name_is_found_by_its_serial_number() -> None:
    with ThreadPoolExecutor() as executor:
        first, other, second = open_channel("pty"), open_channel("pty"), open_channel("pty")

        def serve(serial_number: str, channel: object) -> None:
            with closing(channel):  # type: ignore[type-var]
                VirtualRig(PatternDevice(serial_number), channel).serve()  # type: ignore[arg-type]

        running = [executor.submit(serve, "A", first), executor.submit(serve, "B", other)]
        try:
            with SerialRig(first.port) as rig:
                endless = rig.press(pattern(1_000_000), 0)
                next(endless)
                first.interrupt()
                with pytest.raises(LinkError):
                    list(endless)
                running.append(executor.submit(serve, "A", second))
                rig.reconnect(lambda: [other.port, second.port])
                assert (rig.port, rig.identity.serial_number) == (second.port, "A")
                assert rig.reconnects == 1
                assert len(list(rig.press(pattern(20), 1))) == 20
                assert rig.press_whole
        finally:
            for channel in (first, other, second):
                channel.interrupt()
        for done in running:
            done.result()


def test_rig_that_comes_back_is_found_within_a_second_although_other_ports_are_silent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now_s, back_s = 0.0, 0.7
    read = SerialPort.read

    def slow_read(port: SerialPort) -> bytes:
        nonlocal now_s
        now_s += READ_WAIT_S
        return read(port)

    monkeypatch.setattr(SerialPort, "read", slow_read)

    with (
        ExitStack() as stack,
        faulty_rig(Faults(), listen="tcp") as (port, _),
        SerialRig(port, clock=lambda: 0.0) as rig,
    ):
        others = [stack.enter_context(closing(open_channel("tcp"))).port for _ in range(8)]
        rig._serial.close()
        rig.port, rig._clock, rig._pause = "socket://127.0.0.1:1", lambda: now_s, lambda seconds: None
        rig.reconnect(lambda: [*others, port] if now_s >= back_s else others)
        assert rig.port == port
        assert now_s - back_s < 1.0


def test_rig_that_does_not_come_back_is_missing_hardware() -> None:
    seconds = iter(range(1000))
    with faulty_rig(Faults(unplug_after=10_000)) as (port, _), SerialRig(port, clock=lambda: 0.0) as rig:
        with pytest.raises(LinkError):
            list(rig.press(pattern(1_000_000), 0))
        rig._clock = lambda: float(next(seconds))
        rig._pause = lambda pause_s: None
        with pytest.raises(NoHardwareError, match=r"'faulty', last on .* did not come back within 5 s"):
            rig.reconnect(deadline_s=5.0)


def test_two_rigs_that_swapped_ports_are_told_apart() -> None:
    with (
        faulty_rig(Faults(), serial_number="left") as (one, _),
        faulty_rig(Faults(), serial_number="right") as (two, _),
        SerialRig(one) as rig,
    ):
        rig._serial.close()
        rig.port = two
        rig.reconnect(lambda: [one])
        assert (rig.port, rig.identity.serial_number) == (one, "left")


def test_faults_go_on_in_the_next_life_of_a_rig_and_the_books_balance_in_each() -> None:
    befalls = RigFaults(Faults(drop_packet=0.01, flip_byte=0.01, repeat_packet=0.01), seed=4)
    lost = damaged = duplicates = 0
    for life in range(2):
        befalls.active = False
        with served(*befalls.befall(PatternDevice(), open_channel())) as port, SerialRig(port) as rig:
            befalls.active = True
            list(rig.press(pattern(500), life))
            befalls.active = False
            rig.settle()
            lost, damaged = lost + rig.counters.lost, damaged + rig.counters.damaged
            duplicates += rig.counters.duplicates
        injected = befalls.injected
        assert (lost, damaged, duplicates) == (injected.spoiled, injected.stretches, injected.repeat_packet)
        assert lost > 5 * (life + 1)
