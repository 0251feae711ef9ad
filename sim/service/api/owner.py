"""The owner's page: HTML for a browser, which signs in with the merchant's key and shows a session then."""

from __future__ import annotations

from typing import Annotated, Final, Literal
from urllib.parse import parse_qs, urlsplit

from fastapi import APIRouter, Cookie, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from stampbench.sim.service.api.access import ServiceDep
from stampbench.sim.service.identity import principal_of
from stampbench.sim.service.owner.page import owner_page, sign_in_page
from stampbench.sim.service.owner.sessions import HOURS, end_session, merchant_of, session_of
from stampbench.sim.service.owner.words import LANGUAGES
from stampbench.sim.service.problems import ServiceError, UnauthorisedError

router = APIRouter(prefix="/owner", tags=["owner"], include_in_schema=False)

COOKIE: Final = "stampbench-owner"
_MOST_BYTES: Final = 2000
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:;"
    " form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}
Language = Literal["ko", "en"]
Session = Annotated[str | None, Cookie(alias=COOKIE)]


@router.get("")
def get_sign_in(lang: Language = "ko") -> HTMLResponse:
    """Ask for the key."""
    return _page(sign_in_page(LANGUAGES[lang]))


@router.post("")
async def post_sign_in(request: Request, service: ServiceDep, lang: Language = "ko") -> Response:
    """Exchange a merchant's key for a session; asked by a page of ours, and by no other's."""
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("Host"):
        return _page(sign_in_page(LANGUAGES[lang], wrong=True), 403)
    content = await request.body()
    key = parse_qs(content[:_MOST_BYTES].decode("utf-8", "replace")).get("key", [""])[0].strip()
    try:
        with service.database.read() as connection:
            principal = principal_of(connection, key)
        session = session_of(service.settings.secret, principal, service.clock.now_us())
    except ServiceError:
        return _page(sign_in_page(LANGUAGES[lang], wrong=True), 401)
    answer = RedirectResponse(f"/owner/shop?lang={lang}", 303, _HEADERS)
    secure = request.url.scheme == "https"
    answer.set_cookie(
        COOKIE, session, max_age=3600 * HOURS, path="/owner", httponly=True, samesite="strict", secure=secure
    )
    return answer


@router.get("/shop")
def get_shop(
    request: Request, service: ServiceDep, lang: Language = "ko", session: Session = None
) -> Response:
    """Return the page of the merchant whose session it is."""
    try:
        with service.database.read() as connection:
            now_us = service.clock.now_us()
            merchant_id = merchant_of(connection, service.settings.secret, session, now_us)
    except UnauthorisedError:
        return RedirectResponse(f"/owner?lang={lang}", 303, _HEADERS)
    request.state.merchant_id = merchant_id
    return _page(owner_page(service, merchant_id, LANGUAGES[lang]))


@router.post("/leave")
def post_leave(service: ServiceDep, lang: Language = "ko", session: Session = None) -> Response:
    """End the session."""
    with service.database.write() as connection:
        end_session(connection, service.settings.secret, session, service.clock.now_us())
    answer = RedirectResponse(f"/owner?lang={lang}", 303, _HEADERS)
    answer.delete_cookie(COOKIE, path="/owner")
    return answer


def _page(html: str, status: int = 200) -> HTMLResponse:
    return HTMLResponse(html, status, _HEADERS)
