"""Two runs compared: rates by exact tests, on the same presses where the seeds are the same."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt
from stampbench.bench.judging.measurements import MEASUREMENTS, Measurement
from stampbench.bench.judging.statistics import Percentile, Rate, percentile, rate
from stampbench.firmware_emulator.errors import InputError

if TYPE_CHECKING:
    from stampbench.bench.records.files import Run
    from stampbench.bench.records.presses import PressResult

Floats: TypeAlias = npt.NDArray[np.float64]

UNPAIRED = "Fisher's exact test; Clopper-Pearson intervals combined as squares (Zou and Donner)"
PAIRED = "McNemar's exact test on the same presses; Clopper-Pearson intervals combined as squares"
PERCENTILES = "exact order statistics of each; their intervals combined as squares (Zou and Donner)"


@dataclass(frozen=True, slots=True)
class Difference:
    """The difference of two proportions, second less first.

    Attributes:
        estimate, low, high: with its two-sided interval.
        p_value: two-sided, of no difference.
        confidence: coverage of the interval, 0..1.
        method: test and interval.
    """

    estimate: float
    low: float
    high: float
    p_value: float
    confidence: float
    method: str

    def significant(self, level: float = 0.05) -> bool:
        """Return whether the test rejects that there is none."""
        return self.p_value <= level


@dataclass(frozen=True, slots=True)
class ComparedMeasurement:
    """One measurement in two runs.

    Attributes:
        name, title, unit: of the measurement, in its base unit.
        profile: whose presses these are.
        case: of which case; None: of all that it applies to.
        before, after: what each run measured.
        difference, low, high: after less before, with its interval.
        p_value, p_adjusted: of no difference, and Holm's for all rates of the table; None for percentiles.
        significant: by p_adjusted at 5 %; of a percentile, whether its interval leaves out 0.
        only_before, only_after: presses that count in one run alone; None where presses are not paired.
        method: of test and interval.
    """

    name: str
    title: str
    unit: str
    profile: str
    case: str | None
    before: Rate | Percentile
    after: Rate | Percentile
    difference: float
    low: float
    high: float
    p_value: float | None
    p_adjusted: float | None
    significant: bool
    only_before: int | None
    only_after: int | None
    method: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs, measurement by measurement.

    Attributes:
        paired: True if both runs made the same presses.
        why: what that rests on.
        rows: those measurements that both runs have.
    """

    paired: bool
    why: str
    rows: tuple[ComparedMeasurement, ...]

    @property
    def significant(self) -> tuple[ComparedMeasurement, ...]:
        """The rows in which the runs differ."""
        return tuple(row for row in self.rows if row.significant)

    @property
    def worse(self) -> tuple[ComparedMeasurement, ...]:
        """The rows in which the later run is significantly worse."""
        return tuple(
            row
            for row in self.significant
            if (row.difference < 0.0) == MEASUREMENTS[row.name].more_is_better and row.difference
        )


def compare_counts(k_a: int, n_a: int, k_b: int, n_b: int, confidence: float = 0.95) -> Difference:
    """Return the difference of two independent proportions, k_b of n_b less k_a of n_a.

    The test is Fisher's, with all tables counted that are no likelier than this one. The interval combines
    two Clopper-Pearson intervals as squares (Zou and Donner, Statistics in Medicine 27, 2008, 1693-1702):
    counted over all outcomes, it covers in 94 % or more from two trials up, where Newcombe's, of Wilson's
    intervals, falls to 88 %; in 92 % or more where one rate is near 0 and the other near 1.

    Raises:
        InputError: k outside 0..n, or no trials.
    """
    for name, k, n in (("a", k_a, n_a), ("b", k_b, n_b)):
        if not 0 <= k <= n or n < 1:
            raise InputError(
                f"compare_counts: k_{name} = {k} of n_{name} = {n}: expected 0 <= k <= n, n >= 1"
            )
    a, b = k_a / n_a, k_b / n_b
    of_a, of_b = rate(k_a, n_a, confidence), rate(k_b, n_b, confidence)
    return Difference(
        b - a,
        b - a - math.hypot(b - of_b.low, of_a.high - a),
        b - a + math.hypot(of_b.high - b, a - of_a.low),
        _fisher(k_a, n_a, k_b, n_b),
        confidence,
        UNPAIRED,
    )


