"""Which distances are accepted, from the wanted false-reject rate and the noise or false acceptance."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from scipy.special import gammainc, gammaincinv
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.decoder.chance import Chance
from stampbench.sim.decoder.constellations import rival_reach_mm

LARGEST_DEFAULT_SIGMA_MM = 0.5
"""Noise assumed at most where none is given, however far apart the codes are: four times the centroid bias
of an isolated 6 mm pad on a 4 mm grid (0.05 to 0.12 mm rms) leaves room for worn and hand-made stamps."""
PARTIAL_CHANCE = 0.001
"""A stamp with a missing pad is read beside other contacts only if foreign ones fit in at most this share of
cases, over all their choices."""
ALONE = 2.0
"""A stamp with a missing pad, alone, is read only if no second code lies within this many acceptance radii:
so a foreign object with as many contacts reads in at most 1.2 % of cases, however many codes there are."""
CONTACTS = (4, 5, 6, 10, 15, 20)
"""Numbers of contacts for which a false acceptance is printed."""
MOST_CONTACTS = 20
"""Contacts up to which a false acceptance is stated and kept."""
_KEPT = 0.9
"""Share of a false acceptance asked for that complete stamps are given; a missing pad gets the rest."""
_STEPS = 64
_ROUNDS = 6
_BALL = 4_000


@functools.lru_cache(maxsize=1024)
def chi_quantile(probability: float, degrees: int) -> float:
    """Return the radius, in sigmas, that a normal error vector of so many degrees of freedom stays within."""
    return math.sqrt(2.0 * float(gammaincinv(degrees / 2.0, probability)))


def degrees_of_freedom(points: int, *, scale_known: bool = True) -> int:
    """Return the dimensions of shape: two per point, less 3 for the pose, less 1 for an unknown scale."""
    return 2 * points - (3 if scale_known else 4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """Radii within which a code is accepted.

    An error of sigma on every axis of n pads moves the shape by sigma * chi(2n - 3). The radius holds all
    but the share ``frr`` of that. Within half the codebook's minimum distance the nearest code is the only
    one; farther out the second-best must be less likely by ``misread``.

    Attributes:
        sigma_mm: error per axis and pad: jitter, centroid bias and pad placement together.
        frr: wanted rate of genuine stamps rejected.
        pads: pads per stamp.
        min_distance_mm: least rigid distance between two codes; inf for a single code.
        misread: wanted rate of genuine stamps read as another code.
        scale_known: False where contacts come in units that are mm only roughly.
        wanted_far: false acceptance asked for instead of a noise; None where a noise was.
        chance: how often foreign contacts fit; None where the codes are not known.
    """

    sigma_mm: float
    frr: float
    pads: int
    min_distance_mm: float
    misread: float = 0.001
    scale_known: bool = True
    wanted_far: float | None = None
    chance: Chance | None = field(default=None, repr=False, compare=False)

    @classmethod
    def design(
        cls,
        *,
        pads: int,
        min_distance_mm: float,
        sigma_mm: float | None = None,
        frr: float = 0.001,
        misread: float = 0.001,
        far: float | None = None,
        scale_known: bool = True,
        told_apart_mm: float | None = None,
        chance: Chance | None = None,
    ) -> Acceptance:
        """Return the acceptance for a codebook; without noise or FAR, for what the minimum distance allows.

        Args:
            pads: pads per stamp.
            min_distance_mm: least rigid distance of two codes.
            sigma_mm: error per axis and pad.
            frr: wanted rate of genuine stamps rejected.
            misread: wanted rate of genuine stamps read as another code.
            scale_known: whether contacts come in mm.
            told_apart_mm: least distance of codes that the default noise is made for; None: the minimum.
            chance: how often foreign contacts fit; None: not known.
            far: false acceptance to keep, for any number of contacts up to 20, instead of ``sigma_mm``; needs
                ``chance`` and a known scale.

        Raises:
            InputError: ``sigma_mm``, ``frr``, ``misread`` or ``far`` out of range, or noise and FAR both
            given.
        """
        for name, rate in (("frr", frr), ("misread", misread), ("far", 0.5 if far is None else far)):
            if not 0.0 < rate < 1.0:
                raise InputError(f"{name} {rate!r}: must lie between 0 and 1")
        quantile = chi_quantile(1.0 - frr, degrees_of_freedom(pads))
        if far is not None:
            if sigma_mm is not None:
                raise InputError(
                    f"far {far!r} and sigma_mm {sigma_mm!r}: one follows from the other; give one"
                )
            if chance is None or not scale_known:
                raise InputError(f"far {far!r}: can be kept only where the codes and the scale are known")
            degrees = degrees_of_freedom(pads)
            radius = (_KEPT * far / chance.complete) ** (1.0 / degrees)
            for _ in range(_ROUNDS):
                radius *= (_KEPT * far / float(chance.within(np.array(radius)))) ** (1.0 / degrees)
            sigma_mm = min(radius / quantile, LARGEST_DEFAULT_SIGMA_MM)
        if sigma_mm is None:
            apart = min_distance_mm if told_apart_mm is None else told_apart_mm
            sigma_mm = min(apart / 2.0 / quantile, LARGEST_DEFAULT_SIGMA_MM)
        if not 0.0 < sigma_mm < math.inf:
            raise InputError(f"sigma_mm {sigma_mm!r}: must be a positive number of millimetres")
        return cls(
            sigma_mm=sigma_mm,
            frr=frr,
            pads=pads,
            min_distance_mm=min_distance_mm,
            misread=misread,
            scale_known=scale_known,
            wanted_far=far,
            chance=chance,
        )

    def outer_radius_mm(self, points: int | None = None) -> float:
        """Return the radius that holds all but the share ``frr`` of errors on so many pads; None: all."""
        degrees = degrees_of_freedom(self.pads if points is None else points, scale_known=self.scale_known)
        return self.sigma_mm * chi_quantile(1.0 - self.frr, degrees)

    @property
    def radius_mm(self) -> float:
        """Distance within which a complete stamp is read, whatever codes are near."""
        return min(self.outer_radius_mm(), self.min_distance_mm / 2.0)

    def rival_reach_mm(self, distance_mm: float) -> float:
        """Return the distance beyond which a second code leaves one at ``distance_mm`` to be read.

        The likelihood is exp(-distance^2 / (2 sigma^2)), and the second's share of both at most ``misread``;
        within half the minimum distance there is no second.
        """
        if distance_mm <= self.min_distance_mm / 2.0:
            return 0.0
        odds = math.log((1.0 - self.misread) / self.misread)
        return math.sqrt(distance_mm**2 + 2.0 * self.sigma_mm**2 * odds)

    def radius_among_mm(self, choices: int) -> float:
        """Return the radius for contacts that offer so many choices: less where a FAR must be kept."""
        if self.wanted_far is None or choices <= 1:
            return self.outer_radius_mm()
        return self.outer_radius_mm() * choices ** (-1.0 / degrees_of_freedom(self.pads))

    def partial_radius_mm(self) -> float:
        """Return the radius for a stamp with a missing pad: less where a FAR must be kept."""
        radius = self.outer_radius_mm(self.pads - 1)
        if self.wanted_far is None:
            return radius
        degrees = degrees_of_freedom(self.pads - 1)
        return min(radius, float(_KEPT * self.wanted_far / self._chance.partial.mean()) ** (1.0 / degrees))

    def partial_chance(self) -> float:
        """Return how many codes fit a foreign object of one pad fewer, on average."""
        return float(self._chance.partial.mean()) * self.partial_radius_mm() ** degrees_of_freedom(
            self.pads - 1
        )

    def most_partial_chance(self) -> float:
        """Return up to which chance, over all choices, a stamp with a missing pad is read beside others."""
        return PARTIAL_CHANCE if self.wanted_far is None else (1.0 - _KEPT) * self.wanted_far

    def chance_within(self, distance_mm: float) -> float:
        """Return how many codes lie so near to a foreign object of as many pads, on average."""
        return float(self._chance.within(np.array(distance_mm)))

    def far(self, contacts: int | None = None) -> float:
        """Return the share of foreign objects of so many contacts that are read; None: as many as pads.

        Up to the pads of a stamp the objects are as a stamp can be: pads anywhere in its face, the spacing
        apart. More contacts lie anywhere on the screen of a phone (:mod:`stampbench.sim.decoder.chance`).
        All ways to be read count: all pads, one missing, either among other contacts.

        Raises:
            InputError: the codes or the scale are not known, or more contacts than are looked at.
        """
        contacts = self.pads if contacts is None else contacts
        if not self.scale_known or contacts > MOST_CONTACTS:
            raise InputError(f"far of {contacts} contacts: needs a known scale and at most {MOST_CONTACTS}")
        if contacts < max(self.pads - 1, 3):
            return 0.0
        if contacts < self.pads:
            degrees = degrees_of_freedom(self.pads - 1)
            fits = self._chance.partial * self.partial_radius_mm() ** degrees
            return float(np.mean(fits * np.exp(-fits * ALONE**degrees)))
        if contacts == self.pads:
            choices, fewer = np.ones(1, np.int64), np.full(1, self.pads, np.int64)
        else:
            choices = self._chance.choices(contacts, self.pads)
            fewer = self._chance.choices(contacts, self.pads - 1)
        complete = float(np.mean([self._complete_chance(int(count)) for count in choices]))
        partial = fewer * (self.partial_chance() if self.pads > 3 else 0.0)
        partial[partial > self.most_partial_chance()] = 0.0
        return min(1.0, complete + float(partial.mean()))

    @property
    def _chance(self) -> Chance:
        if self.chance is None:
            raise InputError("far: needs the codes of a family or catalogue")
        return self.chance

    def _complete_chance(self, choices: int) -> float:
        """Return the chance that one of so many choices is read: a code near, and no rival of it."""
        if not choices:
            return 0.0
        edges = self.radius_among_mm(choices) * np.linspace(0.0, 1.0, _STEPS + 1)
        middles = ((edges[1:] + edges[:-1]) / 2.0).tolist()
        own = np.array([self.rival_reach_mm(radius) for radius in middles])
        others = np.array([rival_reach_mm(radius, self.sigma_mm) for radius in middles])
        others = np.minimum(others, edges[-1])
        rivals = self._chance.within(own) + (choices - 1) * self._chance.within(others)
        return float((choices * np.diff(self._chance.within(edges)) * np.exp(-rivals)).sum())

    def predicted_frr(self, sigma_mm: float | None = None) -> float:
        """Return the share of genuine stamps that are not read, at the design noise or at another.

        Those farther than the radius, and those nearer that have a second code too near. Where the codes are
        not known any beyond half the minimum distance count, though many are read: at most so many.
        """
        sigma = self.sigma_mm if sigma_mm is None else sigma_mm
        degrees = degrees_of_freedom(self.pads, scale_known=self.scale_known)
        if self.chance is None:
            return 1.0 - float(gammainc(degrees / 2.0, (self.radius_mm / sigma) ** 2 / 2.0))
        edges = self.outer_radius_mm() * np.linspace(0.0, 1.0, _STEPS + 1)
        shares = np.diff(gammainc(degrees / 2.0, (edges / sigma) ** 2 / 2.0))
        return 1.0 - float(shares @ self.alone((edges[1:] + edges[:-1]) / 2.0))

    def alone(self, distances_mm: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return how likely a genuine stamp so far off has no second code too near, for each distance.

        Other codes lie evenly about a stamp, from the minimum distance on.
        """
        degrees = degrees_of_freedom(self.pads)
        reach = np.array([self.rival_reach_mm(distance) for distance in distances_mm.tolist()])
        rng = np.random.default_rng(0)
        ball = rng.standard_normal((_BALL, degrees))
        ball *= (rng.random(_BALL) ** (1.0 / degrees) / np.linalg.norm(ball, axis=1))[:, np.newaxis]
        # Squared distances from the code of points all over the ball that rivals are looked for in.
        squares = np.square(np.linalg.norm(ball, axis=1)[:, np.newaxis] * reach)
        squares += distances_mm**2 - 2.0 * reach * distances_mm * ball[:, :1]
        beyond = (squares >= self.min_distance_mm**2).mean(axis=0)
        alone: npt.NDArray[np.float64] = np.exp(-self._chance.within(reach) * beyond)
        return alone
