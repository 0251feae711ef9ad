"""How far a profile is from a recording: the same figures of both, effect by effect."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.hold import Hold
from stampbench.sim.panel import Condition, Panel, PlacedObject, Profile
from stampbench.sim.panel.fit import fit_touches
from stampbench.sim.panel.fit.noise_split import noise_of, resting
from stampbench.sim.panel.fit.recording import Recording, recording
from stampbench.sim.stamps.objects import resolve_object

Floats = npt.NDArray[np.float64]

NEAR: Final = 0.2
"""A figure is near where it departs by at most this part of the recorded one."""
TAILS: Final = 0.1
"""Excess kurtosis and correlations are near within this, or within ``NEAR`` of the recorded one."""
_TAILS: Final = (
    "excess kurtosis of nodes",
    "correlation from frame to frame",
    "correlation over five frames",
    "spread of variances over nodes, beyond chance",
)
AS_MEASURED: Final = Condition(loud_frames=1.0, uneven_nodes=1.0, noise_memory=1.0)
"""Everything that the profile has figures of acts."""
_SIMULATED_REST: Final = 300
_SIMULATED_TOUCHES: Final = 60


@dataclass(frozen=True, slots=True)
class Compared:
    """One effect in the recording and in the profile's own frames.

    Attributes:
        effect: what is measured, with its unit.
        recorded, simulated: the figure; None where the frames do not show it.
        allowed: how far it may depart.
    """

    effect: str
    recorded: float | None
    simulated: float | None
    allowed: float

    @property
    def verdict(self) -> str:
        """Near, far, or not shown."""
        if self.recorded is None or self.simulated is None:
            return "not shown"
        return "near" if abs(self.simulated - self.recorded) <= self.allowed else "far"


def compare(profile: Profile, frames: npt.ArrayLike) -> list[Compared]:
    """Measure a recording and frames that the profile makes, and hold them against each other.

    Args:
        profile: whose panel is simulated: rest, and fingertips all over the glass.
        frames: raw frames, shape (frames, rows, cols).

    Raises:
        InputError: frames of another shape than the profile's.
    """
    real = recording(frames)
    grid = profile.grid
    if real.deltas.shape[1:] != (grid.rows, grid.cols):
        rows, cols = real.deltas.shape[1:]
        raise InputError(
            f"frames of {rows} x {cols} nodes: {profile.name} has {grid.rows} x {grid.cols}: expected its own"
        )
    theirs, ours = _figures(real), _figures(recording(_simulated(profile)))
    return [
        Compared(effect, theirs[effect], ours[effect], _allowed(effect, theirs[effect])) for effect in theirs
    ]


def _allowed(effect: str, value: float | None) -> float:
    least = TAILS if effect.startswith(("excess kurtosis", "correlation")) else 0.0
    return max(NEAR * abs(value or 0.0), least)


def _simulated(profile: Profile) -> npt.NDArray[np.int16]:
    """Return frames of rest, then of fingertips anywhere away from the edges."""
    panel, rng = Panel(profile, AS_MEASURED, seed=1), np.random.default_rng(1)
    width_mm, height_mm = profile.grid.width_mm, profile.grid.height_mm
    finger = resolve_object("finger")
    frames = []
    for n in range(_SIMULATED_REST + _SIMULATED_TOUCHES):
        at = Hold(width_mm * rng.uniform(0.2, 0.8), height_mm * rng.uniform(0.2, 0.8))
        placed = [PlacedObject(finger, at)] if n >= _SIMULATED_REST else []
        frames.append(panel.frame(n * profile.frame_interval_us, placed).deltas)
    return np.array(frames)


def _figures(record: Recording) -> dict[str, float | None]:
    """Return every effect's figure; None where the frames do not show it."""
    noise, touch = noise_of(record), fit_touches(record)
    figures: dict[str, float | None] = {
        "noise of a node (counts)": noise and noise.noise_sd,
        "noise about the TX line's mean (counts)": noise and noise.residual_sd,
        "common noise of TX lines (counts)": noise and noise.tx_common_sd,
        "common noise of RX lines (counts)": noise and noise.rx_common_sd,
        "common noise of frames (counts)": noise and noise.frame_common_sd,
    }
    figures |= _tails(record)
    figures |= {
        "highest node of a touch (counts)": None if touch is None else touch.peak,
        "width of a touch (pitches)": None if touch is None else touch.blob_sd_pitch,
    }
    return figures


def _tails(record: Recording) -> dict[str, float | None]:
    """Return what variances do not tell: tails, memory from frame to frame, unevenness over the nodes."""
    moving, use = resting(record)
    values = moving[use]
    if values.size < 1000:
        return dict.fromkeys(_TAILS)
    sd = float(values.std())
    found: dict[str, float | None] = dict.fromkeys(_TAILS)
    found["excess kurtosis of nodes"] = float(np.mean((values / sd) ** 4)) - 3.0
    for name, lag in (("correlation from frame to frame", 1), ("correlation over five frames", 5)):
        pairs = (moving[lag:] * moving[:-lag])[use[lag:] & use[:-lag]]
        if pairs.size:
            found[name] = float(pairs.mean()) / sd**2
    counts = use.sum(axis=0)
    steady = counts >= 30
    if steady.sum() >= 10:
        spread = np.where(use, moving**2, 0.0).sum(axis=0)[steady] / counts[steady]
        chance = math.sqrt(2.0 / float(counts[steady].mean()))
        uneven = float(np.std(spread) / np.mean(spread))
        found["spread of variances over nodes, beyond chance"] = math.sqrt(max(0.0, uneven**2 - chance**2))
    return found
