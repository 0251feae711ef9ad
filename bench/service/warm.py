"""The service in processes that are forked from one which has imported everything already.

A start of the command takes two seconds, nearly all of it imports (FastAPI, SQLAlchemy, SciPy, Numba): too
long where the service is to be killed a hundred times. What is forked is the same command, from its first
line on; it opens its database, reads its stamps and builds its decoders anew.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from stampbench.bench.service.process import ServiceProcess
from stampbench.firmware_emulator.errors import LinkError

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext, SpawnContext

_IMPORTED: Final = ["stampbench.bench.service.serving", "stampbench.sim.service.app"]
_START_S: Final = 120.0


class WarmService(ServiceProcess):
    """As :class:`ServiceProcess`; on Windows, which cannot fork, only the command line is spared."""

    def start(self) -> None:
        """Start it and wait until it listens.

        Raises:
            LinkError: it did not start.
        """
        context = _context()
        mine, its = context.Pipe(duplex=False)
        arguments = (self._database_url, self._secret, self._log, its)
        self._forked = context.Process(target=_serve, args=arguments, daemon=True)
        self._forked.start()
        its.close()
        try:
            if not mine.poll(_START_S):
                raise EOFError
            line = mine.recv_bytes().decode()
        except EOFError:
            self.stop(signal.SIGTERM)
            raise LinkError(f"service: did not start; see {self._log}") from None
        finally:
            mine.close()
        self.address = urlsplit(line)

    @property
    def pid(self) -> int:
        """Number of the process."""
        return self._forked.pid or 0

    def stop(self, how: signal.Signals) -> None:
        """End it, gently or not."""
        if how is signal.SIGTERM:
            self._forked.terminate()
        else:
            self._forked.kill()
        self._forked.join(_START_S)


def _context() -> SpawnContext | ForkServerContext:
    if sys.platform == "win32":
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_IMPORTED)
    return context


def _serve(database_url: str, secret: bytes, log: Path, listens: Connection) -> None:
    """Run the command in the forked process."""
    from stampbench.bench.service.serving import serve_forever
    from stampbench.sim.service.opening import SECRET_VARIABLE

    os.environ[SECRET_VARIABLE] = secret.hex()
    with log.open("a") as stderr:
        os.dup2(stderr.fileno(), sys.stderr.fileno())
    serve_forever(
        database_url,
        host="127.0.0.1",
        port=0,
        outbox=None,
        workers=1,
        quiet=True,
        announce=lambda address: listens.send_bytes(address.encode()),
    )
