"""Presses: authentication, fallback, tokens and reviews."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Final

import numpy as np
from fastapi import APIRouter, Response
from pydantic import BaseModel, Field, StringConstraints, model_validator
from stampbench.sim.service.api.access import (
    Access,
    Body,
    Contacts,
    IdempotencyKey,
    MerchantDep,
    Moment,
    Name,
    PageDep,
    PathId,
    PressDep,
    SenderDep,
    Short,
    TransactionRouter,
    moment_us,
    shown,
)
from stampbench.sim.service.api.answers import ChallengeAnswer, PressRow, VerifiedAnswer, many
from stampbench.sim.service.clock import SECOND_US, to_datetime
from stampbench.sim.service.presses.authentication import authenticate
from stampbench.sim.service.presses.decision import TOO_MANY_TRIES
from stampbench.sim.service.presses.evidence import (
    Credential,
    OfflineReading,
    Outcome,
    Place,
    PressEvidence,
    Purpose,
)
from stampbench.sim.service.presses.fallback import Method, fall_back
from stampbench.sim.service.presses.lifecycle import Answer
from stampbench.sim.service.presses.reviews import press_of, presses_of, review_press
from stampbench.sim.service.presses.sounds import new_challenge, tag_command
from stampbench.sim.service.presses.tokens import use_token

router = TransactionRouter(prefix="/v1", tags=["presses"])
pressing = APIRouter(prefix="/v1", tags=["presses"])
"""A press has a transaction of its own, or none."""

Long = Annotated[str, StringConstraints(max_length=4000, pattern=r"^[^\x00]*$")]


class PlaceBody(Body):
    """Where the device says it is."""

    lat_deg: Annotated[float, Field(ge=-90, le=90)]
    lon_deg: Annotated[float, Field(ge=-180, le=180)]
    accuracy_m: Annotated[float, Field(ge=0, le=1e6)]
    mocked: bool = False


class CredentialBody(Body):
    """A second factor, as its verifier wants it.

    ``sun``: ``url`` of a tap. ``ble-eid`` and ``ble-otp``: ``frame``, in hexadecimal, and ``rssi_dbm``, as
    heard now. ``sound``: ``token`` and the ``challenge`` that it answers, in hexadecimal. ``tag``:
    ``answer`` of the same tag as ``sun`` (``tag:``, its UID and its proof in hexadecimal), ``challenge``.
    """

    kind: Short
    values: Annotated[dict[str, Long], Field(max_length=20)]


class ReadingBody(Body):
    """What an offline app read from its bundle."""

    serial: Short
    bundle: Annotated[str, StringConstraints(max_length=5_000_000)]


class PressBody(Body):
    """One press: contacts in mm (in pixels with ``px_per_mm``), or an offline reading.

    ``pressed_at`` is by the service's clock: an app whose own is off corrects it by ``at`` of any answer.
    """

    purpose: Purpose = Purpose.STAMP
    contacts: Contacts | None = None
    contacts_again: Contacts | None = None
    px_per_mm: Annotated[float, Field(ge=0.1, le=1000)] | None = None
    reading: ReadingBody | None = None
    credentials: Annotated[list[CredentialBody], Field(max_length=4, default_factory=list)]
    member: Name | None = None
    device: Name | None = None
    place: PlaceBody | None = None
    pressed_at: Moment | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> PressBody:
        if (self.contacts is None) == (self.reading is None):
            raise ValueError("expected either contacts or a reading")
        return self


class PressAnswer(BaseModel):
    """What the app is told; ``token`` is for the merchant's server."""

    press: int
    outcome: Outcome
    reason: str
    stamp: dict[str, str] | None
    store: dict[str, Any] | None
    token: str | None
    token_until: dt.datetime | None
    at: dt.datetime
    earlier: bool


TOO_MANY: Final[dict[int | str, dict[str, Any]]] = {
    429: {"model": PressAnswer, "description": "Too many tries lately: see Retry-After"}
}


class FallbackBody(Body):
    """A press without a stamp: a code that staff show, or the number on the wall."""

    method: Method
    store_number: Short
    code: Annotated[str, StringConstraints(pattern=r"^[0-9]{0,8}$")] = ""
    member: Name
    device: Name


Hexadecimal = r"^([0-9A-Fa-f]{2})*$"


class TagBody(Body):
    """A challenge, the UID of the tag in the phone's field, and its first answer to key 3, in hexadecimal."""

    challenge: Annotated[str, StringConstraints(max_length=200, pattern=Hexadecimal)]
    uid: Annotated[str, StringConstraints(pattern=r"^[0-9A-Fa-f]{14}$")]
    first: Annotated[str, StringConstraints(max_length=64, pattern=Hexadecimal)]


class TagCommand(BaseModel):
    """What the tag is told next, in hexadecimal."""

    command: str


class TokenBody(Body):
    """A token as the app handed it over, and for whom it must be good."""

    token: Name
    member: Name | None = None


class ReviewBody(Body):
    """What a person decided."""

    accept: bool
    reason: Name


