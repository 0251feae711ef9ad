"""A project with folders `bench` and `sim` of its own uses stampbench's plugin as any other does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

NEIGHBOUR = {
    "bench/__init__.py": "",
    "bench/supply.py": "VOLTS = 5\n",
    "sim/__init__.py": "",
    "sim/load.py": "AMPERES = 2\n",
    "tests/test_product.py": """
import pytest
from bench.supply import VOLTS
from sim.load import AMPERES


def test_power_of_the_product():
    assert VOLTS * AMPERES == 10


@pytest.mark.stamp("p5-60k", stamps=[777], presses=1)
def test_stamp_is_read(press, rig, station, decoder):
    assert press().read_right
    assert rig.identity.profile == "nexus-5"
    assert decoder.codebook.size == 60_000
""",
}


def test_plugin_works_in_a_project_that_has_its_own_bench_and_sim(tmp_path: Path) -> None:
    for name, text in NEIGHBOUR.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=_environment())
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout


def _environment() -> dict[str, str]:
    """Return this process's environment without what its own pytest put there: projects start their own."""
    strange = ("PYTEST_", "PYTHONSAFEPATH")
    return {name: value for name, value in os.environ.items() if not name.startswith(strange)}
