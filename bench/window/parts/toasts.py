"""Messages in the window: they come up, stay long enough to be read, and go; the window lives on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pygame
from stampbench.sim.screen import theme
from stampbench.sim.screen.fonts import TIMES, Lettering

SHOWN_S: Final = {"info": 4.0, "error": 12.0}
MOST: Final = 4
_LONGEST_LINES: Final = 4


@dataclass(slots=True)
class _Toast:
    level: str
    text: str
    left_s: float
    times: int = 1


class Toasts:
    """The messages that are up."""

    def __init__(self) -> None:
        self._toasts: list[_Toast] = []
        self._places: list[tuple[pygame.Rect, _Toast]] = []

    @property
    def texts(self) -> tuple[str, ...]:
        """What is up, oldest first."""
        return tuple(toast.text for toast in self._toasts)

    def tell(self, text: str, level: str = "info") -> None:
        """Put up a message; one that is up already is counted and stays longer."""
        for toast in self._toasts:
            if toast.text == text:
                toast.times += 1
                toast.left_s = SHOWN_S[level]
                return
        self._toasts.append(_Toast(level, text, SHOWN_S[level]))
        del self._toasts[:-MOST]

    def advance(self, dt_s: float) -> None:
        """Let time pass."""
        for toast in self._toasts:
            toast.left_s -= dt_s
        self._toasts = [toast for toast in self._toasts if toast.left_s > 0.0]

    def dismiss(self) -> bool:
        """Take down all; whether there were any."""
        there = bool(self._toasts)
        self._toasts.clear()
        return there

    def handle(self, event: pygame.event.Event) -> bool:
        """Take down a message that is clicked."""
        if event.type != pygame.MOUSEBUTTONDOWN or event.button != 1:
            return False
        for place, toast in self._places:
            if place.collidepoint(event.pos) and toast in self._toasts:
                self._toasts.remove(toast)
                return True
        return False

    def draw(self, surface: pygame.Surface, over: pygame.Rect, lettering: Lettering) -> None:
        """Draw upwards from the lower right corner of an area, the newest lowest."""
        scale = lettering.scale
        pad, bar = round(10 * scale), round(5 * scale)
        width = min(over.width, round(460 * scale))
        left, bottom = over.right - width, over.bottom
        self._places.clear()
        for toast in reversed(self._toasts):
            text = toast.text if toast.times == 1 else f"{toast.text}  ({TIMES}{toast.times})"
            lines = lettering.wrapped(text, 13, width - 2 * pad - bar, lines=_LONGEST_LINES)
            height = len(lines) * lettering.height(13) + 2 * pad
            place = pygame.Rect(left, bottom - height, width, height)
            colour = theme.WRONG if toast.level == "error" else theme.ACCENT
            pygame.draw.rect(surface, theme.BEZEL, place, border_radius=bar)
            side = pygame.Rect(place.left, place.top, bar, place.height)
            pygame.draw.rect(surface, colour, side, border_top_left_radius=bar, border_bottom_left_radius=bar)
            for number, line in enumerate(lines):
                y = place.top + pad + number * lettering.height(13)
                lettering.write(surface, line, (place.left + pad + bar, y), 13, "#ffffff")
            self._places.append((place, toast))
            bottom = place.top - round(6 * scale)
