"""The rig loop in C behind a pseudo-terminal, its panel simulated: a rig like the virtual one."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest
from stampbench.bench.plans.plan import Plan
from stampbench.bench.rig.check import Outcome, RigCheck
from stampbench.firmware_emulator.errors import StampbenchError
from stampbench.firmware_emulator.link.commands import PressCommand
from stampbench.firmware_emulator.link.messages import Capability, Status
from stampbench.firmware_emulator.touch import TouchReport
from stampbench.sim.device import Device
from stampbench.sim.panel import Condition, load_profile
from stampbench.sim.press import Press
from stampbench.sim.rig import warmed_up

import stampbench as sb
from stampbench import firmware_emulator

SOURCES = Path(firmware_emulator.__file__).parent / "reference_c"
SMALL = ("--shard", "1/20")
"""Every twentieth press of the plan."""
STAMPBENCH = [sys.executable, "-c", "from stampbench.bench.cli.main import main; main()"]
COMPILER = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")
WARNINGS = ("-Wall", "-Wextra", "-Werror", "-pedantic", "-Wconversion", "-Wshadow")

pytestmark = [
    pytest.mark.skipif(COMPILER is None, reason="no C compiler: cc, gcc or clang"),
    pytest.mark.skipif(os.name == "nt", reason="no pseudo-terminals"),
]


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    assert COMPILER is not None
    program = tmp_path_factory.mktemp("simulator") / "simulator"
    sources = [*SOURCES.glob("*.c"), SOURCES / "examples" / "simulator" / "simulator.c"]
    build = [COMPILER, "-std=c99", *WARNINGS, *sources, "-o", program]
    if subprocess.run([*build, *SANITIZERS], capture_output=True, check=False).returncode:
        subprocess.run(build, check=True)
    return program


class Panel:
    """Answers the simulator as its header says, by a simulated device."""

    def __init__(self, process: subprocess.Popen[str], profile: str) -> None:
        self._process = process
        self._device = warmed_up(Device(load_profile(profile)))
        self._begun_us = 0
        self._press: Iterator[tuple[object, TouchReport]] = iter(())
        self._asked = threading.Condition()
        self._waiting: list[str] = []
        threading.Thread(target=self._listen, daemon=True).start()
        threading.Thread(target=self._run, daemon=True).start()

    def _listen(self) -> None:
        for line in self._lines(self._process.stdout):
            with self._asked:
                self._waiting.append(line)
                self._asked.notify()
        with self._asked:
            self._waiting.append("")
            self._asked.notify()

    @staticmethod
    def _lines(stream: IO[str] | None) -> Iterator[str]:
        assert stream is not None
        return (line.strip() for line in stream)

    def _say(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def _run(self) -> None:
        scans: Iterator[str] = iter(())
        with contextlib.suppress(BrokenPipeError, ValueError):
            while True:
                with self._asked:
                    scan = next(scans, None) if not self._waiting else None
                    while scan is None and not self._waiting:
                        self._asked.wait()
                    line = self._waiting.pop(0) if self._waiting and scan is None else None
                if scan is not None:
                    self._say(scan)
                    continue
                if not line:
                    return
                verb, _, payload = line.partition(" ")
                try:
                    scans = self._obey(verb, bytes.fromhex(payload), scans)
                    self._say(f"status {Status.OK.value} ")
                except StampbenchError as error:
                    self._say(f"status {Status.BAD_ARGUMENT.value} {error}")

    def _obey(self, verb: str, payload: bytes, scans: Iterator[str]) -> Iterator[str]:
        if verb == "reset":
            return iter(())
        if verb == "configure":
            self._device.configure(Condition.from_mapping(json.loads(payload)))
            return scans
        command = PressCommand.unpack(payload)
        press = self._device.press(Press.of_command(command), command.seed)
        first = next(press)
        return self._scans(first, press)

    def _scans(
        self, first: tuple[object, TouchReport], press: Iterator[tuple[object, TouchReport]]
    ) -> Iterator[str]:
        begun_us, t_us = self._begun_us, 0
        interval_us = self._device.identity.frame_interval_us
        for _, report in (first, *press):
            t_us = begun_us + interval_us + report.t_us - first[1].t_us
            self._begun_us = t_us
            contacts = [
                f"{c.id} {int(c.tip)} {c.x} {c.y} {round(100 * (c.size_mm or 0))} {int(c.cancelled)}"
                for c in report.contacts
            ]
            yield " ".join([f"scan {t_us} {len(contacts)}", *contacts])
        yield "over"


@contextlib.contextmanager
def rig_in_c(simulator: Path, profile: str) -> Iterator[str]:
    master, slave = os.openpty()
    port, terminal = os.ttyname(slave), master
    said = Device(load_profile(profile)).identity
    able = said.capabilities & ~Capability.RAW_FRAMES
    identity = (
        f"{said.contact_limit} {int(able)} {said.x_max} {said.y_max} {said.width_um} {said.height_um} "
        f"{said.frame_interval_us} in-c {said.profile}"
    )
    with subprocess.Popen(
        [simulator, str(terminal), identity],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        pass_fds=[terminal],
    ) as process:
        Panel(process, profile)
        try:
            yield port
        finally:
            process.kill()
            os.close(slave)
            os.close(master)


def test_the_rig_in_c_breaks_no_clause(simulator: Path) -> None:
    with rig_in_c(simulator, "nexus-5") as port:
        findings = RigCheck(port).run()
    assert [finding for finding in findings if finding.outcome is Outcome.BROKEN] == []


def test_the_rig_in_c_runs_the_quickstart_with_the_readings_of_the_virtual_rig(
    simulator: Path, tmp_path: Path
) -> None:
    plan = Plan.read("quickstart")
    readings = []
    profile = plan.header.profiles[0]
    with rig_in_c(simulator, profile) as port:
        for name, rig in (("c", port), ("virtual", "virtual")):
            out = tmp_path / name
            done = subprocess.run(
                [*STAMPBENCH, "run", "quickstart", *SMALL, "--rig", rig, "--out", str(out)],
                capture_output=True,
                text=True,
                check=False,
                timeout=300,
            )
            assert done.returncode in (0, 1), done.stderr  # so few presses need not settle every limit
            presses = [press for press in sb.read_run(out).presses if press.profile == profile]
            readings.append([(press.case, press.seed, press.reading) for press in presses])
    assert readings[0]
    assert readings[0] == readings[1]
