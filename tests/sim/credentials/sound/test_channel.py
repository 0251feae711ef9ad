from __future__ import annotations

import numpy as np
import pytest
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.credentials.sound.channel import (
    Channel,
    air_db_per_m,
    loudspeaker_db,
    microphone_db,
    reverberated,
    shop_noise,
    skewed,
    white_noise,
)


def tone(frequency_hz, count=48_000):
    return np.sin(2 * np.pi * frequency_hz / 48_000 * np.arange(count))


def test_air_absorbs_as_the_standard_says():
    # ISO 9613-1:1993, table 1, 20 degrees, 50 %: dB/km at 1, 4 and 8 kHz (exact mid-bands).
    found = air_db_per_m(np.array([1000.0, 3981.07, 7943.28]))
    assert 1000 * found == pytest.approx([4.66, 29.4, 104.0], rel=0.02)


def test_distance_spreads_and_absorbs():
    rng = np.random.default_rng(1)
    heard = Channel(distance_m=2.1).carry(tone(18_000), rng, 0.0)
    loss_db = -10 * np.log10(np.mean(heard**2) / 0.5)
    expected_db = 20 * np.log10(21) + 2.0 * air_db_per_m(np.array([18_000.0]))[0]
    assert loss_db == pytest.approx(expected_db, abs=0.2)


def test_responses_fall_towards_20_khz():
    frequencies = np.array([1000.0, 16_000.0, 20_000.0])
    both_db = loudspeaker_db(frequencies) + microphone_db(frequencies)
    assert both_db[2] < both_db[1] - 10.0
    assert abs(both_db[0]) < 1.0


@pytest.mark.parametrize("ppm", [-150.0, 80.0])
def test_skew_shifts_a_tone_and_keeps_it(ppm):
    heard = skewed(tone(19_000), ppm)
    right = tone(19_000 * (1 + 1e-6 * ppm), len(heard))
    assert np.abs(heard - right)[100:-100].max() < 0.02
    assert len(heard) == pytest.approx(48_000 / (1 + 1e-6 * ppm), abs=1)


def test_echoes_have_their_power_and_die_away():
    click = np.zeros(4800)
    click[0] = 1.0
    heard = reverberated(click, 0.4, 3.0, np.random.default_rng(2))
    assert np.sum(heard[1:] ** 2) == pytest.approx(10 ** (-3.0 / 10.0), rel=0.02)
    early, late = np.sum(heard[1:2400] ** 2), np.sum(heard[9600:12_000] ** 2)
    assert 10 * np.log10(early / late) == pytest.approx(30.0, abs=1.5)


@pytest.mark.parametrize("noise", [white_noise, shop_noise])
def test_noise_has_power_one_and_comes_from_the_generator(noise):
    first, again, other = (noise(48_000, np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert np.mean(first**2) == pytest.approx(1.0, abs=0.1)
    assert (first == again).all()
    assert (first != other).any()


def test_shop_noise_is_mostly_below_the_band():
    energy = np.abs(np.fft.rfft(shop_noise(480_000, np.random.default_rng(5)))) ** 2
    assert energy[:150_000].sum() > 0.8 * energy.sum()


def test_ratio_is_that_of_the_packet_to_all_noise():
    packet = tone(17_000)
    heard = Channel(snr_db=-3.0).carry(packet, np.random.default_rng(6), 1.0)
    assert np.mean(heard[:40_000] ** 2) == pytest.approx(0.5 * 10**0.3, rel=0.03)


def test_channel_without_anything_delays():
    packet = tone(17_000, 1000)
    heard = Channel().carry(packet, np.random.default_rng(7), 0.1)
    before = np.flatnonzero(heard)[0] - 1
    assert (heard[before : before + 1000] == packet).all()
    assert 4800 <= before < 4800 + 1024


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"distance_m": 0.0}, "distance_m = 0.0: expected 0.1 to 50"),
        ({"noise": "pink"}, "expected one of white, shop"),
        ({"reverberation_s": -1.0}, "expected 0 to 10"),
        ({"skew_ppm": float("nan")}, "expected -1000 to 1000"),
    ],
)
def test_values_outside_their_range_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        Channel(**arguments)
