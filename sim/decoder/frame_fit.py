"""Reading a raw frame: maximum-likelihood fit of all pads and their grounding, then the identity search."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import chndtr

from firmware_emulator.errors import InputError
from firmware_emulator.touch import Contact, Frame, TouchReport
from sim.decoder.decoder import NOTHING, Decoder
from sim.decoder.frame_descent import levenberg
from sim.decoder.frame_model import TABLE_STEP_MM, Floats, derive, weights_of
from sim.decoder.frame_start import LEAST_PEAK_SHARE, PAD_SHARE, restore_held, take_pads
from sim.decoder.reading import Reading, Verdict
from sim.panel.noise import noise_parts
from sim.panel.profile import Profile

PAD_DIAMETER_MM: Final = 6.0
CUTOFF_SD: Final = 4.5
"""Beyond a pad's rim by this many standard deviations its response is below 4e-6 of full coverage."""
MOST_STEPS: Final = 20
GOOD_MISFIT: Final = 3.0
"""Chi-square over its expectation from which a fit may have got stuck; display stripes make up to 2."""
FOREIGN_MISFIT: Final = 25.0
"""What fits worse is no stamp of such pads; the worst stripes recorded make 8."""
RELEASED_K: Final = 0.2
"""From here on ghosts and hidden pads may have led the start astray."""
MOST_RESTARTS: Final = 2
REFINED_RESTARTS: Final = 6
"""Of the places where a pad could stand instead, the most likely ones are fitted."""


@dataclass(frozen=True, slots=True, eq=False)
class PadFit:
    """Pads on one frame.

    Attributes:
        points_mm: where they stand, shape (n, 2).
        k: grounding factor, 0 firmly held to 1 floating; noise may carry it a little beyond.
        g: gain, 1 for the amplitude of the profile.
        information: Fisher information of x0, y0, x1, ..., k, g; shape (2 n + 2, 2 n + 2).
        chi_square: weighted sum of squared residuals; expected is ``nodes - 2 n - 2``.
        nodes: nodes of the frame.
    """

    points_mm: Floats
    k: float
    g: float
    information: Floats
    chi_square: float
    nodes: int

    @property
    def covariance(self) -> Floats:
        """The Cramer-Rao bound of the free parameters; infinite where two pads cannot be told apart."""
        try:
            return np.asarray(np.linalg.inv(self.information), np.float64)
        except np.linalg.LinAlgError:
            return np.full(self.information.shape, math.inf)

    @property
    def points_sd_mm(self) -> Floats:
        """Standard errors of the places, shape (n, 2)."""
        sds: Floats = np.sqrt(np.diag(self.covariance)[:-2]).reshape(-1, 2)
        return sds

    @property
    def k_sd(self) -> float:
        """Standard error of k."""
        return math.sqrt(self.covariance[-2, -2])

    @property
    def misfit(self) -> float:
        """Chi-square over its expectation: 1 for pads of this diameter and the profile's noise."""
        return self.chi_square / max(1, self.nodes - len(self.information))


