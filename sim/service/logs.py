"""Lines of JSON on stderr, each with time and level; one per request, with its id, and nothing personal.

No path, query, body or header is written: routes are named by their pattern.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import re
import secrets
import time
from typing import Any, Final

from prometheus_client import Counter, Histogram
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOGGER: Final = logging.getLogger("stampbench.service")
REQUEST_ID: Final = "X-Request-Id"
_GIVEN_ID: Final = re.compile(r"[A-Za-z0-9._-]{8,64}")
_REQUESTS: Final = Counter(
    "stampbench_requests", "Requests answered, by route and status.", ("method", "route", "status")
)
_SECONDS: Final = Histogram(
    "stampbench_request_seconds",
    "From a request's head to the end of its answer.",
    ("route",),
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.3, 1.0, 3.0, 10.0),
)


class RequestLog:
    """ASGI layer that gives every request an id, logs it when it is answered, and counts it.

    An id that the caller gives is kept where it has the form of one.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request and log it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun_s = time.perf_counter()
        status = 500
        name = _id_of(scope)

        async def note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[REQUEST_ID] = name
            await send(message)

        try:
            await self._app(scope, receive, note)
        finally:
            seconds = time.perf_counter() - begun_s
            route = getattr(scope.get("route"), "path", None)
            _REQUESTS.labels(scope["method"], route or "none", status).inc()
            _SECONDS.labels(route or "none").observe(seconds)
            if LOGGER.isEnabledFor(logging.INFO):
                line = {
                    "id": name,
                    "method": scope["method"],
                    "route": route,
                    "status": status,
                    "ms": round(1000 * seconds, 2),
                    "merchant": scope.get("state", {}).get("merchant_id"),
                }
                LOGGER.info("request", extra={"fields": line})


def _id_of(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _GIVEN_ID.fullmatch(given := value.decode("latin-1")):
            return str(given)
    return secrets.token_hex(8)


class JsonLines(logging.Formatter):
    """Writes a record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        moment = dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(timespec="milliseconds")
        line: dict[str, Any] = {"time": moment, "level": record.levelname.lower()}
        line |= getattr(record, "fields", None) or {"message": record.getMessage()}
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = record.exc_info[0].__name__  # its text may hold what was sent
        return json.dumps(line)


def log_requests() -> dict[str, Any]:
    """Return settings for :func:`logging.config.dictConfig` that write the lines to stderr."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": JsonLines}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "loggers": {
            LOGGER.name: {"handlers": ["stderr"], "level": "INFO", "propagate": False},
            "uvicorn": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
        },
    }
