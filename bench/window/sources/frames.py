"""Recordings of raw frames as a source of the screen: a profile's controller says what is touched."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Final

from stampbench.bench.sources.frame_files import profile_with, read_frames
from stampbench.bench.window.sources.recording import RecordedSource, Track
from stampbench.firmware_emulator.controller import Controller
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.panel import profile_names
from stampbench.sim.screen.simulated import panel_of_profile

MOST_FRAMES: Final = 20_000
"""Of a longer recording, the beginning is shown: more than three minutes at 10 ms."""


def open_frames(path: Path, nodes: tuple[int, int] | None = None) -> RecordedSource:
    """Open a recording of raw frames.

    Raises:
        InputError: it is none of these, or no profile has as many nodes.
    """
    recorded = read_frames(path, nodes)
    rows, cols = recorded.frames.shape[1:]
    profile = profile_with(rows, cols)
    if profile is None:
        raise InputError(
            f"{path}: frames of {rows} x {cols} nodes: expected those of a profile; "
            f"there are {', '.join(profile_names())}"
        )
    track = Track()
    controller = Controller(profile.geometry, dataclasses.replace(profile.controller, idle_after_us=0))
    for frame in recorded.in_time(profile.frame_interval_us, MOST_FRAMES):
        track.append(frame)
        track.append(controller.process(frame))
    notes = [
        f"frames without times, shown {profile.frame_interval_us / 1000:g} ms apart; "
        f"contacts by the controller of {profile.name}"
    ]
    if len(recorded.frames) > MOST_FRAMES:
        notes.append(f"the first {MOST_FRAMES:,} of {len(recorded.frames):,} frames")
    track.finish("; ".join(notes))
    return RecordedSource(track, panel_of_profile(profile), str(path))
