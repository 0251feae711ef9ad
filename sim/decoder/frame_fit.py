"""Finding the pads on a frame: a start from its peaks, the fit of highest likelihood, and other starts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from stampbench.firmware_emulator.errors import InputError
from stampbench.firmware_emulator.touch import Frame
from stampbench.sim.decoder.frame_model import TABLE_STEP_MM, Bodies, Floats, FrameModel, Stripes
from stampbench.sim.panel.profile import Profile

PAD_DIAMETER_MM: Final = 6.0
MOST_STEPS: Final = 12
SETTLED: Final = 1e-5
"""A step that promises to lower chi-square by a smaller share is the last."""
TRIAL_STEPS: Final = 4
LONGEST_STEP_MM: Final = 2.0
GROUNDING_LOW: Final = (-0.2, 0.3)
GROUNDING_HIGH: Final = (1.1, 3.0)
"""Noise carries k a little beyond 0..1; farther is no object; g likewise."""
GOOD_MISFIT: Final = 3.0
"""Chi-square over its expectation from which a fit may have got stuck; stripes not yet found make up to 2."""
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
MOST_BODIES: Final = 4
"""As many stamps as :meth:`~stampbench.sim.decoder.Decoder.decode_all` looks for among contacts."""
SWEEPS: Final = 12
PAD_SHARE: Final = 0.05
"""A node above this part of a fully covered one is taken as under a pad."""
LEAST_PEAK_SHARE: Final = 0.5
"""A peak below this part of the least that a pad can show is none."""
LEAST_LEFT_SHARE: Final = 0.2
"""The same for what other pads leave over."""


@dataclass(frozen=True, slots=True, eq=False)
class PadFit:
    """Pads on one frame.

    Attributes:
        bodies: the pads and their grounding.
        information: Fisher information of the free parameters, shape (n, n).
        chi_square: weighted sum of squared residuals; expected is ``nodes - n``.
        nodes: nodes of the frame.
        stripes: the display's, in the noise; None without.
    """

    bodies: Bodies
    information: Floats
    chi_square: float
    nodes: int
    stripes: Stripes | None = None

    @property
    def points_mm(self) -> Floats:
        """Where the pads stand, shape (n, 2)."""
        return self.bodies.points_mm

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
        self.model = FrameModel(profile, diameter_mm, noise)
        # The lowest peak: a pad in the middle between four nodes.
        corner = 0.5 * math.hypot(*self.model.pitch_mm) / TABLE_STEP_MM
        self._least_peak = float(np.interp(corner, np.arange(len(self.model.response)), self.model.response))

    def fit(self, frame: Frame, pads: int, last: PadFit | None = None) -> PadFit | None:
        """Find and fit bodies of up to ``pads`` pads; None where there is no pad.

        Args:
            frame: of this panel.
            pads: how many a body has.
            last: the fit of the frame before, which saves the search while the pads stay where they are.

        Raises:
            InputError: a frame of another shape than the panel's, or no pads asked for.
        """
        if pads < 1:
            raise InputError(f"pads = {pads!r}: expected at least 1")
        if frame.deltas.shape != self.model.shape:
            raise InputError(
                f"frame of shape {frame.deltas.shape}: expected {self.model.shape}, "
                f"the nodes of {self.profile.name}"
            )
        deltas = frame.deltas.astype(np.float64)
        # A fit that is none went astray in the first frame: what follows it would stay there.
        if last is not None and last.misfit <= GOOD_MISFIT:
            fit = self.refine(deltas, last.bodies, stripes=last.stripes)
            if len(last.points_mm) % pads == 0 and _follows(fit, last):
                known = last.stripes is not None and fit.misfit < FOLLOWED_MISFIT
                return fit if known else self._past_stripes(deltas, fit)
        peaks, k = self.start(deltas, MOST_BODIES * pads)
        if not len(peaks):
            return None
        one = Bodies(peaks[:pads], np.zeros(min(pads, len(peaks)), np.int64), np.array([[k, 1.0]]))
        fit = self._restarted(deltas, self.refine(deltas, one), pads)
        for number in range(2, MOST_BODIES + 1):
            if fit.misfit <= GOOD_MISFIT or len(peaks) <= (number - 1) * pads:
                break
            several = self._several(deltas, _split(peaks[: number * pads], number, k), pads)
            if several.chi_square < MUCH_BETTER * fit.chi_square:
                fit = several
        return self._past_stripes(deltas, fit)

    def start(self, deltas: Floats, most: int) -> tuple[Floats, float]:
        """Return where up to ``most`` pads seem to stand, shape (n, 2), highest first, and a guess of k."""
        held, added = restore_held(deltas, PAD_SHARE * self.profile.flat.amplitude)
        total = float(held.sum())
        peaks = self._take_pads(held, LEAST_PEAK_SHARE * self._least_peak, most)
        return peaks, min(0.99, max(0.0, added / total)) if total > 0.0 else 0.0

    def refine(
        self,
        deltas: Floats,
        start: Bodies,
        *,
        stripes: Stripes | None = None,
        hopeless: float = math.inf,
    ) -> PadFit:
        """Return the fit of highest likelihood near ``start``, by Levenberg-Marquardt.

        It gives up where chi-square is still above ``hopeless`` after ``TRIAL_STEPS``.
        """
        bodies, n, places = start, len(start.free), start.points_mm.size
        low, high = (np.tile(limit, len(start.grounding)) for limit in (GROUNDING_LOW, GROUNDING_HIGH))
        products = self._products(deltas, start, stripes)
        damping = 1e-4
        for attempt in range(1, MOST_STEPS):
            information, gradient = products[:n, :n], products[:n, n]
            try:
                step = np.linalg.solve(information + damping * np.diag(np.diag(information)), gradient)
            except np.linalg.LinAlgError:
                damping = max(1e-6, 10.0 * damping)
                continue
            gain = float(step @ gradient)
            step[:places] = np.clip(step[:places], -LONGEST_STEP_MM, LONGEST_STEP_MM)
            free = bodies.free + step
            free[places:] = np.clip(free[places:], low, high)
            trial = bodies.moved_to(free)
            tried = self._products(deltas, trial, stripes)
            if tried[n, n] <= products[n, n]:
                bodies, products = trial, tried
                damping *= 0.1
            else:
                damping = max(1e-6, 10.0 * damping)
            if gain < SETTLED * products[n, n] or (attempt == TRIAL_STEPS and products[n, n] > hopeless):
                break
        return PadFit(bodies, products[:n, :n], float(products[n, n]), deltas.size, stripes)

    def _products(self, deltas: Floats, bodies: Bodies, stripes: Stripes | None) -> Floats:
        """Return the information, the gradient and chi-square in one matrix, shape (n + 1, n + 1)."""
        planes = self.model.derivatives(bodies)
        planes[-1] = deltas - planes[-1]
        return self.model.products(planes, stripes)

    def _past_stripes(self, deltas: Floats, fit: PadFit) -> PadFit:
        """Return the fit with the display's stripes in the noise, as strong as it leaves them over."""
        stripes = self.model.find_stripes(deltas, fit.bodies)
        return fit if stripes is None else self.refine(deltas, fit.bodies, stripes=stripes)

    def _restarted(self, deltas: Floats, fit: PadFit, pads: int) -> PadFit:
        """Return the best fit with one pad of one body put elsewhere, or added; the given one at worst."""
        points, (k, g) = fit.points_mm, fit.bodies.grounding[0]
        missing = len(points) < pads
        apart = np.hypot(*(points[:, None] - points).transpose(2, 0, 1)) + 1e9 * np.eye(len(points))
        crowded = np.flatnonzero(apart.min(axis=0) < self.diameter_mm)
        starts: list[tuple[float, Floats]] = []
        for moved in [-1] if missing else crowded if fit.misfit > GOOD_MISFIT else ():
            others = points if missing else np.delete(points, moved, axis=0)
            held = self.model.discs(others).sum(axis=0)
            left = deltas - self.model.floating(held, k, g)
            places = self._take_pads(left, LEAST_LEFT_SHARE * self._least_peak, 1)
            # A released pad hides where others share both its lines; two fitted pads then crowd on one spot.
            if k > RELEASED_K:
                i, j = np.nonzero(~np.eye(len(others), dtype=bool))
                places = np.concatenate([places, np.column_stack([others[i, 0], others[j, 1]])])
            if len(places):
                images = self.model.floating(held + self.model.discs(places), k, g)
                chi_squares = self.model.chi_squares(deltas - images).tolist()
                starts += [(chi, np.vstack([others, p])) for chi, p in zip(chi_squares, places, strict=True)]
        best = fit
        for _, around in sorted(starts, key=lambda start: start[0])[:REFINED_RESTARTS]:
            start = Bodies(around, np.zeros(len(around), np.int64), np.array([[min(k, 0.99), g]]))
            tried = self.refine(deltas, start, hopeless=best.chi_square)
            if tried.chi_square < best.chi_square:
                best = tried
            if best.chi_square < MUCH_BETTER * fit.chi_square:
                break
        return best

    def _several(self, deltas: Floats, start: Bodies, pads: int) -> PadFit:
        """Return the fit of several bodies, each found beside what the others leave over."""
        bodies = self.refine(deltas, start).bodies
        for number in range(len(start.grounding)):
            own = bodies.body == number
            others = Bodies(bodies.points_mm[~own], bodies.body[~own], bodies.grounding)
            left = deltas - self.model.image(others)
            alone = Bodies(bodies.points_mm[own], bodies.body[own] * 0, bodies.grounding[[number]])
            found = self._restarted(left, self.refine(left, alone), pads).bodies
            bodies = Bodies(
                np.vstack([others.points_mm, found.points_mm]),
                np.append(others.body, found.body + number),
                np.vstack([bodies.grounding[:number], found.grounding, bodies.grounding[number + 1 :]]),
            )
        return self.refine(deltas, bodies)

    def _take_pads(self, held: Floats, floor: float, most: int) -> Floats:
        """Return where pads above ``floor`` stand on a held image, shape (n, 2), highest first."""
        left, points = np.pad(held, 1), []
        for _ in range(most):
            # Neighbours count as well, so that a pad between nodes is not less than one on a node.
            across = left[:-2] + left[1:-1] + left[2:]
            score = left[1:-1, 1:-1] + 0.25 * (across[:, :-2] + across[:, 1:-1] + across[:, 2:])
            row, col = np.unravel_index(score.argmax(), score.shape)
            if not left[row + 1, col + 1] > floor:
                break
            near = np.maximum(left[row : row + 3, col : col + 3], 0.0)
            offsets = np.array([near.sum(axis=0), near.sum(axis=1)]) @ (-1.0, 0.0, 1.0) / near.sum()
            points.append((np.array([col, row]) + offsets + 0.5) * self.model.pitch_mm)
            left[1:-1, 1:-1] -= self.model.discs(points[-1][None])[0]
        return np.array(points).reshape(-1, 2)


