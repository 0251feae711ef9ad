from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pygame
import pytest
from PIL import Image
from stampbench.bench.window.sharing import LastSeconds, save_picture
from stampbench.firmware_emulator.errors import InputError

if TYPE_CHECKING:
    from tests.bench.window.conftest import Screen


def painted(at: int) -> pygame.Surface:
    surface = pygame.Surface((1000, 500))
    surface.fill("#dddddd")
    pygame.draw.rect(surface, (200, 0, 55), (at, 100, 80, 80))
    return surface


def test_the_animation_holds_the_last_five_seconds_at_ten_frames_a_second(tmp_path: Path) -> None:
    last = LastSeconds()
    for frame in range(60 * 7):
        last.keep(painted(2 * frame), 1 / 60)
    last.save(tmp_path / "last.gif")
    with Image.open(tmp_path / "last.gif") as animation:
        assert animation.n_frames == 50
        assert animation.size == (800, 400)
        assert animation.info["duration"] == 100


def test_an_animation_of_nothing_or_to_nowhere_is_refused(tmp_path: Path) -> None:
    last = LastSeconds()
    with pytest.raises(InputError, match="nothing has been shown yet"):
        last.save(tmp_path / "last.gif")
    last.keep(painted(3), 1.0)
    with pytest.raises(InputError, match="cannot be written"):
        last.save(tmp_path / "nowhere" / "last.gif")


def test_a_picture_is_what_is_shown(tmp_path: Path) -> None:
    save_picture(painted(0), tmp_path / "shot.png")
    with Image.open(tmp_path / "shot.png") as picture:
        assert picture.size == (1000, 500)
        assert picture.getpixel((10, 110)) == (200, 0, 55)


def test_a_picture_that_cannot_be_written_is_a_message(
    screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        screen.live.session, "picture_path", lambda suffix: Path("/nowhere/at/all") / f"x{suffix}"
    )
    screen.do('at = 0.0\nkey = "ctrl+p"', seconds=0.1)
    assert any("cannot be written" in text for text in screen.window.toasts.texts)
    assert screen.window.open
