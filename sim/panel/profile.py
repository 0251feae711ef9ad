"""Device profiles: what one touchscreen measures, in numbers, read from TOML."""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from stampbench.firmware_emulator.controller import ControllerSettings, PanelGeometry
from stampbench.firmware_emulator.errors import InputError
from stampbench.firmware_emulator.outside import parse_toml
from stampbench.firmware_emulator.settings import setting, settings_from_mapping

CONTROLLER_COUNTS: Final = (
    "noise_threshold",
    "common_mode_limit",
    "rx_line_filter_threshold",
    "baseline_step",
    "antitouch_threshold",
    "touch_threshold",
    "touch_hysteresis",
    "merge_threshold",
    "merge_hysteresis",
    "water_threshold",
    "centroid_floor",
    "full_touch",
)
"""Settings of the controller in counts: one not in the profile is the default scaled by its amplitude."""

_PROFILES_DIR = Path(__file__).parent / "profiles"


@dataclass(frozen=True, slots=True)
class GridFigures:
    """The sensor grid and the coordinate system; nodes fill the active area evenly.

    Attributes:
        rows, cols: number of TX lines (along y) and of RX lines (along x).
        width_mm, height_mm: active area.
        x_max, y_max: logical maximum of the coordinates, at the right and at the bottom edge.
    """

    rows: int = setting(low=2, high=512)
    cols: int = setting(low=2, high=512)
    width_mm: float = setting(low=5.0)
    height_mm: float = setting(low=5.0)
    x_max: int = setting(low=1, high=65_535)
    y_max: int = setting(low=1, high=65_535)


@dataclass(frozen=True, slots=True)
class FlatFigures:
    """Response to a flat, grounded conductor: its contact mask blurred by a Gaussian.

    Attributes:
        psf_sd_mm: standard deviation of the Gaussian.
        amplitude: counts of a node that is wholly covered.
    """

    psf_sd_mm: float = setting(low=0.3, high=20.0)
    amplitude: float = setting(low=1.0, high=30_000.0)


@dataclass(frozen=True, slots=True)
class FingerFigures:
    """Response to skin: contact mask blurred by a wider Gaussian, then saturated.

    ``counts = saturation * (1 - exp(-drive * mask / saturation))`` gives the peaks measured on contacts of 24
    to 80 mm2 (mXT2954T2) and the widths of their blobs within 3 %; the knee is that of recorded contacts.

    Attributes:
        psf_sd_mm: standard deviation of the Gaussian.
        drive: counts of a wholly covered node if nothing saturated.
        saturation: counts that no skin contact exceeds.
    """

    psf_sd_mm: float = setting(low=0.3, high=20.0)
    drive: float = setting(low=1.0, high=100_000.0)
    saturation: float = setting(low=1.0, high=32_000.0)


@dataclass(frozen=True, slots=True)
class GroundingFigures:
    """An object nobody holds: ``float = g (u - k r c' / S)`` of the held image u.

    Attributes:
        released_k: k with no hand near, S / (S + capacitance to ground).
        released_gain: g at that k; 1 when held.
    """

    released_k: float = setting(low=0.0, high=1.0)
    released_gain: float = setting(low=0.1, high=10.0)


@dataclass(frozen=True, slots=True)
class NoiseFigures:
    """Noise of the untouched panel as it is measured, in counts.

    Attributes:
        residual_sd: sd of a node about the mean of its TX line in the same frame.
        tx_line_sd: sd over time of the mean of one TX line (row).
        rx_line_sd: sd over time of the mean of one RX line (column).
        frame_sd: sd over time of the mean of the frame.
        static_sd: sd over the nodes of what never changes.
        loud_frames: sd over frames of the logarithm of a frame's noise; 0 = none known.
        uneven_nodes: sd over nodes of the logarithm of a node's noise; 0 = none known.
        memory_share, memory_ratio: noise n frames apart correlates by ``share * ratio^n``; 0 = none known.
    """

    residual_sd: float = setting(low=0.0)
    tx_line_sd: float = setting(low=0.0)
    rx_line_sd: float = setting(low=0.0)
    frame_sd: float = setting(low=0.0)
    static_sd: float = setting(low=0.0)
    loud_frames: float = setting(0.0, low=0.0, high=1.0)
    uneven_nodes: float = setting(0.0, low=0.0, high=1.0)
    memory_share: float = setting(0.0, low=0.0, high=1.0)
    memory_ratio: float = setting(0.0, low=0.0, below=1.0)


@dataclass(frozen=True, slots=True)
class StripeFigures:
    """What the display adds on RX lines under a touch; one value per TX line, shared by the touched RX lines.

    Attributes:
        mean, sd: counts on a line that is fully touched.
        burst_sd: sd in the rare bad frame.
        burst_share: share of frames that are bad.
    """

    mean: float = setting()
    sd: float = setting(low=0.0)
    burst_sd: float = setting(low=0.0)
    burst_share: float = setting(low=0.0, high=1.0)


