"""The air between a loudspeaker and a microphone, as a chain of small models.

Levels are seen from the packet: what matters to a receiver is how loud noise is beside it. Every draw comes
from the generator handed in. What is measured nowhere is marked assumed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.credentials.sound.protocols import SAMPLE_RATE_HZ

Samples: TypeAlias = npt.NDArray[np.float64]
Noise: TypeAlias = Literal["white", "shop"]

REFERENCE_M: Final = 0.1
"""Distance at which signal and noise are given."""
SPEED_M_S: Final = 343.0
_HALF_TAPS: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """From the samples sent to the samples heard.

    Attributes:
        distance_m: attenuates by spreading and by the air, from 0.1 m on.
        snr_db: power of the packet at 0.1 m over that of the noise, both 0 to 24 kHz; infinite: no noise.
        noise: its kind.
        reverberation_s: time in which echoes fall by 60 dB; 0: none.
        direct_db: power of the direct sound over that of all echoes.
        responses: True lets loudspeaker and microphone fall off towards 20 kHz.
        skew_ppm: by which the sender's clock is fast.

    Raises:
        InputError: a value outside its range.
    """

    distance_m: float = REFERENCE_M
    snr_db: float = math.inf
    noise: Noise = "white"
    reverberation_s: float = 0.0
    direct_db: float = 6.0
    responses: bool = False
    skew_ppm: float = 0.0

    def __post_init__(self) -> None:
        if not REFERENCE_M <= self.distance_m <= 50.0:
            raise InputError(f"distance_m = {self.distance_m}: expected {REFERENCE_M} to 50")
        if self.noise not in get_args(Noise):
            raise InputError(f'noise = "{self.noise}": expected one of {", ".join(get_args(Noise))}')
        if not 0.0 <= self.reverberation_s <= 10.0:
            raise InputError(f"reverberation_s = {self.reverberation_s}: expected 0 to 10")
        if not abs(self.skew_ppm) <= 1000.0:
            raise InputError(f"skew_ppm = {self.skew_ppm}: expected -1000 to 1000")

    def carry(
        self, samples: npt.NDArray[np.floating], rng: np.random.Generator, silence_s: float = 0.3
    ) -> Samples:
        """Return what is heard of samples at 48 kHz: noise, then the packet and its echoes, then noise.

        Args:
            samples: as sent.
            rng: of noise and echoes.
            silence_s: before the packet, up to a frame more by chance, and after it.
        """
        sent = np.asarray(samples, np.float64)
        power = float(np.mean(sent**2)) if len(sent) else 0.0
        heard = skewed(sent, self.skew_ppm) if self.skew_ppm else sent
        if self.reverberation_s:
            heard = reverberated(heard, self.reverberation_s, self.direct_db, rng)
        if self.distance_m != REFERENCE_M or self.responses:
            heard = self._filtered(heard)
        before = round(silence_s * SAMPLE_RATE_HZ) + int(rng.integers(1024))
        heard = np.pad(heard, (before, round(silence_s * SAMPLE_RATE_HZ)))
        if math.isinf(self.snr_db):
            return heard
        kind = white_noise if self.noise == "white" else shop_noise
        return heard + math.sqrt(power / 10.0 ** (self.snr_db / 10.0)) * kind(len(heard), rng)

    def _filtered(self, samples: Samples) -> Samples:
        """Let samples spread through air, loudspeaker and microphone; delay is left out."""
        length = len(samples)
        frequency_hz: Samples = np.fft.rfftfreq(length, 1.0 / SAMPLE_RATE_HZ).astype(np.float64)
        gain_db = -20.0 * math.log10(self.distance_m / REFERENCE_M)
        gains_db = gain_db - (self.distance_m - REFERENCE_M) * air_db_per_m(frequency_hz)
        if self.responses:
            gains_db += loudspeaker_db(frequency_hz) + microphone_db(frequency_hz)
        return np.fft.irfft(np.fft.rfft(samples) * 10.0 ** (gains_db / 20.0), length)


def air_db_per_m(frequency_hz: Samples, celsius: float = 20.0, humidity_percent: float = 50.0) -> Samples:
    """Return the absorption of sound by air at sea level; 0.4 to 0.5 dB/m from 17 to 19.5 kHz in a room.

    Source: ISO 9613-1:1993, equations (3) to (5) and (B.1) to (B.3).
    """
    kelvin = celsius + 273.15
    relative = kelvin / 293.15
    saturation = 10.0 ** (-6.8346 * (273.16 / kelvin) ** 1.261 + 4.6151)
    vapour = humidity_percent * saturation  # molar concentration, percent
    oxygen_hz = 24.0 + 4.04e4 * vapour * (0.02 + vapour) / (0.391 + vapour)
    nitrogen_hz = relative**-0.5 * (9.0 + 280.0 * vapour * math.exp(-4.170 * (relative ** (-1 / 3) - 1.0)))
    square = frequency_hz**2
    oxygen = 0.01275 * math.exp(-2239.1 / kelvin) / (oxygen_hz + square / oxygen_hz)
    nitrogen = 0.1068 * math.exp(-3352.0 / kelvin) / (nitrogen_hz + square / nitrogen_hz)
    return 8.686 * square * (1.84e-11 * relative**0.5 + relative**-2.5 * (oxygen + nitrogen))


def loudspeaker_db(frequency_hz: Samples) -> Samples:
    """Return a small loudspeaker: even to 15 kHz, 9 dB down at 20 kHz.

    Assumed; that some phones emit nothing there is reported at quiet/quiet-js, issue 14.
    """
    return np.interp(frequency_hz, [0, 200, 600, 15e3, 18e3, 20e3, 24e3], [-40, -20, 0, 0, -4, -9, -40])


def microphone_db(frequency_hz: Samples) -> Samples:
    """Return a phone's microphone: its resonance at 17 kHz lifts by 3 dB, then it falls.

    Assumed, in the manner of data sheets of MEMS microphones with a port.
    """
    return np.interp(frequency_hz, [0, 50, 100, 8e3, 17e3, 20e3, 24e3], [-40, -6, 0, 0, 3, -3, -30])


def reverberated(samples: Samples, seconds: float, direct_db: float, rng: np.random.Generator) -> Samples:
    """Return echoes: noise that dies away exponentially, added to the direct sound.

    Source of the model: J. A. Moorer, "About this reverberation business", 1979. At 18 kHz the air alone
    takes 60 dB in 0.4 s; shops are somewhat below.
    """
    length = round(seconds * SAMPLE_RATE_HZ)
    echo = rng.standard_normal(length) * 10.0 ** (-3.0 * np.arange(length) / length)
    echo *= 10.0 ** (-direct_db / 20.0) / math.sqrt(float(np.sum(echo**2)))
    size = 1 << (len(samples) + length).bit_length()
    spectrum = np.fft.rfft(samples, size) * np.fft.rfft(echo, size)
    heard = np.fft.irfft(spectrum, size)[: len(samples) + length]
    heard[: len(samples)] += samples
    return heard


def white_noise(count: int, rng: np.random.Generator) -> Samples:
    """Return noise of power 1, the same at all frequencies."""
    return rng.standard_normal(count)


def shop_noise(count: int, rng: np.random.Generator) -> Samples:
    """Return noise of power 1: talk and machines, a converter that whistles, and things that clatter.

    Talk and machines fall by 3 dB an octave from 100 Hz on. The whistle, a twentieth of the power, is a tone
    anywhere from 15 to 19.5 kHz; clatter, a tenth, are bursts of white noise of 5 ms, three a second on
    average. Kinds as in quiet/quiet, issue 6, and in reports of phones that hear light ballasts; shares
    assumed.
    """
    frequency_hz = np.fft.rfftfreq(count, 1.0 / SAMPLE_RATE_HZ)
    shape = 1.0 / np.sqrt(np.maximum(frequency_hz, 100.0))
    talk = np.fft.irfft(np.fft.rfft(rng.standard_normal(count)) * shape, count)
    turns = rng.uniform(15_000.0, 19_500.0) / SAMPLE_RATE_HZ
    whistle = np.sin(2.0 * np.pi * (turns * np.arange(count) + rng.uniform()))
    clatter = np.zeros(count)
    burst = SAMPLE_RATE_HZ // 200
    for start in rng.integers(0, max(1, count - burst), rng.poisson(3.0 * count / SAMPLE_RATE_HZ)):
        clatter[start : start + burst] += rng.standard_normal(len(clatter[start : start + burst]))
    parts = ((0.85, talk), (0.05, whistle), (0.10, clatter))
    noise = np.zeros(count)
    for share, part in parts:
        power = float(np.mean(part**2))
        if power > 0.0:
            noise += math.sqrt(share / power) * part
    return noise


def skewed(samples: Samples, skew_ppm: float) -> Samples:
    """Return samples of a sender whose clock is fast, at the receiver's; by a windowed sinc of 32 taps."""
    rate = 1.0 + 1e-6 * skew_ppm
    at = np.arange(int(len(samples) / rate)) * rate
    padded = np.pad(samples, _HALF_TAPS)
    whole = np.floor(at).astype(np.int64)
    heard = np.zeros(len(at))
    for tap in range(1 - _HALF_TAPS, _HALF_TAPS + 1):
        away = at - whole - tap
        heard += (
            padded[whole + tap + _HALF_TAPS] * np.sinc(away) * np.cos(np.pi * away / (2 * _HALF_TAPS)) ** 2
        )
    return heard
