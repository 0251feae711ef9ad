"""The uncertainty of a pad's deviation, from its parts (JCGM 100:2008, GUM, clauses 5.1.2 and G.4).

Each part is a standard uncertainty with its degrees of freedom; together they have those of Welch and
Satterthwaite, and the expanded uncertainty is so many standard uncertainties as Student's t asks for.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Part:
    """One part of an uncertainty.

    Attributes:
        name: where it comes from.
        u_mm: standard uncertainty.
        freedom: degrees of freedom; infinite for what is known from elsewhere.
    """

    name: str
    u_mm: float
    freedom: float = math.inf


@dataclass(frozen=True, slots=True)
class Budget:
    """All parts of an uncertainty."""

    parts: tuple[Part, ...]

    @property
    def standard_mm(self) -> float:
        """Return the combined standard uncertainty."""
        return math.sqrt(sum(part.u_mm**2 for part in self.parts))

    @property
    def freedom(self) -> float:
        """Return the effective degrees of freedom (Welch and Satterthwaite), at least 1."""
        spread = sum(part.u_mm**4 / part.freedom for part in self.parts if part.u_mm > 0.0)
        return max(1.0, self.standard_mm**4 / spread) if spread > 0.0 else math.inf

    @property
    def coverage(self) -> float:
        """Return the coverage factor for 95 %."""
        from scipy.special import ndtri, stdtrit

        quantile = 0.5 + CONFIDENCE / 2.0
        return float(ndtri(quantile) if math.isinf(self.freedom) else stdtrit(self.freedom, quantile))

    @property
    def expanded_mm(self) -> float:
        """Return the expanded uncertainty."""
        return math.inf if math.isinf(self.standard_mm) else self.coverage * self.standard_mm


def budget(parts: Iterable[Part]) -> Budget:
    """Return the budget of the parts that are known."""
    return Budget(tuple(part for part in parts if not math.isnan(part.u_mm)))
