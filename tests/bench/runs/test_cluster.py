from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import stampbench.bench.runs.campaign
from stampbench.bench.records.files import read_run
from stampbench.bench.runs.campaign import campaign
from stampbench.bench.runs.orders import RunOrder
from stampbench.bench.runs.progress import Progress
from stampbench.firmware_emulator.errors import InputError, NoHardwareError

from tests.bench.conftest import foreign, held, small_plan

pytest.importorskip("distributed")

PLAN = small_plan(held(60), foreign(20, "random-stamp", "fingers/5"))
START_S = 60.0


@contextmanager
def process(module, *arguments):
    """A process of the cluster, which is killed at the end."""
    command = [sys.executable, "-m", f"distributed.cli.{module}", "--no-dashboard", *map(str, arguments)]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield running
    finally:
        running.kill()
        running.wait(10)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Address of a scheduler on loopback, and its two workers, each a process."""
    folder = tmp_path_factory.mktemp("cluster")
    file = folder / "scheduler.json"
    with ExitStack() as stack:
        stack.enter_context(
            process("dask_scheduler", "--host", "127.0.0.1", "--port", 0, "--scheduler-file", file)
        )
        workers = [
            stack.enter_context(
                process(
                    "dask_worker", "--scheduler-file", file, "--host", "127.0.0.1", "--no-nanny",
                    "--nthreads", 1, "--memory-limit", 0, "--local-directory", folder,
                )
            )
            for _ in range(2)
        ]  # fmt: skip
        address = _address(file)
        _wait_for_workers(address, 2)
        yield address, workers


def _address(file: Path) -> str:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if file.is_file() and (text := file.read_text()):
            return json.loads(text)["address"]
        time.sleep(0.05)
    raise TimeoutError("the scheduler did not start")


def _wait_for_workers(address: str, count: int) -> None:
    from distributed import Client

    with Client(address, timeout=START_S, set_as_default=False) as client:
        client.wait_for_workers(count, timeout=START_S)


@pytest.fixture
def pressed(tmp_path, monkeypatch):
    """Makes the presses of the plan, in small chunks."""
    monkeypatch.setattr(stampbench.bench.runs.campaign, "CHUNK", 5)

    def pressed(name, progress=None, **how):
        order = RunOrder(PLAN, tmp_path / name, 3)
        campaign(order, progress, **how)
        return read_run(tmp_path / name)

    return pressed


class KillsAWorker(Progress):
    """Kills a process as soon as a few chunks are recorded."""

    def __init__(self, victim):
        self.victim, self.chunks, self.said = victim, 0, []

    def say(self, text):
        self.said.append(text)

    def pressed(self, presses, failed):
        self.chunks += 1
        if self.chunks == 3:
            os.kill(self.victim.pid, 9)


def test_a_cluster_reads_what_one_process_reads_even_if_a_worker_is_lost(cluster, pressed):
    address, workers = cluster
    progress = KillsAWorker(workers[0])
    far, near = pressed("far", progress, cluster=address), pressed("near")
    assert far.end.status == "complete"
    assert workers[0].wait(10) == -9
    assert any("2 jobs at once" in text for text in progress.said)
    assert far.digest == near.digest
    assert far.path.read_bytes().splitlines()[1:-1] == near.path.read_bytes().splitlines()[1:-1]


def test_a_worker_of_another_version_is_refused(cluster, pressed, monkeypatch):
    monkeypatch.setattr(stampbench.bench.runs.campaign, "version", lambda name: "99.0")
    run = pressed("other", cluster=cluster[0])
    assert run.end.status == "error"
    assert "expected 99.0" in run.end.message


def test_an_address_where_nobody_is_is_missing_hardware(pressed, monkeypatch):
    monkeypatch.setattr("stampbench.bench.runs.cluster.CONNECT_S", 0.3)
    with pytest.raises(NoHardwareError, match="no scheduler answers"):
        pressed("none", cluster="tcp://127.0.0.1:9")


@pytest.mark.parametrize("address", ["nonsense://x", "nonsense", ""])
def test_an_address_that_is_none_is_refused(pressed, address):
    with pytest.raises(InputError, match="expected one such as tcp://host:8786"):
        pressed("none", cluster=address)
