"""The controller: frames in, touch reports out, through the kernels in the order firmware runs them."""

from __future__ import annotations

import numpy as np

from firmware_emulator.controller.baseline import track_baseline
from firmware_emulator.controller.centroid import locate
from firmware_emulator.controller.filters import condition
from firmware_emulator.controller.reporting import new_contacts, report
from firmware_emulator.controller.segmentation import find_touches, new_blobs
from firmware_emulator.controller.settings import ControllerSettings, PanelGeometry, parameters
from firmware_emulator.controller.tracking import follow, new_tracks
from firmware_emulator.errors import InputError
from firmware_emulator.touch import Contact, Frame, TouchReport


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
        self._state = np.zeros(2, np.int64)
        self.reset()

    def reset(self) -> None:
        """Forget everything, as at power-up: the next frame is read against a baseline of zero."""
        self._baseline[:] = 0.0
        self._smooth[:] = 0.0
        self._tracks[:] = 0
        self._state[:] = 0
        self._wrong_frames = 0
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
        if frame.deltas.shape != self._shape or frame.deltas.dtype != np.int16:
            raise InputError(
                f"frame at {t_us} us: {frame.deltas.dtype} deltas of shape {frame.deltas.shape}, "
                f"must be int16 of shape {self._shape}"
            )
        if self._passes_over(t_us):
            return TouchReport(t_us, ())
        self._scanned_us = t_us

        deltas = np.ascontiguousarray(frame.deltas)
        params = self._params
        condition(deltas, self._baseline, self._smooth, self._signal, self._noisy, params)
        touches = find_touches(self._signal, self._noisy, self._blobs, params)
        if touches:
            locate(self._signal, self._blobs, touches, params)
        live = follow(self._blobs, touches, self._tracks, params)
        told = report(self._tracks, self._state, self._contacts, params)
        touched = touches > 0 or live > 0
        if touched:
            self._touched_us = t_us
        self._wrong_frames = track_baseline(
            self._baseline, self._smooth, self._signal, touched, self._wrong_frames, params
        )
        return TouchReport(t_us, tuple([Contact(*fields) for fields in self._contacts[:told].tolist()]))

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
