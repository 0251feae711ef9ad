"""Response to touches of known outline: contact mask, blurred by a Gaussian, then softly saturated."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.optimize import least_squares
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.panel.fit.recording import Recording

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Knee = Callable[[Floats], Floats]

KNEES: Final[Mapping[str, Knee]] = {"tanh": np.tanh, "exponential": lambda linear: -np.expm1(-linear)}
"""Soft saturation, by name: both rise with slope 1 and end at 1."""
MOST_FRAMES: Final = 40
"""Frames, evenly spread, that enter the fit."""
REACH_NODES: Final = 5
"""Nodes around a mask in which its response is compared."""
FARTHEST_NODES: Final = 0.5
"""How far a mask may lie off its frame."""
ROUNDS: Final = 3


class MaskFit(NamedTuple):
    """Response to a contact mask: ``saturation * knee(drive * blurred mask / saturation)``.

    Attributes:
        psf_sd_mm: standard deviation of the Gaussian, electrodes included.
        drive: counts of a wholly covered node if nothing saturated.
        saturation: counts that no contact exceeds.
        knee: "tanh" or "exponential" (1 - exp(-x)), whichever fits better.
        r2: median over frames of 1 - residual / variation, over the nodes around the masks.
    """

    psf_sd_mm: float
    drive: float
    saturation: float
    knee: str
    r2: float


class _Touched(NamedTuple):
    """The part of a frame around its mask; nodes and cells by their place in nodes."""

    counts: Floats
    use: Flags
    contact: Floats
    rows: Floats
    cols: Floats
    cell_rows: Floats
    cell_cols: Floats


def fit_masks(record: Recording, masks: npt.NDArray[np.generic], pitch_mm: float) -> MaskFit:
    """Fit the response on touched frames and their contact masks.

    Masks come from another instrument: how far each lies off its frame is fitted, too.

    Args:
        record: the frames.
        masks: contact and none, parted halfway between the least and the largest value, the rarer is contact;
            shape (frames as given, m rows, n cols), m and n whole.
        pitch_mm: distance between lines.

    Raises:
        InputError: masks that do not belong to the frames, or none on a touched frame.
    """
    rows, cols = record.deltas.shape[1:]
    if masks.ndim != 3 or len(masks) != record.given_frames or masks.shape[1] % rows or masks.shape[2] % cols:
        raise InputError(
            f"masks of shape {masks.shape}: expected {record.given_frames} frames of {rows} x {cols} nodes, "
            "rows and cols times a whole number"
        )
    landed = np.flatnonzero(record.landed)
    if landed.size:
        landed = landed[np.unique(np.linspace(0, landed.size - 1, MOST_FRAMES).astype(int))]
    half = 0.5 * (float(masks.min()) + float(masks.max()))
    if not math.isfinite(half):
        raise InputError("masks: values that are not finite; expected two values")
    cuts = (_touched(record, int(i), _contact(masks[record.kept[i]], half)) for i in landed)
    touches = [cut for cut in cuts if cut is not None]
    if not touches:
        raise InputError("masks: no frame has both a touch and a mask that is not empty")
    return max((_fit(touches, name, record.full_touch, pitch_mm) for name in KNEES), key=lambda fit: fit.r2)


def _fit(touches: list[_Touched], knee: str, full_touch: float, pitch_mm: float) -> MaskFit:
    """Alternate between the response of all frames and the place of each mask."""
    free = np.array([0.6, 2.0 * full_touch, 1.2 * full_touch])
    places = np.zeros((len(touches), 2))
    shares = np.zeros(len(touches))
    for _ in range(ROUNDS):
        chosen = np.flatnonzero(shares >= min(0.5, float(np.median(shares))))

        def residuals(free: Floats, chosen: npt.NDArray[np.intp] = chosen) -> Floats:
            return np.concatenate([_residual(touches[i], free, places[i], KNEES[knee]) for i in chosen])

        free = least_squares(
            residuals,
            free,
            bounds=([0.1, 0.1 * full_touch, 0.3 * full_touch], [3.0, 60.0 * full_touch, 60.0 * full_touch]),
            x_scale=[0.1, full_touch, 0.3 * full_touch],
            max_nfev=20,
            xtol=1e-4,
            ftol=1e-5,
        ).x
        for place, touch in zip(places, touches, strict=True):
            place[:] = _placed(touch, free, place, KNEES[knee])
        shares = np.array([
            _share(touch, _residual(touch, free, place, KNEES[knee]))
            for touch, place in zip(touches, places, strict=True)
        ])  # fmt: skip
    sd, drive, saturation = (float(value) for value in free)
    return MaskFit(sd * pitch_mm, drive, saturation, knee, float(np.median(shares)))


def _placed(touch: _Touched, free: Floats, place: Floats, knee: Knee) -> Floats:
    """Return one Gauss-Newton step of the mask's place, within bounds."""
    residual = _residual(touch, free, place, knee)
    step = 0.05
    slopes = [(_residual(touch, free, place + move, knee) - residual) / step for move in step * np.eye(2)]
    move = np.linalg.lstsq(np.array(slopes).T, -residual, rcond=None)[0]
    result: Floats = np.clip(place + np.clip(move, -0.3, 0.3), -FARTHEST_NODES, FARTHEST_NODES)
    return result


