"""When the glass is cracked: a code from the staff, or the number on the wall: worth less, and limited."""

from __future__ import annotations

import hashlib
import hmac
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from stampbench.sim.service.clock import DAY_US, HOUR_US, SECOND_US
from stampbench.sim.service.loyalty.ledger import lock_present
from stampbench.sim.service.presses import decision
from stampbench.sim.service.presses.decision import PressDecision
from stampbench.sim.service.presses.evidence import Outcome, Purpose
from stampbench.sim.service.presses.lifecycle import (
    KEY_COLUMNS,
    Answer,
    Followed,
    before_press,
    follow,
    repeated,
)
from stampbench.sim.service.service import Service
from stampbench.sim.service.store.database import insert_new
from stampbench.sim.service.tables.presses import Press
from stampbench.sim.service.tables.tenants import Store

if TYPE_CHECKING:
    from stampbench.sim.service.store.database import AnyRow

STEP_S: Final = 30
DIGITS: Final = 6
DRIFT_STEPS: Final = 1
WRONG_CODE: Final = "wrong_code"


class Method(StrEnum):
    """How a press falls back."""

    OTP = "otp"
    STORE_NUMBER = "store-number"


def hotp(secret: bytes, counter: int, digits: int = DIGITS) -> str:
    """Return one-time password of a counter (RFC 4226, HMAC-SHA-1)."""
    mac = hmac.digest(secret, counter.to_bytes(8, "big"), hashlib.sha1)
    offset = mac[-1] & 0x0F
    number = int.from_bytes(mac[offset : offset + 4], "big") & 0x7FFF_FFFF
    return f"{number % 10**digits:0{digits}d}"


def totp_step(at_us: int) -> int:
    """Return the time step of RFC 6238."""
    return at_us // (STEP_S * SECOND_US)


def matching_step(secret: bytes, code: str, at_us: int) -> int | None:
    """Return the step within the drift allowed whose code this is; all are compared, whichever fits."""
    now, found = totp_step(at_us), None
    for step in range(now - DRIFT_STEPS, now + DRIFT_STEPS + 1):
        if hmac.compare_digest(hotp(secret, step).encode(), code.encode()):
            found = step
    return found


def fall_back(
    service: Service,
    merchant_id: int,
    *,
    key: str,
    request_digest: bytes,
    method: Method,
    store_number: str,
    code: str,
    member: str,
    device: str,
    address: str | None = None,
) -> Answer:
    """Decide a press without a stamp.

    Raises:
        ConflictError: the key was used for another request.
    """
    rules = service.rules
    with service.database.write() as connection:
        start = before_press(service, connection, merchant_id, key, request_digest, device, address, member)
        if isinstance(start, Answer):
            return start
        now_us, member_id = start.now_us, start.member_id
        store = connection.execute(
            sa.select(Store.id, Store.name, Store.otp_secret, Store.otp_step)
            .where(Store.merchant_id == merchant_id, Store.number == store_number)
            .with_for_update(key_share=True)
        ).first()
        if member_id is not None:
            lock_present(connection, member_id)
        wrong = sa.and_(
            Press.merchant_id == merchant_id, Press.reason == WRONG_CODE, Press.at_us > now_us - HOUR_US
        )
        tries = connection.execute(
            sa.select(
                sa.func.count(
                    sa.case(
                        (
                            sa.and_(
                                Press.device == start.device,
                                Press.address.is_not_distinct_from(start.address),
                            ),
                            1,
                        )
                    )
                ).label("of_device"),
                sa.func.count(sa.case((Press.store_id == (None if store is None else store.id), 1))).label(
                    "of_store"
                ),
            ).where(wrong)
        ).one()
        if tries.of_device >= rules.fallback_per_device or (
            tries.of_store >= rules.fallback_per_store and not start.merchant.known_device
        ):
            verdict = decision.refused(decision.TOO_MANY_TRIES)
        elif store is None:
            verdict = decision.refused(WRONG_CODE)
        elif method is Method.OTP:
            verdict = _by_code(connection, store, code, now_us)
        else:
            verdict = _by_number(connection, member_id, now_us, rules.store_number_per_day)
        local = service.calendar.local(now_us)
        values: dict[str, Any] = {
            "merchant_id": merchant_id,
            "store_id": None if store is None else store.id,
            "member_id": member_id,
            "device": start.device,
            "address": start.address,
            "key_digest": start.key_digest,
            "request_digest": request_digest,
            "kind": method.value,
            "purpose": Purpose.STAMP.value,
            "outcome": verdict.outcome.value,
            "reason": verdict.reason,
            "factor": "",
            "value": min(1, rules.fallback_points),
            "at_us": now_us,
            "pressed_us": now_us,
            "day": local.date().isoformat(),
            "hour": local.hour,
        }
        press_id = insert_new(connection, Press, values, KEY_COLUMNS)
        if press_id is None:
            return repeated(service, connection, merchant_id, start.key_digest, request_digest)
        if verdict.outcome is Outcome.ACCEPTED:
            followed = Followed(member_id, None, Purpose.STAMP, values["value"], now_us)
            follow(service, connection, merchant_id, press_id, followed, start.merchant)
        store_id, store_name = (None, None) if store is None else (store.id, store.name)
        return Answer(
            press_id=press_id,
            outcome=verdict.outcome,
            reason=verdict.reason,
            stamp_serial=None,
            stamp_name=None,
            store_id=store_id,
            store_name=store_name,
            token=None,
            token_until_us=None,
            at_us=now_us,
        )


def _by_code(connection: sa.Connection, store: AnyRow, code: str, now_us: int) -> PressDecision:
    """Use a staff code, good for one press: its step must be later than the last one used."""
    step = matching_step(store.otp_secret, code, now_us)
    if step is None:
        return decision.refused(WRONG_CODE)
    moved = connection.execute(
        sa.update(Store).where(Store.id == store.id, Store.otp_step < step).values(otp_step=step)
    )
    return decision.ACCEPTED if moved.rowcount else decision.refused("code_used")


def _by_number(connection: sa.Connection, member_id: int | None, now_us: int, per_day: int) -> PressDecision:
    """Return the number on the wall is no secret: it is good for so many presses a member and day."""
    used = connection.execute(
        sa.select(sa.func.count()).where(
            Press.member_id == member_id,
            Press.kind == Method.STORE_NUMBER.value,
            Press.outcome == Outcome.ACCEPTED.value,
            Press.at_us > now_us - DAY_US,
        )
    ).scalar_one()
    return decision.ACCEPTED if used < per_day else decision.refused("too_many_today")