class FrameFitter:
    """Finds pads of one diameter on the frames of one panel.

    Args:
        profile: response and noise of the panel.
        diameter_mm: of the pads.
        noise: scale of the profile's noise, as in :class:`sim.panel.Condition`.

    Raises:
        InputError: a diameter or a scale that is not positive.
    """

    def __init__(self, profile: Profile, *, diameter_mm: float = PAD_DIAMETER_MM, noise: float = 1.0) -> None:
        for name, value in (("diameter_mm", diameter_mm), ("noise", noise)):
            if not (math.isfinite(value) and value > 0.0):
                raise InputError(f"{name} = {value!r}: expected a positive number")
        self.profile = profile
        self.diameter_mm = diameter_mm
        geometry = profile.geometry
        self._shape = geometry.rows, geometry.cols
        self._pitch = geometry.pitch_x_mm, geometry.pitch_y_mm
        self._table, self._slope = pad_response(profile.flat.psf_sd_mm, profile.flat.amplitude, diameter_mm)
        parts = noise_parts(profile.noise, *self._shape)
        static, rounding = profile.noise.static_sd, 1.0 / 12.0
        self.weights = weights_of(
            noise**2 * (parts.node_sd**2 + static**2) + rounding,
            (noise * parts.tx_sd) ** 2,
            (noise * parts.rx_sd) ** 2,
            (noise * parts.frame_sd) ** 2,
            *self._shape,
        )
        # The lowest peak: a pad in the middle between four nodes.
        corner_mm = 0.5 * math.hypot(*self._pitch)
        self._least_peak = float(
            np.interp(corner_mm, np.arange(len(self._table)) * TABLE_STEP_MM, self._table)
        )

    def fit(self, frame: Frame, pads: int) -> PadFit | None:
        """Find and fit ``pads`` pads, or as many as there are if these are fewer; None where there is none.

        Raises:
            InputError: a frame of another shape than the panel's, or no pads asked for.
        """
        if pads < 1:
            raise InputError(f"pads = {pads!r}: expected at least 1")
        deltas = self._checked(frame)
        start = self.start(deltas, pads)
        if start is None:
            return None
        fit = self.refine(deltas, start)
        for _ in range(MOST_RESTARTS):
            better = self._restarted(deltas, fit, pads)
            if better is None:
                break
            fit = better
        return fit

    def start(self, deltas: Floats, pads: int) -> Floats | None:
        """Free parameters to start from: x, y of each pad found, at most ``pads``, then k and g."""
        held = np.empty(deltas.shape)
        added = restore_held(deltas, PAD_SHARE * self.profile.flat.amplitude, held)
        total = float(held.sum())
        points = np.empty((pads, 2))
        found = take_pads(held, self._table, *self._pitch, LEAST_PEAK_SHARE * self._least_peak, points)
        if not found:
            return None
        k = min(0.99, max(0.0, added / total)) if total > 0.0 else 0.0
        return np.concatenate([points[:found].ravel(), [k, 1.0]])

    def refine(self, deltas: Floats, start: Floats, most_steps: int = MOST_STEPS) -> PadFit:
        """Maximum-likelihood fit from given free parameters; they are only judged with ``most_steps`` 1."""
        free = np.array(start, np.float64)
        information = np.empty((len(free), len(free)))
        tables = (self._table, self._slope, *self._pitch)
        chi_square = levenberg(deltas, *tables, self.weights, free, information, most_steps)
        points = free[:-2].reshape(-1, 2)
        return PadFit(points, float(free[-2]), float(free[-1]), information, chi_square, deltas.size)

    def derivatives(self, free: Floats) -> Floats:
        """Derivatives of the image by the n free parameters, last the image itself: (rows, cols, n + 1)."""
        rows, cols = self._shape
        width = len(free) + 1
        result = np.empty((rows, cols, width))
        scratch = np.empty((rows, width)), np.empty((cols, width))
        derive(free, self._table, self._slope, *self._pitch, result, *scratch)
        return result

    def _restarted(self, deltas: Floats, fit: PadFit, pads: int) -> PadFit | None:
        """The best fit with one pad put elsewhere, or added; None where none is better."""
        starts = [
            np.concatenate([points.ravel(), [min(fit.k, 0.99), fit.g]])
            for points in self._moved(deltas, fit, pads)
        ]
        starts.sort(key=lambda start: self.refine(deltas, start, 1).chi_square)
        tried = [self.refine(deltas, start) for start in starts[:REFINED_RESTARTS]]
        best = min(tried, key=lambda one: one.chi_square, default=None)
        return best if best is not None and best.chi_square < fit.chi_square else None

    def _moved(self, deltas: Floats, fit: PadFit, pads: int) -> Iterator[Floats]:
        """Other places to start from where the fit may have got stuck: leftover counts, and crossings."""
        points = fit.points_mm
        missing = len(points) < pads
        apart = np.hypot(*(points[:, None] - points).transpose(2, 0, 1)) + 1e9 * np.eye(len(points))
        crowded = apart.min() < self.diameter_mm
        released = fit.k > RELEASED_K
        if not (missing or (fit.misfit > GOOD_MISFIT and (crowded or released))):
            return
        for moved in [-1] if missing else range(len(points)):
            others = points if missing else np.delete(points, moved, axis=0)
            left = deltas - self.derivatives(np.concatenate([others.ravel(), [fit.k, fit.g]]))[:, :, -1]
            place = np.empty((1, 2))
            if take_pads(left, self._table, *self._pitch, 0.2 * self._least_peak, place):
                yield np.concatenate([others, place])
            # A released pad hides where others share both its lines; two fitted pads then crowd on one spot.
            if released and (missing or apart[moved].min() < self.diameter_mm or not crowded):
                for i, j in itertools.permutations(range(len(others)), 2):
                    yield np.concatenate([others, [[others[i, 0], others[j, 1]]]])

    def _checked(self, frame: Frame) -> Floats:
        if frame.deltas.shape != self._shape:
            raise InputError(
                f"frame of shape {frame.deltas.shape}: expected {self._shape}, "
                f"the nodes of {self.profile.name}"
            )
        return frame.deltas.astype(np.float64)


