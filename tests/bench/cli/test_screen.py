from __future__ import annotations

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


def test_the_progress_of_compiling_is_told_on_stderr(stampbench: Stampbench, script: Path) -> None:
    ended = stampbench("screen", "--script", script)
    assert "preparing kernels" in ended.err


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
    ],
)
def test_wrong_arguments_are_told_in_one_line(
    stampbench: Stampbench, arguments: list[str], said: str
) -> None:
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
