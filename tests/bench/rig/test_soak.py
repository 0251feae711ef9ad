from __future__ import annotations

import pytest
from stampbench.bench.rig.soak import SOAK_FAULTS, soak
from stampbench.firmware_emulator.link.faults import Faults
from stampbench.firmware_emulator.link.packets import Packet, PacketParser


def test_soak_balances_and_finds_faults_of_every_kind() -> None:
    ticks = iter(range(1000))
    result = soak(300.0, seed=2, clock=lambda: float(next(ticks)))
    assert result.passed
    assert result.lost_uncounted == 0
    assert result.presses > 10
    assert 0 < result.whole < result.presses
    assert result.counters.lost == result.injected.spoiled + result.injected.swap_packets > 10
    assert result.counters.damaged == result.injected.stretches
    assert SOAK_FAULTS.first_sequence + result.injected.packets > 1 << 32


def test_soak_without_faults_is_whole() -> None:
    ticks = iter(range(1000))
    result = soak(20.0, faults=Faults(), clock=lambda: float(next(ticks)))
    assert result.whole == result.presses
    assert result.counters.faultless


def test_soak_fails_where_a_receiver_does_not_count_what_it_misses(monkeypatch: pytest.MonkeyPatch) -> None:
    sound = PacketParser._accept_gap

    def forgets(parser: PacketParser, body: bytes, sequence: int, t_us: int, fresh: list[Packet]) -> bool:
        before = parser.counters.lost
        news = sound(parser, body, sequence, t_us, fresh)
        parser.counters.lost = before
        return news

    monkeypatch.setattr(PacketParser, "_accept_gap", forgets)
    ticks = iter(range(1000))
    result = soak(60.0, seed=2, clock=lambda: float(next(ticks)))
    assert not result.passed
    assert result.lost_uncounted > 0
