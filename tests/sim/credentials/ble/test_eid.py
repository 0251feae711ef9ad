"""Vectors: RadiusNetworks/ephemeral_calc at f42f90cb and its node scanner; Google publishes none."""

from __future__ import annotations

import itertools

import pytest
from stampbench.sim.credentials.aes import encrypt_block
from stampbench.sim.credentials.ble.beacon import BeaconClock, EidBeacon
from stampbench.sim.credentials.ble.eid import identifier, identifiers, temporary_key
from stampbench.sim.credentials.secrets import Secret

KEY = Secret(bytes.fromhex("0102030405060708090A111213141516"))


@pytest.mark.parametrize(("clock_s", "expected"), [(0, "A9B76A71C5F89290"), (2000, "4144413E45FEFA58")])
def test_published_identifier(clock_s, expected):
    assert identifier(KEY, 10, clock_s).hex().upper() == expected


@pytest.mark.parametrize(
    ("clock_s", "expected"),
    [
        (0, "8f7034cd16422abc"),
        (1024, "31fb22b72678b489"),
        (65280, "a056a9b8409e3885"),
        (65536, "84045f3c8e460b43"),
    ],
)
def test_identifier_over_the_roll_over_of_the_temporary_key_is_as_it_was(clock_s, expected):
    agreed = Secret(bytes.fromhex("f40d6f18e5882260e847e99ca33ac44f"))  # values are ours
    assert identifier(agreed, 10, clock_s).hex() == expected


def test_published_identifier_of_a_temporary_key():
    start = 1518080946 >> 12 << 12
    block = bytes(11) + bytes([12]) + start.to_bytes(4, "big")
    text = encrypt_block(bytes.fromhex("b7c2d909d27d22df8343271162480210"), block)
    assert text[:8].hex() == "7dd8169dae94258c"


def test_identifier_stays_for_its_window_and_the_temporary_key_for_65536_seconds():
    assert identifier(KEY, 10, 1024) == identifier(KEY, 10, 2047) != identifier(KEY, 10, 2048)
    assert temporary_key(KEY, 65535) == temporary_key(KEY, 0) != temporary_key(KEY, 65536)


@pytest.mark.parametrize("exponent", [0, 4, 10, 15])
def test_many_identifiers_are_those_one_by_one(exponent):
    first = (65536 >> exponent) - 5 if exponent < 15 else 0
    expected = [
        identifier(KEY, exponent, (window << exponent) % 2**32) for window in range(first, first + 12)
    ]
    assert identifiers(KEY, exponent, first, first + 11) == expected


def test_clock_rolls_over_after_32_bits():
    last = (1 << 32 - 10) - 1
    rolled = identifiers(KEY, 10, last, last + 1)
    assert rolled == [identifier(KEY, 10, last << 10), identifier(KEY, 10, 0)]


def test_beacon_rotates_once_a_window_at_instants_that_differ():
    beacon = EidBeacon(KEY, 4, BeaconClock(0.0, 65_280))
    windows = [beacon.window_at(tenth / 10) for tenth in range(16 * 40 * 10)]
    changes = [tenth / 10 for tenth in range(1, len(windows)) if windows[tenth] != windows[tenth - 1]]
    assert all(after - before in (0, 1) for before, after in itertools.pairwise(windows))
    assert len(changes) in (39, 40)
    assert len({round(change % 16) for change in changes}) > 8


def test_address_changes_with_the_identifier_and_is_not_resolvable():
    beacon = EidBeacon(KEY, 4, BeaconClock(0.0))
    seen = {(beacon.frame_at(time_s).identifier, beacon.address_at(time_s)) for time_s in range(320)}
    assert len(seen) == len({address for _, address in seen}) == len({text for text, _ in seen})
    assert all(address[5] >> 6 == 0 for _, address in seen)


def test_battery_change_sets_the_clock_back_to_what_was_saved():
    clock = BeaconClock(0.0, 1000.0)
    clock.change_battery(out_s=2.5 * 86_400, in_s=2.5 * 86_400 + 60)
    assert clock.at(2.5 * 86_400 + 60) == 1000.0 + 2 * 86_400
    assert clock.at(2.5 * 86_400 + 70) == 1000.0 + 2 * 86_400 + 10


@pytest.mark.parametrize("ppm", [-150.0, 150.0])
def test_clock_errs_by_its_rate(ppm):
    assert BeaconClock(0.0, 0.0, ppm).at(86_400.0) == pytest.approx(86_400 + ppm * 0.0864)
