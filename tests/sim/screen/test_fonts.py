from __future__ import annotations

from pathlib import Path

import pygame
import pytest
from stampbench.sim.screen.fonts import DASH, MINUS, TIMES, Lettering, find_typeface


@pytest.fixture(autouse=True)
def _fonts() -> None:
    pygame.font.init()


def test_the_font_that_comes_with_the_widgets_has_hangul_and_the_signs_in_use() -> None:
    typeface = find_typeface()
    assert typeface.hangul
    metrics = Lettering(typeface, 1.0).font(13).metrics(f"스탬프°≥✓▶◀…{MINUS}{TIMES}{DASH}")
    assert None not in metrics


def test_without_it_a_font_of_the_system_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def match_font(names: str, bold: bool = False, italic: bool = False) -> str:
        asked.append(names)
        return f"/fonts/{'bold' if bold else 'plain'}.ttf"

    monkeypatch.setattr(pygame.font, "match_font", match_font)
    typeface = find_typeface(tmp_path)
    assert (typeface.regular, typeface.bold, typeface.hangul) == ("/fonts/plain.ttf", "/fonts/bold.ttf", True)
    assert "malgungothic" in asked[0]
    assert "applesdgothicneo" in asked[0]


def test_without_any_the_window_writes_in_english(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pygame.font, "match_font", lambda *_, **__: None)
    typeface = find_typeface(tmp_path)
    assert not typeface.hangul
    assert Lettering(typeface, 1.0).line("stamp", 13, "#000000").get_width() > 0


def test_long_text_is_cut_to_its_room_and_wrapped_even_without_spaces() -> None:
    lettering = Lettering(find_typeface(), 1.0)
    assert lettering.width(lettering.fitted("a rather long caption", 13, 60), 13) <= 60
    text = "recording to /a/very/long/path/without/any/space/in/it/capture-20260102.jsonl"
    lines = lettering.wrapped(text, 13, 120)
    assert all(lettering.width(line, 13) <= 120 for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert len(lettering.wrapped(text, 13, 120, lines=2)) == 2
