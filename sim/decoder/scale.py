"""Presses in units known only roughly, such as CSS px: their size in mm is found together with the codes.

A press of norm |P| (units, about its middle) fits code c best at the scale s_c, with an error e_c left (mm),
and at another scale s with ``e_c^2 + |P|^2 (s - s_c)^2``. So each press says of the scale

    L(s) = sum over codes of exp(-(e_c^2 + |P|^2 (s - s_c)^2) / (2 sigma^2)),

and all presses of one device together, times what was known before, say how large its unit is; a press is
then read by the share that each code has of its own sum, at the scale that the others leave likely.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from stampbench.sim.decoder.acceptance import chi_quantile, degrees_of_freedom
from stampbench.sim.decoder.decoder import COINCIDENT_MM, Decoder
from stampbench.sim.decoder.lookup import limits_of
from stampbench.sim.decoder.matching import are_apart, best_matching, pair_distances
from stampbench.sim.decoder.reading import MOST_CANDIDATES, Reading, Verdict
from stampbench.sim.decoder.unknown_scale import CSS_PX, REACH_SD, ScalePrior
from stampbench.sim.decoder.unknowns import codes_at_some_scale
from stampbench.sim.stamps.index import index_of

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

STEPS_PER_SD: Final = 3.0
"""Steps of the grid of scales within what one press leaves uncertain."""
STRAY: Final = 1e-4
"""Share of genuine presses farther from their code than is looked; what fits no better is a stray press."""
MOST_PRESSES: Final = 64
"""Presses kept; earlier ones have said what they can of the scale."""
LARGEST_UNITS: Final = 1e5
"""Coordinates beyond are rubbish."""


@dataclass(frozen=True, slots=True, eq=False)
class _Press:
    """The codes that a press may be, each with the square error left (mm^2) at its own scale."""

    points: Floats
    norm: float
    codes: Ints
    squares: Floats
    scales: Floats

    def squares_at(self, scales: Floats) -> Floats:
        """Return the square errors (codes, scales) in mm^2."""
        squares: Floats = self.squares[:, None] + (self.norm * (scales[None] - self.scales[:, None])) ** 2
        return squares


class PhoneScale:
    """The size of one device's unit, and the presses on it, read at that size.

    >>> import stampbench as sb
    >>> family = sb.load_family("p5-60k")
    >>> scale = sb.PhoneScale(sb.Decoder(family, sigma_mm=0.2))
    >>> codes = [scale.add(5.8 * (family.pads(code) + 40.0)).code for code in (777, 20406, 5)]
    >>> codes, round(1.0 / scale.mm_per_unit, 1)
    ([777, 20406, 5], 5.8)

    Args:
        decoder: whose codebook and noise; it reads millimetres.
        prior: what is known of the unit.
        misread: share of the likelihood that other codes may hold at most.
    """

    def __init__(self, decoder: Decoder, prior: ScalePrior = CSS_PX, *, misread: float = 1e-3) -> None:
        self._decoder = decoder
        self._codebook = decoder.codebook
        self._index = index_of(decoder.codebook)
        self._sigma_mm = decoder.sigma_mm
        self._misread = misread
        pads = decoder.pads_per_stamp
        self._reach_mm = self._sigma_mm * chi_quantile(1.0 - STRAY, degrees_of_freedom(pads))
        self._stray = -0.5 * (self._reach_mm / self._sigma_mm) ** 2
        self._limits = limits_of(self._codebook)
        # What one press leaves uncertain, by the largest stamp that fits the face.
        step = self._sigma_mm / (math.sqrt(pads) * self._limits.face_radius_mm) / STEPS_PER_SD
        count = max(9, math.ceil(2.0 * REACH_SD * prior.relative_sd / step) | 1)
        logs = np.linspace(-REACH_SD * prior.relative_sd, REACH_SD * prior.relative_sd, count)
        self._scales = prior.mm_per_unit * np.exp(logs)
        self._prior = -0.5 * (logs / prior.relative_sd) ** 2
        self._presses: list[_Press] = []
        self._says: list[Floats] = []
        self._before = self._prior  # with the presses that are kept no more

    @property
    def presses(self) -> int:
        """How many presses are kept."""
        return len(self._presses)

    @property
    def mm_per_unit(self) -> float:
        """The likeliest size of the unit: the mean of what is known."""
        return float(self._weights() @ self._scales)

    @property
    def relative_sd(self) -> float:
        """Standard deviation of the size, relative to it."""
        weights = self._weights()
        mean = weights @ self._scales
        grid = (self._scales[-1] - self._scales[0]) / (len(self._scales) - 1)
        variance = weights @ (self._scales - mean) ** 2 + grid**2 / 12.0
        return float(math.sqrt(variance) / mean)

    @property
    def interval_mm(self) -> tuple[float, float]:
        """The size, with 95 %."""
        mean, wide = self.mm_per_unit, 1.96 * self.relative_sd * self.mm_per_unit
        return mean - wide, mean + wide

    @property
    def posterior(self) -> ScalePrior:
        """What is known now, to keep and begin with another time."""
        return ScalePrior(self.mm_per_unit, min(0.3, max(1e-4, self.relative_sd)))

    def read(self, points: npt.ArrayLike) -> Reading:
        """Read one press, (n, 2) in units, beside all that were added; :meth:`add` keeps it, too."""
        return self._read(points)[1]

    def add(self, points: npt.ArrayLike) -> Reading:
        """Read one press and keep what it says of the scale."""
        press, reading = self._read(points)
        if press is None:
            return reading
        self._presses.append(press)
        self._says.append(self._said(press))
        if len(self._presses) > MOST_PRESSES:
            self._presses.pop(0)
            self._before = self._before + self._says.pop(0)
        return reading

    def readings(self) -> list[Reading]:
        """Return all presses kept, read again as the scale is known now."""
        known = self._known()
        return [
            self._judge(press, known - said) for press, said in zip(self._presses, self._says, strict=True)
        ]

    def _known(self) -> Floats:
        """Return the log-likelihood of each scale."""
        return np.asarray(self._before + sum(self._says), np.float64)

    def _weights(self) -> Floats:
        known = self._known()
        weights: Floats = np.exp(known - _log_sum(known))
        return weights

    def _read(self, points: npt.ArrayLike) -> tuple[_Press | None, Reading]:
        """Read a press at the scales that are likely, and if none serves at all that are possible."""
        given = np.array(points, np.float64, order="C")
        pads = self._decoder.pads_per_stamp
        if given.shape != (pads, 2) or not are_apart(given, COINCIDENT_MM, LARGEST_UNITS):
            return None, Reading(Verdict.NONE)
        known = self._known()
        likely = np.flatnonzero(known > known.max() + self._stray)
        low, high = self._scales[max(0, likely[0] - 1)], self._scales[min(len(known), likely[-1] + 2) - 1]
        press = self._press(given, float(low), float(high))
        reading = self._judge(press, known)
        if reading.verdict is not Verdict.READ and len(likely) < len(known):
            press = self._press(given, float(self._scales[0]), float(self._scales[-1]))
            reading = self._judge(press, known)
        return press, reading

    def _press(self, given: Floats, low: float, high: float) -> _Press:
        """Return a press with the codes that it may be at scales in a range."""
        centred = given - given.mean(axis=0)
        codes, distances = codes_at_some_scale(
            centred, self._codebook, self._index, self._limits, self._reach_mm, low, high
        )
        scales = np.array([self._fit(given, int(code))[4] for code in codes])
        norm = float(np.sqrt((centred**2).sum()))
        return _Press(given, norm, codes, distances**2, scales)

    def _fit(self, points: Floats, code: int, scale: float | None = None) -> tuple[float, ...]:
        """Return x, y, cos, sin and scale at which a code fits best, then the pad of each contact."""
        pads = np.ascontiguousarray(self._codebook.pads(code), np.float64)
        apart, pads_apart = np.empty((len(pads),) * 2), np.empty((len(pads),) * 2)
        pair_distances(points, apart)
        pair_distances(pads, pads_apart)
        matching, motion = np.full(len(pads), -1, np.int64), np.empty(5)
        low, high = (self._scales[0], self._scales[-1]) if scale is None else (scale, scale)
        best_matching(
            points, apart, pads, pads_apart, 3.0 * self._reach_mm, float(low), float(high), matching, motion
        )
        return (*motion.tolist(), *matching.tolist())

    def _said(self, press: _Press) -> Floats:
        """Return what a press says of each scale, as logarithms; a stray press says nothing."""
        stray = np.full(len(self._scales), self._stray)
        if not len(press.codes):
            return stray
        likely = -0.5 * press.squares_at(self._scales) / self._sigma_mm**2
        said: Floats = np.logaddexp(_log_sum(likely, axis=0), stray)
        return said

    def _judge(self, press: _Press, known: Floats) -> Reading:
        """Read a press where ``known`` is what all others say of the scale."""
        if not len(press.codes):
            return Reading(Verdict.FOREIGN)
        weights = known - _log_sum(known)
        joint = weights - 0.5 * press.squares_at(self._scales) / self._sigma_mm**2
        shares = _log_sum(joint, axis=1)
        order = np.argsort(-shares, kind="stable")
        best = int(order[0])
        candidates = tuple(press.codes[order].tolist())
        # Where the scale is known well, that alone may say that this is no press of this device.
        likeliest = float((joint[best] - weights).max(initial=-math.inf, where=weights > weights.max() - 8.0))
        if likeliest < self._stray:
            return Reading(
                Verdict.AMBIGUOUS, candidates=candidates[:MOST_CANDIDATES], candidates_total=len(candidates)
            )
        rest = _log_sum(shares[order[1:]]) if len(order) > 1 else -math.inf
        sure = rest - np.logaddexp(shares[best], rest) < math.log(self._misread)
        if not sure:
            return Reading(
                Verdict.AMBIGUOUS,
                distance_mm=math.sqrt(press.squares[best]),
                candidates=candidates[:MOST_CANDIDATES],
                candidates_total=len(candidates),
            )
        scale = float(self._scales[joint[best].argmax()])
        x, y, cos, sin, _, *matching = self._fit(press.points, candidates[0], scale)
        contacts = [-1] * len(matching)
        for point, pad in enumerate(matching):
            contacts[int(pad)] = point
        return Reading(
            Verdict.READ,
            code=candidates[0],
            distance_mm=math.sqrt(press.squares_at(np.array([scale]))[best, 0]),
            margin_is_bound=True,
            pose=(x, y, math.atan2(sin, cos)),
            candidates=candidates[:1],
            candidates_total=1,
            contacts=tuple(contacts),
            scale=scale,
        )


def _log_sum(logs: Floats, axis: int | None = None) -> Floats:
    """Return the logarithm of the sum of exponentials; SciPy's takes a quarter of a millisecond."""
    top = logs.max(axis=axis)
    total: Floats = top + np.log(
        np.exp(logs - (top if axis is None else np.expand_dims(top, axis))).sum(axis)
    )
    return total
