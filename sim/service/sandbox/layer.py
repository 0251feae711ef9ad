"""What stands between a tester's app and the service: orders are carried out, and presses are logged."""

from __future__ import annotations

import asyncio
import json
import time
from http import HTTPStatus
from typing import Any, Final

from stampbench.sim.service.sandbox.world import Logged, Order, Sandbox
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PRESSES: Final = ("/v1/presses", "/v1/presses/fallback", "/v3/stamp")


class SandboxLayer:
    """ASGI layer round the application of a sandbox."""

    def __init__(self, app: ASGIApp, sandbox: Sandbox) -> None:
        self._app, self._sandbox = app, sandbox

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request; a press by its order."""
        if scope["type"] != "http" or scope["method"] != "POST" or scope["path"] not in PRESSES:
            await self._app(scope, receive, send)
            return
        begun_s = time.perf_counter()
        order = self._sandbox.next_order()
        sent = bytearray()
        answered: list[Message] = []

        async def heard() -> Message:
            message = await receive()
            sent.extend(message.get("body", b""))
            return message

        async def kept(message: Message) -> None:
            answered.append(message)

        if order is not None and order.delay_s > 0.0:
            await asyncio.sleep(order.delay_s)
        if order is not None and order.status:
            more = True
            while more:
                more = (await heard()).get("more_body", False)
            answered = _fault(order)
        else:
            await self._app(scope, heard, kept)
            if order is not None:
                answered = _changed(answered, order)
        for message in answered:
            await send(message)
        body = b"".join(message.get("body", b"") for message in answered)
        self._sandbox.note(
            Logged(
                number=0,
                at_us=self._sandbox.clock.now_us(),
                path=scope["path"],
                status=answered[0]["status"] if answered else 0,
                ms=1000.0 * (time.perf_counter() - begun_s),
                sent=_json(bytes(sent)),
                answer=_json(body),
                ordered=order,
            )
        )


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _fault(order: Order) -> list[Message]:
    """Return the answer of a service that failed as ordered."""
    phrases = {status.value: status.phrase for status in HTTPStatus}
    code = order.reason or "ordered"
    content = {
        "type": f"urn:stampbench:problem:{code}",
        "title": phrases.get(order.status, "Ordered"),
        "status": order.status,
        "detail": "ordered in the sandbox",
        "code": code,
    }
    headers = [(b"content-type", b"application/problem+json")]
    if order.status in (429, 503):
        headers.append((b"retry-after", b"1"))
    return _messages(order.status, headers, json.dumps(content).encode())


def _changed(answered: list[Message], order: Order) -> list[Message]:
    """Return an answer with what was ordered instead; what the service wrote down stays."""
    content = _json(b"".join(message.get("body", b"") for message in answered))
    if not isinstance(content, dict) or "outcome" not in content:
        return answered
    if order.outcome:
        content |= {"outcome": order.outcome, "reason": order.reason or f"ordered_{order.outcome}"}
        if order.outcome != "accepted":
            content |= {"token": None, "token_until": None}
    if order.wrong_token and content.get("token"):
        content["token"] = content["token"][::-1]
    start = answered[0]
    headers = [(name, value) for name, value in start["headers"] if name != b"content-length"]
    return _messages(start["status"], headers, json.dumps(content).encode())


def _messages(status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> list[Message]:
    headers = [*headers, (b"content-length", str(len(body)).encode())]
    return [
        {"type": "http.response.start", "status": status, "headers": headers},
        {"type": "http.response.body", "body": body},
    ]
