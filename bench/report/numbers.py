"""Numbers as the reports write them: three digits, a unit, rates in percent."""

from __future__ import annotations

import math
from typing import Final

from stampbench.bench.judging.statistics import Percentile, Rate

NONE: Final = "\N{EN DASH}"
_NARROW_SPACE = "\N{NARROW NO-BREAK SPACE}"
_SURELY_LESS = 0.001


def number(value: float | None, unit: str, *, signed: bool = False) -> str:
    """A value with its unit; a rate in percent."""
    if value is None:
        return NONE
    if unit == "1":
        value, unit = value * 100.0, "%"
    digits = 0 if value == 0.0 else max(0, 2 - math.floor(math.log10(abs(value)) + 1e-9))
    sign = "+" if signed and value > 0.0 else ""
    text = f"{sign}{value:,.{min(digits, 4)}f}{_NARROW_SPACE}{unit}"
    return text.replace("-", "\N{MINUS SIGN}")


def interval(low: float | None, high: float | None, unit: str) -> str:
    """Return both ends with one unit, or the one there is."""
    if low is None or high is None:
        ends = [("at least", low), ("at most", high)]
        said = [f"{word} {number(end, unit)}" for word, end in ends if end is not None]
        return said[0] if said else NONE
    to = NONE if low >= 0.0 else "to"
    return f"{number(low, unit).partition(_NARROW_SPACE)[0]} {to} {number(high, unit)}"


def counted(found: Rate | Percentile) -> str:
    """What an estimate rests on."""
    return f"{found.k:,} of {found.n:,}" if isinstance(found, Rate) else f"n = {found.n:,}"


def probability(p: float | None) -> str:
    """A p-value; tiny ones are not told exactly."""
    if p is None:
        return NONE
    return f"< {_SURELY_LESS:g}" if p < _SURELY_LESS else f"{p:.3f}"