class FrameDecoder:
    """Reads stamps from raw frames.

    Args:
        decoder: the identity search.
        profile: the panel that the frames come from.
        diameter_mm: of the stamps' pads.
        noise: scale of the profile's noise.

    Raises:
        InputError: a diameter or a scale that is not positive.
    """

    def __init__(
        self, decoder: Decoder, profile: Profile, *, diameter_mm: float = PAD_DIAMETER_MM, noise: float = 1.0
    ) -> None:
        self.decoder = decoder
        self.fitter = FrameFitter(profile, diameter_mm=diameter_mm, noise=noise)

    def decode(self, frame: Frame) -> Reading:
        """Read one frame; see :meth:`locate` for places, grounding and their errors.

        Raises:
            InputError: a frame of another shape than the panel's.
        """
        fit = self.locate(frame)
        if fit is None:
            return NOTHING
        return self.decoder.decode(fit.points_mm) if fit.misfit < FOREIGN_MISFIT else Reading(Verdict.FOREIGN)

    def report(self, frame: Frame) -> TouchReport:
        """The pads as contacts, for :class:`~sim.decoder.PressDecoder`; none where no stamp fits.

        A pad's id is its number on the stamp that was read, so that it stays the same from frame to frame.
        """
        fit = self.locate(frame)
        if fit is None or not fit.misfit < FOREIGN_MISFIT:
            return TouchReport(frame.t_us, ())
        reading = self.decoder.decode(fit.points_mm)
        order = reading.contacts or range(len(fit.points_mm))
        contacts = (
            Contact(pad, True, round(1000.0 * x), round(1000.0 * y), x, y, self.fitter.diameter_mm)
            for pad, (x, y) in enumerate(fit.points_mm[list(order)].tolist())
        )
        return TouchReport(frame.t_us, tuple(contacts))

    def locate(self, frame: Frame) -> PadFit | None:
        """Pads on the frame, as many as a stamp has at most; None where there is none.

        Raises:
            InputError: a frame of another shape than the panel's.
        """
        return self.fitter.fit(frame, self.decoder.pads_per_stamp)


def pad_response(psf_sd_mm: float, amplitude: float, diameter_mm: float) -> tuple[Floats, Floats]:
    """Counts of a held pad, and their derivative by radius, at multiples of ``TABLE_STEP_MM``.

    A disc blurred by a Gaussian, see :func:`sim.panel.response.response_table`.
    """
    reach_mm = 0.5 * diameter_mm + CUTOFF_SD * psf_sd_mm
    radii = np.arange(0.0, reach_mm + 2 * TABLE_STEP_MM, TABLE_STEP_MM)
    shares = chndtr((diameter_mm / (2.0 * psf_sd_mm)) ** 2, 2.0, (radii / psf_sd_mm) ** 2)
    counts = amplitude * np.nan_to_num(shares)
    slope = np.gradient(counts, TABLE_STEP_MM, edge_order=2)
    slope[0] = 0.0
    return counts, slope