def compare_pairs(both: int, only_a: int, only_b: int, neither: int, confidence: float = 0.95) -> Difference:
    """Return the difference of two proportions on the same trials, b less a.

    The test is McNemar's, exact: of the trials in which the two differ, half are due to each. The interval is
    combined as in :func:`compare_counts`, with the correlation of the pairs (Newcombe, Statistics in Medicine
    17, 1998, 2635-2650, method 10).

    Args:
        both: trials that count in a and in b.
        only_a: in a alone.
        only_b: in b alone.
        neither: in none of the two.
        confidence: coverage of the interval.

    Raises:
        InputError: a negative number, or no trials.
    """
    counts = (both, only_a, only_b, neither)
    n = sum(counts)
    if min(counts) < 0 or n < 1:
        raise InputError(f"compare_pairs: counts {counts}: expected four numbers of 0 or more, not all 0")
    k_a, k_b = both + only_a, both + only_b
    a, b = k_a / n, k_b / n
    of_a, of_b = rate(k_a, n, confidence), rate(k_b, n, confidence)
    phi = _phi(both, only_a, only_b, neither)
    down = (b - of_b.low) ** 2 - 2.0 * phi * (b - of_b.low) * (of_a.high - a) + (of_a.high - a) ** 2
    up = (of_b.high - b) ** 2 - 2.0 * phi * (of_b.high - b) * (a - of_a.low) + (a - of_a.low) ** 2
    return Difference(
        b - a,
        b - a - math.sqrt(max(0.0, down)),
        b - a + math.sqrt(max(0.0, up)),
        _mcnemar(only_a, only_b),
        confidence,
        PAIRED,
    )


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Return P values adjusted for their number (Holm, Scandinavian Journal of Statistics 6, 1979, 65-70)."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    adjusted = [0.0] * len(p_values)
    so_far = 0.0
    for place, index in enumerate(order):
        so_far = max(so_far, min(1.0, (len(p_values) - place) * p_values[index]))
        adjusted[index] = so_far
    return tuple(adjusted)


def compare_runs(baseline: Run, run: Run, confidence: float = 0.95) -> Comparison:
    """Compare two runs in every measurement that both have.

    With the same seed, presses of the same case, profile and number are the same presses, and are compared
    pair by pair. Presses lost to the bench in either run do not count.
    """
    before, after = _by_case(baseline), _by_case(run)
    paired = baseline.header.seed == run.header.seed
    why = (
        f"both runs have seed {run.header.seed}: presses are compared one by one"
        if paired
        else f"seeds {baseline.header.seed} and {run.header.seed} differ: the runs are compared as a whole"
    )
    if baseline.header.plan_sha256 != run.header.plan_sha256:
        why += f"; the plans differ: {_plan_of(baseline)} then, {_plan_of(run)} now"
    rows = [
        row
        for profile in dict.fromkeys(profile for profile, _ in after)
        for name in MEASUREMENTS
        for case, cases in _cases(name, profile, before, after)
        if (
            row := _compared(
                name,
                profile,
                case,
                [(before[profile, one], after[profile, one]) for one in cases],
                paired,
                confidence,
            )
        )
    ]
    tested = [row for row in rows if row.p_value is not None]
    adjusted = dict(zip(map(id, tested), holm([row.p_value or 0.0 for row in tested]), strict=True))
    return Comparison(
        paired,
        why,
        tuple(
            replace(row, p_adjusted=adjusted[id(row)], significant=adjusted[id(row)] <= 1.0 - confidence)
            if id(row) in adjusted
            else row
            for row in rows
        ),
    )


def _plan_of(run: Run) -> str:
    header = run.header
    settings = "".join(f" --set {setting}" for setting in header.settings)
    return f"{header.plan_path} ({header.plan_sha256[:8]}){settings}"


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """What the measurements saw in one case on one profile.

    Attributes:
        numbers: of the presses, in order, shape (n,).
        values: by measurement, shape (n,): 1 or 0 where it counts presses; NaN for a press without a value.
    """

    numbers: npt.NDArray[np.int64]
    values: dict[str, npt.NDArray[np.float64]]


_Cases = dict[tuple[str, str], _Seen]
"""By profile and case."""


def _by_case(run: Run) -> _Cases:
    columns: dict[tuple[str, str], tuple[array[int], dict[str, array[float]]]] = {}
    for press in run.presses:
        if not press.outcome.judged:
            continue
        key = press.profile, press.case
        if key not in columns:
            fitting = [name for name, one in MEASUREMENTS.items() if one.applies_to(press.kind)]
            columns[key] = array("q"), {name: array("d") for name in fitting}
        numbers, values = columns[key]
        numbers.append(press.number)
        for name, column in values.items():
            column.append(_value(MEASUREMENTS[name], press))
    return {
        key: _Seen(np.array(numbers), {name: np.array(column) for name, column in values.items()})
        for key, (numbers, values) in columns.items()
    }


def _value(measurement: Measurement, press: PressResult) -> float:
    if measurement.counts is not None:
        return float(measurement.counts(press))
    value = None if measurement.value is None else measurement.value(press)
    return math.nan if value is None else value


