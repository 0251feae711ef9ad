from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from stampbench.firmware_emulator.errors import InputError
from stampbench.firmware_emulator.link.faults import (
    BYTE_FAULTS,
    PACKET_FAULTS,
    Faults,
    Injected,
    ReportFaults,
    WireFaults,
)
from stampbench.firmware_emulator.link.packets import (
    LinkCounters,
    Packet,
    PacketParser,
    PacketSender,
    PacketType,
)
from stampbench.firmware_emulator.touch import Contact, TouchReport

PACKETS = 4000
STEP_US = 10_000


def sent_packets(count: int = PACKETS) -> list[bytes]:
    sender, rng = PacketSender(), np.random.default_rng(99)
    return [
        sender.encode(PacketType.CONTACTS, number * STEP_US, rng.bytes(8 * int(rng.integers(0, 11))))
        for number in range(count)
    ]


SENT = sent_packets()
CLEAN = PacketParser().feed(b"".join(SENT))


def carried(faults: Faults, seed: int = 1, chunk: int = 997) -> tuple[list[Packet], LinkCounters, Injected]:
    """What a reader makes of the stream under faults; the first and the last ten packets are spared."""
    line = WireFaults(faults, np.random.default_rng(seed))
    calm = WireFaults(
        Faults(first_sequence=faults.first_sequence, first_t_us=faults.first_t_us), np.random.default_rng(0)
    )
    wire = b"".join(calm.carry(packet)[1] for packet in SENT[:10])
    wire += b"".join(line.carry(packet)[1] for packet in SENT[10:-10])
    line.active = False
    wire += b"".join(line.carry(packet)[1] for packet in SENT[-10:])
    parser = PacketParser()
    received = [
        packet for start in range(0, len(wire), chunk) for packet in parser.feed(wire[start : start + chunk])
    ]
    return received, parser.counters, line.injected


@pytest.mark.parametrize("fault", BYTE_FAULTS)
def test_every_damaged_packet_is_counted_as_damaged_and_as_lost(fault: str) -> None:
    received, counters, injected = carried(Faults(**{fault: 0.1}))
    assert getattr(injected, fault) == injected.spoiled > 300
    assert counters.damaged == injected.stretches
    assert counters.lost == injected.spoiled
    assert len(received) + counters.lost == PACKETS
    assert counters.duplicates == counters.late == counters.restarts == 0


def test_every_joined_pair_is_one_damaged_stretch_and_two_lost_packets() -> None:
    _, counters, injected = carried(Faults(join_packets=0.1))
    assert counters.damaged == injected.join_packets > 300
    assert counters.lost == 2 * injected.join_packets


def test_every_dropped_packet_is_counted_as_lost() -> None:
    received, counters, injected = carried(Faults(drop_packet=0.2))
    assert counters.lost == injected.drop_packet > 600
    assert counters.damaged == counters.resyncs == 0
    assert len(received) == PACKETS - injected.drop_packet


def test_every_repeated_packet_is_counted_as_duplicate() -> None:
    received, counters, injected = carried(Faults(repeat_packet=0.2))
    assert counters.duplicates == injected.repeat_packet > 600
    assert received == CLEAN


def test_every_swapped_pair_is_counted_as_one_late_packet() -> None:
    received, counters, injected = carried(Faults(swap_packets=0.2))
    assert counters.late == counters.lost == injected.swap_packets > 400
    assert len(received) == PACKETS - injected.swap_packets


def test_every_reboot_is_counted_and_nothing_lost() -> None:
    received, counters, injected = carried(Faults(reboot=0.02))
    assert counters.restarts == injected.reboot > 40
    assert [packet.payload for packet in received] == [packet.payload for packet in CLEAN]


@pytest.mark.parametrize("jump_ms", [-300.0, 5000.0])
def test_every_jump_of_the_clock_is_counted(jump_ms: float) -> None:
    received, counters, injected = carried(Faults(clock_jump=0.02, clock_jump_ms=jump_ms))
    assert counters.clock_jumps == injected.clock_jump > 40
    assert len(received) == PACKETS


def test_wrap_of_sequence_and_clock_is_no_fault() -> None:
    top = (1 << 32) - 1
    received, counters, _ = carried(Faults(first_sequence=top - 50, first_t_us=top - 1_000_000))
    assert counters.faultless
    steps = np.diff([packet.t_us for packet in received])
    assert set(steps) == {STEP_US}


