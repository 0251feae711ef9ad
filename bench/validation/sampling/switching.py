"""How the next lot is inspected, from the lots before it: the switching rules of ISO 2859-1:1999, clause 9.3.

Normal to tightened: two of five or fewer lots in a row not accepted. Tightened to normal: five in a row
accepted. Normal to reduced: a switching score of 30, if production is steady and reduced inspection is
agreed. Reduced to normal: one lot not accepted, or production no longer steady. After five lots not accepted
under tightened inspection it is discontinued (9.4) until the vendor has acted, and then begins tightened.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from stampbench.bench.validation.sampling.sampling import OWN_NUMBERS, SamplingPlan, Severity

ENOUGH_SCORE = 30
"""Switching score at which reduced inspection may begin."""
IN_A_ROW = 5
"""Lots looked back on, and accepted in a row to end tightened inspection."""
NOT_ACCEPTED = 2
"""Of these, not accepted, begin tightened inspection."""
DISCONTINUE = 5
"""Lots not accepted under tightened inspection, since it began."""
_STRICTNESS = {Severity.REDUCED: 0, Severity.NORMAL: 1, Severity.TIGHTENED: 2}


class Inspection(StrEnum):
    """How the next lot is inspected."""

    NORMAL = "normal"
    TIGHTENED = "tightened"
    REDUCED = "reduced"
    DISCONTINUED = "discontinued"


@dataclass(frozen=True, slots=True)
class InspectedLot:
    """One lot that was decided, at its first inspection.

    Attributes:
        name: of the lot.
        plan: by which it was sampled.
        nonconforming: stamps of the sample that were not accepted.
        accepted: the lot as a whole.
        resumed: what the vendor did, where inspection had been discontinued before this lot.
    """

    name: str
    plan: SamplingPlan
    nonconforming: int
    accepted: bool
    resumed: str = ""


@dataclass(frozen=True, slots=True)
class Switching:
    """What the rules say of the next lot.

    Attributes:
        inspection: of it.
        ground: why, in words.
        score: the switching score; counts under normal and reduced inspection.
        lots: earlier lots that were looked at.
        lenient: those that were inspected less strictly than was due; accepted ones count for nothing.
    """

    inspection: Inspection
    ground: str
    score: int = 0
    lots: int = 0
    lenient: tuple[str, ...] = ()


@dataclass(slots=True)
class _Rules:
    """Where the rules stand after some lots."""

    state: Inspection = Inspection.NORMAL
    score: int = 0
    recent: list[tuple[str, bool]] = field(default_factory=list)
    rejected: list[str] = field(default_factory=list)
    lenient: list[str] = field(default_factory=list)
    cause: str = ""

    def turn(self, state: Inspection, cause: str) -> None:
        """Begin another kind of inspection."""
        self.state, self.cause, self.score = state, cause, 0
        self.rejected = []
        if state is not Inspection.NORMAL:
            self.recent = []

    def take(self, lot: InspectedLot) -> None:
        """Count one lot."""
        severity = lot.plan.severity
        if self.state is Inspection.DISCONTINUED:
            if not lot.resumed:
                self.lenient.append(lot.name)
                return
            self.turn(Inspection.TIGHTENED, f"resumed with lot {lot.name}: {lot.resumed}")
        if self.state is Inspection.REDUCED and severity is Severity.NORMAL:
            self.turn(Inspection.NORMAL, f"lot {lot.name} went back to it")
        elif self.state is Inspection.NORMAL and severity is Severity.REDUCED and self.score >= ENOUGH_SCORE:
            score = self.score
            self.turn(Inspection.REDUCED, f"switching score {score} before lot {lot.name}")
            self.score = score
        lenient = _STRICTNESS[severity] < _STRICTNESS[Severity(self.state)]
        if lenient:
            self.lenient.append(lot.name)
        if lot.accepted and (lenient or lot.plan.letter == OWN_NUMBERS):
            return
        self.recent = [*self.recent, (lot.name, lot.accepted)][-IN_A_ROW:]
        if self.state is Inspection.NORMAL:
            self._under_normal(lot)
        elif self.state is Inspection.REDUCED:
            if not lot.accepted:
                self.turn(Inspection.NORMAL, f"lot {lot.name} was not accepted under reduced inspection")
                self.recent = [(lot.name, False)]
        else:
            self._under_tightened(lot)

    def _under_normal(self, lot: InspectedLot) -> None:
        bad = [name for name, accepted in self.recent if not accepted]
        if len(bad) >= NOT_ACCEPTED:
            cause = f"{len(bad)} of {len(self.recent)} lots in a row not accepted ({', '.join(bad)})"
            self.turn(Inspection.TIGHTENED, cause)
            return
        if not lot.accepted:
            self.score = 0
        elif lot.plan.accept <= 1:
            self.score += 2
        else:
            tighter = lot.plan.one_aql_tighter
            self.score = self.score + 3 if tighter is not None and lot.nonconforming <= tighter else 0

    def _under_tightened(self, lot: InspectedLot) -> None:
        if not lot.accepted:
            self.rejected.append(lot.name)
            if len(self.rejected) >= DISCONTINUE:
                lots = f"{DISCONTINUE} lots not accepted under tightened inspection"
                self.turn(Inspection.DISCONTINUED, f"{lots} ({', '.join(self.rejected)})")
        elif len(self.recent) == IN_A_ROW and all(accepted for _, accepted in self.recent):
            self.turn(Inspection.NORMAL, f"{IN_A_ROW} lots in a row accepted under tightened inspection")


def switching(lots: Iterable[InspectedLot], *, reduced: bool = False, resumed: str = "") -> Switching:
    """Apply the rules to lots in their order.

    A lot that was inspected less strictly than was due, or by numbers of one's own, counts if it was not
    accepted, and not if it was.

    Args:
        lots: of one part, vendor, AQL and level; those decided, each once.
        reduced: production is steady, and reduced inspection is agreed.
        resumed: what the vendor did after inspection was discontinued.
    """
    rules, count = _Rules(), 0
    for lot in lots:
        rules.take(lot)
        count += 1
    if rules.state is Inspection.DISCONTINUED and resumed:
        rules.turn(Inspection.TIGHTENED, f"resumed: {resumed}")
    elif rules.state is Inspection.REDUCED and not reduced:
        rules.turn(Inspection.NORMAL, "reduced inspection is no longer agreed")
    elif rules.state is Inspection.NORMAL and reduced and rules.score >= ENOUGH_SCORE:
        score = rules.score
        rules.turn(Inspection.REDUCED, "production is steady, and it is agreed")
        rules.score = score
    return Switching(rules.state, _ground(rules, count), rules.score, count, tuple(rules.lenient))


def _ground(rules: _Rules, count: int) -> str:
    if not count:
        return "no earlier lot"
    said = [rules.cause] if rules.cause else []
    earlier = f"{count} earlier lot{'s' if count > 1 else ''}"
    if rules.state is Inspection.TIGHTENED:
        row = 0
        for _, accepted in reversed(rules.recent):
            if not accepted:
                break
            row += 1
        said.append(f"{row} of {IN_A_ROW} accepted in a row since")
    elif rules.state is Inspection.DISCONTINUED:
        said.append("until the vendor has acted")
    else:
        said.append(f"switching score {rules.score} of {ENOUGH_SCORE}")
    return f"{'; '.join(said)}; {earlier}"
