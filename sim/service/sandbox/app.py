"""The sandbox over HTTP: the service itself, and beside it what only a tester has."""

from __future__ import annotations

import datetime as dt
import json
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pydantic import AwareDatetime, Field
from stampbench.sim.service.api.access import Body
from stampbench.sim.service.app import create_app
from stampbench.sim.service.clock import to_datetime, to_us
from stampbench.sim.service.sandbox.layer import SandboxLayer
from stampbench.sim.service.sandbox.world import Logged, Order, Sandbox

router = APIRouter(prefix="/sandbox", tags=["sandbox"])
_PICTURE_MM = 60.0


class OrderBody(Body):
    """What the next press is answered; with nothing, what is right."""

    outcome: Literal["", "accepted", "refused", "review"] = ""
    reason: Annotated[str, Field(max_length=40)] = ""
    status: Annotated[int, Field(ge=0, le=599)] = 0
    delay_s: Annotated[float, Field(ge=0.0, le=60.0)] = 0.0
    wrong_token: bool = False
    times: Annotated[int, Field(ge=1, le=1000)] = 1


class ClockBody(Body):
    """What the clock shows, or by how much it is moved."""

    at: AwareDatetime | None = None
    advance_s: Annotated[float, Field(ge=-1e9, le=1e9)] = 0.0
    stand_still: bool = False


class ClockAnswer(Body):
    """What the clock shows now."""

    at: dt.datetime


class StampAnswer(Body):
    """One of the sandbox's stamps: any finger may press its pads."""

    serial: str
    code: int
    pads_mm: list[tuple[float, float]]


class StampsAnswer(Body):
    """All of them, with the keys."""

    publishable_key: str
    secret_key: str
    merchant: int
    family: str
    stamps: list[StampAnswer]


class PressLogged(Body):
    """A press as it came and was answered."""

    number: int
    at: dt.datetime
    path: str
    status: int
    ms: float
    sent: Any
    answer: Any
    ordered: dict[str, Any] | None


def sandbox_app(sandbox: Sandbox) -> FastAPI:
    """Return the application of a sandbox."""
    app = create_app(sandbox.service)
    app.state.sandbox = sandbox
    app.include_router(router)
    app.add_middleware(SandboxLayer, sandbox=sandbox)
    return app


def _of(request: Request) -> Sandbox:
    sandbox: Sandbox = request.app.state.sandbox
    return sandbox


@router.get("/stamps")
def get_sandbox_stamps(request: Request) -> StampsAnswer:
    """Return stamps and keys."""
    sandbox = _of(request)
    merchant = sandbox.merchant
    return StampsAnswer(
        publishable_key=merchant.app_key,
        secret_key=merchant.server_key,
        merchant=merchant.merchant_id,
        family=sandbox.family,
        stamps=[
            StampAnswer(serial=one.serial, code=one.code, pads_mm=one.pads_mm.tolist())
            for one in merchant.stamps
        ],
    )


@router.post("/next", status_code=204)
def post_order(body: OrderBody, request: Request) -> None:
    """Order what the next press is answered."""
    _of(request).order(Order(**body.model_dump()))


@router.get("/clock")
def get_sandbox_clock(request: Request) -> ClockAnswer:
    """Return what the clock shows."""
    return ClockAnswer(at=to_datetime(_of(request).clock.now_us()))


@router.put("/clock")
def put_sandbox_clock(body: ClockBody, request: Request) -> ClockAnswer:
    """Set the clock, or move it."""
    clock = _of(request).clock
    at_us = clock.now_us() if body.at is None else to_us(body.at)
    clock.set(at_us, stand_still=body.stand_still)
    clock.advance(body.advance_s)
    return get_sandbox_clock(request)


@router.post("/reset", status_code=204)
def post_sandbox_reset(request: Request) -> None:
    """Begin anew: the same stamps and keys, and nothing else."""
    sandbox = _of(request)
    sandbox.reset()
    request.app.state.service = sandbox.service


@router.get("/presses")
def get_sandbox_presses(request: Request) -> list[PressLogged]:
    """Return the latest presses, newest first."""
    return [_logged(one) for one in _of(request).presses()]


@router.get("", response_class=HTMLResponse)
def get_sandbox_page(request: Request) -> HTMLResponse:
    """Return the log as a page: each press with its points drawn, and why it was decided so."""
    sandbox = _of(request)
    page = _templates().get_template("log.html.j2")
    return HTMLResponse(
        page.render(
            merchant=sandbox.merchant,
            family=sandbox.family,
            now=to_datetime(sandbox.clock.now_us()),
            presses=[(_logged(one), _points(one), _why(one)) for one in sandbox.presses()],
            text=lambda value: json.dumps(value, ensure_ascii=False, indent=1)[:4000],
        )
    )


@cache
def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _logged(one: Logged) -> PressLogged:
    ordered = None
    if one.ordered is not None:
        ordered = {name: getattr(one.ordered, name) for name in Order.__struct_fields__}
    return PressLogged(
        number=one.number,
        at=to_datetime(one.at_us),
        path=one.path,
        status=one.status,
        ms=round(one.ms, 1),
        sent=one.sent,
        answer=one.answer,
        ordered=ordered,
    )


def _points(one: Logged) -> list[tuple[float, float]]:
    """Return the contacts within a square of 60, as they lie; none where there are no numbers."""
    sent = one.sent if isinstance(one.sent, dict) else {}
    given = sent.get("contacts") or sent.get("data") or []
    try:
        points = [(float(x), float(y)) for x, y in given]
    except (TypeError, ValueError):
        return []
    if not points or not all(abs(value) < 1e6 for point in points for value in point):
        return []
    left, top = min(x for x, _ in points), min(y for _, y in points)
    size = max(max(x - left, y - top) for x, y in points) or 1.0
    scale = (_PICTURE_MM - 12.0) / size
    return [(round(6.0 + scale * (x - left), 2), round(6.0 + scale * (y - top), 2)) for x, y in points]


def _why(one: Logged) -> str:
    answer = one.answer if isinstance(one.answer, dict) else {}
    if "outcome" in answer:
        return f"{answer['outcome']}: {WORDS.get(answer.get('reason', ''), answer.get('reason', ''))}"
    if "stamp" in answer:
        return "accepted"
    error = answer.get("error")
    return str(answer.get("detail") or (error.get("message", "") if isinstance(error, dict) else ""))


WORDS = {
    "ok": "the stamp is known, and nothing speaks against the press",
    "not_recognised": "no stamp of this merchant has its pads so: is px_per_mm right?",
    "partial": "fewer contacts than the stamp has pads",
    "ambiguous": "several stamps are about as near",
    "wrong_scale": "the pattern is a stamp's at another size: is px_per_mm right?",
    "not_live": "both sets of contacts are the same: send a later one of the same press",
    "not_one_press": "the two sets of contacts are not of one press",
    "away_from_store": "the place is too far from the stamp's store",
    "impossible_travel": "this member was elsewhere too short a time ago",
    "two_places": "this stamp was elsewhere too short a time ago",
    "from_the_future": "pressed_at is ahead of the sandbox's clock",
    "too_late": "pressed_at is too long ago",
    "factor_missing": "what is redeemed needs a second factor",
    "age_unproven": "a tap may have been kept: redeem with the tag's answer to a challenge",
    "not_staff": "the member does not work here",
    "stamp_suspended": "the stamp was suspended by an alarm",
    "stamp_disabled": "the stamp was disabled",
    "stamp_revoked": "the stamp was revoked",
}
"""What the reasons mean to somebody who writes an app."""
