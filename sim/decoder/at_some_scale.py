"""Reading a stamp whose contacts come in a unit that is known only roughly, by likelihoods."""

from __future__ import annotations

import math

import numpy as np
from stampbench.sim.decoder.lookup import Lookup
from stampbench.sim.decoder.matching import Floats, Ints, lay_over
from stampbench.sim.decoder.reading import FOREIGN, Reading, Verdict, undecided
from stampbench.sim.decoder.unknown_scale import REACH_SD, ScalePrior
from stampbench.sim.decoder.unknowns import codes_at_some_scale


class AtSomeScale:
    """Reads all pads of a stamp (n, 2), in nominal mm, at the scale that fits.

    Args:
        lookup: the codes, which distances are accepted, and the range of scales.
        prior: what is known of the scale; None: any in the range is as likely.
    """

    def __init__(self, lookup: Lookup, prior: ScalePrior | None) -> None:
        self._lookup = lookup
        self._prior = prior

    def read(self, points: Floats) -> Reading:
        """Judge by likelihoods where the scale is not known: codes may come nearer than they are in mm."""
        lookup, acceptance = self._lookup, self._lookup.acceptance
        radius, variance = acceptance.outer_radius_mm(), acceptance.sigma_mm**2
        reach = -2.0 * math.log(acceptance.misread) + (0.0 if self._prior is None else REACH_SD**2)
        wide = math.sqrt(radius**2 + variance * reach)
        codes, distances = codes_at_some_scale(
            points, lookup.codebook, lookup.index, lookup.limits, wide, *lookup.scales
        )
        if not len(codes) or distances[0] > radius:
            return FOREIGN
        # How unlikely each code is, as a distance: its own, and how far its scale is from what is known.
        off = np.hypot(distances, acceptance.sigma_mm * self._deviations(points, codes, wide))
        order = np.argsort(off, kind="stable")
        codes, distances, off = codes[order], distances[order], off[order]
        weights = np.exp((off[0] ** 2 - off**2) / (2.0 * variance))
        fitting = distances <= radius
        if weights[1:].sum() > acceptance.misread * weights.sum():
            return undecided(Verdict.AMBIGUOUS, codes[fitting], distances[fitting])
        if not fitting[0]:
            return FOREIGN
        second = float(off[1]) if len(codes) > 1 else wide
        return lookup.read(points, int(codes[0]), radius, second - float(off[0]), len(codes) == 1)

    def _deviations(self, points: Floats, codes: Ints, radius: float) -> Floats:
        """Return how many standard deviations of the prior the scale of each code is off; 0 without one."""
        deviations = np.zeros(len(codes))
        if self._prior is not None:
            matching, motion = np.empty(len(points), np.int64), np.empty(5)
            for place, pads in enumerate(
                np.ascontiguousarray(self._lookup.codebook.pads_of(codes), np.float64)
            ):
                lay_over(points, pads, radius + 1e-6, *self._lookup.scales, matching, motion)
                deviations[place] = math.log(motion[4]) / self._prior.relative_sd
        return deviations
