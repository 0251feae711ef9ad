"""An endpoint that speaks as SnowShoe's API version 3 does, so that its clients can be pointed here.

Request: header ``SnowShoe-Api-Key``, body ``{"data": [[x, y], ...]}`` in pixels (or the same list as Base64
of JSON, as version 2 had it). Reply: ``{"stamp": {"serial", "customName"}, "receipt", "created"}``. A stamp
that is not known is a 400 whose ``error.message`` says so. Source: SnowShoe reference, ``POST /v3/stamp``,
and its public client libraries. As there, the size of a pattern says nothing: it identifies, no more.
"""

from __future__ import annotations

import base64
import json
import uuid
from typing import Annotated, Any, Final

import numpy as np
from fastapi import APIRouter, Depends, Header, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, TypeAdapter
from stampbench.sim.service.api.access import Contacts, ServiceDep, address_of
from stampbench.sim.service.clock import to_datetime
from stampbench.sim.service.identity import principal_of
from stampbench.sim.service.presses.authentication import authenticate
from stampbench.sim.service.presses.decision import TOO_MANY_TRIES
from stampbench.sim.service.presses.evidence import Outcome, PressEvidence
from stampbench.sim.service.problems import ServiceError

router = APIRouter(tags=["snowshoe"])
NOT_FOUND: Final = 32
"""Code of "Stamp not found", as SnowShoe's Ruby SDK documents it."""
MALFORMED: Final = 31
REFUSED: Final = 33
TOO_MANY: Final = 34
"""Codes of our own."""
_CSS_PX_MM: Final = 25.4 / 160.0
"""About what a pixel of a phone's browser is long; it says which ruler was used, not how large a stamp is."""
_contacts: Final = TypeAdapter[list[tuple[float, float]]](Contacts)


class StampRequest(BaseModel):
    """Contacts of a press, pixels, or Base64 of their JSON."""

    data: list[tuple[float, float]] | str


class StampError(BaseModel):
    """What SnowShoe's API answers instead of a stamp: ``error`` has ``message`` and ``code``."""

    error: dict[str, str | int]
    receipt: str
    secure: bool
    created: str


async def _body(request: Request) -> bytes:
    """Read here, not by FastAPI: whatever is sent is answered in SnowShoe's form."""
    return await request.body()


_REQUEST: Final = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": StampRequest.model_json_schema()}},
    }
}


@router.post(
    "/v3/stamp",
    responses={status: {"model": StampError} for status in (400, 401, 429)},
    openapi_extra=_REQUEST,
)
def post_snowshoe_stamp(
    request: Request,
    body: Annotated[bytes, Depends(_body)],
    service: ServiceDep,
    snowshoe_api_key: Annotated[str | None, Header()] = None,
) -> JSONResponse:
    """Return which stamp was pressed."""
    receipt = uuid.uuid4()
    now_us = service.clock.now_us()
    created = f"{to_datetime(now_us):%Y-%m-%dT%H:%M:%S}.{now_us % 1_000_000:06d}0Z"
    try:
        with service.database.read() as connection:
            merchant_id = principal_of(connection, snowshoe_api_key).own_merchant()
    except ServiceError as error:
        return _error(401, str(error), error.status, receipt, created)
    request.state.merchant_id = merchant_id
    points = _points(body)
    if points is None:
        return _error(400, "data: expected points [[x, y], ...]", MALFORMED, receipt, created)
    answer = authenticate(
        service,
        merchant_id,
        PressEvidence(
            key=str(receipt),
            request_digest=service.pseudonyms.of(merchant_id, "request", json.dumps(points)),
            contacts=np.array(points),
            size_known=False,
            unit_mm=_CSS_PX_MM,
            address=address_of(request),
        ),
    )
    if answer.outcome is not Outcome.ACCEPTED or answer.stamp_serial is None:
        if answer.reason == TOO_MANY_TRIES:
            return _error(429, "Too many tries: wait some minutes", TOO_MANY, receipt, created)
        message = "Stamp not found" if answer.stamp_serial is None else f"Stamp refused: {answer.reason}"
        code = NOT_FOUND if answer.stamp_serial is None else REFUSED
        return _error(400, message, code, receipt, created)
    stamp = {"serial": answer.stamp_serial, "customName": answer.stamp_name}
    return JSONResponse({"stamp": stamp, "receipt": str(receipt), "created": created})


def _points(body: bytes) -> list[tuple[float, float]] | None:
    try:
        data = StampRequest.model_validate_json(body).data
        if isinstance(data, str):
            data = json.loads(base64.b64decode(data, validate=True))
        return _contacts.validate_python(data)
    except (ValueError, RecursionError):  # neither JSON nor Base64 nor points
        return None


def _error(status: int, message: str, code: int, receipt: uuid.UUID, created: str) -> JSONResponse:
    content: dict[str, Any] = {
        "error": {"message": message, "code": code},
        "receipt": str(receipt),
        "secure": False,
        "created": created,
    }
    return JSONResponse(content, status)
