"""The service served: one process or several, and what it does by itself beside them."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import uvicorn
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.service.housekeeping import FileTransport, Housekeeping
from stampbench.sim.service.logs import log_requests
from stampbench.sim.service.opening import DATABASE_VARIABLE, SECRET_VARIABLE, open_service, read_secret
from stampbench.sim.service.service import ServiceSettings

_APPLICATION: Final = "stampbench.sim.service.app:app_from_environment"


def serve_forever(
    database: str,
    *,
    host: str,
    port: int,
    outbox: Path | None,
    workers: int,
    quiet: bool,
    announce: Callable[[str], object],
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

    Raises:
        InputError: a database, secret or address that cannot be used.
    """
    secret = read_secret(database)
    service = open_service(ServiceSettings(secret, database))
    os.environ |= {DATABASE_VARIABLE: database, SECRET_VARIABLE: secret.hex()}
    try:
        listener = socket.create_server((host, port), backlog=512)
    except OSError as error:
        raise InputError(f"--host {host} --port {port}: {error.strerror}") from error
    options: dict[str, Any] = {
        "factory": True,
        "access_log": False,
        "log_level": "warning",
        "log_config": None if quiet else log_requests(),
        "ws": "none",
        "proxy_headers": False,
    }
    # Answers leave in two parts: without this the second waits for the client's acknowledgement of the first.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with listener, Housekeeping(service, None if outbox is None else FileTransport(outbox)):
        announce(f"http://{host}:{listener.getsockname()[1]}")
        if workers == 1:
            uvicorn.Server(uvicorn.Config(_APPLICATION, **options)).run(sockets=[listener])
        else:
            listener.set_inheritable(True)
            uvicorn.run(_APPLICATION, fd=listener.fileno(), workers=workers, **options)
    service.database.close()
