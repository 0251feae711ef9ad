"""Figures derived from the panel and its controller, beside what measurement and theory say they should be.

Facts without another source are derived from the response of flat tangibles measured on a Nexus 5, a Gaussian
of 1.6 to 1.9 mm: they hold for its profile only.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from stampbench.firmware_emulator.controller import Controller
from stampbench.firmware_emulator.touch import Frame
from stampbench.sim.hold import Hold
from stampbench.sim.panel.condition import Condition
from stampbench.sim.panel.curves import Curve, DerivedFigure, Fact
from stampbench.sim.panel.field import HOLD_COLUMNS
from stampbench.sim.panel.grounding import floating_image
from stampbench.sim.panel.noise import noise_split
from stampbench.sim.panel.panel import Panel
from stampbench.sim.panel.placing import PlacedObject
from stampbench.sim.panel.profile import Profile
from stampbench.sim.stamps.objects import TouchObject, round_pads

F64 = npt.NDArray[np.float64]

MEASURED_ON: Final = "nexus-5"
PSF_SPREAD_MM: Final = 0.15
"""The blur was measured as 1.75 mm, give or take this."""
RECORDED_NOISE_SHAPE: Final[dict[str, dict[str, float]]] = {
    "nexus-5": {
        "excess kurtosis": 0.8,
        "spread of variances over nodes": 0.155,
        "correlation at lag 1": 0.13,
        "correlation at lag 5": 0.03,
    },
    "mxt2954t2-15": {"correlation at lag 1": 0.77, "correlation at lag 5": 0.55},
}
"""Measured on rest frames of the panels themselves: CapFingerId, mXT2954T2."""
REST_SCANS: Final = 3
PAD_SCANS: Final = 30
UNFILTERED: Final[dict[str, float]] = {
    "position_filter": 1.0,
    "move_hysteresis_initial_mm": 0.0,
    "move_hysteresis_next_mm": 0.0,
}
DEFAULT: Final[dict[str, float]] = {}


def peak_merging(profile: Profile) -> DerivedFigure:
    """Return how often the peak segmenter tells two pads apart, by their distance."""
    return _merging(
        profile,
        "peak",
        {6.0: {8.0: 0.78, 9.0: 0.97, 11.0: 1.0}, 8.0: {9.0: 0.87, 11.0: 1.0}},
        "Fact: two local maxima in the blurred mask.",
    )


def threshold_merging(profile: Profile) -> DerivedFigure:
    """Return how often the threshold segmenter tells two pads apart, by their distance."""
    return _merging(
        profile,
        "threshold",
        {
            6.0: {8.0: 0.0, 10.0: 0.63, 11.0: 0.93, 12.0: 1.0},
            8.0: {11.0: 0.0, 12.0: 0.43, 13.0: 0.82, 14.0: 1.0},
        },
        "Fact: two areas above 20 % of full amplitude.",
    )


def _merging(
    profile: Profile, segmenter: str, facts: dict[float, dict[float, float]], meaning: str
) -> DerivedFigure:
    distances = [float(mm) for mm in range(7, 16)]
    curves = []
    for diameter_mm, shares in facts.items():
        values, least, most = [], [], []
        for distance_mm in distances:
            spread = [
                told_apart(profile, diameter_mm, distance_mm, segmenter, sd_mm=sd_mm)
                for sd_mm in _psf_spread(profile)
            ]
            values.append(spread[1])
            least.append(min(spread))
            most.append(max(spread))
        given = [
            Fact(at, share, max(0.0, share - 0.1), min(1.0, share + 0.1)) for at, share in shares.items()
        ]
        curves.append(
            Curve(
                f"{diameter_mm:g} mm pads",
                tuple(distances),
                tuple(values),
                _facts(profile, given),
                tuple(least),
                tuple(most),
            )
        )
    return DerivedFigure(
        f"merging_{segmenter}",
        f"Two pads told apart, {segmenter} segmenter",
        f"{meaning} Spread of a fact: ±0.1. Band: blur narrower and wider by {PSF_SPREAD_MM} mm.",
        "distance of the middles (mm)",
        "share of presses",
        tuple(curves),
    )


def told_apart(
    profile: Profile,
    diameter_mm: float,
    distance_mm: float,
    segmenter: str,
    *,
    sd_mm: float | None = None,
    count: int = 200,
) -> float:
    """Return the share of random poses at which a held pair of pads gives two contacts, without noise."""
    if sd_mm is not None:
        profile = replace(profile, flat=replace(profile.flat, psf_sd_mm=sd_mm))
    panel = Panel(profile)
    controller = _controller(profile, segmenter=segmenter, debounce_frames=1)
    pads = np.array([[-distance_mm / 2, 0.0], [distance_mm / 2, 0.0]])
    pair = TouchObject("pair", round_pads(pads, diameter_mm), (2,))
    rng = np.random.default_rng(0)
    apart = 0
    for x_mm, y_mm in _phases(profile, rng, count):
        image = panel.signal([PlacedObject(pair, Hold(x_mm, y_mm, rng.uniform(0.0, 2 * math.pi)))])
        controller.reset()
        apart += len(controller.process(Frame(0, np.round(image).astype(np.int16))).down) >= 2
    return apart / count


def pad_peaks(profile: Profile) -> DerivedFigure:
    """Return highest node under a held pad as a share of full amplitude, by the pad's diameter."""
    panel = Panel(profile)
    diameters = [3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0]
    spots = _phases(profile, np.random.default_rng(0), 400)
    peaks = {}
    for diameter_mm in diameters:
        pad = _pad(diameter_mm)
        images = [panel.signal([PlacedObject(pad, Hold(*spot))]) for spot in spots]
        peaks[diameter_mm] = np.array([image.max() for image in images]) / profile.flat.amplitude
    given = {
        "mean": {4.0: 0.33, 5.0: 0.48, 6.0: 0.61, 7.0: 0.74, 8.0: 0.82, 10.0: 0.93},
        "lowest": {4.0: 0.20, 6.0: 0.41, 7.0: 0.54, 8.0: 0.65},
        "highest": {4.0: 0.45, 6.0: 0.75, 7.0: 0.85, 8.0: 0.91},
    }
    tolerance = {"mean": 0.03, "lowest": 0.05, "highest": 0.05}
    over_phase: dict[str, Callable[[F64], Any]] = {"mean": np.mean, "lowest": np.min, "highest": np.max}
    curves = tuple(
        Curve(
            name,
            tuple(diameters),
            tuple(float(take(peaks[at])) for at in diameters),
            _facts(profile, [_near(at, value, tolerance[name]) for at, value in given[name].items()]),
        )
        for name, take in over_phase.items()
    )
    return DerivedFigure(
        "pad_peaks",
        "Peak of a pad",
        "Over random phases on the grid. Spread of a fact: ±0.03 for the mean, ±0.05 for the ends.",
        "diameter (mm)",
        "peak / full amplitude",
        curves,
    )


