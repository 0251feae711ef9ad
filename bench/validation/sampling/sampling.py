"""Single sampling plans for inspection by attributes, as ISO 2859-1:1999 has them.

In this edition the rejection number of reduced inspection is one more than its acceptance number, as in the
other two. MIL-STD-105E and ISO 2859-1:1989 leave a gap between them, and so have another table 2-C.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from stampbench.bench.validation.sampling.variables import (
    CONSUMER,
    PRODUCER,
    VariablesPlan,
    variables_plan,
)
from stampbench.firmware_emulator.errors import InputError

AQLS: Final = (
    0.01,
    0.015,
    0.025,
    0.04,
    0.065,
    0.1,
    0.15,
    0.25,
    0.4,
    0.65,
    1.0,
    1.5,
    2.5,
    4.0,
    6.5,
    10.0,
    15.0,
)
"""Acceptance quality limits, percent nonconforming."""
LEVELS: Final = ("I", "II", "III", "S-1", "S-2", "S-3", "S-4")
"""General and special inspection levels."""
ISOLATED_RISK: Final = 0.1
"""That an isolated lot of limiting quality is accepted."""
OWN_NUMBERS: Final = "-"
"""Code letter of a plan that is not from the tables."""
_LETTERS: Final = "ABCDEFGHJKLMNPQRS"
_SIZES: Final = (2, 3, 5, 8, 13, 20, 32, 50, 80, 125, 200, 315, 500, 800, 1250, 2000, 3150)
_REDUCED_SIZES: Final = (2, 2, 2, 3, 5, 8, 13, 20, 32, 50, 80, 125, 200, 315, 500, 800)
_LOT_SIZES: Final = (8, 15, 25, 50, 90, 150, 280, 500, 1200, 3200, 10_000, 35_000, 150_000, 500_000)
"""Largest lot of each row of table 1 but the last."""
_LETTERS_OF_LEVEL: Final = {
    "I": "AABCCDEFGHJKLMN",
    "II": "ABCDEFGHJKLMNPQ",
    "III": "BCDEFGHJKLMNPQR",
    "S-1": "AAAABBBBCCCCDDD",
    "S-2": "AAABBBCCCDDDEEE",
    "S-3": "AABBCCDDEEFFGGH",
    "S-4": "AABCCDEEFGGHJJK",
}


class Severity(StrEnum):
    """How strictly lots are inspected."""

    NORMAL = "normal"
    TIGHTENED = "tightened"
    REDUCED = "reduced"


# Tables 2-A, 2-B and 2-C repeat along diagonals: one letter further and one AQL less have the same number.
# Each stands for a sum of the places of letter and AQL; sums without a number are arrows.
_DIAGONALS: Final = {
    Severity.NORMAL: {14: 0, 17: 1, 18: 2, 19: 3, 20: 5, 21: 7, 22: 10, 23: 14, 24: 21},
    Severity.TIGHTENED: {15: 0, 18: 1, 19: 2, 20: 3, 21: 5, 22: 8, 23: 12, 24: 18},
    Severity.REDUCED: {14: 0, 18: 1, 19: 2, 20: 3, 21: 5, 22: 6, 23: 8, 24: 10},
}
_LAST_LETTER: Final = {Severity.NORMAL: "R", Severity.TIGHTENED: "S", Severity.REDUCED: "R"}


@dataclass(frozen=True, slots=True)
class SamplingPlan:
    """How many to draw from a lot, and how many of them may be bad.

    Attributes:
        lot_size, aql, level, severity: what it was looked up for; the AQL in percent.
        letter: code letter of the sample size that is used, after following arrows.
        sample_size: stamps to draw; the whole lot where the table asks for more than there are.
        accept: with so many nonconforming ones or fewer the lot is accepted.
        variables: by which the lot is judged instead; of the same risks, with a smaller sample.
    """

    lot_size: int
    aql: float
    level: str
    severity: Severity
    letter: str
    sample_size: int
    accept: int
    variables: VariablesPlan | None = None

    @property
    def reject(self) -> int:
        """With so many nonconforming ones or more the lot is rejected."""
        return self.accept + 1

    def acceptance(self, nonconforming: float) -> float:
        """Return the probability to accept a large lot with this nonconforming share, 0..1 (binomial)."""
        from scipy.special import bdtr

        if self.variables is not None:
            return self.variables.acceptance(nonconforming)
        if not 0.0 <= nonconforming <= 1.0:
            raise InputError(f"nonconforming = {nonconforming:g}: expected a share from 0 to 1")
        return float(bdtr(self.accept, self.sample_size, nonconforming))

    def passes_at(self, acceptance: float) -> float:
        """Return the nonconforming share, 0..1, at which a large lot is accepted so probably.

        At 0.1 it is the limiting quality of the plan: worse lots are mostly found out.
        """
        from scipy.special import bdtri

        if not 0.0 < acceptance < 1.0:
            raise InputError(f"acceptance = {acceptance:g}: expected a probability between 0 and 1")
        if self.variables is not None:
            return self.variables.passes_at(acceptance)
        if self.accept >= self.sample_size:
            return 1.0
        return float(bdtri(self.accept, self.sample_size, acceptance))

    def lot_acceptance(self, bad: int) -> float:
        """Return the probability to accept this very lot with so many bad stamps, 0..1 (hypergeometric).

        Raises:
            InputError: fewer than none, or more than the lot has.
        """
        from scipy.special import gammaln

        size, drawn = self.lot_size, self.sample_size
        if not 0 <= bad <= size:
            raise InputError(f"bad = {bad}: expected 0 to {size}, the stamps of the lot")

        def ways(of: int, some: int) -> float:
            return float(gammaln(of + 1) - gammaln(some + 1) - gammaln(of - some + 1))

        fewest, most = max(0, drawn - (size - bad)), min(self.accept, bad, drawn)
        every = ways(size, drawn)
        return min(
            1.0,
            sum(
                math.exp(ways(bad, some) + ways(size - bad, drawn - some) - every)
                for some in range(fewest, most + 1)
            ),
        )

    def limiting_bad(self, acceptance: float) -> int:
        """Return the fewest bad stamps with which this very lot is accepted at most with this probability."""
        low, high = self.accept, self.lot_size
        while high - low > 1:
            middle = (low + high) // 2
            if self.lot_acceptance(middle) <= acceptance:
                high = middle
            else:
                low = middle
        return high

    @property
    def one_aql_tighter(self) -> int | None:
        """Acceptance number of the same sample at the next smaller AQL; None where there is no such plan."""
        if self.letter == OWN_NUMBERS:
            return None
        diagonal = _LETTERS.index(self.letter) + AQLS.index(self.aql) - 1
        return _DIAGONALS[self.severity].get(diagonal)


def by_variables(single: SamplingPlan) -> SamplingPlan:
    """Return the plan by variables that keeps the risks of a single one by attributes.

    Raises:
        InputError: the lot is smaller than its sample.
    """
    plan = variables_plan(single.passes_at(PRODUCER), single.passes_at(CONSUMER))
    if plan.size > single.lot_size:
        raise InputError(
            f"sampling by variables calls for {plan.size} stamps, the lot has {single.lot_size}: expected "
            'method = "attributes"'
        )
    return replace(single, sample_size=plan.size, variables=plan)


def isolated_plan(lot_size: int, limiting_quality: float, accept: int, aql: float) -> SamplingPlan:
    """Return the smallest sample of a lot that stands alone: one of limiting quality passes one time in ten.

    As ISO 2859-2:2020 asks of lots without a history, computed for this size of lot (hypergeometric).

    Args:
        lot_size: stamps in the lot.
        limiting_quality: percent nonconforming.
        accept: bad stamps that may be in the sample.
        aql: for the record, percent.

    Raises:
        InputError: no sample of the lot keeps the risk.
    """
    bad = math.ceil(lot_size * limiting_quality / 100.0 - 1e-9)

    def plan(size: int) -> SamplingPlan:
        return SamplingPlan(lot_size, aql, "II", Severity.NORMAL, OWN_NUMBERS, size, accept)

    if plan(lot_size).lot_acceptance(bad) > ISOLATED_RISK:
        raise InputError(
            f"limiting_quality = {limiting_quality:g}: {bad} of {lot_size} stamps may be bad then, and "
            f"{accept} are accepted: expected a larger limiting quality, or a smaller accept"
        )
    low, high = 0, lot_size
    while high - low > 1:
        middle = (low + high) // 2
        if plan(middle).lot_acceptance(bad) <= ISOLATED_RISK:
            high = middle
        else:
            low = middle
    return plan(high)


def code_letter(lot_size: int, level: str = "II") -> str:
    """Return the code letter of a lot size at a general inspection level (table 1).

    Raises:
        InputError: a lot of fewer than 2, or no such level.
    """
    if level not in LEVELS:
        raise InputError(f"inspection level {level!r}: expected one of {', '.join(LEVELS)}")
    if lot_size < 2:
        raise InputError(f"lot size {lot_size}: expected at least 2 stamps")
    row = sum(lot_size > largest for largest in _LOT_SIZES)
    return _LETTERS_OF_LEVEL[level][row]


def sampling_plan(
    lot_size: int, aql: float, level: str = "II", severity: Severity = Severity.NORMAL
) -> SamplingPlan:
    """Find the single sampling plan of a lot (tables 2-A to 2-C), following arrows to where they point.

    Raises:
        InputError: as :func:`code_letter`, or an AQL that is not in the tables.
    """
    letter = code_letter(lot_size, level)
    if aql not in AQLS:
        raise InputError(f"aql = {aql:g}: expected one of {', '.join(f'{one:g}' for one in AQLS)} (percent)")
    numbers = _DIAGONALS[severity]
    last = _LETTERS.index(_LAST_LETTER[severity])
    place, column = _LETTERS.index(letter), AQLS.index(aql)
    first, end = min(numbers), max(numbers)

    def points_up(diagonal: int) -> bool:
        return diagonal > end or (severity is not Severity.TIGHTENED and diagonal == first + 1)

    step = -1 if points_up(place + column) else 1
    while place + column not in numbers and 0 <= place + step <= last:
        place += step
    while place + column not in numbers:  # an arrow at the rim of the table points the other way
        place -= step
    size = (_REDUCED_SIZES if severity is Severity.REDUCED else _SIZES)[place]
    return SamplingPlan(
        lot_size, aql, level, severity, _LETTERS[place], min(lot_size, size), numbers[place + column]
    )
