"""The gauge study of a lot: all dimensions of its stamps together, and which appraiser is odd."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from stampbench.bench.validation.judging.budget import Part
from stampbench.bench.validation.judging.gauge import GaugeStudy, Grade, Term, gauge_study
from stampbench.bench.validation.measuring.lots import Unit
from stampbench.bench.validation.measuring.pads import FittedPress
from stampbench.bench.validation.plans import ValidationPlan

Points: TypeAlias = npt.NDArray[np.float64]

RESTLESS = 3.0
"""So many times the scatter of the steadiest appraiser is odd."""
APART = 3.0
"""So many times as far from the others as these from each other is odd."""

BETWEEN = "reproducibility"
"""Name of the part of the uncertainty that lies between appraisers."""

Key = tuple[str, str, int]
"""Serial number, appraiser, repeat."""


@dataclass(frozen=True, slots=True)
class GaugeResult:
    """How well the lot was measured.

    Attributes:
        study: all dimensions together; None where there was nothing to study.
        worst: the dimension with the largest share of the tolerance, such as "pad 2 x", and that share.
        suspects: appraisers that differ from the others, each with what is odd about it.
    """

    study: GaugeStudy | None
    worst: tuple[str, float] | None
    suspects: tuple[str, ...]

    def proven(self, plan: ValidationPlan) -> bool:
        """Return whether it takes no more of the tolerance than the plan allows, with its whole interval.

        The interval is that of all dimensions together; the worst of them must keep the limit, too.
        """
        if self.study is None or self.worst is None:
            return False
        _, high = self.study.of_tolerance_interval or (0.0, math.inf)
        return 0.0 < high <= plan.tolerances.gauge and self.worst[1] <= plan.tolerances.gauge

    def reasons(self, plan: ValidationPlan) -> tuple[str, ...]:
        """Return what is wrong with a gauge that is not proven, in words."""
        if self.proven(plan):
            return ()
        if self.study is None or self.worst is None:
            return ("the gauge study is missing: too few stamps were measured by everybody", *self.suspects)
        low, high = (100.0 * end for end in self.study.of_tolerance_interval or (0.0, math.inf))
        allowed = 100.0 * plan.tolerances.gauge
        share = 100.0 * (self.study.of_tolerance or 0.0)
        text = f"the gauge takes {share:.1f} % of the tolerance ({low:.1f} to {high:.1f} %)"
        if high == 0.0:
            text += ": it does not scatter at all, which no gauge does"
        elif high > allowed:
            text += f": at most {allowed:g} % is not proven"
        if self.worst[1] > plan.tolerances.gauge:
            text += f"; {self.worst[0]} alone takes {100.0 * self.worst[1]:.1f} %, at most {allowed:g} % fit"
        return (text, *self.suspects)


def mean_deviations(fits: Sequence[FittedPress]) -> Points | None:
    """Return the mean over the presses in which all pads touched; None without any."""
    whole = [fit.deviations_mm for fit in fits if not fit.missing]
    mean: Points | None = np.mean(whole, axis=0) if whole else None
    return mean


def lot_gauge(
    plan: ValidationPlan, units: Sequence[Unit], fitted: Mapping[Key, Sequence[FittedPress]]
) -> tuple[GaugeResult, Part]:
    """Return the gauge study, and the standard uncertainty between appraisers.

    With one appraiser nothing is known between them: the part is not studied, and NaN.
    """
    names = [appraiser.name for appraiser in plan.appraisers]
    repeats = range(1, plan.measurement.repeats + 1)
    parts = []
    for unit in units:
        cells = [
            [mean_deviations(fitted.get((unit.serial, name, repeat), ())) for repeat in repeats]
            for name in names
        ]
        known = [one for row in cells for one in row if one is not None]
        if len(known) == len(names) * len(repeats):
            parts.append(np.array(known).reshape(len(names), len(repeats), -1, 2))
    if len(parts) < 2 or len({part.shape for part in parts}) > 1:
        return GaugeResult(None, None, ()), Part(BETWEEN, math.nan)
    values = np.array(parts)  # parts, appraisers, repeats, pads, axes
    tolerance = 2.0 * plan.tolerances.position_mm
    studies = {
        f"pad {pad + 1} {'xy'[axis]}": gauge_study(values[..., pad, axis], tolerance)
        for pad in range(values.shape[3])
        for axis in range(2)
    }
    together = _together(list(studies.values()), tolerance)
    name, worst = max(studies.items(), key=lambda item: item[1].grr)
    suspects = _suspects(names, values) if together.grade is Grade.BAD or len(names) > 1 else ()
    between = Part(BETWEEN, math.nan)
    if len(names) > 1:
        sd = math.hypot(together.reproducibility, together.interaction)
        between = Part(BETWEEN, sd, (len(names) - 1) * max(1, len(studies) - 3))
    return GaugeResult(together, (name, worst.of_tolerance or 0.0), suspects), between


def _together(studies: Sequence[GaugeStudy], tolerance: float) -> GaugeStudy:
    """Return one study for all dimensions: root mean square of each component."""

    def rms(name: str) -> float:
        return math.sqrt(sum(getattr(study, name) ** 2 for study in studies) / len(studies))

    first = studies[0]
    return GaugeStudy(
        parts=first.parts,
        appraisers=first.appraisers,
        repeats=first.repeats,
        repeatability=rms("repeatability"),
        reproducibility=rms("reproducibility"),
        interaction=rms("interaction"),
        grr=rms("grr"),
        part=rms("part"),
        total=rms("total"),
        tolerance=tolerance,
        anova=(),
        terms=tuple(
            # A best fit takes three of the dimensions' freedom.
            Term(
                terms[0].coefficient,
                sum(term.mean_square for term in terms) / len(terms),
                terms[0].freedom * max(1, len(studies) - 3),
            )
            for terms in zip(*(study.terms for study in studies), strict=True)
        ),
        biases=tuple(
            math.sqrt(sum(study.biases[k] ** 2 for study in studies) / len(studies))
            for k in range(first.appraisers)
        ),
        repeatabilities=tuple(
            math.sqrt(sum(study.repeatabilities[k] ** 2 for study in studies) / len(studies))
            for k in range(first.appraisers)
        ),
    )


def _suspects(names: Sequence[str], values: Points) -> tuple[str, ...]:
    """Return appraisers that scatter far more than the steadiest one, or lie apart from all others."""
    found = []
    within = np.sqrt(values.var(axis=2, ddof=1).mean(axis=(0, 2, 3)))
    means = values.mean(axis=(0, 2))  # appraisers, pads, axes
    error = within / math.sqrt(values.shape[0] * values.shape[2])
    for place, name in enumerate(names):
        others = [other for other in range(len(names)) if other != place]
        if not others:
            continue
        steadiest = float(within[others].min())
        if within[place] > RESTLESS * steadiest > 0.0:
            found.append(f"{name} scatters {within[place] / steadiest:.1f} times as much as the steadiest")
        if len(others) > 1:
            off = float(np.sqrt(((means[place] - np.median(means[others], axis=0)) ** 2).mean()))
            among = max(
                float(np.sqrt(((means[other] - np.median(means[others], axis=0)) ** 2).mean()))
                for other in others
            )
            if off > 4.0 * float(error.max()) and off > APART * among:
                found.append(f"{name} lies {off:.3f} mm (rms) apart from the others")
    return tuple(found)