def test_drifting_clock_is_followed() -> None:
    received, counters, _ = carried(Faults(clock_drift_ppm=200.0))
    assert counters.faultless
    assert received[-20].t_us == pytest.approx(CLEAN[-20].t_us * 1.0002, abs=2)


def test_stall_holds_the_line_and_loses_nothing() -> None:
    line = WireFaults(Faults(stall=1.0, stall_ms=250.0), np.random.default_rng(0))
    assert line.carry(SENT[0]) == (0.25, SENT[0])
    assert line.injected.stall == 1


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("chunk", [1, 13, 4096])
def test_under_all_faults_at_once_nothing_is_altered_and_every_loss_is_counted(seed: int, chunk: int) -> None:
    share = 0.03
    faults = Faults(
        **{name: share for name in PACKET_FAULTS if name not in ("reboot", "clock_jump", "stall")},
    )
    received, counters, injected = carried(faults, seed, chunk)
    assert set(received) <= set(CLEAN)
    assert received == sorted(received, key=lambda packet: packet.sequence)
    assert len(received) + counters.lost == PACKETS
    assert counters.lost == injected.spoiled + injected.swap_packets
    assert counters.damaged == injected.stretches
    assert counters.duplicates == injected.repeat_packet
    assert counters.late == injected.swap_packets


@pytest.mark.parametrize(
    "fault", [*BYTE_FAULTS, "join_packets", "drop_packet", "repeat_packet", "swap_packets"]
)
def test_after_any_fault_the_stream_is_in_step_within_two_packets(fault: str) -> None:
    for seed in range(200):
        line = WireFaults(Faults(**{fault: 1.0}), np.random.default_rng(seed))
        parser = PacketParser()
        parser.feed(b"".join(SENT[:3]))
        parser.feed(line.carry(SENT[3])[1])
        line.active = False
        later = [parser.feed(line.carry(packet)[1]) for packet in SENT[4:7]]
        assert later[2] == CLEAN[6:7]
        assert CLEAN[5] in later[1]


def test_same_seed_makes_the_same_faults() -> None:
    faults = Faults(flip_byte=0.1, swap_packets=0.1, noise=0.1)
    assert carried(faults, seed=4) == carried(faults, seed=4)
    assert carried(faults, seed=4)[2] != carried(faults, seed=5)[2]


LIFT = TouchReport(0, (Contact(0, True, 10, 20), Contact(1, True, 30, 40), Contact(2, False, 5, 5)))


@pytest.mark.parametrize(
    ("faults", "contacts"),
    [
        (Faults(lose_lift=1.0), [(0, True, 10, 20), (1, True, 30, 40)]),
        (Faults(merge_contacts=1.0), [(0, True, 20, 30), (2, False, 5, 5)]),
    ],
)
def test_contacts_are_spoiled_as_asked(faults: Faults, contacts: list[tuple[int, bool, int, int]]) -> None:
    controller = ReportFaults(faults, np.random.default_rng(0))
    spoiled = controller.spoil(LIFT, 100, 100)
    assert spoiled is not None
    assert [(c.id, c.tip, c.x, c.y) for c in spoiled.contacts] == contacts
    assert controller.injected.lose_lift + controller.injected.merge_contacts == 1


def test_ghost_is_one_contact_more_on_the_panel() -> None:
    controller = ReportFaults(Faults(ghost_contact=1.0), np.random.default_rng(0))
    for _ in range(100):
        spoiled = controller.spoil(LIFT, 100, 200)
        assert spoiled is not None
        ghost = spoiled.contacts[3]
        assert 0 <= ghost.x <= 100
        assert 0 <= ghost.y <= 200
    assert controller.injected.ghost_contact == 100


def test_half_rate_leaves_out_every_other_scan() -> None:
    controller = ReportFaults(Faults(half_rate=True), np.random.default_rng(0))
    assert [controller.spoil(LIFT, 1, 1) is None for _ in range(4)] == [False, True, False, True]
    assert controller.injected.half_rate == 2


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("flip_bytes = 0.1", "flip_bytes"),
        ("flip_byte = 2.0", "flip_byte"),
        ('flip_byte = "much"', "flip_byte"),
        ("noise = 0.6\ndrop_byte = 0.6", "add up to 1.2"),
        ("noise = ", "not TOML"),
    ],
)
def test_fault_file_that_makes_no_sense_is_refused_in_one_line(
    tmp_path: Path, text: str, complaint: str
) -> None:
    file = tmp_path / "faults.toml"
    file.write_text(text)
    with pytest.raises(InputError, match=complaint) as caught:
        Faults.read(file)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_fault_file_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        Faults.read(tmp_path / "none.toml")
