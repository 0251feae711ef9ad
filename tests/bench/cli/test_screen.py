from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.bench.cli.conftest import Ended

Stampbench = Callable[..., "Ended"]

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """A window of its own size for a moment."""
    path = tmp_path / "script.toml"
    path.write_text("size = [900, 600]\nseconds = 0.1\n")
    return path


def size_of(picture: Path) -> tuple[int, int]:
    data = picture.read_bytes()
    assert data.startswith(PNG)
    return int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")


def test_a_script_is_played_without_a_display_and_its_end_saved(
    stampbench: Stampbench, script: Path, tmp_path: Path
) -> None:
    shot = tmp_path / "shot.png"
    ended = stampbench("screen", "--script", script, "--shot", shot, "--out", tmp_path / "out")
    assert (ended.status, ended.out) == (0, "")
    assert size_of(shot) == (900, 600)
    assert not (tmp_path / "out").exists()


def test_the_same_script_and_seed_give_the_same_picture(
    stampbench: Stampbench, script: Path, tmp_path: Path
) -> None:
    pictures = [tmp_path / "a.png", tmp_path / "b.png"]
    for picture in pictures:
        stampbench("screen", "--script", script, "--shot", picture, "--seed", 5, "--size", "800x500")
    assert size_of(pictures[0]) == (800, 500)
    assert pictures[0].read_bytes() == pictures[1].read_bytes()


def test_compiling_is_told_on_stderr_where_it_takes_its_time(
    stampbench: Stampbench, script: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stampbench.bench.cli.screen._SILENT_S", 3600.0)
    assert stampbench("screen", "--script", script).err == ""
    monkeypatch.setattr("stampbench.bench.cli.screen._SILENT_S", 0.0)
    assert "preparing kernels" in stampbench("screen", "--script", script).err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--shot", "x.png"], "--script"),
        (["--size", "10x10"], "--size 10x10"),
        (["--size", "wide"], "--size wide"),
        (["--family", "p5-60k", "--catalogue", "own.toml"], "exclude"),
        (["--profile", "no-such-phone"], "no-such-phone"),
        (["--family", "no-such-family"], "no-such-family"),
        (["--script", "nowhere.toml"], "nowhere.toml"),
        (["--plan", "nowhere.toml"], "nowhere.toml"),
        (["--operator", "Kim"], "expected --plan"),
        (["--json"], "expected --plan"),
        (["--plan", "fixtures/plans/by-hand.toml", "--family", "p5-60k"], "has its own"),
        (
            ["--plan", "fixtures/plans/by-hand.toml", "--profile", "elan-11"],
            "--profile elan-11: expected one",
        ),
        (["--plan", "fixtures/plans/by-hand.toml", "--source", "pyproject.toml"], "a recording"),
        (["--plan", "fixtures/plans/hardened.toml"], "names a scenario"),
        (["--plan", "fixtures/plans/by-hand.toml", "--set", "rig.faults.drop_packet=0.1"], "rig.faults"),
    ],
)
def test_wrong_arguments_are_told_in_one_line(
    stampbench: Stampbench, monkeypatch: pytest.MonkeyPatch, project: Path, arguments: list[str], said: str
) -> None:
    monkeypatch.chdir(project)
    ended = stampbench("screen", *arguments)
    assert ended.status == 4
    assert said in ended.err.splitlines()[-1]


def test_a_recording_that_cannot_be_read_is_told_before_the_window_opens(
    stampbench: Stampbench, script: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.jsonl"
    broken.write_text("nothing of the kind\n")
    ended = stampbench("screen", "--script", script, "--source", broken)
    assert ended.status == 4
    assert "broken.jsonl" in ended.err


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no variable says where the display is")
def test_without_a_display_a_window_is_refused(
    stampbench: Stampbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR", "SDL_VIDEODRIVER"):
        monkeypatch.delenv(name, raising=False)
    ended = stampbench("screen")
    assert ended.status == 4
    assert "no display" in ended.err


ONE_PRESS = """
size = [640, 400]
seconds = 2.2
[[do]]
at = 0.2
key = "space"
seconds = 0.4
"""
PLAN = """
[plan]
name = "one"
family = "p5-60k"
profiles = ["surface-book-2", "nexus-5"]
[[cases]]
name = "held"
kind = "genuine"
presses = 1
[[limits]]
measurement = "frr"
max = 0.5
"""


def test_a_plan_pressed_by_a_script_ends_as_a_run_does(stampbench: Stampbench, tmp_path: Path) -> None:
    (tmp_path / "script.toml").write_text(ONE_PRESS)
    (tmp_path / "plan.toml").write_text(PLAN)
    out = tmp_path / "run"
    window = ("screen", "--script", tmp_path / "script.toml")
    plan = ("--plan", tmp_path / "plan.toml", "--profile", "nexus-5", "--dut", "LOT-7", "--out", out)
    ended = stampbench(*window, *plan, "--json")
    assert ended.status == 0
    summary = json.loads(ended.out)
    assert (summary["verdict"], summary["presses"]["passed"]) == ("passed", 1)
    header = json.loads((out / "records.jsonl").read_text().splitlines()[0])
    assert (header["profiles"], header["duts"]) == (["nexus-5"], {"*": "LOT-7"})
    refused = stampbench(*window, "--resume", out)
    assert refused.status == 4
    assert "the run is complete" in refused.err


def test_a_plan_that_the_script_leaves_unfinished_is_interrupted_and_resumed(
    stampbench: Stampbench, tmp_path: Path
) -> None:
    (tmp_path / "script.toml").write_text(ONE_PRESS)
    (tmp_path / "plan.toml").write_text(PLAN.replace("presses = 1", "presses = 2"))
    out = tmp_path / "run"
    window = ("screen", "--script", tmp_path / "script.toml")
    ended = stampbench(*window, "--plan", tmp_path / "plan.toml", "--profile", "nexus-5", "--out", out)
    assert (ended.status, "stopped after 1 of 2 presses" in ended.out) == (2, True)
    ended = stampbench(*window, "--resume", out)
    assert (ended.status, "all 1 limits met" in ended.out) == (0, True)


def test_a_plan_on_a_port_that_is_not_there_lacks_hardware(stampbench: Stampbench, tmp_path: Path) -> None:
    (tmp_path / "script.toml").write_text("seconds = 0.5")
    (tmp_path / "plan.toml").write_text(PLAN)
    plan = ("--plan", tmp_path / "plan.toml", "--source", "/dev/none", "--out", tmp_path / "run")
    ended = stampbench("screen", "--script", tmp_path / "script.toml", *plan)
    assert ended.status == 77
    assert not (tmp_path / "run").exists()
