"""What an action needs, and the decision whether an evidence has it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from stampbench.sim.credentials.guard import Advance, ReplayGuard
from stampbench.sim.credentials.press import (
    Evidence,
    Factor,
    Presented,
    Proof,
    Reason,
    SecondFactor,
    StampBook,
)


class Action(StrEnum):
    """What a member wants of a press."""

    VISIT = "visit"
    COLLECT = "collect"
    REDEEM = "redeem"
    PAY = "pay"


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One way to be entitled to an action.

    Attributes:
        factor: second factor that must be there; None: the touch alone.
        touch: False: the second factor alone, as when a beacon stamps by itself.
        max_age_s: from the proof to its arrival at the server.
        max_gap_s: between touch and proof.
        skew_s: by which the phone's clock may be ahead.
        min_rssi_dbm: weakest signal; None: any.
        fresh: True refuses a beacon that repeats itself after its battery was changed.
        bound: True asks for a proof that answers the server's nonce.
        aged: True asks for a proof whose age the server itself can tell: by its own clock and the proof's
            window, or because it answers its nonce. The URL of a tap has neither.
    """

    factor: Factor | None = None
    touch: bool = True
    max_age_s: float = 30.0
    max_gap_s: float = 5.0
    skew_s: float = 2.0
    min_rssi_dbm: int | None = None
    fresh: bool = False
    bound: bool = False
    aged: bool = False


_NFC = Requirement(factor=Factor.NFC)
_SOUND = Requirement(factor=Factor.SOUND)
_BEACON = Requirement(factor=Factor.BLE, min_rssi_dbm=-75)

DEFAULT_POLICY: Mapping[Action, tuple[Requirement, ...]] = {
    Action.VISIT: (
        Requirement(factor=Factor.BLE, touch=False, min_rssi_dbm=-75),
        Requirement(),
        _NFC,
        _SOUND,
    ),
    Action.COLLECT: (Requirement(), _NFC, _SOUND, _BEACON),
    Action.REDEEM: (
        Requirement(factor=Factor.NFC, aged=True),
        Requirement(factor=Factor.SOUND, aged=True),
        Requirement(factor=Factor.BLE, min_rssi_dbm=-65, fresh=True, aged=True),
    ),
    Action.PAY: (
        Requirement(factor=Factor.NFC, bound=True, aged=True),
        Requirement(factor=Factor.SOUND, bound=True, aged=True),
    ),
}
"""A pattern can be copied: it collects, and no more. A tap can be kept for later: it collects, and what has
value takes the tag's answer to a challenge. A beacon can be relayed: it does not pay."""
TOUCH_EVERY_S = 30.0
"""A touch alone counts once for a member and stamp in each such time of the server's clock."""


@dataclass(frozen=True, slots=True)
class PolicyDecision:
    """The answer; ``stamp`` is its name if it was accepted."""

    reason: Reason
    stamp: str | None = None

    @property
    def accepted(self) -> bool:
        """True if the action may go on."""
        return self.reason is Reason.ACCEPTED


class Desk:
    """Decides about evidence.

    Args:
        factors: that are set up.
        stamps: by pattern and credential.
        guard: remembers what was accepted.
        policy: what each action needs.
    """

    def __init__(
        self,
        factors: Iterable[SecondFactor],
        stamps: StampBook,
        guard: ReplayGuard,
        policy: Mapping[Action, tuple[Requirement, ...]] = DEFAULT_POLICY,
    ) -> None:
        self._factors = {factor.factor: factor for factor in factors}
        self._stamps, self._guard, self._policy = stamps, guard, policy

    def decide(self, action: Action, evidence: Evidence) -> PolicyDecision:
        """Accept or refuse; a proof is claimed of the guard as the last step, when all else is right."""
        presented = evidence.presented
        wanted = None if presented is None else presented.factor
        ways = [way for way in self._policy[action] if way.factor is wanted]
        if not ways:
            return PolicyDecision(Reason.NO_FACTOR)
        # The way without a touch is for evidence without one: a touch that is there must be right.
        way = next((way for way in ways if way.touch is (evidence.touch is not None)), ways[0])
        refused = _touch_refused(way, evidence)
        if refused is not None:
            return PolicyDecision(refused)
        if presented is None:
            return self._by_touch(way, evidence)
        refused = _time_refused(way, evidence, presented)
        if refused is not None:
            return PolicyDecision(refused)
        return self._by_proof(way, evidence, presented)

    def _by_touch(self, way: Requirement, evidence: Evidence) -> PolicyDecision:
        touch = evidence.touch
        if touch is None or touch.code is None:
            return PolicyDecision(Reason.NO_TOUCH)
        refused = _age_refused(way, evidence.received_s - touch.at_s)
        if refused is not None:
            return PolicyDecision(refused)
        found = self._stamps.touched(touch.code)
        if isinstance(found, Reason):
            return PolicyDecision(found)
        once = Advance(f"touch:{found}/{evidence.member}", int(evidence.received_s // TOUCH_EVERY_S))
        return (
            PolicyDecision(Reason.ACCEPTED, found)
            if once.claim(self._guard)
            else PolicyDecision(Reason.REPLAYED)
        )

    def _by_proof(self, way: Requirement, evidence: Evidence, presented: Presented) -> PolicyDecision:
        if presented.factor not in self._factors:
            return PolicyDecision(Reason.FACTOR_UNKNOWN)
        proof = self._factors[presented.factor].check(presented, evidence)
        if not isinstance(proof, Proof):
            return PolicyDecision(proof)
        if way.fresh and proof.repeated:
            return PolicyDecision(Reason.REPEATED)
        if way.aged and not proof.aged:
            return PolicyDecision(Reason.AGE_UNPROVEN)
        if way.bound and not proof.bound:
            return PolicyDecision(Reason.NOT_BOUND)
        stamp = self._stamps.proved(proof.credential, evidence.touch)
        if isinstance(stamp, Reason):
            return PolicyDecision(stamp)
        if not proof.ticket.claim(self._guard):
            return PolicyDecision(Reason.REPLAYED)
        return PolicyDecision(Reason.ACCEPTED, stamp)


def _touch_refused(way: Requirement, evidence: Evidence) -> Reason | None:
    if evidence.touch is None:
        return Reason.NO_TOUCH if way.touch else None
    return Reason.NOT_READ if evidence.touch.code is None else None


def _time_refused(way: Requirement, evidence: Evidence, presented: Presented) -> Reason | None:
    age_s = evidence.received_s - presented.at_s
    gap_s = 0.0 if evidence.touch is None else abs(evidence.touch.at_s - presented.at_s)
    rssi_dbm = 0.0 if presented.rssi_dbm is None else presented.rssi_dbm
    if not (math.isfinite(gap_s) and math.isfinite(rssi_dbm)):
        return Reason.MALFORMED  # a comparison with what is no number lets everything pass
    refused = _age_refused(way, age_s)
    if refused is not None:
        return refused
    if gap_s > way.max_gap_s:
        return Reason.TOO_FAR_APART
    if way.min_rssi_dbm is not None and (presented.rssi_dbm is None or presented.rssi_dbm < way.min_rssi_dbm):
        return Reason.TOO_WEAK
    return None


def _age_refused(way: Requirement, age_s: float) -> Reason | None:
    if not math.isfinite(age_s):
        return Reason.MALFORMED
    if age_s > way.max_age_s:
        return Reason.TOO_OLD
    return Reason.NOT_YET if age_s < -way.skew_s else None
