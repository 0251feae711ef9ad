"""Radial response of a round contact: a disc blurred by the panel's Gaussian, tabulated once."""

from __future__ import annotations

import functools
import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import chndtr
from stampbench.sim.panel.condition import Condition
from stampbench.sim.panel.profile import Profile

DIAMETER_STEP_MM = 0.25
DIAMETER_MAX_MM = 40.0
RADIUS_STEP_MM = 0.1
CUTOFF_SD = 4.5
"""Beyond the rim by this many standard deviations the response is below 4e-6 of full coverage."""


class ResponseTable(NamedTuple):
    """Blurred coverage of a disc, ready for the kernels.

    Attributes:
        density: coverage 0..1 by the square of the diameter, 1/mm2, which is smooth down to a point; shape
            (diameters, radii), steps ``DIAMETER_STEP_MM`` and ``RADIUS_STEP_MM``, both from 0.
        reach_mm: how far beyond the rim the response is not zero.
    """

    density: npt.NDArray[np.float64]
    reach_mm: float


@functools.lru_cache(maxsize=64)
def response_table(psf_sd_mm: float) -> ResponseTable:
    """Tabulate the share of a unit Gaussian, centred ``radius`` off the middle of a disc, that lies on it.

    That share is the distribution function of the noncentral chi-square with 2 degrees of freedom:
    ``P(|radius + sd z| < diameter / 2) = F((diameter / 2 sd)^2; 2, (radius / sd)^2)``.
    """
    reach_mm = CUTOFF_SD * psf_sd_mm
    diameters = np.arange(0.0, DIAMETER_MAX_MM + DIAMETER_STEP_MM, DIAMETER_STEP_MM)
    radii = np.arange(0.0, DIAMETER_MAX_MM / 2 + reach_mm + 2 * RADIUS_STEP_MM, RADIUS_STEP_MM)
    squares = diameters[1:, None] ** 2
    density = np.empty((len(diameters), len(radii)))
    density[0] = np.exp(-0.5 * (radii / psf_sd_mm) ** 2) / (8 * psf_sd_mm**2)
    density[1:] = chndtr(squares / (2 * psf_sd_mm) ** 2, 2.0, (radii / psf_sd_mm) ** 2) / squares
    density.flags.writeable = False
    return ResponseTable(density, reach_mm)


def kernel_responses(
    profile: Profile, condition: Condition
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return rows (drive, saturation, reach_mm) and tables of flat conductor, skin and water, for the kernel.

    Water is not grounded: it raises the coupling between the lines, so its drive is negative.
    """
    attenuation = cover_attenuation(profile, condition)
    flat = response_table(covered_sd_mm(profile.flat.psf_sd_mm, condition))
    skin = response_table(covered_sd_mm(profile.finger.psf_sd_mm, condition))
    tables = np.zeros((3, flat.density.shape[0], max(flat.density.shape[1], skin.density.shape[1])))
    for table, response in zip(tables, (flat, skin, flat), strict=True):
        table[:, : response.density.shape[1]] = response.density
    amplitude = attenuation * profile.flat.amplitude
    responses = np.array(
        [
            [amplitude, 0.0, flat.reach_mm],
            [attenuation * profile.finger.drive, attenuation * profile.finger.saturation, skin.reach_mm],
            [-profile.water.drop_share * amplitude, 0.0, flat.reach_mm],
        ]
    )
    return responses, tables


def cover_attenuation(profile: Profile, condition: Condition) -> float:
    """Return the share of the amplitude left by a screen protector.

    Derived: the field of electrodes one pitch apart falls off over the glass as exp(-pi thickness / pitch),
    the first harmonic of Laplace's equation; 0.33 mm of glass at 4.1 mm leave 78 %.
    """
    geometry = profile.geometry
    return math.exp(-math.pi * condition.protector_mm * 2 / (geometry.pitch_x_mm + geometry.pitch_y_mm))


def covered_sd_mm(psf_sd_mm: float, condition: Condition) -> float:
    """Blur seen through a screen protector, which adds about its thickness, and a film of water.

    Assumed: a full film, which conducts along the glass, widens by 30 %.
    """
    return math.hypot(psf_sd_mm, condition.protector_mm) * (1 + 0.3 * condition.water_film)


def film_offset(profile: Profile, condition: Condition) -> float:
    """Return counts by which a film of water lowers every node; a full film reads as a drop on each."""
    return -condition.water_film * profile.water.drop_share * profile.flat.amplitude
