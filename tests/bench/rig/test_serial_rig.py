from __future__ import annotations

import itertools
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from stampbench.bench.rig.connection import RigChangedError
from stampbench.bench.rig.serial_rig import IDENTIFY_EVERY_PRESSES, ManualPressError, SerialRig
from stampbench.firmware_emulator.errors import InputError, LinkError, NoHardwareError, ProtocolError
from stampbench.firmware_emulator.hid.descriptor import parse_descriptor
from stampbench.firmware_emulator.hid.reports import HidTouchDecoder, touch_screen
from stampbench.firmware_emulator.link.commands import PressCommand
from stampbench.firmware_emulator.link.messages import Answer, Heartbeat, PressDone, Status
from stampbench.firmware_emulator.link.packets import PacketType
from stampbench.firmware_emulator.touch import Frame, TouchReport
from stampbench.sim.device import Device, RigDevice
from stampbench.sim.hold import Hold
from stampbench.sim.panel import Condition, load_profile
from stampbench.sim.press import Keyframe, Press
from stampbench.sim.rig import VirtualRig, open_channel, served, warmed_up
from stampbench.sim.rig.pattern import PatternDevice, pattern_press, pattern_report

KEYFRAMES = (
    Keyframe(0, Hold(30.0, 50.0, force=0.0)),
    Keyframe(90_000, Hold(30.0, 50.0)),
)
needs_pty = pytest.mark.skipif(not hasattr(os, "openpty"), reason="this system has no pseudo-terminals")

Serve = Callable[[RigDevice], Any]


@pytest.fixture(params=[pytest.param("pty", marks=needs_pty), "tcp"])
def serve(request: pytest.FixtureRequest) -> Serve:
    """Serves a device over a pseudo-terminal and over a socket; to be used in a ``with`` block."""
    return lambda device: served(device, open_channel(request.param))


def pattern(scans: int) -> Press:
    return pattern_press(scans)


def coordinates(report: TouchReport) -> list[tuple[int, bool, int, int]]:
    return [(contact.id, contact.tip, contact.x, contact.y) for contact in report.contacts]


def ticking_clock(step_s: float = 0.5) -> Callable[[], float]:
    """Half a second passes between any two looks at it."""
    ticks = iter(range(1_000_000))
    return lambda: next(ticks) * step_s


