"""How much a request may bring, and how long it may take to bring it."""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST_BODY: Final = 6_000_000
"""Bytes: an offline app's bundle is the largest thing that is sent."""
BODY_S: Final = 10.0


class BodyLimits:
    """ASGI layer that answers 413 where a body is too large, and 408 where it is not all there in time."""

    def __init__(self, app: ASGIApp, within_s: float = BODY_S) -> None:
        self._app = app
        self._within_s = within_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request whose body keeps the limits; none is read beyond them."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        deadline_s = asyncio.get_running_loop().time() + self._within_s
        size, complete = 0, False

        async def receive_within() -> Message:
            nonlocal size, complete
            try:
                async with asyncio.timeout_at(None if complete else deadline_s):
                    message = await receive()
            except TimeoutError:
                raise HTTPException(408, f"the body was not there within {self._within_s:g} s") from None
            complete = not message.get("more_body", False)
            size += len(message.get("body", b""))
            if size > LARGEST_BODY:
                raise HTTPException(413, f"the body is too large; expected at most {LARGEST_BODY} bytes")
            return message

        await self._app(scope, receive_within, send)