@pressing.post("/presses", response_model=PressAnswer, responses=TOO_MANY)
def post_press(body: PressBody, access: SenderDep, idempotency_key: IdempotencyKey) -> Response:
    """Authenticate a press; the same Idempotency-Key gets the same answer."""
    service = access.service
    scale = 1.0 if body.px_per_mm is None else 1.0 / body.px_per_mm
    reading = body.reading
    evidence = PressEvidence(
        key=idempotency_key,
        request_digest=service.pseudonyms.of(access.merchant_id, "request", body.model_dump_json()),
        purpose=body.purpose,
        contacts=None if body.contacts is None else scale * np.array(body.contacts),
        contacts_again=None if body.contacts_again is None else scale * np.array(body.contacts_again),
        unit_mm=scale,
        reading=None if reading is None else OfflineReading(reading.serial, reading.bundle),
        credentials=tuple(Credential(one.kind, one.values) for one in body.credentials),
        member=body.member,
        device=body.device,
        address=access.address,
        place=None if body.place is None else Place(**body.place.model_dump()),
        pressed_us=None if body.pressed_at is None else moment_us(body.pressed_at, "pressed_at"),
    )
    return _respond(access, authenticate(service, access.merchant_id, evidence, key_id=access.key_id))


@pressing.post("/presses/fallback", response_model=PressAnswer, responses=TOO_MANY)
def post_fallback(body: FallbackBody, access: PressDep, idempotency_key: IdempotencyKey) -> Response:
    """Take a press without a stamp, worth less and limited."""
    service = access.service
    digest = service.pseudonyms.of(access.merchant_id, "request", body.model_dump_json())
    answer = fall_back(
        service,
        access.merchant_id,
        key=idempotency_key,
        request_digest=digest,
        address=access.address,
        **body.model_dump(),
    )
    return _respond(access, answer)


@pressing.post("/presses/challenges", status_code=201, response_model=ChallengeAnswer)
def post_challenge(access: PressDep) -> dict[str, str]:
    """Return a challenge that a stamp answers by sound, for one press within half a minute."""
    service, now_us = access.service, access.now_us
    challenge = new_challenge(service.settings.secret, access.merchant_id, now_us)
    until = to_datetime(now_us + service.rules.challenge_seconds * SECOND_US)
    return {"challenge": challenge.text, "until": until.isoformat()}


@pressing.post("/presses/challenges/tag")
def post_tag_command(body: TagBody, access: PressDep) -> TagCommand:
    """Return the command with which a tag's authentication goes on; its answer to that is the credential."""
    return TagCommand(command=tag_command(access.service, access.merchant_id, **body.model_dump()))


@router.post("/merchants/{merchant_id}/tokens/verify", response_model=VerifiedAnswer)
def post_token(body: TokenBody, access: MerchantDep) -> dict[str, Any]:
    """Verify a token, server to server; it is good once, for this merchant and this member."""
    service = access.service
    verified = use_token(
        access.connection, service.pseudonyms, access.merchant_id, body.token, body.member, access.now_us
    )
    return {
        "press": verified.press_id,
        "store": verified.store_id,
        "stamp": verified.stamp_id,
        "purpose": verified.purpose,
        "factor": verified.factor,
    }


@router.get("/merchants/{merchant_id}/presses", response_model=many(PressRow))
def get_presses(
    access: MerchantDep,
    page: PageDep,
    outcome: Outcome | None = None,
) -> list[dict[str, Any]]:
    """Return presses, newest first; those that wait for a person with ``outcome=review``."""
    return page.of(presses_of(access.connection, access.merchant_id, outcome, page.cut))


@router.get("/merchants/{merchant_id}/presses/{press_id}", response_model=PressRow)
def get_press(press_id: PathId, access: MerchantDep) -> dict[str, Any]:
    """Return one press, without its member and device."""
    return shown(press_of(access.connection, access.merchant_id, press_id))


@router.post("/merchants/{merchant_id}/presses/{press_id}/review", status_code=204)
def post_review(press_id: PathId, body: ReviewBody, access: MerchantDep) -> None:
    """Accept or refuse a press that waits for a person."""
    review_press(
        access.service,
        access.connection,
        access.merchant_id,
        press_id,
        accept=body.accept,
        reason=body.reason,
        key_id=access.key_id,
    )


def _respond(access: Access, answer: Answer) -> Response:
    """Write an answer here, in this thread: FastAPI would validate it once more, in another."""
    content = answer_of(answer).model_dump_json()
    if not answer.reason.endswith(TOO_MANY_TRIES):
        return Response(content, media_type="application/json")
    seconds = str(60 * access.service.rules.misses_minutes)
    return Response(content, 429, {"Retry-After": seconds}, media_type="application/json")


def answer_of(answer: Answer) -> PressAnswer:
    """Return an answer as it travels."""
    return PressAnswer(
        press=answer.press_id,
        outcome=answer.outcome,
        reason=answer.reason,
        stamp=None
        if answer.stamp_serial is None
        else {"serial": answer.stamp_serial, "name": answer.stamp_name or ""},
        store=None if answer.store_id is None else {"id": answer.store_id, "name": answer.store_name},
        token=answer.token,
        token_until=None if answer.token_until_us is None else to_datetime(answer.token_until_us),
        at=to_datetime(answer.at_us),
        earlier=answer.earlier,
    )