def joined_pads(profile: Profile) -> DerivedFigure:
    """Return the height of joined pads against held, and depth of the ghosts, by the grounding factor k."""
    factors = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]
    rng = np.random.default_rng(0)
    stamps = [_held_stamp(profile, rng) for _ in range(100)]
    heights, worst, ghosts = [], [], []
    for k in factors:
        ratios, depths = [], []
        for held, nodes in stamps:
            image = floating_image(held, k)
            ratios += [float(image[node] / held[node]) for node in nodes]
            depths.append(image.min() / profile.flat.amplitude)
        heights.append(float(np.mean(ratios)))
        worst.append(float(np.percentile(ratios, 10)))
        ghosts.append(float(np.mean(depths)))
    at = tuple(factors)
    mean_facts = [_near(k, value, 0.03) for k, value in ((0.1, 0.95), (0.3, 0.84), (0.6, 0.68), (1.0, 0.50))]
    ghost_facts = [
        _near(k, value, 0.03) for k, value in ((0.1, -0.03), (0.3, -0.10), (0.6, -0.23), (1.0, -0.41))
    ]
    return DerivedFigure(
        "joined_pads",
        "Five joined 7 mm pads that nobody grounds",
        "k = 0: held, 0.99: released. Pads as a share of their height held, ghosts of full amplitude.",
        "grounding factor k",
        "share",
        (
            Curve("pads, mean", at, tuple(heights), _facts(profile, mean_facts)),
            Curve("pads, worst tenth", at, tuple(worst), _facts(profile, [_near(1.0, 0.27, 0.06)])),
            Curve("deepest ghost", at, tuple(ghosts), _facts(profile, ghost_facts)),
        ),
    )


