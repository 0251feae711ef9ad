"""The controller: frames in, touch reports out, through the kernels in the order firmware runs them."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from stampbench.firmware_emulator.controller.baseline import calibrate, track_baseline
from stampbench.firmware_emulator.controller.centroid import locate
from stampbench.firmware_emulator.controller.configuration import (
    ControllerSettings,
    PanelGeometry,
    parameters,
)
from stampbench.firmware_emulator.controller.filters import condition
from stampbench.firmware_emulator.controller.reporting import new_contacts, report
from stampbench.firmware_emulator.controller.segmentation import find_touches, new_blobs
from stampbench.firmware_emulator.controller.tracking import follow, new_tracks
from stampbench.firmware_emulator.errors import InputError
from stampbench.firmware_emulator.kernels import kernel
from stampbench.firmware_emulator.touch import Contact, Frame, TouchReport

_COUNTS: Final = np.dtype(np.int16)
Array = npt.NDArray[np.float64]

WRONG_FRAMES, CALIBRATED = 2, 3
"""Places in the state, after those of reporting: for how many frames the baseline has looked wrong, and how
many have entered it since power-up."""


@kernel
def scan(
    deltas: npt.NDArray[np.int16],
    baseline: Array,
    smooth: Array,
    signal: Array,
    noisy: npt.NDArray[np.bool_],
    blobs: npt.NDArray[np.void],
    tracks: npt.NDArray[np.void],
    contacts: npt.NDArray[np.void],
    state: npt.NDArray[np.int64],
    params: npt.NDArray[np.void],
) -> tuple[int, bool]:
    """Take a frame through all stages; return how many contacts are told, and whether anything touches.

    One kernel: called from Python one by one, the stages would take half as long again.

    Args:
        deltas: (rows, cols) counts of this frame.
        baseline: (rows, cols) counts at rest, updated.
        smooth: (rows, cols) state of the filter over frames, updated.
        signal: (rows, cols) filled.
        noisy: (cols,) filled.
        blobs: room for the touches of a frame.
        tracks: touches that are followed, updated.
        contacts: filled with what is told.
        state: (4,) what else outlasts a frame, updated.
        params: record of settings.parameters.
    """
    if state[CALIBRATED] < params[0]["calibration_frames"]:
        state[CALIBRATED] += 1
        calibrate(deltas, baseline, smooth, state[CALIBRATED])
        return 0, False
    condition(deltas, baseline, smooth, signal, noisy, params)
    touches = find_touches(signal, noisy, tracks, blobs, params)
    if touches > 0:
        locate(signal, blobs, touches, params)
    live = follow(blobs, touches, tracks, params)
    told = report(tracks, state, contacts, params)
    touched = touches > 0 or live > 0
    state[WRONG_FRAMES] = track_baseline(baseline, smooth, signal, touched, state[WRONG_FRAMES], params)
    return told, touched


class Controller:
    """Touch controller of one panel; one report for every frame.

    Not to be shared between threads: it remembers baseline, contacts and ids.

    Args:
        geometry: electrode grid and reported coordinates.
        settings: thresholds, filters and policies; the defaults suit 225 counts at full touch.
    """

    def __init__(self, geometry: PanelGeometry, settings: ControllerSettings | None = None) -> None:
        self.geometry = geometry
        self.settings = settings or ControllerSettings()
        self._shape = (geometry.rows, geometry.cols)
        self._params = parameters(geometry, self.settings)
        self._baseline = np.zeros(self._shape)
        self._smooth = np.zeros(self._shape)
        self._signal = np.zeros(self._shape)
        self._noisy = np.zeros(geometry.cols, np.bool_)
        self._blobs = new_blobs()
        self._tracks = new_tracks()
        self._contacts = new_contacts()
        self._state = np.zeros(4, np.int64)
        self.reset()

    def reset(self) -> None:
        """Forget everything, as at power-up: the baseline is 0, or what the first frames make it."""
        self._baseline[:] = 0.0
        self._smooth[:] = 0.0
        self._tracks[:] = 0
        self._state[:] = 0
        self._scanned_us: int | None = None
        self._touched_us = 0

    def process(self, frame: Frame) -> TouchReport:
        """Return what the controller reports for the next frame.

        While nothing has touched the panel for ``idle_after_us``, frames between slow scans are passed over.

        Args:
            frame: the scan; times must not run backwards.

        Raises:
            InputError: the frame is not int16 of shape (rows, cols).
        """
        t_us = frame.t_us
        if frame.deltas.shape != self._shape or frame.deltas.dtype != _COUNTS:
            raise InputError(
                f"frame at {t_us} us: {frame.deltas.dtype} deltas of shape {frame.deltas.shape}, "
                f"must be int16 of shape {self._shape}"
            )
        if self._passes_over(t_us):
            return TouchReport(t_us, ())
        self._scanned_us = t_us

        told, touched = scan(
            np.ascontiguousarray(frame.deltas),
            self._baseline,
            self._smooth,
            self._signal,
            self._noisy,
            self._blobs,
            self._tracks,
            self._contacts,
            self._state,
            self._params,
        )
        if touched:
            self._touched_us = t_us
        return TouchReport(t_us, tuple(map(Contact._make, self._contacts[:told].tolist())))

    def _passes_over(self, t_us: int) -> bool:
        if self._scanned_us is None:
            self._touched_us = t_us
            return False
        settings = self.settings
        return (
            settings.idle_after_us > 0
            and t_us - self._touched_us >= settings.idle_after_us
            and t_us - self._scanned_us < settings.idle_interval_us
        )
