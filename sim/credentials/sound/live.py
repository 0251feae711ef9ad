"""The machine's own loudspeaker and microphone (extra ``audio``)."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from stampbench.firmware_emulator.errors import LinkError, NoHardwareError
from stampbench.sim.credentials.sound.protocols import FRAME_SAMPLES, SAMPLE_RATE_HZ

_BLOCK_SAMPLES = 4 * FRAME_SAMPLES


def play(samples: npt.NDArray[np.floating]) -> None:
    """Play samples at 48 kHz, and wait until they are over.

    Raises:
        NoHardwareError: no loudspeaker, none that plays 48 kHz, or no package ``sounddevice``.
    """
    audio = _audio()
    try:
        audio.play(np.asarray(samples, np.float32), SAMPLE_RATE_HZ, blocking=True)
    except (audio.PortAudioError, ValueError) as error:
        raise NoHardwareError(f"loudspeaker: {error}: expected one that plays 48 kHz") from None


def listen(seconds: float) -> Iterator[npt.NDArray[np.float32]]:
    """Yield blocks of samples at 48 kHz from the microphone, for so many seconds.

    Raises:
        NoHardwareError: no microphone, none that hears 48 kHz, or no package ``sounddevice``.
        LinkError: it was lost on the way.
    """
    audio = _audio()
    try:
        stream = audio.InputStream(SAMPLE_RATE_HZ, _BLOCK_SAMPLES, channels=1, dtype="float32")
    except (audio.PortAudioError, ValueError) as error:
        raise NoHardwareError(f"microphone: {error}: expected one that hears 48 kHz") from None
    with stream:
        for _ in range(0, round(seconds * SAMPLE_RATE_HZ), _BLOCK_SAMPLES):
            try:
                block, _ = stream.read(_BLOCK_SAMPLES)
            except audio.PortAudioError as error:
                raise LinkError(f"microphone: {error}: expected it to stay connected") from None
            yield block[:, 0]


def _audio() -> Any:
    try:
        return importlib.import_module("sounddevice")
    except ModuleNotFoundError:
        raise NoHardwareError(
            "sound: the package sounddevice is not installed: expected pip install 'stampbench[audio]'"
        ) from None
    except OSError as error:
        raise NoHardwareError(f"sound: {error}: expected the library PortAudio") from None
