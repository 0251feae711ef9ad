"""Grounding of joined contacts: how an object answers when no hand holds it.

A conductor on the panel draws charge from the TX lines under it; held, the hand takes that charge away.
Released, it floats to a potential that puts the charge back through every RX line it covers. With u the held
image, r and c its row and column sums and S its sum,

    image = g (u - k r c' / S),    k = S / (S + capacitance to ground).

Measured on an object held, then released: k = 0.985, g = 0.907, R^2 = 0.954, once its movement in between and
the saturation of its held image are fitted with them; left out, they pass for a gain of 1.16 (R^2 = 0.87).
The same network as Voelker et al., PUCs, ITS '13, and Thoresen & Hanke, IEEE Sensors J. 20(1), 2020. The
kernel is in ``field``.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from stampbench.firmware_emulator.kernels import kernel


@kernel
def factors(released_k: float, released_gain: float, grip: float) -> tuple[float, float]:
    """Return (k, g) of an object held with ``grip`` 0..1: 1 is firmly held (k = 0, g = 1), 0 is released.

    Args:
        released_k: that of the panel's objects which nobody holds, see ``GroundingFigures``.
        released_gain: their g.
        grip: how well the hand grounds it.
    """
    released = min(1.0, max(0.0, 1.0 - grip))
    return released_k * released, 1.0 + (released_gain - 1.0) * released


def floating_image(held: npt.NDArray[np.float64], k: float, g: float = 1.0) -> npt.NDArray[np.float64]:
    """Return the image of an object with grounding factors (k, g), from its held image (rows, cols)."""
    total = held.sum()
    if total == 0.0:
        return g * held
    result: npt.NDArray[np.float64] = g * (held - k * np.outer(held.sum(axis=1), held.sum(axis=0)) / total)
    return result
