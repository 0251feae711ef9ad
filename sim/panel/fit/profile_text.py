"""A whole profile from a recording: what was fitted, and what had to be assumed from another panel.

Every figure says where it is from: "fitted", with its standard error, or "assumed from NAME", where what is
in counts is scaled by a full touch, and what is in mm by the pitch.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.panel.fit import PanelFit
from stampbench.sim.panel.noise import noise_parts
from stampbench.sim.panel.profile import CONTROLLER_COUNTS, NoiseFigures, Profile

_IN_COUNTS: Final = {
    "finger": ("drive", "saturation"),
    "noise": ("residual_sd", "tx_line_sd", "rx_line_sd", "frame_sd", "static_sd"),
    "stripe": ("mean", "sd", "burst_sd"),
    "charger": ("counts_per_v",),
    "drift": ("counts_per_s",),
}
"""Figures that grow with the counts of a full touch."""
_IN_MM: Final = {"flat": ("psf_sd_mm",), "finger": ("psf_sd_mm",)}
"""Figures that grow with the pitch."""
_TABLES: Final = (
    "flat",
    "finger",
    "grounding",
    "noise",
    "stripe",
    "charger",
    "water",
    "drift",
    "readout",
)


@dataclass(frozen=True, slots=True)
class Fitted:
    """One figure that the recording gives.

    Attributes:
        value: in the unit of the profile.
        error: standard error; None where none can be told.
        meaning: what it was fitted on.
    """

    value: float
    error: float | None
    meaning: str

    @property
    def origin(self) -> str:
        """The comment beside it."""
        error = "" if self.error is None else f" +/- {self.error:.2g}"
        return f"fitted{error}: {self.meaning}"


def profile_text(
    fit: PanelFit, shape: tuple[int, int], pitch_mm: float, base: Profile, recording: str
) -> str:
    """Return a profile in TOML that every ``--profile`` takes.

    Args:
        fit: what the recording tells.
        shape: rows and columns of its frames.
        pitch_mm: distance between lines.
        base: from which the rest is assumed.
        recording: name of the file, for the title.
    """
    rows, cols = shape
    width_mm, height_mm = cols * pitch_mm, rows * pitch_mm
    pitch_ratio = 2 * pitch_mm / (base.geometry.pitch_x_mm + base.geometry.pitch_y_mm)
    found = _found(fit, rows, cols)
    amplitude = found.get(("flat", "amplitude"))
    count_ratio = 1.0 if amplitude is None else amplitude.value / base.flat.amplitude
    assumed = f"assumed from {base.name}"
    lines = [
        f'title = "fitted to {_plain(recording)}"',
        f"frame_interval_us = {base.frame_interval_us}  # {assumed}",
        "",
        "[grid]",
        f"rows = {rows}  # fitted: of the frames",
        f"cols = {cols}  # fitted: of the frames",
        f"width_mm = {width_mm:.6g}  # as given: {cols} lines, {pitch_mm:g} mm apart",
        f"height_mm = {height_mm:.6g}  # as given: {rows} lines, {pitch_mm:g} mm apart",
        f"x_max = {_units(width_mm, base.grid.x_max / base.grid.width_mm)}  # {assumed}: units per mm",
        f"y_max = {_units(height_mm, base.grid.y_max / base.grid.height_mm)}  # {assumed}: units per mm",
    ]
    for table in _TABLES:
        lines += ["", f"[{table}]"]
        figures = getattr(base, table)
        for field in dataclasses.fields(figures):
            given = found.get((table, field.name))
            value = getattr(figures, field.name)
            if given is not None:
                lines.append(f"{field.name} = {float(f'{given.value:.4g}')}  # {given.origin}")
                continue
            scaled = ""
            if field.name in _IN_COUNTS.get(table, ()) or (table, field.name) == ("flat", "amplitude"):
                value, scaled = value * count_ratio, ", times a full touch"
            elif field.name in _IN_MM.get(table, ()):
                value, scaled = value * pitch_ratio, ", times the pitch"
            shown = value if isinstance(value, int) else float(f"{value:.4g}")
            lines.append(f"{field.name} = {shown}  # {assumed}{scaled}")
    lines += ["", "[controller]", "# Settings in counts are the defaults times amplitude / 225."]
    lines += list(_controller(base, assumed))
    return "\n".join(lines) + "\n"


def _found(fit: PanelFit, rows: int, cols: int) -> dict[tuple[str, str], Fitted]:
    """Return figures of the profile that the recording gives, by table and key."""
    found: dict[tuple[str, str], Fitted] = {}
    if fit.touch is not None:
        touch = fit.touch
        found["flat", "amplitude"] = Fitted(
            touch.peak, touch.peak_error, f"{touch.contacts} contacts; a full conductor reads as a finger"
        )
    if fit.masks is not None:
        found["finger", "psf_sd_mm"] = Fitted(fit.masks.psf_sd_mm, None, f"masks, R2 {fit.masks.r2:.2f}")
        if fit.masks.knee == "exponential":
            found["finger", "drive"] = Fitted(fit.masks.drive, None, "masks of contacts")
            found["finger", "saturation"] = Fitted(fit.masks.saturation, None, "masks of contacts")
    if fit.grounding is not None:
        told = f"object held and released, R2 {fit.grounding.r2:.2f}"
        found["grounding", "released_k"] = Fitted(fit.grounding.k, None, told)
        found["grounding", "released_gain"] = Fitted(fit.grounding.g, None, told)
    if fit.noise is not None:
        noise = fit.noise
        seen = {
            "residual_sd": (noise.residual_sd, rows * cols),
            "tx_line_sd": (noise.tx_common_sd, rows),
            "rx_line_sd": (noise.rx_common_sd, cols),
            "frame_sd": (noise.frame_common_sd, 1),
        }
        frames = max(2, fit.rest_frames)
        where = f"{fit.rest_frames} frames at rest" if fit.rest_frames >= 10 else "nodes beside touches"
        values = _consistent({key: value for key, (value, _) in seen.items()}, rows, cols)
        for key, value in values.items():
            error = value / math.sqrt(2 * frames * seen[key][1])
            raised = "" if value == seen[key][0] else f", {seen[key][0]:.3g} of itself"
            found["noise", key] = Fitted(value, error, where + raised)
    return found


def _consistent(sds: dict[str, float], rows: int, cols: int) -> dict[str, float]:
    """Return noise figures that no longer contradict each other: the lines raised as little as is needed."""
    for factor in (1.0, 1.02, 1.05, 1.1, 1.2, 1.4, 1.7, 2.0, 3.0, 5.0):
        for raised in (("tx_line_sd", "rx_line_sd"), ("tx_line_sd", "rx_line_sd", "frame_sd")):
            tried = {key: value * (factor if key in raised else 1.0) for key, value in sds.items()}
            try:
                noise_parts(NoiseFigures(**tried, static_sd=0.0), rows, cols)
            except InputError:
                continue
            return tried
    raise InputError(
        f"noise {sds}: its parts contradict each other: expected a recording with more rest frames"
    )


def _controller(base: Profile, assumed: str) -> Iterator[str]:
    """Yield the settings of the base's controller that are not the defaults."""
    default = type(base.controller)()
    for field in dataclasses.fields(default):
        value: Any = getattr(base.controller, field.name)
        if field.name in CONTROLLER_COUNTS or value == getattr(default, field.name):
            continue
        shown = (
            f'"{value}"'
            if isinstance(value, str)
            else str(value).lower()
            if isinstance(value, bool)
            else value
        )
        yield f"{field.name} = {shown}  # {assumed}"


def _units(length_mm: float, per_mm: float) -> int:
    return max(1, min(65_535, round(length_mm * per_mm)))


def _plain(name: str) -> str:
    return "".join(letter for letter in name if letter.isprintable() and letter not in '"\\')
