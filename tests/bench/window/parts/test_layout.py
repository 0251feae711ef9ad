from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest
from pygame import Rect
from pygame_gui.elements import UIButton, UILabel, UITextEntryLine
from stampbench.bench.window.parts.layout import arrange, flow, grid
from stampbench.bench.window.window import Window

if TYPE_CHECKING:
    from tests.bench.window.conftest import Live

SIZES = [(1024, 700, 1.0), (1280, 800, 1.0), (1920, 1080, 1.0), (1920, 1080, 2.0), (1280, 800, 2.0)]


@pytest.mark.parametrize("aspect", [0.4, 0.56, 1.5])
@pytest.mark.parametrize(("width", "height", "scale"), [*SIZES, (640, 400, 1.0), (3840, 2160, 2.0)])
def test_nothing_overlaps_and_all_lies_in_the_window(
    width: int, height: int, scale: float, aspect: float
) -> None:
    places = arrange((width, height), scale, round(30 * scale), aspect, round(366 * scale))
    given = [
        places.top,
        places.phone,
        places.verdict,
        places.plots,
        places.tabs,
        places.content,
        places.timeline,
    ]
    rects = [place for place in given if place is not None]
    for place in rects:
        assert Rect(0, 0, width, height).contains(place)
    for a, b in itertools.combinations(rects, 2):
        assert not a.colliderect(b)


def test_a_row_breaks_where_there_is_no_room() -> None:
    places, height = flow([100, 100, 100], 220, 30, 10)
    assert [place.topleft for place in places] == [(0, 0), (110, 0), (0, 40)]
    assert height == 70


def test_a_grid_fills_its_area_evenly() -> None:
    cells = grid(Rect(10, 10, 101, 51), 2, 2, 5)
    assert len(cells) == 4
    assert cells[0].topleft == (10, 10)
    assert cells[-1].bottomright == (111, 61)


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize(("width", "height", "scale"), [(1024, 700, 1.0), (1280, 800, 2.0)])
def test_no_caption_is_clipped_and_no_widget_covers_another(
    live: Live, monkeypatch: pytest.MonkeyPatch, width: int, height: int, scale: float, language: str
) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    window = Window(live.session, clock=live.clock, size=(width, height), scale=scale, language=language)
    lettering, widgets = window.desk.lettering, window.desk.widgets
    for tab in window.instruments.names:
        window.instruments.open(tab)
        window.frame()
        shown = [element for element in widgets.get_sprite_group().sprites() if element.visible]
        for element in shown:
            if isinstance(element, UIButton | UILabel) and element.text:
                bold = tab_title(element)
                assert lettering.width(element.text, 13, bold=bold) <= element.rect.width, element.text
        plain = [
            element
            for element in shown
            if isinstance(element, UIButton | UILabel | UITextEntryLine) and element.rect.width > 0
        ]
        for a, b in itertools.combinations(plain, 2):
            if a.ui_container is b.ui_container:
                assert not a.rect.colliderect(b.rect), (a.rect, b.rect)
    window.close()


def tab_title(element: UIButton | UILabel) -> bool:
    return element.most_specific_combined_id.endswith(("#tab", "#title"))
