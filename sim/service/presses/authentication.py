"""One press from evidence to answer, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from stampbench.sim.decoder import Reading, Verdict
from stampbench.sim.service.clock import DAY_US, SECOND_US
from stampbench.sim.service.fraud.alarms import raise_alarm
from stampbench.sim.service.fraud.checks import Circumstances, Suspicion, cloned, suspicions
from stampbench.sim.service.loyalty.cards import ask_card
from stampbench.sim.service.loyalty.ledger import lock_present, refuse_erased
from stampbench.sim.service.presses import decision
from stampbench.sim.service.presses.credentials import NOT_GENUINE, Claim
from stampbench.sim.service.presses.decision import PressDecision
from stampbench.sim.service.presses.evidence import Outcome, Place, PressEvidence, Purpose
from stampbench.sim.service.presses.geometry import repeat_digest
from stampbench.sim.service.presses.lifecycle import (
    KEY_COLUMNS,
    Answer,
    Followed,
    Start,
    before_press,
    follow,
    repeated,
)
from stampbench.sim.service.presses.lookups import STAMP_AND_STORE, after_matching, earlier_of
from stampbench.sim.service.presses.tokens import token_of
from stampbench.sim.service.problems import MalformedError
from stampbench.sim.service.rules import Rules
from stampbench.sim.service.service import Service
from stampbench.sim.service.shops.matching import Match
from stampbench.sim.service.store.database import new_row
from stampbench.sim.service.store.round_trip import Asked, round_trip
from stampbench.sim.service.tables.presses import Press
from stampbench.sim.service.tables.tenants import Stamp

_after = lru_cache(after_matching)


@dataclass(frozen=True)
class _Case:
    """All that is known while one press is decided."""

    service: Service
    connection: sa.Connection
    merchant_id: int
    evidence: PressEvidence
    start: Start

    @property
    def merchant(self) -> Any:
        return self.start.merchant

    @property
    def now_us(self) -> int:
        return self.start.now_us

    @property
    def rules(self) -> Rules:
        return self.service.rules

    @property
    def pressed_us(self) -> int:
        return self.now_us if self.evidence.pressed_us is None else self.evidence.pressed_us

    @property
    def at_us(self) -> int:
        """When it counts as pressed: late presses of offline apps when they were, others when heard."""
        return self.pressed_us if self.evidence.reading is not None else self.now_us


def authenticate(
    service: Service, merchant_id: int, evidence: PressEvidence, *, key_id: int | None = None
) -> Answer:
    """Decide one press and write down all that follows from it; the same key gets the same answer.

    ``key_id`` is the app's, if whether it was withdrawn is still to be seen.

    Raises:
        UnauthorisedError: the app's key was withdrawn.
        ConflictError: the key was used for another request.
        MalformedError: a bundle that was not made here, or not for this merchant.
    """
    with service.database.write() as connection:
        start = before_press(
            service,
            connection,
            merchant_id,
            evidence.key,
            evidence.request_digest,
            evidence.device,
            evidence.address,
            evidence.member,
            key_id,
        )
        if isinstance(start, Answer):
            return start
        case = _Case(service, connection, merchant_id, evidence, start)
        match, ground = _matched(case)
        shape = None
        if evidence.contacts is not None and match.stamp_id is not None:
            sent = evidence.contacts / evidence.unit_mm if evidence.size_known else evidence.contacts
            shape = repeat_digest(sent, evidence.unit_mm)
        stamp, seen, card = _looked_up(case, match, shape)
        factor = ""
        found: list[Suspicion] = []
        if ground is None and stamp is not None:
            ground, factor, found = _judged(case, match, stamp, seen)
        verdict = ground or decision.ACCEPTED
        token = None
        if verdict.outcome is Outcome.ACCEPTED:
            token = token_of(service.settings.secret, merchant_id, start.key_digest)
        values = _values(case, stamp, shape, verdict, factor, match.reading, token)
        new = round_trip(connection, (new_row(connection.dialect.name, Press, KEY_COLUMNS), values))[0]
        if not new:  # the same request, at the same time, was a moment quicker
            return repeated(service, connection, merchant_id, start.key_digest, evidence.request_digest)
        press_id: int = new[0].id
        if stamp is not None:
            _raise_alarms(case, stamp, press_id, found)
        if verdict.outcome is Outcome.ACCEPTED:
            staff_id = None if seen is None else seen.staff_id
            followed = Followed(start.member_id, staff_id, evidence.purpose, values["value"], case.at_us)
            follow(service, connection, merchant_id, press_id, followed, start.merchant, card)
        return Answer(
            press_id=press_id,
            outcome=verdict.outcome,
            reason=verdict.reason,
            stamp_serial=None if stamp is None else stamp.serial,
            stamp_name=None if stamp is None else stamp.name,
            store_id=None if stamp is None else stamp.store_id,
            store_name=None if stamp is None else stamp.store_name,
            token=token,
            token_until_us=values["token_until_us"],
            at_us=case.at_us,
        )


def _looked_up(case: _Case, match: Match, shape: bytes | None) -> tuple[Any, Any, Any]:
    """Return the stamp, what was seen before, and the member's card, as rows; None where there is none.

    The stamp is locked first, and then the member, so that what is read holds until the answer is written.

    Raises:
        ConflictError: the member was erased meanwhile.
    """
    member_id = case.start.member_id
    if match.stamp_id is None:
        if member_id is not None:
            lock_present(case.connection, member_id)
        return None, None, None
    whose = {"merchant_id": case.merchant_id, "stamp_id": match.stamp_id}
    values = {
        **whose,
        "member_id": member_id,
        "device": case.start.device,
        "address": case.start.address,
        "shape_digest": shape,
        "now_us": case.now_us,
    }
    asked: list[Asked] = [(STAMP_AND_STORE, whose), (_after(case.rules), values)]
    if member_id is not None:
        lock, card = ask_card(member_id, case.at_us, case.service.calendar)
        asked += (lock, card) if case.evidence.purpose is Purpose.STAMP else (lock,)
    (stamp,), (seen,), *of_member = round_trip(case.connection, *asked)
    if of_member:
        refuse_erased(of_member[0])
    return stamp, seen, of_member[1][0] if len(of_member) > 1 else None


def _raise_alarms(case: _Case, stamp: Any, press_id: int, found: Sequence[Suspicion]) -> None:
    for suspicion in found:
        raise_alarm(
            case.connection,
            suspicion,
            merchant_id=case.merchant_id,
            store_id=stamp.store_id,
            stamp_id=stamp.id,
            press_id=press_id,
            suspend=case.merchant.suspend_automatically,
            now_us=case.now_us,
            rules=case.rules,
        )


def _matched(case: _Case) -> tuple[Match, PressDecision | None]:
    """Return the stamp, or why there is none."""
    rules, evidence = case.rules, case.evidence
    nothing = Match(None, Reading(Verdict.NONE))
    merchant = case.merchant
    if merchant.misses_of_device >= rules.misses_per_device or (
        merchant.misses_of_address >= rules.misses_per_address and not merchant.known_device
    ):
        return nothing, decision.refused(decision.TOO_MANY_TRIES)
    late = decision.of_time(case.pressed_us, case.now_us, rules, offline=evidence.reading is not None)
    if late is not None:
        return nothing, late
    if evidence.contacts is None:
        return _read_offline(case)
    matcher, version = case.service.matcher, case.merchant.catalogue_version
    search = matcher.match if evidence.size_known else matcher.match_shape
    match = search(case.connection, case.merchant_id, version, evidence.contacts)
    return match, decision.unmatched(match) if match.stamp_id is None else None


def _read_offline(case: _Case) -> tuple[Match, PressDecision | None]:
    """Return the stamp that an app read from its bundle; the bundle must have been good at the time."""
    reading = case.evidence.reading
    if reading is None:
        raise MalformedError("evidence", "neither contacts nor a reading: expected one of them")
    bundle = case.service.signer.open(reading.bundle)
    if bundle["merchant"] != case.merchant_id:
        raise MalformedError("bundle", "the bundle is another merchant's")
    nothing = Match(None, Reading(Verdict.NONE))
    if not bundle["iat"] <= case.pressed_us // SECOND_US + case.rules.skew_seconds:
        return nothing, decision.refused("before_bundle")
    if case.pressed_us // SECOND_US > bundle["exp"]:
        return nothing, decision.refused("bundle_expired")
    stamp_id = case.connection.execute(
        sa.select(Stamp.id).where(Stamp.merchant_id == case.merchant_id, Stamp.serial == reading.serial)
    ).scalar_one_or_none()
    match = Match(stamp_id, Reading(Verdict.READ if stamp_id is not None else Verdict.FOREIGN))
    return match, decision.unmatched(match) if stamp_id is None else None


def _judged(
    case: _Case, match: Match, stamp: Any, seen: Any
) -> tuple[PressDecision | None, str, list[Suspicion]]:
    """Return the ground for not accepting, the factor that was proved, and what the checks found."""
    evidence, rules = case.evidence, case.rules
    ground = decision.of_state(stamp.state)
    ground = ground or decision.of_work(evidence.purpose, is_staff=seen.staff_id is not None)
    if ground is None and seen.same_shape is not None:
        ground = decision.refused("replayed")
    mild = None
    if ground is None and evidence.contacts is not None:
        shape = decision.of_shape(
            match,
            evidence.contacts,
            evidence.contacts_again,
            rules,
            size_known=evidence.size_known,
            require_liveness=case.merchant.require_liveness,
        )
        if shape is not None and shape.outcome is Outcome.REVIEW:
            mild = shape
        else:
            ground = shape
    if ground is not None:
        return ground, "", []
    if evidence.reading is not None:
        if evidence.purpose is Purpose.REDEEM:
            return decision.refused("offline"), "", []
        if _offline_lately(case) >= rules.offline_per_day:
            mild = decision.review("many_offline")
    factor, ground = _factor(case, stamp)
    if ground is not None:
        return ground, factor, [cloned(ground.reason)] if ground.reason.endswith(NOT_GENUINE) else []
    found = list(suspicions(_circumstances(case, stamp, seen), rules, case.service.calendar))
    return decision.of_suspicions(found) or mild, factor, found


def _offline_lately(case: _Case) -> int:
    """Count presses that an app read by itself for this member, within a day."""
    if case.start.member_id is None:
        return 0
    return case.connection.execute(
        sa.select(sa.func.count()).where(
            Press.member_id == case.start.member_id,
            Press.kind == "reading",
            Press.outcome == Outcome.ACCEPTED.value,
            Press.at_us.between(case.at_us - DAY_US, case.at_us + DAY_US),
        )
    ).scalar_one()


def _factor(case: _Case, stamp: Any) -> tuple[str, PressDecision | None]:
    """Return the second factor that was proved; any that fails refuses the press."""
    proved = []
    claim = Claim(case.merchant_id, stamp.id, case.start.member_id, case.evidence.purpose, case.now_us)
    # In one order, so that two presses with the same credentials cannot wait for each other.
    for credential in sorted(
        case.evidence.credentials, key=lambda one: (one.kind, sorted(one.values.items()))
    ):
        verifier = case.service.verifiers.get(credential.kind)
        if verifier is None:
            return "", decision.refused("factor_unknown")
        checked = verifier.check(case.connection, claim, credential.values)
        if not checked.good:
            return "", decision.refused(f"{credential.kind}_{checked.reason}")
        proved.append(credential.kind)
    given = stamp.factor if stamp.factor in proved else next(iter(proved), "")
    return given, decision.of_factor(
        stamp.factor,
        proved,
        case.evidence.purpose,
        redeem_factor=bool(case.merchant.redeem_factor),
        redeem_by_tap=bool(case.merchant.redeem_by_tap),
    )


def _circumstances(case: _Case, stamp: Any, seen: Any) -> Circumstances:
    return Circumstances(
        at_us=case.at_us,
        purpose=case.evidence.purpose,
        place=case.evidence.place,
        store=Place(stamp.lat_deg, stamp.lon_deg, stamp.radius_m),
        opening=stamp.opening,
        require_place=case.merchant.require_place,
        stamp_before=earlier_of(seen, "stamp"),
        member_before=earlier_of(seen, "member"),
        stamp_recent=seen.stamp_recent,
        device_recent=seen.device_recent,
        staff_recent=seen.staff_recent,
        is_staff=seen.staff_id is not None,
        device_members=seen.other_members + 1,
    )


def _values(
    case: _Case,
    stamp: Any,
    shape: bytes | None,
    verdict: PressDecision,
    factor: str,
    reading: Reading,
    token: str | None,
) -> dict[str, Any]:
    evidence, place = case.evidence, case.evidence.place
    local = case.service.calendar.local(case.at_us)
    return {
        "merchant_id": case.merchant_id,
        "store_id": None if stamp is None else stamp.store_id,
        "stamp_id": None if stamp is None else stamp.id,
        "member_id": case.start.member_id,
        "device": case.start.device,
        "address": case.start.address,
        "key_digest": case.start.key_digest,
        "request_digest": evidence.request_digest,
        "shape_digest": shape,
        "kind": "pattern" if evidence.contacts is not None else "reading",
        "purpose": evidence.purpose.value,
        "outcome": verdict.outcome.value,
        "reason": verdict.reason,
        "factor": factor,
        "value": 1,
        "at_us": case.at_us,
        "pressed_us": case.pressed_us,
        "day": local.date().isoformat(),
        "hour": local.hour,
        "lat_deg": None if place is None else place.lat_deg,
        "lon_deg": None if place is None else place.lon_deg,
        "accuracy_m": None if place is None else place.accuracy_m,
        "distance_mm": reading.distance_mm,
        "token_digest": None if token is None else case.service.pseudonyms.of(0, "token", token),
        "token_until_us": None if token is None else case.now_us + case.rules.token_seconds * SECOND_US,
    }
