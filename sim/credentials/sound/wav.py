"""Sound files: PCM of any rate and width, as one channel at 48 kHz and back."""

from __future__ import annotations

import math
import wave
from pathlib import Path

import numpy as np
import numpy.typing as npt
from stampbench.firmware_emulator.errors import InputError, expect_new
from stampbench.sim.credentials.sound.protocols import SAMPLE_RATE_HZ

LOWEST_RATE_HZ = 40_000
"""Below it, the highest tone, 19.5 kHz, is not in the file."""


def write_wav(path: Path, samples: npt.NDArray[np.floating]) -> None:
    """Write samples at 48 kHz, -1 to 1, with 16 bits; what is louder is cut.

    Raises:
        InputError: the file is there already or cannot be written.
    """
    whole = np.clip(np.round(32768.0 * np.asarray(samples, np.float64)), -32768, 32767).astype("<i2")
    expect_new(path)
    try:
        with path.open("wb") as opened, wave.open(opened, "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(SAMPLE_RATE_HZ)
            file.writeframes(whole.tobytes())
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}: expected a file that can be written") from None


def read_wav(path: Path) -> npt.NDArray[np.float64]:
    """Return samples at 48 kHz, -1 to 1; channels are averaged, other rates converted.

    Raises:
        InputError: no such file, not PCM, or a rate too low for near-ultrasound.
    """
    try:
        with path.open("rb") as opened, wave.open(opened, "rb") as file:
            channels, width, rate_hz = file.getnchannels(), file.getsampwidth(), file.getframerate()
            data = file.readframes(file.getnframes())
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}: expected a WAV file") from None
    except (wave.Error, EOFError, RuntimeError) as error:  # the last where a chunk ends beyond another
        raise InputError(f"{path}: {error or 'ends early'}: expected a WAV file with PCM samples") from None
    if rate_hz < LOWEST_RATE_HZ:
        raise InputError(
            f"{path}: {rate_hz} samples a second: expected {LOWEST_RATE_HZ} at least, for up to 19.5 kHz"
        )
    if not 1 <= width <= 4:
        raise InputError(f"{path}: {8 * width} bits a sample: expected 8, 16, 24 or 32")
    whole = _widened(data[: len(data) // (channels * width) * channels * width], width)
    samples = whole.reshape(-1, channels).mean(axis=1)
    return samples if rate_hz == SAMPLE_RATE_HZ else _resampled(samples, rate_hz)


def _widened(data: bytes, width: int) -> npt.NDArray[np.float64]:
    if width == 1:
        return (np.frombuffer(data, np.uint8).astype(np.float64) - 128.0) / 128.0
    wide = np.zeros((len(data) // width, 4), np.uint8)
    wide[:, 4 - width :] = np.frombuffer(data, np.uint8).reshape(-1, width)
    return wide.view("<i4").ravel() / 2.0**31


def _resampled(samples: npt.NDArray[np.float64], rate_hz: int) -> npt.NDArray[np.float64]:
    from scipy.signal import resample_poly

    divisor = math.gcd(rate_hz, SAMPLE_RATE_HZ)
    return np.asarray(resample_poly(samples, SAMPLE_RATE_HZ // divisor, rate_hz // divisor), np.float64)