@dataclass(frozen=True, slots=True)
class ChargerFigures:
    """Common mode of a charger, felt on RX lines under a grounded touch, in bursts.

    Attributes:
        counts_per_v: sd from TX line to TX line on a line that is fully touched, per volt peak to peak.
        burst_ms, pause_ms: mean length of a burst and of the pause before the next.
    """

    counts_per_v: float = setting(low=0.0)
    burst_ms: float = setting(low=0.1)
    pause_ms: float = setting(low=0.1)


@dataclass(frozen=True, slots=True)
class WaterFigures:
    """Water that nobody touches: not grounded, its signal has the other sign.

    Attributes:
        drop_share: signal of a wholly covered node, as a share of the amplitude of a conductor.
    """

    drop_share: float = setting(low=0.0, high=1.0)


@dataclass(frozen=True, slots=True)
class DriftFigures:
    """What changes slowly.

    Attributes:
        counts_per_s: common drift of all nodes.
        memory_share: share of a long touch by which its nodes rest low afterwards.
        memory_time_s: time constant with which this memory is gained and lost.
    """

    counts_per_s: float = setting()
    memory_share: float = setting(low=0.0, high=1.0)
    memory_time_s: float = setting(low=1e-3)


@dataclass(frozen=True, slots=True)
class ReadoutFigures:
    """The converter.

    Attributes:
        count_min, count_max: range of the counts; what is beyond is clipped.
        squelch: counts up to this magnitude are reported as 0; 0 = none.
    """

    count_min: int = setting(low=-32_768, high=0)
    count_max: int = setting(low=1, high=32_767)
    squelch: int = setting(low=0, high=1_000)


@dataclass(frozen=True, slots=True)
class Profile:
    """One touchscreen: geometry, response, noise, and its controller's settings. Frozen, shared, hashable.

    >>> round(sb.load_profile("nexus-5").geometry.pitch_x_mm, 3)
    4.107

    Attributes:
        name: as given to :func:`load_profile`.
        title: the device in words.
        frame_interval_us: time between two scans.
    """

    name: str
    title: str
    grid: GridFigures
    flat: FlatFigures
    finger: FingerFigures
    grounding: GroundingFigures
    noise: NoiseFigures
    stripe: StripeFigures
    charger: ChargerFigures
    water: WaterFigures
    drift: DriftFigures
    readout: ReadoutFigures
    controller: ControllerSettings
    frame_interval_us: int = setting(low=100, high=1_000_000)

    @property
    def geometry(self) -> PanelGeometry:
        """The geometry as the controller takes it."""
        return _geometry(self.grid)


@functools.lru_cache(maxsize=64)
def _geometry(grid: GridFigures) -> PanelGeometry:
    return PanelGeometry(
        rows=grid.rows,
        cols=grid.cols,
        pitch_x_mm=grid.width_mm / grid.cols,
        pitch_y_mm=grid.height_mm / grid.rows,
        x_max=grid.x_max,
        y_max=grid.y_max,
        width_mm=grid.width_mm,
        height_mm=grid.height_mm,
    )


def profile_names() -> list[str]:
    """Return names of the profiles that travel with the package, sorted."""
    return sorted(path.stem for path in _PROFILES_DIR.glob("*.toml"))


@functools.lru_cache(maxsize=64)
def load_profile(name_or_path: str | Path) -> Profile:
    """Read a profile: one of :func:`profile_names`, or the path of a TOML file (recognised by its ending).

    >>> profile = sb.load_profile("nexus-5")
    >>> profile.title, profile.grid.rows, profile.grid.cols
    ('LG Nexus 5, 4.95 inch phone', 27, 15)

    Raises:
        InputError: no such profile; a file that is not TOML; an unknown key, a missing figure, a wrong type
            or range.
    """
    if str(name_or_path).endswith(".toml"):
        path = Path(name_or_path)
    else:
        path = _PROFILES_DIR / f"{name_or_path}.toml"
        if str(name_or_path) not in profile_names():
            raise InputError(
                f"profile {str(name_or_path)!r} does not exist; there are {', '.join(profile_names())}, "
                "or the path of a .toml file"
            )
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); expected a profile in TOML") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not TOML: {error}") from error
    return _profile(parse_toml(text, str(path)), path)


def _profile(figures: dict[str, Any], path: Path) -> Profile:
    profile = settings_from_mapping(Profile, {"name": path.stem, **figures}, path.name)
    if profile.name != path.stem:
        raise InputError(
            f"{path.name}: name = {profile.name!r}: expected {path.stem!r}, the name of the file"
        )
    given = figures["controller"]
    scale = profile.flat.amplitude / ControllerSettings().full_touch
    counts = {
        name: getattr(profile.controller, name) * scale for name in CONTROLLER_COUNTS if name not in given
    }
    return dataclasses.replace(profile, controller=dataclasses.replace(profile.controller, **counts))
