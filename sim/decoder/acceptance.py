"""Which distances are accepted, from the wanted false-reject rate and the noise."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.special import gammainc, gammaincinv
from stampbench.firmware_emulator.errors import InputError

LARGEST_DEFAULT_SIGMA_MM = 0.5
"""Noise assumed at most where none is given, however far apart the codes are: four times the centroid bias
of an isolated 6 mm pad on a 4 mm grid (0.05 to 0.12 mm rms) leaves room for worn and hand-made stamps."""


def chi_quantile(probability: float, degrees: int) -> float:
    """Radius, in sigmas, that a normal error vector with this many degrees of freedom stays within."""
    return math.sqrt(2.0 * float(gammaincinv(degrees / 2.0, probability)))


def degrees_of_freedom(points: int, *, scale_known: bool = True) -> int:
    """Dimensions of shape: two per point, less translation (2) and rotation (1), less scale where unknown."""
    return 2 * points - (3 if scale_known else 4)


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Radii within which a code is accepted.

    An error of sigma on every axis of n pads moves the shape by sigma * chi(2n - 3). The radius holds all
    but the share ``frr`` of that, and is cut at half the codebook's minimum distance, inside which the
    nearest code is the only one.

    Attributes:
        sigma_mm: error per axis and pad: jitter, centroid bias and pad placement together.
        frr: wanted rate of genuine stamps rejected.
        pads: pads per stamp.
        min_distance_mm: least rigid distance between two codes; inf for a single code.
        scale_known: False where contacts come in units that are mm only roughly.
    """

    sigma_mm: float
    frr: float
    pads: int
    min_distance_mm: float
    scale_known: bool = True

    @classmethod
    def design(
        cls,
        *,
        pads: int,
        min_distance_mm: float,
        sigma_mm: float | None = None,
        frr: float = 0.001,
        scale_known: bool = True,
    ) -> Acceptance:
        """Acceptance for a codebook; without ``sigma_mm``, the noise that the minimum distance allows.

        Raises:
            InputError: ``sigma_mm`` or ``frr`` out of range.
        """
        if not 0.0 < frr < 1.0:
            raise InputError(f"frr {frr!r}: must lie between 0 and 1")
        if sigma_mm is None:
            quantile = chi_quantile(1.0 - frr, degrees_of_freedom(pads))
            sigma_mm = min(min_distance_mm / 2.0 / quantile, LARGEST_DEFAULT_SIGMA_MM)
        if not 0.0 < sigma_mm < math.inf:
            raise InputError(f"sigma_mm {sigma_mm!r}: must be a positive number of millimetres")
        return cls(sigma_mm, frr, pads, min_distance_mm, scale_known)

    def outer_radius_mm(self, points: int | None = None) -> float:
        """Radius that holds the share 1 - frr of genuine errors on this many pads (all, unless told)."""
        degrees = degrees_of_freedom(self.pads if points is None else points, scale_known=self.scale_known)
        return self.sigma_mm * chi_quantile(1.0 - self.frr, degrees)

    @property
    def radius_mm(self) -> float:
        """Largest distance at which a complete stamp is read."""
        return min(self.outer_radius_mm(), self.min_distance_mm / 2.0)

    def predicted_far(self, codes: int, volume_mm7: float) -> float:
        """Share of random objects read as a code: codes * volume of the acceptance ball / volume of shapes.

        ``volume_mm7`` is that of the admissible shapes in the rigid metric (mm^(2n - 3)): 1.2e8 for five pads
        12 mm apart in a disc of radius 22 mm.
        """
        degrees = degrees_of_freedom(self.pads)
        ball = math.pi ** (degrees / 2.0) / math.gamma(degrees / 2.0 + 1.0) * self.radius_mm**degrees
        return min(codes * ball / volume_mm7, 1.0)

    def predicted_frr(self, sigma_mm: float | None = None) -> float:
        """Share of genuine stamps farther than the radius, at the design noise or at another."""
        sigma = self.sigma_mm if sigma_mm is None else sigma_mm
        degrees = degrees_of_freedom(self.pads, scale_known=self.scale_known)
        return 1.0 - float(gammainc(degrees / 2.0, (self.radius_mm / sigma) ** 2 / 2.0))
