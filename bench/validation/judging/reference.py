"""Proving a rig by a stamp whose pads are known: what is wrong with its ruler, its signal and its lines.

A systematic error that is small beside the tolerance is corrected, and what is not known of it goes into the
uncertainty; one that is not makes the rig unproven, and then it condemns nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
from stampbench.bench.validation.measuring.pads import FittedPress, fit_press, motions
from stampbench.bench.validation.measuring.records import MeasuredPress
from stampbench.bench.validation.plans import ValidationPlan

Points: TypeAlias = npt.NDArray[np.float64]

LARGEST_SHARE = 0.2
"""Of the tolerance, that a rig's systematic error may move a pad before it is corrected."""
FEWEST_WHOLE = 4
"""Presses of the reference in which all its pads touch, without which its ruler is not known."""
LOST_SHARE = 0.1
"""Presses of the reference that may be lost, lack a pad or have a contact too many."""
LEVEL_RANGE = 0.8, 1.25
"""Gain of the signal that is corrected; beyond, it is no longer the rig that the levels were agreed for."""
LEVEL_DRIFT = 0.1
"""Share by which the signal may change from the first look to the last."""
SIGNIFICANT = 3.0
"""So many standard errors from zero, an error is told from chance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RigProof:
    """What the reference says of one appraiser's rig.

    Attributes:
        appraiser: whose rig.
        planned, presses, whole: presses of the reference: asked for, recorded, and with all pads and no more.
        distortion: symmetric, shape (2, 2): the rig reads (1 + distortion) times the true places.
        distortion_u: standard uncertainty of its entries.
        freedom: degrees of freedom of that.
        drift: share by which lengths grow from the first look to the last.
        gain: the rig's levels over the reference's own; NaN where it sends no raw frames.
        radius_mm: of the reference, root mean square.
        faults: what is wrong, in words; a rig without any is proven.
    """

    appraiser: str
    planned: int
    presses: int
    whole: int
    distortion: Points
    distortion_u: float
    freedom: int
    drift: float
    gain: float
    radius_mm: float
    faults: tuple[str, ...]

    @property
    def proven(self) -> bool:
        """Return whether the rig may be trusted."""
        return not self.faults

    @property
    def scale(self) -> float:
        """Return the share by which lengths read too large."""
        return float(np.trace(self.distortion)) / 2.0

    @property
    def uncertainty_mm(self) -> float:
        """Return the standard uncertainty that the correction leaves at a pad, half the drift included."""
        return self.radius_mm * math.hypot(self.distortion_u, self.drift / math.sqrt(12.0))

    def corrected(self, places_mm: Points) -> Points:
        """Return places (n, 2) as a right rig would read them."""
        right: Points = places_mm @ np.linalg.inv(np.eye(2) + self.distortion).T
        return right

    def corrected_level(self, level: Points) -> Points:
        """Return levels over those of the reference."""
        return level if math.isnan(self.gain) else level / self.gain


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What a rig saw of the reference; ``fits`` and ``when`` (-0.5 to 0.5) are of the whole presses."""

    plan: ValidationPlan
    nominal_mm: Points
    planned: int
    presses: Sequence[MeasuredPress]
    arrived: Sequence[FittedPress]
    fits: Sequence[FittedPress]
    when: Points
    levels: Points
    distortion: Points
    drift: float
    errors: Points

    @property
    def largest_mm(self) -> float:
        return LARGEST_SHARE * self.plan.tolerances.position_mm

    @property
    def radius_mm(self) -> float:
        return _radius_mm(self.nominal_mm)


def prove_rig(
    plan: ValidationPlan,
    appraiser: str,
    planned: int,
    presses: Sequence[MeasuredPress],
    nominal_mm: Points,
) -> RigProof:
    """Return what the reference says of a rig.

    Args:
        plan: the tolerances, and what the reference is.
        appraiser: whose rig.
        planned: presses of the reference that were asked for.
        presses: those on record.
        nominal_mm: pads of the reference, shape (pads, 2).
    """
    arrived, fits, when, levels = [], [], [], []
    last = max((press.repeat for press in presses), default=1)
    for press in presses:
        if press.outcome == "lost" or not press.contacts_mm:
            continue
        fit = fit_press(np.array(press.contacts_mm, np.float64), nominal_mm)
        arrived.append(fit)
        if fit.missing or fit.extra:
            continue
        fits.append(fit)
        when.append((press.repeat - 1) / max(1, last - 1) - 0.5)
        levels.append(math.nan if press.levels is None else float(np.mean(press.levels)))
    distortion, drift, errors, freedom = _distortion(fits, np.array(when), nominal_mm)
    known = np.array(levels)
    seen = _Seen(
        plan=plan,
        nominal_mm=nominal_mm,
        planned=planned,
        presses=presses,
        arrived=arrived,
        fits=fits,
        when=np.array(when),
        levels=known,
        distortion=distortion,
        drift=drift,
        errors=errors,
    )
    faults = tuple(fault for check in CHECKS for fault in check(seen))
    measured = known[~np.isnan(known)]
    return RigProof(
        appraiser=appraiser,
        planned=planned,
        presses=len(presses),
        whole=len(fits),
        distortion=distortion,
        distortion_u=float(errors[:3].max()),
        freedom=freedom,
        drift=drift,
        gain=float(measured.mean()) / plan.reference.level if measured.size else math.nan,
        radius_mm=seen.radius_mm,
        faults=faults,
    )