def _held_stamp(profile: Profile, rng: np.random.Generator) -> tuple[F64, list[tuple[int, int]]]:
    """Return the held image of five 7 mm pads, 10 mm apart, and the node nearest to each pad."""
    while True:
        radii, angles = 15.0 * np.sqrt(rng.random(5)), rng.uniform(0.0, 2 * math.pi, 5)
        pads = np.column_stack([radii * np.cos(angles), radii * np.sin(angles)])
        gaps = np.hypot(*(pads[:, None] - pads[None]).transpose(2, 0, 1))
        if gaps[np.triu_indices(5, 1)].min() >= 10.0:
            break
    stamp = TouchObject("joined", round_pads(pads, 7.0), (5,))
    ((x_mm, y_mm),) = _phases(profile, rng, 1)
    geometry = profile.geometry
    nodes = [
        (int((pad_y + y_mm) / geometry.pitch_y_mm), int((pad_x + x_mm) / geometry.pitch_x_mm))
        for pad_x, pad_y in pads
    ]
    return Panel(profile).signal([PlacedObject(stamp, Hold(x_mm, y_mm))]), nodes


def rest_noise(profile: Profile) -> DerivedFigure:
    """Return parts of the noise of the untouched panel, as measured on frames."""
    frames = 2_000
    panel = Panel(profile, seed=3)
    split = noise_split(np.array([panel.frame(0).deltas for _ in range(frames)]))
    figures = profile.noise
    # What is left of the moving noise in the mean of all frames is not static.
    static_sd = math.sqrt(max(0.0, split.static_sd**2 - split.total_sd**2 / frames))
    parts = {
        "node": (split.total_sd, math.hypot(figures.residual_sd, figures.tx_line_sd)),
        "residual": (split.residual_sd, figures.residual_sd),
        "TX line": (split.tx_line_sd, figures.tx_line_sd),
        "RX line": (split.rx_line_sd, figures.rx_line_sd),
        "frame": (split.frame_sd, figures.frame_sd),
        "static": (static_sd, figures.static_sd),
    }
    quiet = profile.readout.squelch > 0  # such frames do not show the noise
    return DerivedFigure(
        "rest_noise",
        "Noise at rest",
        "Fact: the figures of the profile. Spread: ±10 %, at least 0.015 counts."
        + (" The controller of this panel reports small counts as 0." if quiet else ""),
        "",
        "standard deviation (counts)",
        (
            Curve(
                "simulated frames",
                tuple(map(float, range(len(parts)))),
                tuple(simulated for simulated, _ in parts.values()),
                ()
                if quiet
                else tuple(_near(i, sd, max(0.1 * sd, 0.015)) for i, (_, sd) in enumerate(parts.values())),
            ),
        ),
        tuple(parts),
    )


def noise_shape(profile: Profile) -> DerivedFigure:
    """Return what variances of the noise do not tell: tails, unevenness, memory, each acting as recorded."""
    frames = 600
    acting = Condition(loud_frames=1.0, uneven_nodes=1.0, noise_memory=1.0)
    panel = Panel(profile, acting, seed=3)
    times_us = profile.frame_interval_us * np.arange(frames)
    counts = panel.scan(times_us, (), np.empty((frames, 0, HOLD_COLUMNS))).astype(np.float64)
    moving = counts - counts.mean(axis=0)
    variance = max(float(moving.var()), 1e-12)
    variances = moving.var(axis=0)
    uneven = float(variances.std() / variance) ** 2 - 2.0 / frames
    shape = {
        "excess kurtosis": float(np.mean(moving**4)) / variance**2 - 3.0 if moving.any() else 0.0,
        "spread of variances over nodes": math.sqrt(max(0.0, uneven)),
        "correlation at lag 1": float(np.mean(moving[1:] * moving[:-1])) / variance,
        "correlation at lag 5": float(np.mean(moving[5:] * moving[:-5])) / variance,
    }
    recorded = RECORDED_NOISE_SHAPE.get(profile.name, {})
    return DerivedFigure(
        "noise_shape",
        "Shape of the noise at rest",
        "Recorded on the panel itself, where there is a recording. Spread: ±20 %, at least 0.1.",
        "",
        "1",
        (
            Curve(
                "simulated frames",
                tuple(map(float, range(len(shape)))),
                tuple(shape.values()),
                tuple(
                    _near(i, recorded[name], max(0.2 * recorded[name], 0.1))
                    for i, name in enumerate(shape)
                    if name in recorded
                ),
            ),
        ),
        tuple(shape),
    )


