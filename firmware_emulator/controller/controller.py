"""The controller: frames in, touch reports out, through the kernels in the order firmware runs them."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from stampbench.firmware_emulator.controller.baseline import calibrate, recalibrate, track_baseline
from stampbench.firmware_emulator.controller.centroid import locate
from stampbench.firmware_emulator.controller.configuration import (
    MAX_TOUCHES,
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

WRONG_FRAMES, CALIBRATED, SCANNED_US, TOUCHED_US, AS_MADE_FRAMES, STATE = 2, 3, 4, 5, 6, 7
"""Places in the state, after those of reporting: for how many frames the baseline has looked wrong, how many
have entered it since power-up, when a frame was last looked at, when anything last touched, and for how many
frames something seemed to while the panel read as made; how many."""
NEVER: Final = -(1 << 62)
"""Time of the frame before the first, microseconds."""


@kernel
def _passes_over(t_us: int, state: npt.NDArray[np.int64], params: npt.NDArray[np.void]) -> bool:
    """Say whether an idle controller does not look at the frame of this time."""
    if state[SCANNED_US] == NEVER:
        state[TOUCHED_US] = t_us
        return False
    p = params[0]
    return (
        p["idle_after_us"] > 0
        and t_us - state[TOUCHED_US] >= p["idle_after_us"]
        and t_us - state[SCANNED_US] < p["idle_interval_us"]
    )


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

    Arguments as of :func:`scans`, for one frame.
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
    state[AS_MADE_FRAMES] = recalibrate(baseline, smooth, state[AS_MADE_FRAMES], params) if touched else 0
    state[WRONG_FRAMES] = track_baseline(baseline, smooth, signal, touched, state[WRONG_FRAMES], params)
    return told, touched


@kernel
def scans(
    times_us: npt.NDArray[np.int64],
    deltas: npt.NDArray[np.int16],
    baseline: Array,
    smooth: Array,
    signal: Array,
    noisy: npt.NDArray[np.bool_],
    blobs: npt.NDArray[np.void],
    tracks: npt.NDArray[np.void],
    contacts: npt.NDArray[np.void],
    stops: npt.NDArray[np.int64],
    state: npt.NDArray[np.int64],
    params: npt.NDArray[np.void],
) -> None:
    """Take frames through all stages, one after the other, save those that an idle controller passes over.

    One kernel: called from Python one by one, the stages would take half as long again.

    Args:
        times_us: (n,) of the frames.
        deltas: (n, rows, cols) counts.
        baseline: (rows, cols) counts at rest, updated.
        smooth: (rows, cols) state of the filter over frames, updated.
        signal: (rows, cols) filled.
        noisy: (cols,) filled.
        blobs: room for the touches of a frame.
        tracks: touches that are followed, updated.
        contacts: filled with what is told, frame after frame; room for the most there can be.
        stops: (n,) filled: how many contacts were told up to each frame.
        state: (STATE,) what else outlasts a frame, updated.
        params: record of settings.parameters.
    """
    told = 0
    for n in range(times_us.shape[0]):
        t_us = times_us[n]
        if not _passes_over(t_us, state, params):
            state[SCANNED_US] = t_us
            more, touched = scan(
                deltas[n], baseline, smooth, signal, noisy, blobs, tracks, contacts[told:], state, params
            )
            told += more
            if touched:
                state[TOUCHED_US] = t_us
        stops[n] = told


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
        self._contacts = new_contacts(1)
        self._state = np.zeros(STATE, np.int64)
        self.reset()

    def reset(self) -> None:
        """Forget everything, as at power-up: the baseline is 0, or what the first frames make it."""
        for kept in (self._baseline, self._smooth, self._tracks.view(np.int64), self._state):
            kept.fill(0)
        self._state[SCANNED_US] = NEVER

    def process(self, frame: Frame) -> TouchReport:
        """Return what the controller reports for the next frame.

        While nothing has touched the panel for ``idle_after_us``, frames between slow scans are passed over.

        Args:
            frame: the scan; times must not run backwards.

        Raises:
            InputError: the frame is not int16 of shape (rows, cols).
        """
        if frame.deltas.shape != self._shape or frame.deltas.dtype != _COUNTS:
            raise InputError(
                f"frame at {frame.t_us} us: {frame.deltas.dtype} deltas of shape {frame.deltas.shape}, "
                f"must be int16 of shape {self._shape}"
            )
        return self.process_all(np.array([frame.t_us], np.int64), frame.deltas[np.newaxis])[0]

    def process_all(
        self, times_us: npt.NDArray[np.int64], deltas: npt.NDArray[np.int16]
    ) -> list[TouchReport]:
        """Return what the controller reports for the next frames, each as :meth:`process` does.

        Args:
            times_us: (n,) of the frames, not running backwards.
            deltas: (n, rows, cols) counts.
        """
        frames = len(times_us)
        if len(self._contacts) < frames * MAX_TOUCHES:
            self._contacts = new_contacts(frames)
        stops = np.empty(frames, np.int64)
        scans(
            times_us,
            np.ascontiguousarray(deltas),
            self._baseline,
            self._smooth,
            self._signal,
            self._noisy,
            self._blobs,
            self._tracks,
            self._contacts,
            stops,
            self._state,
            self._params,
        )
        ends = stops.tolist()
        contacts = list(map(Contact._make, self._contacts[: max(ends, default=0)].tolist()))
        return [
            TouchReport(t_us, tuple(contacts[start:end]))
            for t_us, start, end in zip(times_us.tolist(), [0, *ends], ends, strict=False)
        ]
