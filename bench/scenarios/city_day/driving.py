"""The client: asks the service over HTTP, one request after the other or many at once, and times them."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Protocol

import httpx
import uvicorn
from anyio.from_thread import start_blocking_portal
from fastapi import FastAPI

_TIMEOUT_S: Final = 120.0
_BACKLOG: Final = 512


@dataclass(frozen=True, slots=True)
class Reply:
    """What the service answered; ``body`` is None where it sent none."""

    status: int
    body: Any

    @property
    def ok(self) -> bool:
        """Whether it did what was asked."""
        return 200 <= self.status < 300

    @property
    def reason(self) -> str:
        """Of a press: its reason; of an error: its code."""
        if not isinstance(self.body, Mapping):
            return ""
        return str(self.body.get("reason") or self.body.get("code", ""))

    @property
    def accepted(self) -> bool:
        """Of a press: whether it was."""
        return isinstance(self.body, Mapping) and self.body.get("outcome") == "accepted"


@dataclass(frozen=True, slots=True)
class Ask:
    """One request."""

    method: str
    path: str
    key: str = ""
    json: Any = None
    idempotency_key: str = ""

    @property
    def headers(self) -> dict[str, str]:
        """As HTTP has them."""
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        return headers | ({"Idempotency-Key": self.idempotency_key} if self.idempotency_key else {})


class Line(Protocol):
    """A way to the service."""

    def send(self, ask: Ask) -> httpx.Response:
        """Send one request; from any thread."""

    def close(self) -> None:
        """End it."""


class Loopback:
    """A real server in a thread of this process, on a port that the system chooses."""

    def __init__(self, app: FastAPI) -> None:
        listener = socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG)
        config = uvicorn.Config(app, log_config=None, access_log=False, ws="none", lifespan="off")
        self._server = uvicorn.Server(config)
        run = partial(self._server.run, sockets=[listener])
        self._thread = threading.Thread(target=run, name="stamp service", daemon=True)
        self._thread.start()
        self._client = client_of(listener.getsockname()[1])

    def send(self, ask: Ask) -> httpx.Response:
        """Send one request."""
        return self._client.request(ask.method, ask.path, headers=ask.headers, json=ask.json)

    def close(self) -> None:
        """End client and server."""
        self._client.close()
        self._server.should_exit = True
        self._thread.join()


class InProcess:
    """The application itself, without sockets."""

    def __init__(self, app: FastAPI) -> None:
        self._stack = ExitStack()
        self._portal = self._stack.enter_context(start_blocking_portal())
        transport = httpx.ASGITransport(app)
        self._client = httpx.AsyncClient(transport=transport, base_url="http://service")
        self._stack.callback(self._portal.call, self._client.aclose)

    def send(self, ask: Ask) -> httpx.Response:
        """Send one request."""
        request = partial(self._client.request, ask.method, ask.path, headers=ask.headers, json=ask.json)
        return self._portal.call(request)

    def close(self) -> None:
        """End it."""
        self._stack.close()


LINES: Final[Mapping[str, Callable[[FastAPI], Line]]] = {"http": Loopback, "asgi": InProcess}


def client_of(port: int) -> httpx.Client:
    """A client for a server on loopback."""
    limits = httpx.Limits(max_connections=100, max_keepalive_connections=100)
    return httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=_TIMEOUT_S, limits=limits)


class Driver:
    """Asks over a line.

    Attributes:
        seconds: of the presses that were asked for one after the other.
        requests: sent in all.
    """

    def __init__(self, line: Line) -> None:
        self._line = line
        self.seconds: list[float] = []
        self.requests = 0

    def ask(self, ask: Ask) -> Reply:
        """One request."""
        self.requests += 1
        answer = self._line.send(ask)
        return Reply(answer.status_code, answer.json() if answer.content else None)

    def timed(self, ask: Ask) -> Reply:
        """One request whose time is noted."""
        begun_s = time.perf_counter()
        reply = self.ask(ask)
        self.seconds.append(time.perf_counter() - begun_s)
        return reply

    def together(self, asks: Iterable[Ask]) -> list[Reply]:
        """Requests at once, each from a thread of its own; replies in their order."""
        every = list(asks)
        start = threading.Barrier(len(every))

        def one(ask: Ask) -> Reply:
            start.wait()
            return self.ask(ask)

        with ThreadPoolExecutor(len(every)) as pool:
            return list(pool.map(one, every))
