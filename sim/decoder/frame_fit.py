"""Reading a raw frame: maximum-likelihood fit of all pads and their grounding, then the identity search."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import chndtr
from stampbench.firmware_emulator.errors import InputError
from stampbench.firmware_emulator.touch import Contact, Frame, TouchReport
from stampbench.sim.decoder.decoder import NOTHING, Decoder
from stampbench.sim.decoder.frame_descent import judge, levenberg
from stampbench.sim.decoder.frame_model import TABLE_STEP_MM, Floats, derive, picture, weights_of
from stampbench.sim.decoder.frame_start import LEAST_PEAK_SHARE, PAD_SHARE, restore_held, take_pads
from stampbench.sim.decoder.frame_stripes import find_stripes
from stampbench.sim.decoder.reading import Reading, Verdict
from stampbench.sim.panel.noise import noise_parts
from stampbench.sim.panel.profile import Profile

PAD_DIAMETER_MM: Final = 6.0
CUTOFF_SD: Final = 4.5
"""Beyond a pad's rim by this many standard deviations its response is below 4e-6 of full coverage."""
MOST_STEPS: Final = 12
GOOD_MISFIT: Final = 3.0
"""Chi-square over its expectation from which a fit may have got stuck; stripes not yet found make up to 2."""
FOREIGN_MISFIT: Final = 25.0
"""What fits worse is no stamp of such pads; the worst stripes recorded make 8."""
RELEASED_K: Final = 0.2
"""From here on ghosts and hidden pads may have led the start astray."""
REFINED_RESTARTS: Final = 6
"""Of the places where a pad could stand instead, the most likely ones are fitted."""
MUCH_BETTER: Final = 0.5
"""A fit with so much less of the chi-square ends the search."""
FOLLOWED_MISFIT: Final = 1.5
"""A fit followed from the last frame may be so much worse than there, before pads are looked for anew."""
FOLLOWED_STEP_MM: Final = 1.0
"""How far a pad may be from where it was in the last frame, along each axis."""


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
    def free(self) -> Floats:
        """The free parameters: x0, y0, x1, ..., k, g."""
        return np.concatenate([self.points_mm.ravel(), [self.k, self.g]])

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
        noise: scale of the profile's noise, as in :class:`stampbench.sim.panel.Condition`.

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
        self._no_stripes = np.zeros(geometry.cols + 2)
        # The lowest peak: a pad in the middle between four nodes.
        corner_mm = 0.5 * math.hypot(*self._pitch)
        self._least_peak = float(
            np.interp(corner_mm, np.arange(len(self._table)) * TABLE_STEP_MM, self._table)
        )

    def fit(self, frame: Frame, pads: int, last: PadFit | None = None) -> PadFit | None:
        """Find and fit ``pads`` pads, or as many as there are if these are fewer; None where there is none.

        Args:
            frame: of this panel.
            pads: how many are looked for.
            last: the fit of the frame before, which saves the search while the pads stay where they are.

        Raises:
            InputError: a frame of another shape than the panel's, or no pads asked for.
        """
        if pads < 1:
            raise InputError(f"pads = {pads!r}: expected at least 1")
        deltas = self._checked(frame)
        if last is not None and len(last.points_mm) == pads:
            fit = self.refine(deltas, last.free)
            if self._follows(fit, last):
                return self.past_stripes(deltas, fit)
        start = self.start(deltas, pads)
        if start is None:
            return None
        fit = self.refine(deltas, start)
        return self.past_stripes(deltas, self._restarted(deltas, fit, pads))

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

    def refine(
        self, deltas: Floats, start: Floats, *, stripes: Floats | None = None, hopeless: float = math.inf
    ) -> PadFit:
        """Maximum-likelihood fit from given free parameters; see :func:`levenberg` for the rest."""
        free = np.array(start, np.float64)
        information = np.empty((len(free), len(free)))
        stripes = self._no_stripes if stripes is None else stripes
        tables = (self._table, self._slope, *self._pitch, self.weights)
        chi_square = levenberg(deltas, *tables, stripes, free, information, MOST_STEPS, hopeless)
        points = free[:-2].reshape(-1, 2)
        return PadFit(points, float(free[-2]), float(free[-1]), information, chi_square, deltas.size)

    def past_stripes(self, deltas: Floats, fit: PadFit) -> PadFit:
        """The fit with the display's stripes in the noise, as strong as it leaves them over."""
        stripes = np.zeros_like(self._no_stripes)
        tables = (self._table, self._slope, *self._pitch, self.weights)
        if find_stripes(deltas, *tables, fit.free, stripes):
            return self.refine(deltas, fit.free, stripes=stripes)
        return fit

    def derivatives(self, free: Floats) -> Floats:
        """Derivatives of the image by the n free parameters, last the image itself: (n + 1, rows, cols)."""
        rows, cols = self._shape
        planes = len(free) + 1
        result = np.empty((planes, rows, cols))
        scratch = np.empty((planes, rows)), np.empty((planes, cols))
        derive(free, self._table, self._slope, *self._pitch, result, *scratch)
        return result

    @staticmethod
    def _follows(fit: PadFit, last: PadFit) -> bool:
        """Whether these are still the pads of the frame before; pads that lift leave fits that go astray."""
        stayed = np.abs(fit.points_mm - last.points_mm).max() < FOLLOWED_STEP_MM
        fits = fit.misfit < max(GOOD_MISFIT, FOLLOWED_MISFIT * last.misfit)
        return bool(stayed and fits and fit.g > LEAST_PEAK_SHARE)

    def _restarted(self, deltas: Floats, fit: PadFit, pads: int) -> PadFit:
        """The best fit with one pad put elsewhere, or added; the given one where none is better."""
        starts = self._moved(deltas, fit, pads)
        chi_squares = np.empty(len(starts))
        judge(deltas, self._table, *self._pitch, self.weights, starts, chi_squares)
        best = fit
        for i in np.argsort(chi_squares, kind="stable")[:REFINED_RESTARTS]:
            tried = self.refine(deltas, starts[i], hopeless=best.chi_square)
            if tried.chi_square < best.chi_square:
                best = tried
            if best.chi_square < MUCH_BETTER * fit.chi_square:
                break
        return best

    def _moved(self, deltas: Floats, fit: PadFit, pads: int) -> Floats:
        """Other places to start from where the fit may have got stuck: leftover counts, and crossings."""
        points = fit.points_mm
        missing = len(points) < pads
        apart = np.hypot(*(points[:, None] - points).transpose(2, 0, 1)) + 1e9 * np.eye(len(points))
        crowded = np.flatnonzero(apart.min(axis=0) < self.diameter_mm)
        starts = [np.empty((0, 2 * (len(points) + missing) + 2))]
        for moved in [-1] if missing else crowded if fit.misfit > GOOD_MISFIT else ():
            others = points if missing else np.delete(points, moved, axis=0)
            places = self._leftover(deltas, np.concatenate([others.ravel(), [fit.k, fit.g]]))
            # A released pad hides where others share both its lines; two fitted pads then crowd on one spot.
            if fit.k > RELEASED_K:
                i, j = np.nonzero(~np.eye(len(others), dtype=bool))
                places = np.concatenate([places, np.column_stack([others[i, 0], others[j, 1]])])
            some = np.empty((len(places), starts[0].shape[1]))
            some[:, :-4] = others.ravel()
            some[:, -4:-2] = places
            some[:, -2:] = min(fit.k, 0.99), fit.g
            starts.append(some)
        return np.concatenate(starts)

    def _leftover(self, deltas: Floats, free: Floats) -> Floats:
        """Where the most counts are left over beside some pads: one place or none, shape (n, 2)."""
        left = np.empty(self._shape)
        picture(free, self._table, *self._pitch, left, *map(np.empty, self._shape))
        np.subtract(deltas, left, out=left)
        place = np.empty((1, 2))
        found = take_pads(left, self._table, *self._pitch, 0.2 * self._least_peak, place)
        return place[:found]

    def _checked(self, frame: Frame) -> Floats:
        if frame.deltas.shape != self._shape:
            raise InputError(
                f"frame of shape {frame.deltas.shape}: expected {self._shape}, "
                f"the nodes of {self.profile.name}"
            )
        return frame.deltas.astype(np.float64)