def _radius_mm(nominal_mm: Points) -> float:
    centred = nominal_mm - nominal_mm.mean(axis=0)
    return float(np.sqrt((centred**2).sum(axis=1).mean()))


def _distortion(
    fits: Sequence[FittedPress], when: Points, nominal_mm: Points
) -> tuple[Points, float, Points, int]:
    """Return the symmetric distortion, its drift, standard errors of xx, yy, xy and drift, and their freedom.

    Least squares on what the best rigid fit of each press leaves, turned to the panel's axes; of the design,
    too, only what no rigid motion explains.
    """
    if len(fits) < FEWEST_WHOLE:
        return np.zeros((2, 2)), 0.0, np.full(4, math.inf), 0
    centred = (nominal_mm - nominal_mm.mean(axis=0)) @ (1, 1j)
    designs, left = [], []
    drifts = float(np.ptp(when)) > 0.0
    for fit, time in zip(fits, when, strict=True):
        pads = centred * fit.turn
        off = (fit.deviations_mm @ (1, 1j)) * fit.turn
        zero = np.zeros(len(pads))
        design = np.stack(
            [
                np.column_stack([pads.real, zero]).ravel(),
                np.column_stack([zero, pads.imag]).ravel(),
                np.column_stack([pads.imag, pads.real]).ravel(),
                time * np.column_stack([pads.real, pads.imag]).ravel(),
            ],
            axis=1,
        )
        rigid, _ = np.linalg.qr(motions(np.column_stack([pads.real, pads.imag])))
        designs.append(design - rigid @ (rigid.T @ design))
        left.append(np.column_stack([off.real, off.imag]).ravel())
    design, residual = np.concatenate(designs)[:, : 4 if drifts else 3], np.concatenate(left)
    inverse = np.linalg.pinv(design.T @ design)
    found = inverse @ design.T @ residual
    freedom = len(fits) * (2 * len(nominal_mm) - 3) - design.shape[1]
    variance = float(((residual - design @ found) ** 2).sum()) / freedom
    errors = np.zeros(4)
    errors[: len(found)] = np.sqrt(variance * np.diag(inverse))
    distortion = np.array([[found[0], found[2]], [found[2], found[1]]])
    return distortion, float(found[3]) if drifts else 0.0, errors, freedom


def _check_records(seen: _Seen) -> Iterator[str]:
    """Find a rig that was not proven as planned."""
    if not seen.planned:
        yield "not proven: the plan names no [reference] for a rig that is not in software"
    elif len(seen.presses) < seen.planned:
        absent = seen.planned - len(seen.presses)
        yield f"{absent} of {seen.planned} presses of the reference are not on record"


def _check_contact(seen: _Seen) -> Iterator[str]:
    """Find a rig that does not see the reference, or sees more or less of it than there is."""
    n = len(seen.presses)
    lost = sum(press.outcome == "lost" for press in seen.presses)
    if lost > LOST_SHARE * n:
        yield f"lost {lost} of {n} presses of the reference"
    silent = n - lost - len(seen.arrived)
    if silent > LOST_SHARE * n:
        yield f"saw nothing in {silent} of {n} presses of the reference: dead"
    short = sum(bool(fit.missing) for fit in seen.arrived)
    if short > LOST_SHARE * n:
        yield f"misses pads in {short} of {n} presses of the reference: dead lines"
    extra = sum(fit.extra > 0 for fit in seen.arrived)
    if extra > LOST_SHARE * n:
        yield f"has contacts too many in {extra} of {n} presses of the reference"
    if seen.planned and n and not seen.fits and not (lost or silent or short or extra):
        yield "no whole press of the reference"


