"""The service in a process of its own, and a client that costs next to nothing."""

from __future__ import annotations

import importlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from stampbench.firmware_emulator.errors import InputError, LinkError

_COMMAND: Final = (
    sys.executable,
    "-c",
    "from stampbench.bench.cli.main import main; main()",
    "service",
    "serve",
)
_START_S: Final = 120.0
_ANSWER_S: Final = 60.0


def require_service() -> None:
    """Check that what the service needs is installed.

    Raises:
        InputError: a package is missing.
    """
    try:
        importlib.import_module("stampbench.sim.service.app")
    except ModuleNotFoundError as error:
        raise InputError(
            f"service: Python package {error.name!r} is not installed:"
            " expected pip install 'stampbench[service]', or 'stampbench[postgres]' for PostgreSQL"
        ) from None


class ServiceProcess:
    """``stampbench service serve`` on a port of its own; a context manager.

    Args:
        database_url: its database, with all tables.
        secret: of the service.
        log: file for what it writes to stderr.
        workers: processes that serve.
    """

    def __init__(self, database_url: str, secret: bytes, log: Path, *, workers: int = 1) -> None:
        self._workers = workers
        self._database_url = database_url
        self._secret = secret
        self._log = log

    def __enter__(self) -> ServiceProcess:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop(signal.SIGTERM)

    @property
    def pid(self) -> int:
        """Number of the process."""
        return self._process.pid

    def start(self) -> None:
        """Start it and wait until it listens.

        Raises:
            LinkError: it did not start.
        """
        environment = os.environ | {"STAMPBENCH_SERVICE_SECRET": self._secret.hex()}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *_COMMAND,
                    "--database",
                    self._database_url,
                    "--port",
                    "0",
                    "--quiet",
                    f"--workers={self._workers}",
                ],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        if self._process.stdout is None:
            raise LinkError("service: no stdout")
        line = self._process.stdout.readline().decode().strip()
        if not line.startswith("http"):
            self.stop(signal.SIGKILL)
            raise LinkError(f"service: did not start; see {self._log}")
        self.address = urlsplit(line)

    def stop(self, how: signal.Signals) -> None:
        """End it, gently or not."""
        self._process.send_signal(how)
        self._process.wait(_START_S)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def client(self) -> QuickClient:
        """Return a connection to it."""
        return QuickClient(self.address.hostname or "", self.address.port or 0)


class QuickClient:
    """One kept-alive HTTP/1.1 connection; requests can be put together beforehand."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._socket = socket.create_connection((host, port), _ANSWER_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._rest = b""

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def send(self, request: bytes) -> tuple[int, bytes]:
        """Send a request and wait for status and body.

        Raises:
            LinkError: the connection broke.
        """
        try:
            self._socket.sendall(request)
            return self._answer()
        except OSError as error:
            raise LinkError(f"service: {error}") from error

    def call(
        self, method: str, path: str, key: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any]:
        """Send a request and wait for status and JSON.

        Raises:
            LinkError: the connection broke.
        """
        status, answer = self.send(http_request(method, path, key, body, headers))
        return status, json.loads(answer) if answer else None

    def _answer(self) -> tuple[int, bytes]:
        data = self._rest
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += self._more()
        head = data[:end].lower()
        status = int(head[9:12])
        length = 0
        if (begin := head.find(b"content-length:")) >= 0:
            length = int(head[begin + 15 :].split(b"\r\n", 1)[0])
        while len(data) < end + 4 + length:
            data += self._more()
        self._rest = data[end + 4 + length :]
        return status, data[end + 4 : end + 4 + length]

    def _more(self) -> bytes:
        data = self._socket.recv(65536)
        if not data:
            raise LinkError("service: the connection was closed")
        return data


def http_request(
    method: str, path: str, key: str, body: Any = None, headers: Mapping[str, str] | None = None
) -> bytes:
    """Return one request of HTTP/1.1."""
    content = b"" if body is None else json.dumps(body).encode()
    lines = [
        f"{method} {path} HTTP/1.1",
        "Host: service",
        f"Authorization: Bearer {key}",
        "Content-Type: application/json",
        f"Content-Length: {len(content)}",
        *(f"{name}: {value}" for name, value in (headers or {}).items()),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content