def _cases(name: str, profile: str, before: _Cases, after: _Cases) -> list[tuple[str | None, list[str]]]:
    """Return what is compared, and the cases it takes: all together and, where they are several, each."""
    cases = [
        case
        for on_profile, case in after
        if on_profile == profile
        and (profile, case) in before
        and all(name in seen[profile, case].values for seen in (before, after))
    ]
    each: list[tuple[str | None, list[str]]] = [(case, [case]) for case in cases]
    return [(None, cases), *each] if len(cases) > 1 else each


def _compared(
    name: str,
    profile: str,
    case: str | None,
    pairs: Sequence[tuple[_Seen, _Seen]],
    paired: bool,
    confidence: float,
) -> ComparedMeasurement | None:
    """Compare the ``pairs`` of cases that a row takes; None where there is nothing to compare."""
    measurement = MEASUREMENTS[name]
    if paired:
        pairs = [_same_presses(before, after) for before, after in pairs]
    old, new = (np.concatenate([pair[side].values[name] for pair in pairs]) for side in (0, 1))
    old, new = (old, new) if measurement.is_rate else (old[~np.isnan(old)], new[~np.isnan(new)])
    if min(len(old), len(new)) < (1 if measurement.is_rate else 2):
        return None
    only: tuple[int | None, int | None] = None, None
    sides: tuple[Rate | Percentile, Rate | Percentile]
    if measurement.is_rate:
        k_a, k_b = int(old.sum()), int(new.sum())
        if paired:
            both = int((old * new).sum())
            only = k_a - both, k_b - both
            found = compare_pairs(both, k_a - both, k_b - both, len(old) - k_a - k_b + both, confidence)
        else:
            found = compare_counts(k_a, len(old), k_b, len(new), confidence)
        sides = rate(k_a, len(old), confidence), rate(k_b, len(new), confidence)
        p_value, method = found.p_value, found.method
        difference, low, high = found.estimate, found.low, found.high
    else:
        q = measurement.q
        sides = percentile(old, q, confidence=confidence), percentile(new, q, confidence=confidence)
        p_value, method = None, PERCENTILES
        ends = _percentile_difference(*sides)
        if ends is None:
            return None
        difference, low, high = ends
    return ComparedMeasurement(
        name=name,
        title=measurement.title,
        unit=measurement.unit,
        profile=profile,
        case=case,
        before=sides[0],
        after=sides[1],
        difference=difference,
        low=low,
        high=high,
        p_value=p_value,
        p_adjusted=None,
        significant=p_value is None and not low <= 0.0 <= high,
        only_before=only[0],
        only_after=only[1],
        method=method,
    )


def _same_presses(before: _Seen, after: _Seen) -> tuple[_Seen, _Seen]:
    """Return those presses that both have, in the same order."""
    numbers, at_before, at_after = np.intersect1d(before.numbers, after.numbers, return_indices=True)
    return (
        _Seen(numbers, {name: column[at_before] for name, column in before.values.items()}),
        _Seen(numbers, {name: column[at_after] for name, column in after.values.items()}),
    )


def _percentile_difference(a: Percentile, b: Percentile) -> tuple[float, float, float] | None:
    """Return the second percentile less the first, with its interval; None where a sample is too small.

    Each end is as far from the difference as the ends of the two intervals that work that way, taken
    together as squares (Zou and Donner, Statistics in Medicine 27, 2008, 1693-1702).
    """
    if a.estimate is None or b.estimate is None:
        return None
    if a.low is None or a.high is None or b.low is None or b.high is None:
        return None
    difference = b.estimate - a.estimate
    down = math.hypot(b.estimate - b.low, a.high - a.estimate)
    up = math.hypot(b.high - b.estimate, a.estimate - a.low)
    return difference, difference - down, difference + up


def _fisher(k_a: int, n_a: int, k_b: int, n_b: int) -> float:
    k = k_a + k_b
    logs = np.array(
        [_log_choose(n_a, i) + _log_choose(n_b, k - i) for i in range(max(0, k - n_b), min(k, n_a) + 1)]
    )
    weights = np.exp(logs - logs.max())
    # Tables as likely as this one may differ in the last digits.
    counted = weights <= weights[k_a - max(0, k - n_b)] * (1.0 + 1e-9)
    return min(1.0, float(weights[counted].sum() / weights.sum()))


def _mcnemar(only_a: int, only_b: int) -> float:
    from scipy.special import bdtr

    n = only_a + only_b
    return 1.0 if n == 0 else min(1.0, 2.0 * float(bdtr(min(only_a, only_b), n, 0.5)))


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def _phi(both: int, only_a: int, only_b: int, neither: int) -> float:
    """Return correlation of the pairs, with Newcombe's correction where it is positive."""
    size = (both + only_a) * (only_b + neither) * (both + only_b) * (only_a + neither)
    if size == 0:
        return 0.0
    over: float = both * neither - only_a * only_b
    if over > 0:
        over = max(over - (both + only_a + only_b + neither) / 2.0, 0.0)
    return over / math.sqrt(size)
