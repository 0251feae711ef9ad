"""What each ground makes of a press, on both sides of every limit of the rules."""

from __future__ import annotations

import numpy as np
import pytest
from stampbench.sim.decoder import Reading, Verdict
from stampbench.sim.service.clock import HOUR_US, SECOND_US
from stampbench.sim.service.fraud.checks import Kind, Suspicion
from stampbench.sim.service.presses import decision
from stampbench.sim.service.presses.evidence import Outcome, Purpose
from stampbench.sim.service.rules import Rules
from stampbench.sim.service.shops.matching import Match

RULES = Rules()
PADS = np.array([[18.0, 4.0], [2.0, -3.0], [3.0, 18.0], [-18.0, -1.0], [-5.0, -18.0]])
MATCH = Match(1, Reading(Verdict.READ, code=0, contacts=(0, 1, 2, 3, 4)), PADS)


def said(found: decision.PressDecision | None) -> str:
    """Return outcome and reason; nothing where the ground has nothing against the press."""
    return "" if found is None else f"{found.outcome} {found.reason}"


@pytest.mark.parametrize(
    ("verdict", "reason"),
    [
        (Verdict.AMBIGUOUS, "refused ambiguous"),
        (Verdict.PARTIAL, "refused partial"),
        (Verdict.FOREIGN, "refused not_recognised"),
        (Verdict.NONE, "refused not_recognised"),
    ],
)
def test_contacts_that_are_no_stamp_are_refused_for_what_they_are(verdict: Verdict, reason: str) -> None:
    assert said(decision.unmatched(Match(None, Reading(verdict)))) == reason


@pytest.mark.parametrize(
    ("state", "reason"),
    [("active", ""), ("suspended", "refused stamp_suspended"), ("revoked", "refused stamp_revoked")],
)
def test_only_an_active_stamp_counts(state: str, reason: str) -> None:
    assert said(decision.of_state(state)) == reason


@pytest.mark.parametrize(
    ("scale", "size_known", "reason"),
    [
        (1.0249, True, ""),
        (1.0251, True, "refused wrong_scale"),
        (0.9751, True, ""),
        (0.9749, True, "refused wrong_scale"),
        (0.95, True, "refused wrong_scale"),
        (1.2, False, ""),
    ],
)
def test_a_known_size_may_be_off_by_2_5_percent(scale: float, size_known: bool, reason: str) -> None:
    ground = decision.of_shape(
        MATCH, PADS * scale, None, RULES, size_known=size_known, require_liveness=False
    )
    assert said(ground) == reason


@pytest.mark.parametrize(
    ("change_mm", "reason"),
    [
        (0.0, "review not_live"),
        (0.9e-6, "review not_live"),
        (1.1e-6, ""),
        (1.49, ""),
        (1.51, "refused not_one_press"),
    ],
)
def test_two_sets_of_one_press_differ_a_little_and_no_more(change_mm: float, reason: str) -> None:
    again = np.array([[0.0, 0.0], [10.0 + change_mm, 0.0]])
    points = np.array([[0.0, 0.0], [10.0, 0.0]])
    ground = decision.of_shape(MATCH, points, again, RULES, size_known=False, require_liveness=False)
    assert said(ground) == reason


@pytest.mark.parametrize(("asked", "reason"), [(True, "review no_liveness"), (False, "")])
def test_one_set_alone_is_enough_unless_life_is_asked_for(asked: bool, reason: str) -> None:
    ground = decision.of_shape(MATCH, PADS, None, RULES, size_known=True, require_liveness=asked)
    assert said(ground) == reason


@pytest.mark.parametrize(
    ("late_us", "offline", "reason"),
    [
        (-120 * SECOND_US, False, ""),
        (-121 * SECOND_US, False, "refused from_the_future"),
        (120 * SECOND_US, False, ""),
        (121 * SECOND_US, False, "refused too_late"),
        (-121 * SECOND_US, True, "refused from_the_future"),
        (72 * HOUR_US, True, ""),
        (72 * HOUR_US + SECOND_US, True, "refused too_late"),
    ],
)
def test_a_clock_may_be_off_by_120_s_and_an_offline_press_be_72_h_late(
    late_us: int, offline: bool, reason: str
) -> None:
    assert said(decision.of_time(10**15 - late_us, 10**15, RULES, offline=offline)) == reason


@pytest.mark.parametrize(
    ("needed", "given", "purpose", "redeem_factor", "reason"),
    [
        ("", "", Purpose.REDEEM, False, ""),
        ("tag", "tag", Purpose.REDEEM, False, ""),
        ("tag", "", Purpose.REDEEM, False, "refused factor_missing"),
        ("tag", "beacon", Purpose.REDEEM, False, "refused factor_missing"),
        ("", "", Purpose.REDEEM, True, "refused factor_missing"),
        ("", "tag", Purpose.REDEEM, True, ""),
        ("tag", "", Purpose.STAMP, True, ""),
        ("tag", "", Purpose.CHECK_IN, True, ""),
    ],
)
def test_a_press_of_value_has_the_factor_that_the_stamp_or_the_program_asks_for(
    needed: str, given: str, purpose: Purpose, redeem_factor: bool, reason: str
) -> None:
    proved = [given] if given else []
    found = decision.of_factor(needed, proved, purpose, redeem_factor=redeem_factor, redeem_by_tap=False)
    assert said(found) == reason


@pytest.mark.parametrize(
    ("proved", "by_tap", "reason"),
    [
        (["sun"], False, "refused age_unproven"),
        (["sun"], True, ""),
        (["tag"], False, ""),
        (["sun", "tag"], False, ""),
        (["ble-eid", "sun"], False, ""),
        ([], True, "refused factor_missing"),
    ],
)
def test_a_tap_redeems_where_the_merchant_says_so_and_the_answer_of_its_tag_does(
    proved: list[str], by_tap: bool, reason: str
) -> None:
    found = decision.of_factor(
        "" if "ble-eid" in proved else "sun", proved, Purpose.REDEEM, redeem_factor=True, redeem_by_tap=by_tap
    )
    assert said(found) == reason


@pytest.mark.parametrize("purpose", list(Purpose))
@pytest.mark.parametrize("is_staff", [True, False])
def test_only_staff_checks_in_and_out(purpose: Purpose, is_staff: bool) -> None:
    works = purpose in (Purpose.CHECK_IN, Purpose.CHECK_OUT)
    expected = "refused not_staff" if works and not is_staff else ""
    assert said(decision.of_work(purpose, is_staff=is_staff)) == expected


def test_a_refusal_goes_before_a_review() -> None:
    looked_at = Suspicion(kind=Kind.HOURS, outcome=Outcome.REVIEW, explanation="closed")
    far = Suspicion(kind=Kind.AWAY, outcome=Outcome.REFUSED, explanation="far")
    assert said(decision.of_suspicions([looked_at, far])) == "refused away_from_store"
    assert said(decision.of_suspicions([looked_at])) == "review outside_hours"
    assert said(decision.of_suspicions([])) == ""