def static_jitter(profile: Profile) -> DerivedFigure:
    """Return the scatter of the position of a pad that lies still, frame by frame."""
    diameters = (5.0, 6.0, 7.0, 8.0)
    raw, told = (
        tuple(_scatter_mm(profile, diameter_mm, filters)[0] for diameter_mm in diameters)
        for filters in (UNFILTERED, DEFAULT)
    )
    return DerivedFigure(
        "static_jitter",
        "Jitter of a pad that lies still",
        "Measured: 0.06 mm. Theory for noise alone: 0.04 mm (6 mm pad) to 0.02 mm (8 mm pad).",
        "diameter (mm)",
        "sd per axis (mm)",
        (
            Curve(
                "unfiltered",
                diameters,
                raw,
                _facts(profile, [Fact(6.0, 0.04, 0.02, 0.06), Fact(8.0, 0.02, 0.02, 0.06)]),
            ),
            Curve("as reported", diameters, told),
        ),
    )


def centroid_bias(profile: Profile) -> DerivedFigure:
    """Return the error of the position that stays, over the phase of the pad on the grid."""
    diameters = (5.0, 6.0, 7.0, 8.0)
    plain, told = (
        tuple(_scatter_mm(profile, diameter_mm, settings)[1] for diameter_mm in diameters)
        for settings in ({"linearity_correction": 0.0}, DEFAULT)
    )
    facts = [Fact(6.0, 0.085, 0.05, 0.12), Fact(7.0, 0.085, 0.05, 0.12)]
    return DerivedFigure(
        "centroid_bias",
        "Bias of the centroid over phase",
        "Derived: 0.05 to 0.12 mm for pads of 5 to 8 mm; the controller takes off what suits 6 to 7 mm.",
        "diameter (mm)",
        "rms per axis (mm)",
        (
            Curve("plain centroid", diameters, plain, _facts(profile, facts)),
            Curve("as reported", diameters, told),
        ),
    )


FIGURES: Final[tuple[Callable[[Profile], DerivedFigure], ...]] = (
    peak_merging,
    threshold_merging,
    pad_peaks,
    joined_pads,
    rest_noise,
    noise_shape,
    static_jitter,
    centroid_bias,
)


def _scatter_mm(profile: Profile, diameter_mm: float, settings: dict[str, float]) -> tuple[float, float]:
    """Return jitter and bias (rms per axis) of the contact of a pad that lies still, with ordinary noise."""
    panel = Panel(profile, seed=1)
    controller = _controller(profile, **settings)
    pad = _pad(diameter_mm)
    variances, errors = [], []
    for spot in _phases(profile, np.random.default_rng(0), 40):
        controller.reset()
        points = []
        for n in range(REST_SCANS + PAD_SCANS):
            placed = [PlacedObject(pad, Hold(*spot))] if n >= REST_SCANS else []
            report = controller.process(panel.frame(n * profile.frame_interval_us, placed))
            if len(report.down) == 1:
                points.append((report.down[0].x_mm, report.down[0].y_mm))
        if len(points) < PAD_SCANS // 2:
            continue  # too weak here to be told
        settled = np.array(points[5:], np.float64)
        variances.append(settled.var(axis=0))
        errors.append(settled.mean(axis=0) - spot)
    if not errors:
        return math.nan, math.nan
    return math.sqrt(np.mean(variances)), math.sqrt(np.mean(np.square(errors)))


def _controller(profile: Profile, **settings: Any) -> Controller:
    return Controller(profile.geometry, replace(profile.controller, idle_after_us=0, **settings))


def _pad(diameter_mm: float) -> TouchObject:
    return TouchObject("pad", round_pads(np.zeros((1, 2)), diameter_mm), (1,))


def _phases(profile: Profile, rng: np.random.Generator, count: int) -> list[tuple[float, float]]:
    """Return places around the middle of the panel, evenly over the phases of the grid."""
    geometry = profile.geometry
    middle = np.array([geometry.width_mm / 2, geometry.height_mm / 2])
    spots = middle + rng.uniform(-1.0, 1.0, (count, 2)) * [geometry.pitch_x_mm, geometry.pitch_y_mm]
    return [(float(x), float(y)) for x, y in spots]


def _psf_spread(profile: Profile) -> tuple[float, float, float]:
    sd_mm = profile.flat.psf_sd_mm
    return sd_mm - PSF_SPREAD_MM, sd_mm, sd_mm + PSF_SPREAD_MM


def _near(at: float, value: float, tolerance: float) -> Fact:
    return Fact(float(at), value, value - tolerance, value + tolerance)


def _facts(profile: Profile, facts: Sequence[Fact]) -> tuple[Fact, ...]:
    return tuple(facts) if profile.name == MEASURED_ON else ()