def restore_held(deltas: Floats, pad_floor: float) -> tuple[Floats, float]:
    """Return the held image of what may be released (rows, cols), and the sum of the counts added.

    A released object shows ``g u - a b'``, and nothing hides a b' where rows and columns of its pads cross
    with no pad: alternating least squares of ``deltas = -a b'`` over nodes whose restored value is below
    ``pad_floor`` give a and b, and so the held image.
    """
    b = np.maximum(0.0, -deltas).sum(axis=0)
    held = deltas
    added = np.zeros_like(deltas)
    for _ in range(SWEEPS):
        if not b.any():
            break
        open_nodes = held < pad_floor
        free = np.where(open_nodes, -deltas, 0.0)
        a = np.maximum(0.0, free @ b / np.maximum(open_nodes @ (b * b), 1e-9))
        b = np.maximum(0.0, a @ free / np.maximum((a * a) @ open_nodes, 1e-9))
        added = np.outer(a, b)
        held = deltas + added
    return held, float(added.sum())


def _follows(fit: PadFit, last: PadFit) -> bool:
    """Return whether these are the pads of the frame before: pads that lift leave fits that go astray."""
    stayed = np.abs(fit.points_mm - last.points_mm).max() < FOLLOWED_STEP_MM
    fits = fit.misfit < max(GOOD_MISFIT, FOLLOWED_MISFIT * last.misfit)
    return bool(stayed and fits and (fit.bodies.grounding[:, 1] > LEAST_PEAK_SHARE).all())


def _split(points_mm: Floats, bodies: int, k: float) -> Bodies:
    """Return pads shared out among so many bodies, each to the nearest middle of those of a body."""
    middles = points_mm[:1]
    for _ in range(bodies - 1):
        away = np.hypot(*(points_mm[:, None] - middles).transpose(2, 0, 1)).min(axis=1)
        middles = np.vstack([middles, points_mm[away.argmax()]])
    for _ in range(SWEEPS):
        body = np.hypot(*(points_mm[:, None] - middles).transpose(2, 0, 1)).argmin(axis=1)
        own = [points_mm[body == number] for number in range(bodies)]
        middles = np.array([o.mean(axis=0) if len(o) else m for o, m in zip(own, middles, strict=True)])
    return Bodies(points_mm, body, np.tile((k, 1.0), (bodies, 1)))
