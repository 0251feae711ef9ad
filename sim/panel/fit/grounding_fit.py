"""Grounding factors of an object that was held, then released: ``float = g (u - k r c' / S)``."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.optimize import minimize
from stampbench.firmware_emulator.errors import InputError

Floats = npt.NDArray[np.float64]

FARTHEST_NODES: Final = 2.5
"""How far the object may have moved between the two ranges."""
FARTHEST_TURN_RAD: Final = 0.35
HEADROOMS: Final = (1.0, 0.4, 0.1)
"""Levels of saturation that are tried, as headroom above the highest held node."""
LEAST_HEADROOM: Final = 0.02
BELIEVED_SHARE: Final = 0.98
"""A level of saturation must leave less of the released frame than this part of what none leaves."""


class GroundingFit(NamedTuple):
    """How the released image follows from the held one.

    Attributes:
        k: S / (S + capacitance to ground); 0 firmly held, 1 floating.
        g: gain of the released image.
        r2: 1 - residual / sum of squares of the released frame.
        dy, dx: movement in between, nodes.
        turn_rad: rotation in between, about the middle of the held image.
        saturation: counts that were undone in the held image; infinite where none was found.
    """

    k: float
    g: float
    r2: float
    dy: float
    dx: float
    turn_rad: float
    saturation: float


def fit_grounding(held: Floats, released: Floats, noise_sd: float) -> GroundingFit:
    """Fit k, g, the movement in between and the saturation of the held image.

    Args:
        held: median image of an object, counts, shape (rows, cols).
        released: median image of the same object, likewise.
        noise_sd: noise of a node in them; smaller values of the held image are taken as 0.

    Raises:
        InputError: nothing stands in one of the images.
    """
    for name, image in (("held", held), ("released", released)):
        if not np.abs(image).max() > 6.0 * noise_sd:
            raise InputError(
                f"the {name} frames show no object: highest node {image.max():.3g} counts, "
                f"at a noise of {noise_sd:.3g}"
            )
    image = np.where(held > 3.0 * noise_sd, held, 0.0)

    def cost(free: Floats) -> float:
        """Return what is left of the released frame; free: dy, dx, turn, and headroom if it saturates."""
        beyond = max(0.0, math.hypot(free[0], free[1]) - FARTHEST_NODES)
        beyond += max(0.0, abs(free[2]) - FARTHEST_TURN_RAD)
        return (1.0 - _factors(_moved(_desaturated(image, free), free), released)[2]) * (1.0 + beyond)

    def refined(start: Floats) -> tuple[float, Floats]:
        found = minimize(
            cost, start, method="Nelder-Mead", options={"xatol": 1e-3, "fatol": 1e-6, "maxiter": 400}
        )
        return float(found.fun), np.asarray(found.x)

    steps = np.arange(-2.0, 2.01, 0.5)
    starts = [
        np.array([dy, dx, 0.0, *headroom])
        for headroom in ([], *([value] for value in HEADROOMS))
        for dy in steps
        for dx in steps
    ]
    moves = min(starts, key=cost)[:3]
    left, best = refined(moves)
    for headroom in HEADROOMS:
        less, bent = refined(np.append(moves, headroom))
        if less < (BELIEVED_SHARE if best.size == 3 else 1.0) * left:
            left, best = less, bent
    k, g, r2 = _factors(_moved(_desaturated(image, best), best), released)
    dy, dx, turn = (float(value) for value in best[:3])
    return GroundingFit(k, g, r2, dy, dx, turn, _saturation(image, best))


def _saturation(image: Floats, free: Floats) -> float:
    return math.inf if free.size == 3 else float(image.max()) * (1.0 + LEAST_HEADROOM + abs(float(free[3])))


def _desaturated(image: Floats, free: Floats) -> Floats:
    """Undo ``S tanh(u / S)``, if the fourth of the free parameters says that there is saturation."""
    saturation = _saturation(image, free)
    if math.isinf(saturation):
        return image
    result: Floats = saturation * np.arctanh(image / saturation)
    return result


def _moved(image: Floats, free: Floats) -> Floats:
    """Move the image by (dy, dx) nodes and turn it about its middle, by cubic splines."""
    turn = float(free[2])
    rows, cols = np.mgrid[: image.shape[0], : image.shape[1]]
    total = image.sum()
    middle = np.array([(image * rows).sum(), (image * cols).sum()]) / total
    cos, sin = math.cos(turn), math.sin(turn)
    back = np.array([[cos, sin], [-sin, cos]])
    moved = ndimage.affine_transform(
        image, back, middle - back @ (middle + free[:2]), order=3, mode="constant"
    )
    result: Floats = np.clip(moved, 0.0, None)
    return result


def _factors(u: Floats, released: Floats) -> tuple[float, float, float]:
    """Fit (k, g) with 0 <= k <= 1; also return the share of the released frame's squares explained."""
    total = u.sum()
    squares = float((released * released).sum())
    if not total > 0.0:
        return 0.0, 0.0, 0.0
    spread = np.outer(u.sum(axis=1), u.sum(axis=0)) / total
    uu, us, ss = float((u * u).sum()), float((u * spread).sum()), float((spread * spread).sum())
    fu, fs = float((released * u).sum()), float((released * spread).sum())
    determinant = uu * ss - us * us
    if determinant <= 1e-9 * uu * ss:
        return 0.0, max(0.0, fu / uu), (fu * fu / uu) / squares if fu > 0.0 else 0.0
    g = (fu * ss - fs * us) / determinant
    k = (fu * us - fs * uu) / determinant / g if g > 0.0 else 0.0
    if g <= 0.0 or not 0.0 <= k <= 1.0:
        # On the border of what is physical: the better of wholly held and wholly floating.
        floating = uu - 2.0 * us + ss
        tries = [(0.0, fu / uu, fu * fu / uu)]
        if floating > 1e-12 * uu:
            tries.append((1.0, (fu - fs) / floating, (fu - fs) ** 2 / floating))
        k, g, explained = max(
            (one for one in tries if one[1] > 0.0), key=lambda one: one[2], default=(0.0, 0.0, 0.0)
        )
        return k, g, explained / squares
    residual = released - g * (u - k * spread)
    return k, g, 1.0 - float((residual * residual).sum()) / squares
