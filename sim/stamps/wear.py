"""What use does to a stamp's pads: worn, hollow, broken and missing ones, as weighted discs.

Written after the object's name: ``p5-60k/12345~worn=0.3~broken=2``. Pads count from 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt
from stampbench.firmware_emulator.errors import InputError

F64 = npt.NDArray[np.float64]

WEAR_FORMS: Final = ("worn=SHARE", "hollow=DIAMETER_MM", "broken=PAD", "missing=PAD")
_CELL_MM: Final = 0.5
"""Size of the discs that make up a broken pad: far below the panel's blur."""


def apply_wear(discs: F64, wear: str) -> F64:
    """Return discs of a stamp after wear such as ``worn=0.3``, see ``TouchObject``.

    Args:
        discs: one whole disc for each pad, in the order of the pads.
        wear: forms of ``WEAR_FORMS`` joined by ``~``, applied from left to right.

    Raises:
        InputError: an unknown form, a number out of its range, or a pad that is not there.
    """
    pads = [discs[i : i + 1].copy() for i in range(len(discs))]
    for form in wear.split("~"):
        kind, _, value = form.partition("=")
        if kind not in _FORMS:
            raise InputError(f"wear {form!r} is unknown; the forms are {', '.join(WEAR_FORMS)}")
        _FORMS[kind](pads, form, value)
    return np.concatenate(pads)


def _worn(pads: list[F64], form: str, value: str) -> None:
    """Let the surface touch only in spots finer than the panel resolves."""
    share = _number(form, value, 0.0, 0.95)
    for pad in pads:
        pad[:, 5] *= 1.0 - share


def _hollow(pads: list[F64], form: str, value: str) -> None:
    """Let only a ring touch: the middle of each pad is gone."""
    for i, pad in enumerate(pads):
        inner = pad[:1].copy()
        inner[:, 4] = _number(form, value, 0.0, float(pad[0, 4]) - 0.1)
        inner[:, 5] *= -1.0
        pads[i] = np.concatenate([pad, inner])


def _broken(pads: list[F64], form: str, value: str) -> None:
    """Take away the half of one pad towards +x of the stamp."""
    pad = _pad(pads, form, value)
    whole, radius_mm = pads[pad][0], pads[pad][0, 4] / 2
    count = 2 * math.ceil(radius_mm / _CELL_MM + 1)
    at = (np.arange(count) - (count - 1) / 2) * _CELL_MM
    inside = np.clip((radius_mm - np.hypot(at[None, :], at[:, None])) / _CELL_MM + 0.5, 0.0, 1.0)
    inside[:, count // 2 :] = 0.0
    cells = outline_cells(inside, _CELL_MM)
    cells[:, :4] += whole[:4]
    cells[:, 5] *= whole[5]
    pads[pad] = cells


def outline_cells(coverage: F64, cell_mm: float) -> F64:
    """Return discs of a pad of any outline, its middle at the origin; see ``TouchObject``.

    Args:
        coverage: how much of each square cell touches, 0..1, shape (rows, cols), y down, x right.
        cell_mm: size of a cell; up to 1 mm the panel's blur leaves no trace of the cells.
    """
    rows, cols = np.nonzero(coverage)
    cells = np.zeros((len(rows), 6))
    cells[:, 2] = (cols - (coverage.shape[1] - 1) / 2) * cell_mm
    cells[:, 3] = (rows - (coverage.shape[0] - 1) / 2) * cell_mm
    cells[:, 4] = cell_mm * math.sqrt(4 / math.pi)  # as large as the square cell
    cells[:, 5] = coverage[rows, cols]
    return cells


def _missing(pads: list[F64], form: str, value: str) -> None:
    """Take one pad off."""
    if len(pads) == 1:
        raise InputError(f"wear {form!r}: the object has no other pad; expected one to be left")
    del pads[_pad(pads, form, value)]


_FORMS: Final[dict[str, Callable[[list[F64], str, str], None]]] = {
    "worn": _worn,
    "hollow": _hollow,
    "broken": _broken,
    "missing": _missing,
}


def _pad(pads: list[F64], form: str, value: str) -> int:
    number = _number(form, value, 1, len(pads))
    if number != int(number):
        raise InputError(f"wear {form!r}: expected a whole number from 1 to {len(pads)}")
    return int(number) - 1


def _number(form: str, value: str, low: float, high: float) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not low <= number <= high:
        raise InputError(f"wear {form!r}: expected a number from {low:g} to {high:g}")
    return number