def _check_mirror(seen: _Seen) -> Iterator[str]:
    """Find a rig one of whose axes runs backwards."""
    mirrored = seen.nominal_mm * (-1.0, 1.0)
    whole = [press for press in seen.presses if len(press.contacts_mm) == len(seen.nominal_mm)]
    straight = [fit_press(np.array(press.contacts_mm), seen.nominal_mm).residual_mm for press in whole]
    turned = [fit_press(np.array(press.contacts_mm), mirrored).residual_mm for press in whole]
    if whole and np.median(turned) < 0.5 * np.median(straight) and np.median(straight) > seen.largest_mm:
        yield "an axis is mirrored"


def _check_stuck(seen: _Seen) -> Iterator[str]:
    """Find a rig that reads every press as the same, which no two presses are."""
    places = {tuple(press.contacts_mm) for press in seen.presses if press.contacts_mm}
    if len(seen.arrived) > 1 and len(places) == 1:
        yield "stuck: every press of the reference reads the same"


def _check_ruler(seen: _Seen) -> Iterator[str]:
    """Find lengths that are wrong by more than is corrected."""
    if len(seen.fits) < FEWEST_WHOLE:
        if seen.fits:
            yield f"only {len(seen.fits)} whole presses of the reference, fewer than {FEWEST_WHOLE}"
        return
    (xx, xy), (_, yy) = seen.distortion
    error = float(seen.errors[:3].max())
    parts = (("scale", (xx + yy) / 2.0, 1.0), ("stretch of x", (xx - yy) / 2.0, 1.0), ("skew", xy, 2.0))
    for name, value, factor in parts:
        if abs(value) * seen.radius_mm > seen.largest_mm and abs(value) > SIGNIFICANT * error:
            yield f"{name} {100.0 * factor * value:+.1f} %"
    if abs(seen.drift) * seen.radius_mm > seen.largest_mm and abs(seen.drift) > SIGNIFICANT * seen.errors[3]:
        yield f"drift: lengths change by {100.0 * seen.drift:+.1f} % from the first look to the last"


def _check_places(seen: _Seen) -> Iterator[str]:
    """Find a rig that is wrong at single pads, or reads so restlessly that its ruler says nothing."""
    if len(seen.fits) < FEWEST_WHOLE:
        return
    off = np.array([fit.deviations_mm for fit in seen.fits])
    scatter = np.sqrt(off.var(axis=0, ddof=1).mean())
    if scatter > seen.plan.tolerances.position_mm:
        yield f"restless: a pad of the reference scatters by {scatter:.2f} mm"
    mean = np.hypot(*off.mean(axis=0).T)
    pad = int(mean.argmax())
    if mean[pad] > max(seen.largest_mm, SIGNIFICANT * scatter / math.sqrt(len(off))) + _explained(seen):
        yield f"pad {pad + 1} of the reference reads {mean[pad]:.2f} mm off"


def _explained(seen: _Seen) -> float:
    """Return by how much the distortion alone may move the mean of a pad."""
    return float(np.abs(np.linalg.eigvalsh(seen.distortion)).max()) * float(
        np.hypot(*(seen.nominal_mm - seen.nominal_mm.mean(axis=0)).T).max()
    )


def _check_level(seen: _Seen) -> Iterator[str]:
    """Find a signal that is wrong by more than is corrected, or that drifts."""
    known = ~np.isnan(seen.levels)
    tolerances = seen.plan.tolerances
    asked = (tolerances.level, tolerances.evenness, tolerances.flatness_mm)
    if not known.any():
        if seen.fits and any(limit is not None for limit in asked):
            yield "no level of the reference was measured, and the plan asks for levels"
        return
    gain = float(seen.levels[known].mean()) / seen.plan.reference.level
    if not LEVEL_RANGE[0] <= gain <= LEVEL_RANGE[1]:
        yield f"level {gain:.2f} of the reference's"
    first, last = seen.levels[known & (seen.when == -0.5)], seen.levels[known & (seen.when == 0.5)]
    if first.size and last.size and abs(last.mean() / first.mean() - 1.0) > LEVEL_DRIFT:
        yield f"drift: levels change by {100.0 * (last.mean() / first.mean() - 1.0):+.0f} %"


CHECKS: Final[tuple[Callable[[_Seen], Iterator[str]], ...]] = (
    _check_records,
    _check_contact,
    _check_mirror,
    _check_stuck,
    _check_ruler,
    _check_places,
    _check_level,
)
"""Every check of a rig, in the order in which its faults are told."""
