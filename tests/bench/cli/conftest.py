"""The command line, run in this process as a shell would see it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from stampbench.bench.cli.main import main

SMALL_PLAN = """
[plan]
name = "small"
family = "p5-60k"
seed = 7
profiles = ["nexus-5"]

[[cases]]
name = "held"
kind = "genuine"
presses = 4

[[cases]]
name = "foreign"
kind = "foreign"
stamps = ["coin", "fingers/5"]
presses = 2
condition = { noise = 0.5 }

[[limits]]
measurement = "frr"
max = 0.5

[[limits]]
measurement = "far"
max = 0.5
"""


@dataclass(frozen=True)
class Ended:
    """What a command left: exit status, stdout and stderr."""

    status: int
    out: str
    err: str


@pytest.fixture
def stampbench(monkeypatch, capsys) -> Callable[..., Ended]:
    """Runs one command."""

    def call(*arguments: object) -> Ended:
        monkeypatch.setattr(sys, "argv", ["stampbench", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        return Ended(int(ended.value.code or 0), captured.out, captured.err)

    return call


@pytest.fixture
def plan_file(tmp_path: Path) -> Callable[..., Path]:
    """Writes the small plan, with one thing replaced."""

    def write(old: str = "", new: str = "") -> Path:
        assert old in SMALL_PLAN
        path = tmp_path / "small.toml"
        path.write_text(SMALL_PLAN.replace(old, new) if old else SMALL_PLAN)
        return path

    return write
