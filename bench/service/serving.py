"""The service served: one process or several, and what it does by itself beside them."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import uvicorn
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.service.housekeeping import FileTransport, Housekeeping
from stampbench.sim.service.logs import log_requests
from stampbench.sim.service.opening import (
    DATABASE_VARIABLE,
    ORIGINS_VARIABLE,
    SECRET_VARIABLE,
    open_service,
    read_secret,
)
from stampbench.sim.service.sandbox.app import sandbox_app
from stampbench.sim.service.sandbox.world import open_sandbox
from stampbench.sim.service.service import ServiceSettings
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

BACKLOG: Final = 2048
"""Connections that may wait to be taken; the kernel's own limit holds too."""
HEAD_S: Final = 10.0
"""A connection that has not sent the head of a request in this time is closed."""
START_S: Final = 120
"""A worker that has not begun to answer within this time is started anew; a busy machine imports slowly."""
STOP_S: Final = 8
"""Requests that are being answered get this long once the service is to end."""
_APPLICATION: Final = "stampbench.sim.service.app:app_from_environment"


class ImpatientProtocol(HttpToolsProtocol):
    """HTTP/1.1 that hangs up on those who send half a head, or nothing."""

    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._wait()

    def on_message_begin(self) -> None:
        """Begin to wait for the rest of a head."""
        self._wait()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Wait no longer."""
        self._wait(False)
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._wait(False)
        super().connection_lost(exc)

    def _wait(self, begin: bool = True) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.loop.call_later(HEAD_S, self.transport.close) if begin else None


def serve_forever(
    database: str,
    *,
    host: str,
    port: int,
    outbox: Path | None,
    workers: int,
    quiet: bool,
    announce: Callable[[str], object],
    origins: Sequence[str] = (),
    proxy: str | None = None,
) -> None:
    """Serve until interrupted.

    Args:
        database: its URL.
        host: address to listen on.
        port: TCP port; 0 lets the system choose.
        outbox: file to which messages are appended; None: they wait.
        workers: processes.
        quiet: no line per request on stderr.
        announce: is told the address once somebody listens there.
        origins: of web pages that may press.
        proxy: address of the one in front, whose word for who asks is believed; None: there is none.

    Raises:
        InputError: a database, secret or address that cannot be used.
    """
    secret = read_secret(database)
    service = open_service(ServiceSettings(secret, database, origins=tuple(origins)))
    os.environ |= {
        DATABASE_VARIABLE: database,
        SECRET_VARIABLE: secret.hex(),
        ORIGINS_VARIABLE: " ".join(origins),
    }
    options = {**_options(quiet), "factory": True}
    if proxy is not None:
        options |= {"proxy_headers": True, "forwarded_allow_ips": proxy}
    with ExitStack() as stack:
        listener = stack.enter_context(_listener(host, port))
        if workers > 1:
            counts = stack.enter_context(TemporaryDirectory(prefix="stampbench-metrics-"))
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = counts
        stack.enter_context(Housekeeping(service, None if outbox is None else FileTransport(outbox)))
        announce(f"http://{host}:{listener.getsockname()[1]}")
        if workers == 1:
            uvicorn.Server(uvicorn.Config(_APPLICATION, **options)).run(sockets=[listener])
        else:
            listener.set_inheritable(True)
            options |= {"timeout_worker_healthcheck": START_S}
            uvicorn.run(_APPLICATION, fd=listener.fileno(), workers=workers, **options)
    service.database.close()


def serve_sandbox(
    family: str, *, host: str, port: int, quiet: bool, announce: Callable[[str], object]
) -> None:
    """Serve a sandbox until interrupted.

    Args:
        family: of its stamps.
        host: address to listen on.
        port: TCP port; 0 lets the system choose.
        quiet: no line per request on stderr.
        announce: is told the address once somebody listens there, and then keys and stamps.

    Raises:
        InputError: no such family, or an address that cannot be used.
    """
    with open_sandbox(family) as sandbox, _listener(host, port) as listener:
        address = f"http://{host}:{listener.getsockname()[1]}"
        merchant = sandbox.merchant
        announce(address)
        announce(f"publishable key  {merchant.app_key}")
        announce(f"secret key       {merchant.server_key}")
        announce(f"log of presses   {address}/sandbox")
        for stamp in merchant.stamps:
            announce(f"stamp {stamp.serial}  {family}/{stamp.code}")
        server = uvicorn.Server(uvicorn.Config(sandbox_app(sandbox), **_options(quiet)))
        server.run(sockets=[listener])


def _listener(host: str, port: int) -> socket.socket:
    try:
        listener = socket.create_server((host, port), backlog=BACKLOG)
    except OSError as error:
        raise InputError(f"--host {host} --port {port}: {error.strerror}") from error
    # Answers leave in two parts: without this the second waits for the client's acknowledgement of the first.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _options(quiet: bool) -> dict[str, Any]:
    return {
        "access_log": False,
        "log_level": "warning",
        "log_config": None if quiet else log_requests(),
        "ws": "none",
        "http": ImpatientProtocol,
        "timeout_graceful_shutdown": STOP_S,
        "proxy_headers": False,
    }
