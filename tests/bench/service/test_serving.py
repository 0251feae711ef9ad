"""The service in a process of its own, under bad connections and a stop."""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from stampbench.bench.service.process import ServiceProcess
from stampbench.sim.service.migrations import migrate
from stampbench.sim.service.store.database import Database

HALF_OPEN = 1500


@pytest.fixture
def process(tmp_path: Path) -> Iterator[ServiceProcess]:
    url = f"sqlite:///{tmp_path / 'service.sqlite3'}"
    database = Database(url)
    migrate(database)
    database.close()
    with ServiceProcess(url, bytes(range(32)), tmp_path / "log") as started:
        yield started


def connect(process: ServiceProcess) -> socket.socket:
    return socket.create_connection((process.address.hostname, process.address.port), 20.0)


def is_well(process: ServiceProcess) -> bool:
    client = process.client()
    status, answer = client.call("GET", "/ready", "")
    client.close()
    return (status, answer) == (200, {"status": "ok"})


def test_half_open_connections_keep_nobody_out(process: ServiceProcess) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < HALF_OPEN + 200:
        pytest.skip(f"this machine allows {hard} open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, HALF_OPEN + 200), hard))
    half_open = []
    for _ in range(HALF_OPEN):
        one = connect(process)
        one.sendall(b"POST /v1/presses HTTP/1.1\r\nHost: here\r\n")
        half_open.append(one)
    assert is_well(process)
    for one in half_open:
        one.close()


def test_a_body_of_200_mb_is_refused_before_it_is_read(process: ServiceProcess) -> None:
    connection = connect(process)
    head = b"POST /v1/presses HTTP/1.1\r\nHost: here\r\nContent-Length: 200000000\r\n"
    connection.sendall(head + b"Content-Type: application/json\r\nIdempotency-Key: a large one\r\n\r\n")
    sent = 0
    try:
        while sent < 20_000_000:
            sent += connection.send(b" " * 65536)
    except OSError:
        pass  # it hung up
    status = connection.recv(100).split(b" ")[1] if sent >= 20_000_000 else b"413"
    assert status in (b"401", b"413")
    connection.close()
    assert is_well(process)


def test_a_stop_ends_it_within_ten_seconds_though_somebody_sent_half_a_request(
    process: ServiceProcess,
) -> None:
    connection = connect(process)
    head = b"POST /v1/presses HTTP/1.1\r\nHost: here\r\nContent-Length: 100\r\n"
    connection.sendall(head + b"Content-Type: application/json\r\n\r\n{")
    begun_s = time.monotonic()
    process.stop(signal.SIGTERM)
    assert time.monotonic() - begun_s < 10.0
    connection.close()


def test_a_sandbox_prints_its_address_keys_and_stamps_and_accepts_one_at_once(tmp_path: Path) -> None:
    code = "from stampbench.bench.cli.main import main; main()"
    command = [sys.executable, "-c", code, "service", "serve", "--sandbox", "--port", "0", "--quiet"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=tmp_path, env=os.environ | {"PYTHONUNBUFFERED": "1"}
    ) as started:
        assert started.stdout is not None
        lines = [started.stdout.readline().strip() for _ in range(14)]
        try:
            host, port = lines[0].removeprefix("http://").split(":")
            key = lines[1].split()[-1]
            assert [line.split()[0] for line in lines[4:]] == ["stamp"] * 10
            with socket.create_connection((host, int(port)), 20.0) as connection:
                connection.sendall(b"GET /sandbox/stamps HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                told = b""
                while part := connection.recv(65536):
                    told += part
            stamps = json.loads(told.partition(b"\r\n\r\n")[2])
            assert stamps["publishable_key"] == key
        finally:
            started.send_signal(signal.SIGTERM)
    assert list(tmp_path.iterdir()) == []