class FrameDecoder:
    """Reads stamps from raw frames that show one grounded body: one stamp, and no finger beside it.

    Two stamps, each with its own ground, are not taken apart: their pads fit no one body, so that the frame
    reads as foreign or as nothing, never as a code of either by chance beyond the decoder's own. Use the
    controller's contacts where several objects stand on the panel.

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
        self._last: PadFit | None = None

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
        """The pads as contacts, for :class:`~stampbench.sim.decoder.PressDecoder`; none where no stamp fits.

        A pad's id is its number on the stamp that was read, so that it stays the same from frame to frame.
        Frames should come in order: pads are followed from one to the next, quicker than they are found.
        """
        fit = self._last = self.locate(frame, self._last)
        if fit is None or not fit.misfit < FOREIGN_MISFIT:
            return TouchReport(frame.t_us, ())
        reading = self.decoder.decode(fit.points_mm)
        order = reading.contacts or range(len(fit.points_mm))
        contacts = (
            Contact(pad, True, round(1000.0 * x), round(1000.0 * y), x, y, self.fitter.diameter_mm)
            for pad, (x, y) in enumerate(fit.points_mm[list(order)].tolist())
        )
        return TouchReport(frame.t_us, tuple(contacts))

    def locate(self, frame: Frame, last: PadFit | None = None) -> PadFit | None:
        """Pads on the frame, as many as a stamp has at most; None where there is none.

        Args:
            frame: of this panel.
            last: the fit of the frame before, if any; see :meth:`FrameFitter.fit`.

        Raises:
            InputError: a frame of another shape than the panel's.
        """
        return self.fitter.fit(frame, self.decoder.pads_per_stamp, last)


def pad_response(psf_sd_mm: float, amplitude: float, diameter_mm: float) -> tuple[Floats, Floats]:
    """Counts of a held pad, and their derivative by radius, at multiples of ``TABLE_STEP_MM``.

    A disc blurred by a Gaussian, see :func:`stampbench.sim.panel.response.response_table`.
    """
    reach_mm = 0.5 * diameter_mm + CUTOFF_SD * psf_sd_mm
    radii = np.arange(0.0, reach_mm + 2 * TABLE_STEP_MM, TABLE_STEP_MM)
    shares = chndtr((diameter_mm / (2.0 * psf_sd_mm)) ** 2, 2.0, (radii / psf_sd_mm) ** 2)
    counts = amplitude * np.nan_to_num(shares)
    slope = np.gradient(counts, TABLE_STEP_MM, edge_order=2)
    slope[0] = 0.0
    return counts, slope
