"""Accepted, refused or review: the first ground that holds decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from stampbench.sim.decoder import Verdict
from stampbench.sim.service.fraud.checks import Suspicion
from stampbench.sim.service.presses.credentials import SUN, TAG
from stampbench.sim.service.presses.evidence import Outcome, Purpose
from stampbench.sim.service.presses.geometry import Points, scale_of, shape_change_mm
from stampbench.sim.service.presses.lookups import UNKNOWN
from stampbench.sim.service.rules import Rules
from stampbench.sim.service.shops.matching import Match


@dataclass(frozen=True, slots=True)
class PressDecision:
    """What becomes of a press, and why in one word."""

    outcome: Outcome
    reason: str


TOO_MANY_TRIES: Final = "too_many_tries"
"""Nothing was looked at: the same may be asked again later."""
AGE_UNPROVEN: Final = "age_unproven"
"""Of a tap: nobody but the phone knows when it was; the tag's answer to a challenge is of now."""
ACCEPTED = PressDecision(Outcome.ACCEPTED, "ok")


def refused(reason: str) -> PressDecision:
    """Refuse, for this reason."""
    return PressDecision(Outcome.REFUSED, reason)


def review(reason: str) -> PressDecision:
    """Let a person decide, for this reason."""
    return PressDecision(Outcome.REVIEW, reason)


def unmatched(match: Match) -> PressDecision:
    """Return why contacts are no stamp."""
    if match.reading.verdict in (Verdict.AMBIGUOUS, Verdict.PARTIAL):
        return refused(match.reading.verdict.value)
    return refused(UNKNOWN)


def of_state(state: str) -> PressDecision | None:
    """Return what a stamp's state says."""
    return None if state == "active" else refused(f"stamp_{state}")


def of_shape(
    match: Match,
    points: Points,
    again: Points | None,
    rules: Rules,
    *,
    size_known: bool,
    require_liveness: bool,
) -> PressDecision | None:
    """Return what size and life of a pattern say.

    The size is absolute: a copy at another scale fits no better for being similar. Two sets of contacts of
    one press differ a little; equal ones were computed, very different ones are two presses.
    """
    if size_known and match.pads is not None:
        scale = scale_of(points, match.pads, match.reading.contacts)
        if abs(scale - 1.0) > rules.scale_tolerance:
            return refused("wrong_scale")
    if again is None:
        return review("no_liveness") if require_liveness else None
    change = shape_change_mm(points, again)
    if change > rules.moved_mm:
        return refused("not_one_press")
    if change <= rules.still_mm:
        return review("not_live")
    return None


def of_time(pressed_us: int, now_us: int, rules: Rules, *, offline: bool) -> PressDecision | None:
    """Return what the device's clock says."""
    late_s = (now_us - pressed_us) / 1e6
    if late_s < -rules.skew_seconds:
        return refused("from_the_future")
    if late_s > (rules.offline_hours * 3600 if offline else rules.skew_seconds):
        return refused("too_late")
    return None


def of_factor(
    needed: str, proved: Sequence[str], purpose: Purpose, *, redeem_factor: bool, redeem_by_tap: bool
) -> PressDecision | None:
    """Return whether a press has the second factor that it needs: those of value do.

    A tag proves itself by the URL of a tap, which may have been kept for long, or by its answer to a
    challenge.
    """
    if purpose is not Purpose.REDEEM:
        return None
    ways = (SUN, TAG) if needed == SUN else (needed,)
    if needed and not set(ways) & set(proved):
        return refused("factor_missing")
    if redeem_factor and not proved:
        return refused("factor_missing")
    if list(proved) == [SUN] and not redeem_by_tap:
        return refused(AGE_UNPROVEN)
    return None


def of_work(purpose: Purpose, *, is_staff: bool) -> PressDecision | None:
    """Refuse who checks in or out and does not work for the merchant."""
    if purpose in (Purpose.CHECK_IN, Purpose.CHECK_OUT) and not is_staff:
        return refused("not_staff")
    return None


def of_suspicions(found: Sequence[Suspicion]) -> PressDecision | None:
    """Return what the checks say: a refusal before a review."""
    for suspicion in sorted(found, key=lambda s: s.outcome is not Outcome.REFUSED):
        return PressDecision(suspicion.outcome, suspicion.kind.value)
    return None
