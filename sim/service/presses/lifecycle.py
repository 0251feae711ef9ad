"""What every kind of press begins and ends with: its key, its answer, and what follows from it."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import sqlalchemy as sa
from stampbench.sim.service.attendance.punches import punch
from stampbench.sim.service.identity import withdrawn
from stampbench.sim.service.loyalty.cards import CardRules, ask_card, stamp_card
from stampbench.sim.service.presses.evidence import Outcome, Purpose
from stampbench.sim.service.presses.lookups import before_matching
from stampbench.sim.service.presses.tokens import token_of
from stampbench.sim.service.problems import ConflictError
from stampbench.sim.service.service import Service
from stampbench.sim.service.store.round_trip import round_trip
from stampbench.sim.service.tables.loyalty import Program
from stampbench.sim.service.tables.presses import Press
from stampbench.sim.service.tables.tenants import Stamp, Store

KEY_COLUMNS: Final = ("merchant_id", "key_digest")
_before = lru_cache(before_matching)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What an app is told.

    Attributes:
        token: for the merchant's server, to be verified once; None unless accepted.
        earlier: this is the answer to an earlier request with the same key.
    """

    press_id: int
    outcome: Outcome
    reason: str
    stamp_serial: str | None
    stamp_name: str | None
    store_id: int | None
    store_name: str | None
    token: str | None
    token_until_us: int | None
    at_us: int
    earlier: bool = False


@dataclass(frozen=True, slots=True)
class Start:
    """A press that was not seen before.

    Attributes:
        merchant: what it asks of presses, its program, and how many patterns were unknown lately.
        device, address: their pseudonyms.
        member_id: made where new; None where the press says nothing of a member.
    """

    merchant: Any
    now_us: int
    key_digest: bytes
    device: bytes | None
    address: bytes | None
    member_id: int | None


def before_press(
    service: Service,
    connection: sa.Connection,
    merchant_id: int,
    key: str,
    request_digest: bytes,
    device: str | None,
    address: str | None,
    member: str | None,
    key_id: int | None = None,
) -> Start | Answer:
    """Begin a press, or give the answer that its key got before.

    ``key_id`` is the app's, if whether it was withdrawn is still to be seen.

    Raises:
        UnauthorisedError: the app's key was withdrawn.
        ConflictError: the key was used for another request.
    """
    now_us = service.clock.now_us()
    key_digest = service.pseudonyms.of(merchant_id, "press", key)
    pseudonym = None if device is None else service.pseudonyms.of(merchant_id, "device", device)
    origin = None if address is None else service.pseudonyms.of(merchant_id, "address", address)
    values = {
        "merchant_id": merchant_id,
        "key_digest": key_digest,
        "device": pseudonym,
        "address": origin,
        "member": None if member is None else service.pseudonyms.of(merchant_id, "member", member),
        "now_us": now_us,
        "key_id": key_id,
    }
    merchant = round_trip(connection, (_before(service.rules), values))[0][0]
    if merchant.key_withdrawn_us is not None:
        raise withdrawn()
    if merchant.earlier is not None:
        return repeated(service, connection, merchant_id, key_digest, request_digest)
    member_id = merchant.member_id
    if member is not None and member_id is None:
        member_id = service.member(connection, merchant_id, member)
    return Start(merchant, now_us, key_digest, pseudonym, origin, member_id)


def repeated(
    service: Service, connection: sa.Connection, merchant_id: int, key_digest: bytes, request_digest: bytes
) -> Answer:
    """Return the answer that a key got before.

    Raises:
        ConflictError: it was used for another request.
    """
    row = connection.execute(
        sa.select(
            Press.id,
            Press.request_digest,
            Press.outcome,
            Press.reason,
            Press.store_id,
            Press.token_digest,
            Press.token_until_us,
            Press.at_us,
            Stamp.serial,
            Stamp.name,
            Store.name.label("store_name"),
        )
        .outerjoin(Stamp, Stamp.id == Press.stamp_id)
        .outerjoin(Store, Store.id == Press.store_id)
        .where(Press.merchant_id == merchant_id, Press.key_digest == key_digest)
    ).one()
    if not hmac.compare_digest(row.request_digest, request_digest):
        raise ConflictError("key-reused", "this Idempotency-Key was used for another request")
    token = None
    if row.token_digest is not None:
        token = token_of(service.settings.secret, merchant_id, key_digest)
    return Answer(
        press_id=row.id,
        outcome=Outcome(row.outcome),
        reason=row.reason,
        stamp_serial=row.serial,
        stamp_name=row.name,
        store_id=row.store_id,
        store_name=row.store_name,
        token=token,
        token_until_us=row.token_until_us,
        at_us=row.at_us,
        earlier=True,
    )


def follow(
    service: Service,
    connection: sa.Connection,
    merchant_id: int,
    press_id: int,
    press: Followed,
    program: Any,
    card: Any = None,
) -> None:
    """Write down what follows from an accepted press: a stamp on the card, or a punch.

    Args:
        service: the service.
        connection: in the press's transaction.
        merchant_id: whose.
        press_id: the press.
        press: what matters of it.
        program: row with ``PROGRAM_COLUMNS``: None in them where the merchant has no program.
        card: row of :func:`~stampbench.sim.service.loyalty.cards.ask_card` where it was asked already.
    """
    if press.member_id is None:
        return
    if press.purpose == Purpose.STAMP and program.card_stamps is not None:
        if card is None:
            card = round_trip(connection, *ask_card(press.member_id, press.at_us, service.calendar))[1][0]
        stamp_card(
            connection,
            CardRules(
                card_stamps=program.card_stamps,
                coupon_name=program.coupon_name,
                coupon_days=program.coupon_days,
                points_per_stamp=program.points_per_stamp,
                delay_minutes=program.delay_minutes,
                stamps_per_day=program.stamps_per_day,
            ),
            card,
            merchant_id=merchant_id,
            member_id=press.member_id,
            press_id=press_id,
            stamps=press.value,
            at_us=press.at_us,
            calendar=service.calendar,
        )
    elif press.purpose in (Purpose.CHECK_IN, Purpose.CHECK_OUT) and press.staff_id is not None:
        direction = "in" if press.purpose == Purpose.CHECK_IN else "out"
        punch(connection, press.staff_id, direction, press.at_us, press_id, service.calendar)


@dataclass(frozen=True, slots=True)
class Followed:
    """Of a press, what its consequences depend on; ``staff_id`` is None for members who do not work there."""

    member_id: int | None
    staff_id: int | None
    purpose: str
    value: int
    at_us: int


PROGRAM_COLUMNS: Final = (
    Program.card_stamps,
    Program.coupon_name,
    Program.coupon_days,
    Program.points_per_stamp,
    Program.delay_minutes,
    Program.stamps_per_day,
)
"""What :func:`follow` wants of a program."""
