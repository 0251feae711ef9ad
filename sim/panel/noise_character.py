"""What the variances of noise do not tell: loud frames, uneven nodes, memory from frame to frame.

Each changes the standard normal draws of the noise before they are used and leaves their variance as it was;
each is scaled by the panel's condition and off at 0, where the draws stay as they are, bit for bit.

- *Loud frames*: all noise of a frame is larger or smaller by one factor, log-normal. Nodes and lines get
  the same heavy tails: excess kurtosis ``3 (exp(4 s^2) - 1)``.
- *Uneven nodes*: each node's noise has a factor of its own, log-normal, that never changes.
- *Memory*: a share of the variance follows the frame before; n frames apart correlate by ``share ratio^n``.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from stampbench.sim.panel.condition import Condition
from stampbench.sim.panel.profile import Profile

F64 = npt.NDArray[np.float64]


def noise_character(profile: Profile, condition: Condition, seed: int) -> NoiseCharacter | None:
    """Return what shapes the noise of a panel; None where nothing does."""
    figures = profile.noise
    sizes = (
        figures.loud_frames * condition.loud_frames,
        figures.uneven_nodes * condition.uneven_nodes,
        figures.memory_share * condition.noise_memory,
    )
    return NoiseCharacter(profile, *sizes, seed) if any(sizes) else None


class NoiseCharacter:
    """Shapes the draws of successive frames; the same seed gives the same.

    Args:
        profile: the grid, and how fast the memory fades.
        loud_sd: of the logarithm of a frame's noise.
        uneven_sd: of the logarithm of a node's noise.
        share: of the variance, that remembers.
        seed: of its draws, which are its own: the other noise stays as it was.
    """

    def __init__(self, profile: Profile, loud_sd: float, uneven_sd: float, share: float, seed: int) -> None:
        rows, cols = profile.grid.rows, profile.grid.cols
        self._rng = np.random.default_rng([seed, 2])
        self._nodes = rows * cols
        self._sources = rows * cols + rows + cols + 1
        self._loud_sd, self._uneven, self._share = loud_sd, uneven_sd > 0.0, share
        self._gain = _unit_variance(np.exp(uneven_sd * self._rng.standard_normal(self._nodes)))
        self._ratio = profile.noise.memory_ratio
        self._slow = self._rng.standard_normal(self._sources)

    def shape(self, normals: F64) -> None:
        """Change the draws of the next frames, (frames, draws) as ``noise.draws_per_frame`` counts them."""
        for draws in normals:
            sources = draws[: self._sources]
            if self._share > 0.0:
                fresh = self._rng.standard_normal(self._sources)
                self._slow = self._ratio * self._slow + math.sqrt(1.0 - self._ratio**2) * fresh
                sources *= math.sqrt(1.0 - self._share)
                sources += math.sqrt(self._share) * self._slow
            if self._uneven:
                draws[: self._nodes] *= self._gain
            if self._loud_sd > 0.0:
                # The mean square of exp(s z) is exp(2 s^2): taken off, the variance stays.
                sources *= math.exp(self._loud_sd * self._rng.standard_normal() - self._loud_sd**2)


def _unit_variance(gain: F64) -> F64:
    scaled: F64 = gain / math.sqrt(float(np.mean(gain**2)))
    return scaled
