"""A PostgreSQL of one's own ends with whoever started it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from stampbench.bench.service.postgres import PostgresServer, find_postgres
from stampbench.firmware_emulator.errors import LinkError

STARTER = """
import sys, time
from pathlib import Path
from stampbench.bench.service.postgres import PostgresServer
from stampbench.bench.cli import main

def wait():
    with PostgresServer(Path(sys.argv[1]), durable=False) as server:
        print(server.url("x").partition("host=")[2], flush=True)
        time.sleep(60)

main._register_commands = lambda: None
main.app = lambda standalone_mode: wait()
main.main()
"""


@pytest.fixture
def binaries() -> Path:
    found = find_postgres()
    if found is None:
        pytest.skip("PostgreSQL is not installed (Debian: postgresql)")
    return found


@pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_the_server_ends_with_the_command_that_started_it_however_that_ends(
    binaries: Path, how: signal.Signals
) -> None:
    command = [sys.executable, "-c", STARTER, str(binaries)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as starter:
        assert starter.stdout is not None
        folder = Path(starter.stdout.readline().strip())
        server = int((folder / "data/postmaster.pid").read_text().split()[0])
        starter.send_signal(how)
        assert starter.wait(60) == (-9 if how is signal.SIGKILL else 2)
    assert gone(server, folder)


def gone(server: int, folder: Path) -> bool:
    """Whether the server ends and its folder goes, within some seconds."""
    end_s = time.monotonic() + 20.0
    while time.monotonic() < end_s:
        try:
            os.kill(server, 0)
        except ProcessLookupError:
            if not folder.exists():
                return True
        time.sleep(0.05)
    return False


def test_a_server_that_cannot_start_says_why_and_leaves_nothing(binaries: Path) -> None:
    server = PostgresServer(binaries, durable=False, settings=("shared_buffers=nonsense",))
    with pytest.raises(LinkError, match="PostgreSQL: pg_ctl"), server:
        pass
    assert not Path(server.url("x").partition("host=")[2]).exists()