class RecordingDevice(PatternDevice):
    """Keeps what it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.presses: list[tuple[Press, int]] = []
        self.condition = Condition()

    def configure(self, condition: Condition) -> None:
        self.condition = condition

    def press(self, press: Press, seed: int) -> Iterator[tuple[Frame, TouchReport]]:
        self.presses.append((press, seed))
        return super().press(press, seed)


class BreakingDevice(PatternDevice):
    """Dies in the middle of a press."""

    def press(self, press: Press, seed: int) -> Iterator[tuple[Frame, TouchReport]]:
        yield from super().press(press, seed)
        raise ZeroDivisionError("the panel broke")


def test_identity_is_known_once_the_port_is_open(serve: Serve) -> None:
    with serve(PatternDevice("SN-7")) as port, SerialRig(port) as rig:
        assert rig.identity == PatternDevice("SN-7").identity


def test_every_report_of_a_press_arrives_as_it_was_sent(serve: Serve) -> None:
    with serve(PatternDevice()) as port, SerialRig(port) as rig:
        for seed in (3, 4):
            reports = list(rig.press(pattern(1000), seed))
            assert [coordinates(r) for r in reports] == [
                coordinates(pattern_report(seed, k)) for k in range(1000)
            ]
            assert [r.t_us - reports[0].t_us for r in reports] == [4000 * k for k in range(1000)]
            assert rig.press_whole
        assert rig.counters.faultless
        assert rig.press_counters.packets >= 1002


def test_press_travels_rounded_to_the_units_of_the_link(serve: Serve) -> None:
    device = RecordingDevice()
    with serve(device) as port, SerialRig(port) as rig:
        hold = Hold(12.3456789, 2.0, -1.23456789, force=0.12345, grip=0.5, tilt_x_rad=0.1, tilt_y_rad=-0.2)
        list(rig.press(Press("pattern/1", (Keyframe(7, hold),)), (1 << 64) - 1))
    ((press, seed),) = device.presses
    assert seed == (1 << 64) - 1
    assert press.keyframes[0].values == (7, 12.346, 2.0, -1.234568, 0.123, 0.5, 0.1, -0.2)


def test_press_longer_than_any_buffer_arrives(serve: Serve) -> None:
    device = RecordingDevice()
    keyframes = tuple(Keyframe(t, Hold(1.0, 1.0)) for t in range(1000))
    with serve(device) as port, SerialRig(port) as rig:
        assert len(list(rig.press(Press("pattern/3", keyframes), 0))) == 3
    assert len(device.presses[0][0].keyframes) == 1000


def test_raw_frames_come_on_request_and_stop_after(serve: Serve) -> None:
    frames: list[Frame] = []
    with serve(PatternDevice()) as port, SerialRig(port) as rig:
        reports = list(rig.press(pattern(5), 0, on_frame=frames.append))
        list(rig.press(pattern(5), 0))
    assert [frame.t_us for frame in frames] == [report.t_us for report in reports]
    assert [int(frame.deltas[26, 14]) for frame in frames] == [0, 1, 2, 3, 4]


def test_press_left_early_ends_and_the_next_is_whole(serve: Serve) -> None:
    with serve(PatternDevice()) as port, SerialRig(port) as rig:
        endless = rig.press(pattern(1_000_000), 0)
        next(endless)
        endless.close()
        assert not rig.press_whole
        assert coordinates(next(iter(rig.press(pattern(1), 9)))) == coordinates(pattern_report(9, 0))


def test_port_opened_again_after_an_abandoned_press_is_in_step(serve: Serve) -> None:
    with serve(PatternDevice()) as port:
        with SerialRig(port) as rig:
            abandoned = rig.press(pattern(1_000_000), 0)
            next(abandoned)
        with SerialRig(port) as rig:
            assert len(list(rig.press(pattern(50), 1))) == 50
            assert rig.press_whole


def test_condition_reaches_the_panel(serve: Serve) -> None:
    device = RecordingDevice()
    with serve(device) as port, SerialRig(port) as rig:
        rig.configure({"noise": 2.0})
        with pytest.raises(
            InputError, match="configure refused as bad argument: condition: unknown key 'colour'"
        ):
            rig.configure({"colour": 1})
    assert device.condition == Condition(noise=2.0)


def test_unknown_object_is_an_input_error_and_the_rig_lives_on(serve: Serve) -> None:
    with serve(PatternDevice()) as port, SerialRig(port) as rig:
        with pytest.raises(InputError, match="press refused as bad argument: object 'spoon'"):
            next(rig.press(Press("spoon", KEYFRAMES), 0))
        assert len(list(rig.press(pattern(2), 0))) == 2


def test_rig_without_actuator_asks_for_the_operator(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    def manual(rig: VirtualRig, packet: Any, command: PressCommand) -> None:
        rig._answer(packet, Status.MANUAL)

    monkeypatch.setattr(VirtualRig, "_press", manual)
    with (
        serve(PatternDevice()) as port,
        SerialRig(port) as rig,
        pytest.raises(ManualPressError, match="operator"),
    ):
        next(rig.press(pattern(1), 0))


class HandPressedDevice(PatternDevice):
    """Ten scans of touch between scans without, the last of them with the lift."""

    def press(self, press: Press, seed: int) -> Iterator[tuple[Frame, TouchReport]]:
        for scan, (frame, report) in enumerate(super().press(press, seed)):
            contacts = tuple(contact._replace(tip=scan < 14) for contact in report.contacts)
            yield frame, TouchReport(report.t_us, contacts if 5 <= scan < 15 else ())


def test_watching_an_operator_ends_when_nothing_has_touched_for_a_while() -> None:
    with served(HandPressedDevice(), open_channel()) as port, SerialRig(port) as rig:
        rig._send(pattern(1000).command(0))
        reports = list(rig.watch(first_contact_s=60.0, quiet_us=100_000))
        assert [bool(report.down) for report in reports] == [False] * 5 + [True] * 9 + [False] * 26
        assert rig.press_whole


def test_operator_who_does_not_press_in_time_is_an_error() -> None:
    with served(PatternDevice(), open_channel()) as port, SerialRig(port, silence_s=1e6) as rig:
        rig._clock = ticking_clock()
        with pytest.raises(LinkError, match="nobody pressed within 3 s"):
            list(rig.watch(first_contact_s=3.0, quiet_us=100_000))


def test_a_press_by_hand_that_is_never_lifted_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stampbench.bench.rig.serial_rig.LONGEST_TOUCH_US", 20_000)
    with served(HandPressedDevice(), open_channel()) as port, SerialRig(port) as rig:
        rig._send(pattern(1000).command(0))
        with pytest.raises(LinkError, match=r"has touched for 0\.02 s: expected the stamp to be lifted"):
            list(rig.watch(first_contact_s=60.0, quiet_us=100_000))


def test_stream_yields_scans_with_their_frames_and_nothing_at_heartbeats() -> None:
    with served(PatternDevice(), open_channel()) as port, SerialRig(port) as rig:
        items = rig.stream(frames=True)
        assert next(items) is None
        rig._send(pattern(150).command(7))
        scans = list(itertools.islice((item for item in items if item is not None), 300))
    assert [type(item) for item in scans] == [Frame, TouchReport] * 150
    assert [coordinates(report) for report in scans[1::2]] == [
        coordinates(pattern_report(7, scan)) for scan in range(150)
    ]


def test_rig_that_dies_in_a_press_is_a_link_error_with_its_cause(serve: Serve) -> None:
    with pytest.raises(LinkError, match=r"virtual rig on .* died: ZeroDivisionError: the panel"):  # noqa: SIM117
        with serve(BreakingDevice()) as port, SerialRig(port) as rig:
            list(rig.press(pattern(3), 0))


def test_second_reader_is_told_that_the_port_is_in_use(serve: Serve) -> None:
    with (
        serve(PatternDevice()) as port,
        SerialRig(port),
        pytest.raises(InputError, match="in use"),
        SerialRig(port),
    ):
        pass


@pytest.mark.parametrize(
    "kind", [PacketType.ANSWER, PacketType.PRESS_DONE, PacketType.CONTACTS], ids=lambda kind: kind.name
)
def test_lost_packet_makes_a_press_not_whole_or_repeats_it_but_never_hangs(
    serve: Serve, kind: PacketType, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = VirtualRig._queue
    lost: list[PacketType] = []

    def lossy(rig: VirtualRig, packet_kind: PacketType, payload: bytes) -> None:
        if (
            packet_kind == kind
            and rig._reports >= 0
            and not lost
            and (kind != PacketType.ANSWER or Answer.unpack(payload).command_kind == PacketType.PRESS)
        ):
            lost.append(packet_kind)
            rig._sender.sequence += 1
        else:
            queue(rig, packet_kind, payload)

    monkeypatch.setattr(VirtualRig, "_queue", lossy)
    with serve(PatternDevice()) as port, SerialRig(port) as rig:
        reports = list(rig.press(pattern(500), 0))
        assert rig.press_counters.lost == 1
        assert not rig.press_whole
        assert len(reports) == (499 if kind == PacketType.CONTACTS else 500)
        assert len(list(rig.press(pattern(10), 0))) == 10
        assert rig.press_whole


def test_reports_that_a_slow_reader_made_the_rig_drop_are_counted(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    dropped = itertools.count(5)
    true_heartbeat = VirtualRig._heartbeat
    monkeypatch.setattr(
        VirtualRig, "_heartbeat", lambda rig: replace(true_heartbeat(rig), dropped=next(dropped))
    )
    with serve(PatternDevice()) as port, SerialRig(port) as rig:
        while rig.heartbeat is None:
            rig._next_packet()
        at_first = rig.heartbeat.dropped - rig.dropped
        list(rig.press(pattern(300), 0))
        assert not rig.press_whole
        assert rig.press_counters.faultless
        assert rig.dropped == rig.heartbeat.dropped - at_first > 0


def test_silent_port_speaks_another_protocol() -> None:
    with quiet_server() as port, pytest.raises(ProtocolError, match="no identity within 3 s, 0 bytes"):
        SerialRig(port, clock=ticking_clock()).__enter__()


@needs_pty
def test_port_that_babbles_something_else_speaks_another_protocol() -> None:
    import tty

    master, slave = os.openpty()
    tty.setraw(slave)
    os.set_blocking(master, False)
    babble = b"1023,1022,1020\r\n" * 10

    ticks = ticking_clock()

    def clock() -> float:
        os.write(master, babble)
        return ticks()

    with pytest.raises(
        ProtocolError, match=r"speaks another protocol: no identity within 3 s, \d+ bytes in which 0"
    ):
        SerialRig(os.ttyname(slave), clock=clock).__enter__()
    os.close(master)
    os.close(slave)


def test_port_that_does_not_exist_is_missing_hardware(tmp_path: Path) -> None:
    with pytest.raises(NoHardwareError, match="nosuch does not exist"):
        SerialRig(str(tmp_path / "nosuch")).__enter__()


def test_socket_that_nobody_listens_on_is_missing_hardware() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        free = server.getsockname()[1]
    with pytest.raises(NoHardwareError, match="nobody listens there"):
        SerialRig(f"socket://127.0.0.1:{free}").__enter__()


@pytest.mark.parametrize("name", ["nosuch://x", "socket://", "socket://127.0.0.1:x", ""])
def test_name_that_is_no_port_is_an_input_error(name: str) -> None:
    with pytest.raises((InputError, NoHardwareError)) as caught:
        SerialRig(name).__enter__()
    assert "\n" not in str(caught.value)


@needs_pty
def test_file_that_is_no_port_is_an_input_error(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(InputError, match="cannot be used as a serial port"):
        SerialRig(str(file)).__enter__()


def test_rig_that_falls_silent_is_a_link_error() -> None:
    with served(PatternDevice(), open_channel()) as port, SerialRig(port, silence_s=60.0) as rig:
        rig._clock = ticking_clock()
        rig._serial.write = lambda data: None  # type: ignore[method-assign]
        rig._serial.read = rig._serial.read_now = lambda: b""  # type: ignore[method-assign]
        with pytest.raises(LinkError, match="silent for 60 s"):
            rig.reset()


@contextmanager
def quiet_server() -> Iterator[str]:
    """A socket that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"socket://127.0.0.1:{server.getsockname()[1]}"