def _residual(touch: _Touched, free: Floats, place: Floats, knee: Knee) -> Floats:
    """Return response less counts at the nodes in use; free: sd in nodes, drive, saturation."""
    sd, drive, saturation = free
    down = _weights(touch.rows, touch.cell_rows + place[0], sd)
    across = _weights(touch.cols, touch.cell_cols + place[1], sd)
    result: Floats = (
        saturation * knee((drive / saturation) * (down @ touch.contact @ across.T)) - touch.counts
    )
    return result[touch.use]


def _weights(nodes: Floats, cells: Floats, sd: float) -> Floats:
    """Return the share of a Gaussian around each node that falls on each cell, shape (nodes, cells)."""
    size = (cells[-1] - cells[0]) / (cells.size - 1) if cells.size > 1 else 1.0
    density = np.exp(-0.5 * ((nodes[:, None] - cells) / sd) ** 2)
    result: Floats = density * (size / (sd * math.sqrt(2.0 * math.pi)))
    return result


def _share(touch: _Touched, residual: Floats) -> float:
    counts = touch.counts[touch.use]
    return 1.0 - float((residual**2).sum()) / max(float(((counts - counts.mean()) ** 2).sum()), 1e-9)


def _contact(mask: npt.NDArray[np.generic], half: float) -> Flags:
    """Return cells in contact: the smaller part of the mask, since contacts are also drawn black on white."""
    contact: Flags = np.asarray(mask, np.float64) > half
    return contact if contact.mean() <= 0.5 else ~contact


def _touched(record: Recording, frame: int, contact: Flags) -> _Touched | None:
    """Cut a frame down to the nodes around its mask; None where the mask is empty."""
    counts, trusted = record.deltas[frame], record.trusted[frame]
    rows, cols = counts.shape
    covered = contact.reshape(rows, contact.shape[0] // rows, cols, -1).any(axis=(1, 3))
    if not covered.any():
        return None
    near = ndimage.binary_dilation(np.asarray(covered), structure=np.ones((2 * REACH_NODES + 1,) * 2, bool))
    (top, bottom), (left, right) = _ends(near, 1), _ends(near, 0)
    window = np.s_[top:bottom, left:right]
    per_row, per_col = contact.shape[0] // rows, contact.shape[1] // cols
    cells = _coarser(
        contact[top * per_row : bottom * per_row, left * per_col : right * per_col], per_row, per_col
    )
    return _Touched(
        counts[window].astype(np.float64),
        (near & trusted)[window],
        cells,
        np.arange(top, bottom, dtype=np.float64),
        np.arange(left, right, dtype=np.float64),
        _middles(top, bottom, cells.shape[0]),
        _middles(left, right, cells.shape[1]),
    )


def _ends(near: Flags, axis: int) -> tuple[int, int]:
    at = np.flatnonzero(near.any(axis=axis))
    return int(at[0]), int(at[-1]) + 1


def _middles(first: int, last: int, cells: int) -> Floats:
    """Return middles of the cells over the nodes ``first .. last - 1``, in nodes."""
    result: Floats = first - 0.5 + (np.arange(cells) + 0.5) * (last - first) / cells
    return result


def _coarser(contact: Flags, per_row: int, per_col: int) -> Floats:
    """Return shares of contact in cells of at least a fifth of a node, where the mask divides so."""
    down, across = (
        next(size for size in range(1, per + 1) if per % size == 0 and per // size <= max(5, size))
        for per in (per_row, per_col)
    )
    cells = contact.reshape(contact.shape[0] // down, down, contact.shape[1] // across, across)
    result: Floats = cells.mean(axis=(1, 3))
    return result
