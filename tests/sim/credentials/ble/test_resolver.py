from __future__ import annotations

import numpy as np
import pytest
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.credentials.ble.beacon import FIRST_CLOCK_S, BeaconClock, EidBeacon
from stampbench.sim.credentials.ble.resolver import Resolution, Resolver
from stampbench.sim.credentials.secrets import Secret

KEY = Secret(bytes(range(16)))
DAY_S = 86_400.0
START_S = 1_760_000_000.0


def pair(exponent=10, ppm=0.0, tolerance=1, clock_s=FIRST_CLOCK_S):
    beacon = EidBeacon(KEY, exponent, BeaconClock(START_S, clock_s, ppm))
    resolver = Resolver(tolerance)
    shown = beacon.frame_at(START_S).identifier
    resolver.register("shop", KEY, exponent, START_S, clock_s, shown)
    return beacon, resolver


def heard(beacon, resolver, time_s, delay_s=0.0):
    return resolver.resolve(beacon.frame_at(time_s).identifier, time_s + delay_s)


@pytest.mark.parametrize("exponent", [4, 10, 15])
def test_beacon_is_known_over_the_roll_over_of_its_key(exponent):
    beacon, resolver = pair(exponent)
    for time_s in np.arange(0.0, 1000.0, 7.0):
        found = heard(beacon, resolver, START_S + time_s)
        assert found == Resolution("shop", beacon.window_at(START_S + time_s), True, False)


def test_clock_may_roll_over_after_32_bits():
    beacon, resolver = pair(clock_s=(1 << 32) - 5000)
    for time_s in range(0, 20_000, 500):
        assert heard(beacon, resolver, START_S + time_s).in_time


@pytest.mark.parametrize("ppm", [-150.0, 150.0])
@pytest.mark.parametrize("exponent", [4, 10])
def test_drift_is_followed(exponent, ppm):
    beacon, resolver = pair(exponent, ppm)
    for time_s in np.arange(0.0, 4 * DAY_S, 9000.0):
        assert heard(beacon, resolver, START_S + time_s).in_time, time_s


@pytest.mark.parametrize("ppm", [-150.0, 150.0])
@pytest.mark.parametrize("days", [1, 30, 365])
def test_drift_is_allowed_for_where_nobody_listened(days, ppm):
    beacon, resolver = pair(4, ppm, tolerance=0)
    assert heard(beacon, resolver, START_S + days * DAY_S).in_time


def test_drift_is_followed_many_beacons_at_a_time():
    resolver, beacons = Resolver(), []
    for number in range(20):
        key = Secret(bytes([number + 1]) * 16)
        beacons.append(EidBeacon(key, 8, BeaconClock(START_S, 1000 * number, 15.0 * number - 150)))
        resolver.register(f"beacon-{number}", key, 8, START_S, 1000 * number)
    for time_s in np.arange(START_S, START_S + 2 * DAY_S, 4321.0):
        names = [heard(beacon, resolver, time_s).beacon for beacon in beacons]
        assert names == [f"beacon-{number}" for number in range(20)]


def test_recording_is_in_time_for_its_windows_and_no_longer():
    beacon, resolver = pair(4, tolerance=1)
    time_s = START_S + 1000.0
    window, now = beacon.window_at(time_s), int(beacon.clock.at(time_s))
    last = (window + 3 << 4) - now - 1  # on the air until a window later, and one more is tolerated
    assert heard(beacon, resolver, time_s, last).in_time
    assert not heard(beacon, resolver, time_s, last + 2).in_time
    assert heard(beacon, resolver, time_s, DAY_S + 100) is None


def test_recordings_played_ever_more_slowly_do_not_draw_the_resolver_back():
    beacon, resolver = pair(4, tolerance=2)
    accepted_late_s = []
    for step in range(200):
        recorded_s, played_s = START_S + 16.0 * step, START_S + 20.0 * step
        if heard(beacon, resolver, recorded_s, played_s - recorded_s).in_time:
            accepted_late_s.append(played_s - recorded_s)
    assert max(accepted_late_s) < 5 * 16
    assert heard(beacon, resolver, START_S + 4000).in_time


def test_recording_of_the_day_before_is_not_in_time_and_changes_nothing():
    beacon, resolver = pair()
    now_s = START_S + 2 * DAY_S
    heard(beacon, resolver, now_s)
    for hours in range(1, 24):
        old = beacon.frame_at(now_s - 3600.0 * hours).identifier
        assert not resolver.resolve(old, now_s).in_time
    assert heard(beacon, resolver, now_s + 10).in_time


@pytest.mark.parametrize("hours", [0.5, 7, 23.9])
def test_beacon_is_known_again_after_its_battery_was_changed_and_somebody_said_so(hours):
    beacon, resolver = pair()
    changed_s = START_S + 3 * DAY_S + 3600.0 * hours
    heard(beacon, resolver, changed_s - 60)
    beacon.clock.change_battery(changed_s - 30, changed_s)
    refused = heard(beacon, resolver, changed_s + 60)
    if hours > 1:
        assert not refused.in_time
    resolver.battery_changed("shop", changed_s)
    for time_s in np.arange(changed_s + 60, changed_s + 2 * DAY_S, 3000.0):
        found = heard(beacon, resolver, time_s)
        assert found.in_time
        caught_up = time_s - changed_s > 3600.0 * hours + 60
        assert found.repeated is not caught_up or abs(time_s - changed_s - 3600.0 * hours) < 3000.0


def test_battery_change_that_was_said_long_ago_lets_no_recording_in():
    beacon, resolver = pair()
    now_s = START_S + 2 * DAY_S
    resolver.battery_changed("shop", now_s)
    old = beacon.frame_at(now_s - 5 * 3600.0).identifier
    assert not resolver.resolve(old, now_s + 3601.0).in_time
    assert resolver.resolve(old, now_s + 3600.0).in_time


def test_future_is_nobodys():
    beacon, resolver = pair()
    assert resolver.resolve(beacon.frame_at(START_S + 5000).identifier, START_S) is None
    assert resolver.resolve(b"whatever", START_S) is None


def test_time_may_go_back_a_little():
    beacon, resolver = pair(4)
    heard(beacon, resolver, START_S + 10_000)
    assert heard(beacon, resolver, START_S + 9_990).in_time


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda r: r.register("a", KEY, 16, START_S), "exponent = 16"),
        (lambda r: r.register("a", Secret(bytes(16)), 10, START_S), "key of zeros"),
        (lambda r: r.register("a", KEY, 10, START_S, shown=bytes(8)), "0000000000000000"),
        (lambda r: r.register("shop", KEY, 10, START_S), "known already"),
        (lambda r: r.register("a/b", KEY, 10, START_S), "letters, digits"),
        (lambda r: r.battery_changed("a", START_S), "not known"),
        (lambda _: Resolver(3), "0 to 2 windows"),
    ],
)
def test_what_cannot_be_is_refused(wrong, said):
    _, resolver = pair()
    with pytest.raises(InputError, match=said):
        wrong(resolver)


def test_no_key_is_shown():
    _, resolver = pair()
    assert repr(resolver) == "Resolver(1 beacons, tolerance=1)"
