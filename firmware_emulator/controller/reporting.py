"""What the host is told: debounce, lift-off, ids, contact limit, frozen jitter, device coordinates."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from stampbench.firmware_emulator.controller.configuration import MAX_TOUCHES
from stampbench.firmware_emulator.kernels import kernel

CONTACT_DTYPE = np.dtype(
    [
        ("id", np.int64),
        ("tip", np.bool_),
        ("x", np.int64),  # device units
        ("y", np.int64),
        ("x_mm", np.float64),
        ("y_mm", np.float64),
        ("size_mm", np.float64),
        ("cancelled", np.bool_),
    ]
)
"""One contact of a report, fields in the order of stampbench.firmware_emulator.touch.Contact."""

NEXT_ID, CANCELLED = 0, 1
"""Places in the state that outlasts a report."""


def new_contacts(reports: int = 1) -> npt.NDArray[np.void]:
    """Return room for the contacts of so many reports, shape (reports * MAX_TOUCHES,)."""
    return np.zeros(reports * MAX_TOUCHES, CONTACT_DTYPE)


@kernel
def _free_id(tracks: npt.NDArray[np.void], first: int, count: int) -> int:
    """Return the first id from ``first`` on, round ``count``, that no track bears."""
    for k in range(count):
        candidate = (first + k) % count
        free = True
        for s in range(tracks.shape[0]):
            if tracks[s]["live"] == 1 and tracks[s]["id"] == candidate:
                free = False
        if free:
            return candidate
    return -1


@kernel
def _hold_still(track: np.void, params: npt.NDArray[np.void]) -> None:
    """Let the reported position follow only movements beyond the hysteresis."""
    p = params[0]
    resting = track["still"] >= p["rest_frames"]
    hysteresis = p["move_hysteresis_initial_mm"] if resting else p["move_hysteresis_next_mm"]
    dx = track["smooth_x_mm"] - track["reported_x_mm"]
    dy = track["smooth_y_mm"] - track["reported_y_mm"]
    if math.sqrt(dx * dx + dy * dy) > hysteresis:
        track["reported_x_mm"] = track["smooth_x_mm"]
        track["reported_y_mm"] = track["smooth_y_mm"]
        track["still"] = 0
    else:
        track["still"] += 1


@kernel
def _tell(contact: np.void, track: np.void, tip: bool, params: npt.NDArray[np.void]) -> None:
    """Fill one contact, its mm and its size as a host has them that reads it from the link (PROTOCOL.md)."""
    p = params[0]
    x = min(max(math.floor(track["reported_x_mm"] / p["width_mm"] * p["x_max"] + 0.5), 0), p["x_max"])
    y = min(max(math.floor(track["reported_y_mm"] / p["height_mm"] * p["y_max"] + 0.5), 0), p["y_max"])
    contact["id"] = track["id"]
    contact["tip"] = tip
    contact["x"] = x
    contact["y"] = y
    contact["x_mm"] = x * p["x_unit_mm"]
    contact["y_mm"] = y * p["y_unit_mm"]
    contact["size_mm"] = max(1.0, np.rint(100.0 * track["size_mm"])) / 100.0


@kernel
def report(
    tracks: npt.NDArray[np.void],
    state: npt.NDArray[np.int64],
    contacts: npt.NDArray[np.void],
    params: npt.NDArray[np.void],
) -> int:
    """Fill ``contacts`` with what this frame's report says, in slot order; return their number.

    A track is reported from its ``debounce_frames``-th frame; missing, it stays at its last position, and
    with the ``liftoff_frames``-th missing frame it appears once more with tip False. An id is free again in
    the report after. Touches that are cancelled appear once more likewise, and marked.

    Args:
        tracks: (MAX_TOUCHES,) of TRACK_DTYPE, updated.
        state: (2,) NEXT_ID and CANCELLED, updated.
        contacts: (MAX_TOUCHES,) of CONTACT_DTYPE, filled.
        params: record of settings.parameters.
    """
    p = params[0]
    live = 0
    down = 0
    due = 0
    for s in range(tracks.shape[0]):
        track = tracks[s]
        if track["live"] == 1:
            live += 1
            if track["id"] >= 0:
                down += 1
            elif track["age"] >= p["debounce_frames"] + track["wait"]:
                due += 1
    if live == 0:
        state[CANCELLED] = 0
    if live == 0 or state[CANCELLED] == 1:
        return 0

    if p["contact_policy"] == 1 and down + due > p["max_contacts"]:
        state[CANCELLED] = 1
    for s in range(tracks.shape[0]):
        track = tracks[s]
        if due == 0 or state[CANCELLED] == 1 or down == p["max_contacts"]:
            break
        if track["live"] == 1 and track["id"] < 0 and track["age"] >= p["debounce_frames"] + track["wait"]:
            first = state[NEXT_ID] if p["id_policy"] == 1 else 0
            track["id"] = _free_id(tracks, first, p["id_count"])
            state[NEXT_ID] = (track["id"] + 1) % p["id_count"]
            track["reported_x_mm"] = track["smooth_x_mm"]
            track["reported_y_mm"] = track["smooth_y_mm"]
            down += 1
            due -= 1

    n = 0
    for s in range(tracks.shape[0]):
        track = tracks[s]
        if track["live"] == 0 or track["id"] < 0:
            continue
        lifted = track["missing"] >= p["liftoff_frames"]
        if track["missing"] == 0:
            _hold_still(track, params)
        _tell(contacts[n], track, not (lifted or state[CANCELLED] == 1), params)
        contacts[n]["cancelled"] = state[CANCELLED] == 1 and not lifted
        n += 1
        if lifted:
            track["live"] = 0
        if state[CANCELLED] == 1:
            track["id"] = -1
    return n
