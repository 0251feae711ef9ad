"""Gauge repeatability and reproducibility: how much of what is seen comes from measuring (crossed ANOVA).

Parts are stamps, appraisers are rigs or operators. After AIAG, Measurement Systems Analysis, 4th edition,
2010, chapter III, section B.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt
from stampbench.firmware_emulator.errors import InputError

POOLING_P = 0.25
"""An interaction less significant than this is taken for repeatability."""
GOOD, BAD = 0.10, 0.30
"""Shares up to which a measurement system is good, and above which it is not acceptable."""
FEWEST_CATEGORIES = 5
ENDS = 0.95
"""Confidence of each end of the interval."""
LOWER_QUANTILE = 0.98
"""Of each mean square, for the lower end: at 0.95 it covers in 91 % where appraisers differ little."""


class Grade(StrEnum):
    """What AIAG says of a measurement system."""

    GOOD = "good"
    MARGINAL = "marginal"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class AnovaRow:
    """One line of the table of variances; F and p are None where nothing is tested."""

    source: str
    freedom: int
    sum_of_squares: float
    mean_square: float
    f: float | None
    p: float | None


@dataclass(frozen=True, slots=True)
class Term:
    """A mean square and what it counts for in the variance of the gauge."""

    coefficient: float
    mean_square: float
    freedom: int

    @property
    def size(self) -> float:
        """Return its share of the variance."""
        return self.coefficient * self.mean_square


@dataclass(frozen=True, slots=True, kw_only=True)
class GaugeStudy:
    """Standard deviations by where they come from, in the unit of the values.

    Attributes:
        parts, appraisers, repeats: size of the study.
        repeatability: of one appraiser on one part (equipment variation, EV).
        reproducibility: between appraisers (appraiser variation, AV).
        interaction: of appraisers with parts; 0 where it was pooled.
        grr: all three together.
        part: between parts (PV).
        total: all together (TV).
        tolerance: width of the tolerance; None: not given.
        anova: the table.
        terms: of the variance of the gauge, for its interval.
        biases: mean of each appraiser less the mean of all, shape (appraisers,).
        repeatabilities: standard deviation within each appraiser, shape (appraisers,).
    """

    parts: int
    appraisers: int
    repeats: int
    repeatability: float
    reproducibility: float
    interaction: float
    grr: float
    part: float
    total: float
    tolerance: float | None
    anova: tuple[AnovaRow, ...]
    terms: tuple[Term, ...]
    biases: tuple[float, ...]
    repeatabilities: tuple[float, ...]

    @property
    def of_total(self) -> float:
        """%GRR: share of the total variation, 0..1."""
        return self.grr / self.total if self.total > 0.0 else 0.0

    @property
    def of_tolerance(self) -> float | None:
        """Precision to tolerance: six standard deviations over its width; None without a tolerance."""
        return None if self.tolerance is None else 6.0 * self.grr / self.tolerance

    @property
    def grr_interval(self) -> tuple[float, float]:
        """Return the standard deviations between which ``grr`` lies, each end at 95 %.

        All terms of the variance count positively, so that Graybill and Wang's modified large sample interval
        holds (Journal of the American Statistical Association 75, 1980, 869-873). Simulated with 2 to 20
        parts, 2 to 5 appraisers and 2 or 3 repeats, either end covers in 94 % or more.
        """
        from scipy.special import chdtri

        middle = sum(term.size for term in self.terms)
        up = down = 0.0
        for term in self.terms:
            # chdtri(v, p) is the value that a chi-square variable exceeds with probability p.
            up += ((term.freedom / float(chdtri(term.freedom, ENDS)) - 1.0) * term.size) ** 2
            down += (
                (1.0 - term.freedom / float(chdtri(term.freedom, 1.0 - LOWER_QUANTILE))) * term.size
            ) ** 2
        return math.sqrt(max(0.0, middle - math.sqrt(down))), math.sqrt(middle + math.sqrt(up))

    @property
    def of_tolerance_interval(self) -> tuple[float, float] | None:
        """Return the interval of precision to tolerance, each end at 95 %; None without a tolerance."""
        if self.tolerance is None:
            return None
        low, high = self.grr_interval
        return 6.0 * low / self.tolerance, 6.0 * high / self.tolerance

    @property
    def categories(self) -> int:
        """Number of distinct categories (ndc) that the parts can be sorted into."""
        return int(math.sqrt(2.0) * self.part / self.grr) if self.grr > 0.0 else 10**6

    @property
    def grade(self) -> Grade:
        """By the share of the tolerance where there is one: alike parts are no fault of the gauge."""
        share = self.of_total if self.of_tolerance is None else self.of_tolerance
        return Grade.GOOD if share <= GOOD else Grade.MARGINAL if share <= BAD else Grade.BAD


def gauge_study(values: npt.ArrayLike, tolerance: float | None = None) -> GaugeStudy:
    """Analyse a crossed study.

    Args:
        values: shape (parts, appraisers, repeats), each at least 2; one appraiser is allowed, and then
            nothing is known of reproducibility.
        tolerance: width, in the unit of the values.

    Raises:
        InputError: another shape, a value that is not finite, or a tolerance that is not above 0.
    """
    from scipy.special import fdtrc

    x = np.asarray(values, np.float64)
    if x.ndim != 3 or x.shape[0] < 2 or x.shape[1] < 1 or x.shape[2] < 2:
        raise InputError(
            f"gauge study: values have shape {x.shape}: expected (parts, appraisers, repeats), "
            "at least 2 parts and 2 repeats"
        )
    if not np.isfinite(x).all():
        raise InputError(
            "gauge study: a value is not finite: expected every part measured by every appraiser"
        )
    if tolerance is not None and not tolerance > 0.0:
        raise InputError(f"gauge study: tolerance = {tolerance:g}: expected a width above 0")
    p, a, r = x.shape
    mean = x.mean()
    of_part, of_appraiser, of_cell = x.mean(axis=(1, 2)), x.mean(axis=(0, 2)), x.mean(axis=2)
    ss_part = a * r * float(((of_part - mean) ** 2).sum())
    ss_appraiser = p * r * float(((of_appraiser - mean) ** 2).sum())
    ss_cell = r * float(((of_cell - of_part[:, None] - of_appraiser[None] + mean) ** 2).sum())
    ss_error = float(((x - of_cell[:, :, None]) ** 2).sum())
    df_part, df_appraiser, df_cell, df_error = p - 1, a - 1, (p - 1) * (a - 1), p * a * (r - 1)
    ms_error = ss_error / df_error
    rows: list[AnovaRow] = []

    def row(source: str, freedom: int, squares: float, against: float | None, against_df: int) -> float:
        mean_square = squares / freedom if freedom else 0.0
        f = mean_square / against if against and freedom else None
        tail = None if f is None else float(fdtrc(freedom, against_df, f))
        rows.append(AnovaRow(source, freedom, squares, mean_square, f, tail))
        return mean_square

    ms_cell = ss_cell / df_cell if df_cell else 0.0
    p_cell = float(fdtrc(df_cell, df_error, ms_cell / ms_error)) if df_cell and ms_error > 0.0 else 1.0
    pooled = p_cell > POOLING_P
    if pooled:
        df_pool = df_error + df_cell
        against, against_df = (ss_error + ss_cell) / df_pool, df_pool
        error, interaction = against, 0.0
    else:
        against, against_df = ms_cell, df_cell
        error, interaction = ms_error, max(0.0, (ms_cell - ms_error) / r)
    ms_appraiser = row("appraiser", df_appraiser, ss_appraiser, against, against_df)
    ms_part = row("part", df_part, ss_part, against, against_df)
    row("appraiser x part", df_cell, ss_cell, ms_error, df_error)
    row("repeatability", df_error, ss_error, None, 0)
    reproducibility = max(0.0, (ms_appraiser - against) / (p * r)) if df_appraiser else 0.0
    part = max(0.0, (ms_part - against) / (a * r))
    grr = error + reproducibility + interaction
    terms = [Term(1.0 - 1.0 / r if df_cell else 1.0, ms_error, df_error)]
    if df_cell:
        terms += [
            Term(1.0 / (p * r), ms_appraiser, df_appraiser),
            Term((1.0 - 1.0 / p) / r, ms_cell, df_cell),
        ]
    return GaugeStudy(
        parts=p,
        appraisers=a,
        repeats=r,
        repeatability=math.sqrt(error),
        reproducibility=math.sqrt(reproducibility),
        interaction=math.sqrt(interaction),
        grr=math.sqrt(grr),
        part=math.sqrt(part),
        total=math.sqrt(grr + part),
        tolerance=tolerance,
        anova=tuple(rows),
        terms=tuple(terms),
        biases=tuple(map(float, of_appraiser - mean)),
        repeatabilities=tuple(map(float, np.sqrt(x.var(axis=2, ddof=1).mean(axis=0)))),
    )
