"""Fits the figures of a device profile to a recording of raw frames."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.panel.fit.contacts import FrameFit, fit_frame
from stampbench.sim.panel.fit.grounding_fit import GroundingFit, fit_grounding
from stampbench.sim.panel.fit.mask_response import MaskFit, fit_masks
from stampbench.sim.panel.fit.noise_split import RestNoise, noise_of
from stampbench.sim.panel.fit.recording import LANDED_SHARE, Recording, recording

__all__ = ["PanelFit", "TouchFit", "fit_panel", "fit_touches"]

Range = tuple[int, int]

MOST_TOUCH_FRAMES: Final = 200
"""Touched frames, evenly spread, whose contacts are fitted."""
SATURATION_FRAMES: Final = 20
"""Touched frames on which the level of saturation is chosen."""
SATURATIONS: Final = (1.6, 1.25, 1.1, 1.04)
"""Levels tried, in full touches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TouchFit:
    """What the touches of a recording look like.

    Attributes:
        peak: highest node of a contact, median over contacts, counts.
        blob_sd_pitch: standard deviation of the Gaussian that fits a contact, median, pitches.
        r2: median over touched frames of 1 - residual / variation of the frame that the fitted contacts give.
        saturation: level that fitted best, counts; infinite where none did better.
        frames: touched frames fitted.
        contacts: contacts found on them.
        peak_error: standard error of ``peak``, counts.
    """

    peak: float
    blob_sd_pitch: float
    r2: float
    saturation: float
    frames: int
    contacts: int
    peak_error: float


@dataclass(frozen=True, slots=True)
class PanelFit:
    """Everything a recording tells of its panel; None where it does not.

    Attributes:
        frames, rest_frames, touch_frames: how many were given, found at rest, found with a full touch.
    """

    frames: int
    rest_frames: int
    touch_frames: int
    noise: RestNoise | None
    touch: TouchFit | None
    grounding: GroundingFit | None = None
    masks: MaskFit | None = None

    def to_mapping(self) -> dict[str, Any]:
        """Return the figures by name, ready for JSON; what was not asked for is left out."""
        noise, touch = self.noise, self.touch
        figures: dict[str, Any] = {
            "frames": self.frames,
            "rest_frames": self.rest_frames,
            "touch_frames": self.touch_frames,
            **dict.fromkeys(RestNoise._fields),
            **({} if noise is None else noise._asdict()),
            "touch_peak": touch and touch.peak,
            "blob_sd_pitch": touch and touch.blob_sd_pitch,
            "touch_r2": touch and touch.r2,
            "saturation": touch and (touch.saturation if math.isfinite(touch.saturation) else None),
            "contacts": touch.contacts if touch else 0,
        }
        if self.grounding is not None:
            figures |= {"k": self.grounding.k, "g": self.grounding.g, "grounding_r2": self.grounding.r2}
        if self.masks is not None:
            figures |= {
                "psf_sd_mm": self.masks.psf_sd_mm,
                "psf_r2": self.masks.r2,
                "psf_drive": self.masks.drive,
                "psf_saturation": self.masks.saturation,
                "psf_knee": self.masks.knee,
            }
        return figures


def fit_panel(
    frames: npt.ArrayLike,
    pitch_mm: float,
    *,
    held: Range | None = None,
    released: Range | None = None,
    masks: npt.NDArray[np.generic] | None = None,
) -> PanelFit:
    """Fit noise, touches, and what else is given, to raw frames.

    Args:
        frames: shape (frames, rows, cols): deltas, or raw values that rise or fall under a touch.
        pitch_mm: distance between lines.
        held: frames ``first, last`` (last not included) in which an object is held.
        released: frames in which the same object is released.
        masks: true contacts of every frame, shape (frames, m rows, n cols), m and n whole numbers.

    Raises:
        InputError: arguments of wrong shape or range, or nothing on the frames that were named.
    """
    if not (math.isfinite(pitch_mm) and pitch_mm > 0.0):
        raise InputError(f"pitch_mm = {pitch_mm!r}: expected a positive number of millimetres")
    if (held is None) != (released is None):
        raise InputError("held and released: expected both ranges or neither")
    record = recording(frames, [span for span in (held, released) if span is not None])
    grounding = None
    if held is not None and released is not None:
        images = (record.median(*held, "held"), record.median(*released, "released"))
        shortest = min(held[1] - held[0], released[1] - released[0])
        grounding = fit_grounding(*images, noise_sd=1.25 * record.noise_sd / math.sqrt(shortest))
    return PanelFit(
        frames=record.given_frames,
        rest_frames=int(record.rest.sum()),
        touch_frames=int(record.landed.sum()),
        noise=noise_of(record),
        touch=fit_touches(record),
        grounding=grounding,
        masks=None if masks is None else fit_masks(record, masks, pitch_mm),
    )


def fit_touches(record: Recording) -> TouchFit | None:
    """Fit the contacts of touched frames; None where nothing touches."""
    landed = np.flatnonzero(record.landed)
    if not landed.size:
        return None

    def fits(chosen: npt.NDArray[np.int64], saturation: float) -> list[FrameFit]:
        return [
            fit_frame(record.deltas[i], record.trusted[i], record.full_touch, record.noise_sd, saturation)
            for i in chosen
        ]

    def spread(count: int) -> npt.NDArray[np.int64]:
        return landed[np.unique(np.linspace(0, landed.size - 1, count).astype(int))]

    def median_r2(fitted: list[FrameFit]) -> float:
        return float(np.median([one.r2 for one in fitted]))

    levels = [math.inf, *(share * record.full_touch for share in SATURATIONS)]
    trial = spread(SATURATION_FRAMES)
    saturation = max(levels, key=lambda level: median_r2(fits(trial, level)))
    chosen = spread(MOST_TOUCH_FRAMES)
    # The blob's width is that of the plain Gaussian, whatever saturation makes of its top.
    plain = fits(chosen, math.inf)
    best = plain if math.isinf(saturation) else fits(chosen, saturation)
    peaks, sds = [], []
    for i, fitted in zip(chosen, plain, strict=True):
        for peak, sd in _contacts(record.deltas[i], fitted):
            if peak > LANDED_SHARE * record.full_touch:
                peaks.append(peak)
                sds.append(sd)
    if not peaks:
        return None
    return TouchFit(
        peak=float(np.median(peaks)),
        blob_sd_pitch=float(np.median(sds)),
        r2=max(median_r2(plain), median_r2(best)),
        saturation=saturation,
        frames=chosen.size,
        contacts=len(peaks),
        peak_error=1.2533 * float(np.std(peaks)) / math.sqrt(len(peaks)),  # of a median
    )


def _contacts(deltas: npt.NDArray[np.floating], fitted: FrameFit) -> list[tuple[float, float]]:
    """Return (highest node, width in pitches) of each blob that stands wholly on trusted nodes."""
    contacts = []
    for blob, sd in zip(fitted.blobs, fitted.sds, strict=True):
        row, col = (round(float(at)) for at in blob[1:3])
        if not (0 <= row < deltas.shape[0] and 0 <= col < deltas.shape[1]):
            continue
        window = np.s_[max(0, row - 1) : row + 2, max(0, col - 1) : col + 2]
        if fitted.trusted[window].all():
            contacts.append((float(deltas[window].max()), float(sd)))
    return contacts
