"""One-time passwords over Bluetooth: guesses get nowhere, and honest stamps through."""

from __future__ import annotations

import numpy as np
import pytest
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.credentials.ble.beacon import BeaconClock, OtpBeacon
from stampbench.sim.credentials.ble.frames import OtpStamp
from stampbench.sim.credentials.ble.passwords import WRONG, WRONG_S, PasswordVerifier
from stampbench.sim.credentials.secrets import Secret

STAMP, KEY = bytes(range(8)), Secret(bytes(range(16)))
YEAR_S = 365 * 86_400.0


def pair(error_ppm: float = 0.0) -> tuple[OtpBeacon, PasswordVerifier]:
    verifier = PasswordVerifier()
    verifier.register(STAMP, KEY, 0.0, 0.0)
    return OtpBeacon(STAMP, KEY, BeaconClock(0.0, 0.0, error_ppm)), verifier


def shown(beacon: OtpBeacon, verifier: PasswordVerifier, time_s: float) -> bool:
    return verifier.step_of(beacon.frame_at(time_s), time_s) is not None


def guess(verifier: PasswordVerifier, rng: np.random.Generator, count: int, time_s: float) -> int:
    """Guess passwords at random, a thousand a second; how many are taken."""
    numbers = rng.integers(10**8, size=count).tolist()
    return sum(
        verifier.step_of(OtpStamp(STAMP, f"{number:08d}"), time_s + place / 1000.0) is not None
        for place, number in enumerate(numbers)
    )


def test_a_stamp_that_is_heard_now_and_then_is_read_at_once():
    beacon, verifier = pair(error_ppm=-150.0)
    assert all(shown(beacon, verifier, day * 86_400.0) for day in range(1, 60))


@pytest.mark.parametrize("error_ppm", [-150.0, 150.0])
def test_a_stamp_that_was_silent_for_a_year_is_read_at_its_second_password(error_ppm):
    beacon, verifier = pair(error_ppm)
    assert [shown(beacon, verifier, YEAR_S + 30.0 * n) for n in range(3)] == [False, True, True]


def test_the_same_password_twice_is_not_two_that_follow_each_other():
    beacon, verifier = pair(150.0)
    frame = beacon.frame_at(YEAR_S)
    assert [verifier.step_of(frame, YEAR_S + n) for n in range(80)] == [None] * 80


def test_guesses_at_a_stamp_unheard_for_a_year_are_refused_and_it_is_read_among_them():
    beacon, verifier = pair(150.0)
    assert guess(verifier, np.random.default_rng(2), 5_000, YEAR_S) == 0
    now_s = YEAR_S + 100.0
    assert [shown(beacon, verifier, now_s + 30.0 * n) for n in range(2)] == [False, True]


@pytest.mark.parametrize(("days", "right"), [(0, 3), (30, 21), (365, 21)])
def test_the_odds_of_a_guess_are_bounded_and_end_after_a_few(days, right):
    _, verifier = pair()
    now_s = days * 86_400.0
    assert verifier.right_alone(STAMP, now_s) <= right
    guess(verifier, np.random.default_rng(3), WRONG, now_s)
    assert verifier.right_alone(STAMP, now_s + 1.0) == 0


def test_guesses_are_refused_and_the_stamp_itself_is_read_among_them():
    beacon, verifier = pair()
    rng, now_s = np.random.default_rng(1), 30 * 86_400.0
    assert guess(verifier, rng, 5_000, now_s) == 0
    assert [shown(beacon, verifier, now_s + 20.0 + 30.0 * n) for n in range(2)] == [False, True]
    assert shown(beacon, verifier, now_s + 20.0 + 2 * WRONG_S)


@pytest.mark.parametrize("key", [bytes(16), b"", b"short"])
def test_a_key_that_is_none_is_refused(key):
    with pytest.raises(InputError, match="expected an agreed key"):
        PasswordVerifier().register(STAMP, Secret(key, None), 0.0, 0.0)