def test_simulated_panel_presses_alike_for_one_seed_whatever_came_before(serve: Serve) -> None:
    press = Press("finger", tuple(Keyframe(t_us, Hold(30.0, 50.0)) for t_us in (0, 100_000)))
    with serve(warmed_up(Device(load_profile("nexus-5")))) as port, SerialRig(port) as rig:
        first, other, again = (
            [coordinates(report) for report in rig.press(press, seed)] for seed in (5, 6, 5)
        )
        assert rig.identity.profile == "nexus-5"
    assert first == again != other
    middle = first[len(first) // 2]
    assert [round(value / 100) for value in middle[0][2:]] == [5, 9]


def test_hid_reports_say_the_same_as_the_touch_reports(serve: Serve) -> None:
    press = Press("fingers/7/1", tuple(Keyframe(t_us, Hold(30.0, 50.0)) for t_us in (0, 60_000)))
    packets: list[tuple[int, bytes]] = []
    with serve(warmed_up(Device(load_profile("nexus-5")))) as port, SerialRig(port) as rig:
        reports = list(rig.press(press, 3, on_hid=lambda t_us, packet: packets.append((t_us, packet))))
        assert rig.press_whole
        assert rig.hid_descriptor is not None
        decoder = HidTouchDecoder(touch_screen(parse_descriptor(rig.hid_descriptor)))
    decoded = [report for t_us, packet in packets for report in decoder.feed(t_us, packet)] + decoder.flush()
    assert [coordinates(r) for r in decoded if r.contacts] == [coordinates(r) for r in reports if r.contacts]
    assert max(len(report.contacts) for report in reports) == 7


class LateRig(VirtualRig):
    """Answers nine tenths of a second late, and shows every 20 ms that it lives."""

    answer_late_s = 0.9

    def _answer(self, packet: Any, status: Status, text: str = "") -> None:
        self._flush()
        until_s = self._clock() + self.answer_late_s
        while self._clock() < until_s and not self._channel.interrupted:
            self._channel.pause(0.02)
            self._idle_heartbeat()
        super()._answer(packet, status, text)


def test_a_rig_may_take_the_second_that_the_protocol_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stampbench.sim.rig.virtual.VirtualRig", LateRig)
    with served(PatternDevice(), open_channel()) as port, SerialRig(port) as rig:
        assert len(list(rig.press(pattern(3), 0))) == 3
        assert rig.press_whole


def test_heartbeats_that_lay_unread_while_the_host_was_busy_are_no_lack_of_an_answer(serve: Serve) -> None:
    with serve(PatternDevice()) as port, SerialRig(port) as rig:
        time.sleep(1.5)  # heartbeats come every 0.4 s
        assert len(list(rig.press(pattern(3), 0))) == 3
        assert rig.press_whole


def test_a_host_that_stood_still_blames_no_rig(serve: Serve) -> None:
    """A clock that leaps five seconds between any two looks: as if the machine slept in each read."""
    with serve(PatternDevice()) as port, SerialRig(port) as rig:
        rig._clock = ticking_clock(step_s=5.0)
        assert len(list(rig.press(pattern(50), 0))) == 50
        assert rig.press_whole


def test_a_press_that_never_ends_is_a_link_error(serve: Serve) -> None:
    endless = Press("pattern/1000000", (Keyframe(0, Hold(1.0, 1.0)),))
    with (
        serve(PatternDevice()) as port,
        SerialRig(port) as rig,
        pytest.raises(LinkError, match="a press of 0 s did not end within 5 s"),
    ):
        list(rig.press(endless, 0))


class TwoFacedDevice(PatternDevice):
    """Another rig from its second press on, as if somebody had changed the cable."""

    def press(self, press: Press, seed: int) -> Iterator[tuple[Frame, TouchReport]]:
        if seed:
            self.identity = replace(self.identity, serial_number="other", x_max=1000)
        return super().press(press, seed)


def test_a_rig_that_is_exchanged_between_presses_is_told_with_both_names(serve: Serve) -> None:
    with serve(TwoFacedDevice("SN-7")) as port, SerialRig(port) as rig:
        list(rig.press(pattern(1), 0))
        list(rig.press(pattern(1), 1))
        for _ in range(IDENTIFY_EVERY_PRESSES - 2):
            list(rig.press(pattern(1), 0))
        with pytest.raises(RigChangedError, match=r"'SN-7' became pattern 'other' \(serial_number SN-7, now"):
            next(rig.press(pattern(1), 0))


class OddDevice(PatternDevice):
    """Reports otherwise than the protocol says, in the second half of its scans."""

    def __init__(self, spoil: Callable[[TouchReport], TouchReport]) -> None:
        super().__init__()
        self._spoil = spoil

    def press(self, press: Press, seed: int) -> Iterator[tuple[Frame, TouchReport]]:
        for scan, (frame, report) in enumerate(super().press(press, seed)):
            yield frame, report if scan < 5 else self._spoil(report)


def contacts_with(**changes: Any) -> Callable[[TouchReport], TouchReport]:
    return lambda report: report._replace(contacts=tuple(c._replace(**changes) for c in report.contacts))


@pytest.mark.parametrize(
    ("spoil", "clause", "seen"),
    [
        pytest.param(contacts_with(id=0), "R3", "5 scans with an id twice", id="all contacts have id 0"),
        pytest.param(contacts_with(x=4096), "R4", "25 contacts beyond the maxima", id="beyond x maximum"),
        pytest.param(
            lambda report: report._replace(
                contacts=tuple(report.contacts[0]._replace(id=number) for number in range(13))
            ),
            "R3",
            "5 scans with more contacts than the identity says",
            id="13 contacts at a limit of 10",
        ),
        pytest.param(
            lambda report: report._replace(contacts=()),
            "R5",
            "5 contacts vanished without a report of their lift",
            id="no lift",
        ),
        pytest.param(
            contacts_with(tip=False), "R5", "20 lifts of contacts that were not down", id="lift again"
        ),
    ],
)
def test_a_press_in_which_the_rig_breaks_a_clause_is_not_whole(
    spoil: Callable[[TouchReport], TouchReport], clause: str, seen: str
) -> None:
    with served(OddDevice(spoil), open_channel()) as port, SerialRig(port) as rig:
        list(rig.press(pattern(10), 0))
        assert not rig.press_whole
        assert seen in rig.press_reports.breaches[clause]


def test_reports_that_the_rig_threw_away_leave_no_press_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    told = []

    def pack(done: PressDone) -> bytes:
        told.append(done)
        return replace(done, dropped=20).packed()

    monkeypatch.setattr(PressDone, "packed", PressDone.pack, raising=False)
    monkeypatch.setattr(PressDone, "pack", pack)
    with served(PatternDevice(), open_channel()) as port, SerialRig(port) as rig:
        assert len(list(rig.press(pattern(5), 0))) == 5
        assert not rig.press_whole
        assert rig.press_reports.breaches == {
            "R2": "20 reports thrown away by the rig, which were read too slowly"
        }


def test_a_rig_of_revision_1_0_tells_what_it_threw_away_in_its_next_heartbeat(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class OldRig(VirtualRig):
        thrown = 0

        def _queue(self, kind: PacketType, payload: bytes) -> None:
            if kind == PacketType.PRESS_DONE:
                payload, OldRig.thrown = payload[:9], 20
            super()._queue(kind, payload)

        def _heartbeat(self) -> Heartbeat:
            return replace(super()._heartbeat(), dropped=OldRig.thrown)

    monkeypatch.setattr("stampbench.sim.rig.virtual.VirtualRig", OldRig)
    with served(PatternDevice(), open_channel()) as port, SerialRig(port) as rig:
        list(rig.press(pattern(5), 0))
        assert not rig.press_whole
        assert rig.press_reports.dropped == 20
        list(rig.press(pattern(5), 0))
        assert rig.press_whole
