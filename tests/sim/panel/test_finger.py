"""Simulated fingers against those recorded on the Nexus 5, fitted in the same way."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from scipy.optimize import curve_fit
from stampbench.sim.hold import Hold
from stampbench.sim.panel import Panel, PlacedObject, load_profile
from stampbench.sim.panel.noise import noise_split
from stampbench.sim.stamps.objects import Conductor, TouchObject, resolve_object, round_pads

RECORDINGS = Path(__file__).parents[3].parent / "shared/real/capfingerid"
NAMES = ("CapMatrix_P14_thumb_left.subset.txt", "CapMatrix_P15_index_right.subset.txt")
NEXUS = load_profile("nexus-5")
STALE_ROWS = 11
"""Upper rows of the recordings that are read one scan late."""


class Blob(NamedTuple):
    amplitude: float
    sd_pitch: float
    r2: float
    peak: float


def gaussian(at: np.ndarray, amplitude: float, row: float, col: float, sd: float) -> np.ndarray:
    return amplitude * np.exp(-((at[0] - row) ** 2 + (at[1] - col) ** 2) / (2 * sd**2))


def fitted(image: np.ndarray) -> Blob:
    row, col = np.unravel_index(image.argmax(), image.shape)
    at = np.indices(image.shape)
    near = (abs(at[0] - row) <= 3) & (abs(at[1] - col) <= 3)
    start = (image.max(), row, col, 0.9)
    (amplitude, y, x, sd), _ = curve_fit(gaussian, at[:, near], image[near], p0=start)
    error = image[near] - gaussian(at[:, near], amplitude, y, x, sd)
    return Blob(amplitude, abs(sd), 1 - error.var() / image[near].var(), image.max())


@pytest.fixture(scope="module")
def simulated() -> Blob:
    rng = np.random.default_rng(0)
    panel = Panel(NEXUS, seed=1)
    blobs = [
        fitted(
            panel.frame(
                0,
                [
                    PlacedObject(
                        resolve_object(f"fingers/1/{n}"), Hold(rng.uniform(25, 35), rng.uniform(60, 80))
                    )
                ],
            ).deltas.astype(float)
        )
        for n in range(200)
    ]
    return Blob(*np.median(blobs, axis=0))


def recorded(name: str, *tasks: str) -> np.ndarray:
    """Frames of a recording made during the tasks, shape (frames, rows, cols), each once."""
    path = RECORDINGS / name
    if not path.exists():
        pytest.skip(f"needs the CapFingerId recordings in {RECORDINGS}")
    fields = (line.split(";") for line in path.read_text().splitlines())
    frames = {line[5].rstrip(",").split(",", 2)[2] for line in fields if line[3:4] and line[3] in tasks}
    return np.array([frame.split(",") for frame in sorted(frames)], float).reshape(-1, 27, 15)


def test_fingers_have_the_amplitude_width_and_peak_of_the_facts(simulated: Blob) -> None:
    """Measured, Nexus 5: fitted amplitude 250-290, sd 0.80-0.95 pitch, R2 0.96-0.99, peak 207-243 counts."""
    assert 250 <= simulated.amplitude <= 290
    assert 0.80 <= simulated.sd_pitch <= 0.95
    assert simulated.r2 >= 0.96
    assert 207 <= simulated.peak <= 243


def on_mxt2954t2(diameter_mm: float) -> Blob:
    """Median blob of a round contact of skin at random places on the mXT2954T2."""
    panel = Panel(load_profile("mxt2954t2-15"))
    finger = TouchObject("finger", round_pads(np.zeros((1, 2)), diameter_mm), (1,), Conductor.SKIN)
    places = np.random.default_rng(0).uniform(100.0, 104.8, (30, 2))
    return Blob(
        *np.median([fitted(panel.signal([PlacedObject(finger, Hold(x, y))])) for x, y in places], axis=0)
    )


@pytest.mark.parametrize(
    ("diameter_mm", "sd_pitch"),
    [(5.8, 0.84), (7.3, 0.90), (8.3, 1.00), (9.4, 1.09), (10.9, 1.18), (12.6, 1.28), (14.6, 1.43)],
)
def test_larger_contacts_make_wider_blobs_as_measured(diameter_mm: float, sd_pitch: float) -> None:
    """Measured on mXT2954T2: blob sd against the diameter of a disc of the contact's area."""
    assert on_mxt2954t2(diameter_mm).sd_pitch == pytest.approx(sd_pitch, rel=0.05)


@pytest.mark.parametrize(("area_mm2", "peak"), [(24.0, 385.0), (37.0, 451.0), (52.0, 482.0), (85.0, 490.0)])
def test_larger_contacts_saturate_as_measured(area_mm2: float, peak: float) -> None:
    """Measured on mXT2954T2: peak against contact area."""
    assert on_mxt2954t2(np.sqrt(4 * area_mm2 / np.pi)).peak == pytest.approx(peak, rel=0.03)


@pytest.mark.parametrize("name", NAMES)
def test_fingers_agree_with_recorded_ones(simulated: Blob, name: str) -> None:
    frames = recorded(name, "TAP", "DRAG", "SCROLL")
    frames[:, :STALE_ROWS] = 0.0
    touched = [frame for frame in frames if np.sort(frame.ravel())[-4] > 60]
    peaks = [np.unravel_index(frame.argmax(), frame.shape) for frame in touched]
    inside = [
        frame for frame, (row, col) in zip(touched, peaks, strict=True) if 13 < row < 24 and 2 < col < 12
    ]
    blob = Blob(*np.median([fitted(frame) for frame in inside], axis=0))
    assert simulated.peak == pytest.approx(blob.peak, rel=0.1)
    assert simulated.amplitude == pytest.approx(blob.amplitude, rel=0.1)
    assert simulated.sd_pitch == pytest.approx(blob.sd_pitch, rel=0.12)  # a thumb is wider, an index narrower


def test_rest_noise_agrees_with_the_recorded_one() -> None:
    rest: list[np.ndarray] = []
    for name in NAMES:
        frames = recorded(name, "PAUSE")
        # A few nodes of the stale rows are stuck; a finger anywhere shows on more.
        untouched = np.sort(frames.reshape(len(frames), -1), axis=1)[:, -4] < 12
        rest += [frame for frame in frames[untouched, STALE_ROWS:] if np.abs(frame).max() < 15]
    panel = Panel(NEXUS, seed=2)
    ours = noise_split(np.array([panel.frame(0).deltas for _ in range(1000)])[:, STALE_ROWS:])
    theirs = noise_split(np.array(rest))
    for part in ("total_sd", "residual_sd", "tx_line_sd", "rx_line_sd", "frame_sd"):
        assert getattr(ours, part) == pytest.approx(getattr(theirs, part), rel=0.1), part
