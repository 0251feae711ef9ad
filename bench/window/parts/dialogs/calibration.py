"""Calibration of real touch: a rectangle is dragged until it is as large as a bank card held against it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pygame
from pygame import Rect
from pygame_gui.elements import UIImage
from stampbench.bench.window.parts.desk import Desk
from stampbench.bench.window.parts.dialogs.dialog import Dialog
from stampbench.bench.window.parts.widgets import say
from stampbench.bench.window.session.session import Session
from stampbench.bench.window.sources.touch import CARD_MM
from stampbench.sim.screen import theme
from stampbench.sim.screen.fonts import TIMES

_LEAST_PX: Final = 60
_GRIP_PX: Final = 26


class Calibration(Dialog):
    """A card to be dragged to its size.

    Args:
        desk: what to make it with.
        mm_per_px: to begin with.
        take: is told the size of a pixel, mm.
    """

    def __init__(self, desk: Desk, mm_per_px: float, take: Callable[[float], None]) -> None:
        room = desk.widgets.window_resolution
        super().__init__(
            desk, desk.captions("dialog.calibration"), (room[0] / desk.scale, room[1] / desk.scale)
        )
        self._take = take
        inside = Rect((0, 0), self.window.get_container().get_size())
        foot = desk.px(96)
        self._place = Rect(desk.px(10), desk.px(10), inside.width - desk.px(20), inside.height - foot)
        self._canvas = UIImage(
            self._place, pygame.Surface(self._place.size), desk.widgets, container=self.window.get_container()
        )
        self._width = self._bounded(CARD_MM[0] / mm_per_px)
        self._held = False
        form = self.form(Rect(0, inside.height - foot, inside.width, foot))
        hint = desk.lettering.fitted(desk.captions("dialog.calibration_hint"), 13, form.width)
        form.text(hint, look=None)
        self._result = form.text("")
        form.buttons(
            [
                desk.plan("button.ok", "calibration.ok", look="#primary", do=self._accept),
                desk.plan("button.cancel", "calibration.cancel", do=self.close),
            ]
        )
        form.finish()
        self._drawn_width = -1.0

    @property
    def mm_per_px(self) -> float:
        """Size of a pixel, if the rectangle is as large as a card."""
        return CARD_MM[0] / self._width

    def handle(self, event: pygame.event.Event) -> bool:
        """Drag the lower right corner."""
        if (
            event.type == pygame.MOUSEBUTTONDOWN
            and event.button == 1
            and self._canvas.rect.collidepoint(event.pos)
        ):
            corner = self._card().move(self._canvas.rect.topleft).bottomright
            reach = _GRIP_PX * self.desk.scale
            self._held = abs(event.pos[0] - corner[0]) <= reach and abs(event.pos[1] - corner[1]) <= reach
            return True
        if event.type == pygame.MOUSEMOTION and self._held:
            x, y = event.pos[0] - self._canvas.rect.left, event.pos[1] - self._canvas.rect.top
            self._width = self._bounded(max(float(x), y * CARD_MM[0] / CARD_MM[1]))
            return True
        if event.type == pygame.MOUSEBUTTONUP and self._held:
            self._held = False
            return True
        if event.type == pygame.KEYDOWN and event.key in (pygame.K_LEFT, pygame.K_RIGHT):
            self._width = self._bounded(self._width + (1 if event.key == pygame.K_RIGHT else -1))
            return True
        return False

    def refresh(self, session: Session) -> None:
        """Draw the card and say what it means."""
        if self._drawn_width == self._width:
            return
        self._drawn_width = self._width
        text = self.desk.captions(
            "dialog.calibration_result", mm_per_px=self.mm_per_px, dpi=25.4 / self.mm_per_px
        )
        say(self._result, text)
        picture = pygame.Surface(self._place.size)
        picture.fill("#f4f6f8")
        card, px = self._card(), self.desk.px
        pygame.draw.rect(picture, theme.ACCENT_SOFT, card, border_radius=round(3.18 / self.mm_per_px))
        pygame.draw.rect(picture, theme.ACCENT, card, px(2), border_radius=round(3.18 / self.mm_per_px))
        lettering = self.desk.lettering
        size = f"{CARD_MM[0]:.2f} {TIMES} {CARD_MM[1]:.2f} mm"
        middle = card.centerx, card.centery - lettering.height(14) // 2
        lettering.write(picture, size, middle, 14, theme.ACCENT, bold=True, align="centre")
        pygame.draw.aacircle(picture, theme.ACCENT, card.bottomright, px(10))
        pygame.draw.aacircle(picture, "#ffffff", card.bottomright, px(10), px(2))
        self._canvas.set_image(picture)

    def _card(self) -> Rect:
        """Return the card on the canvas, from its top left corner."""
        return Rect(0, 0, round(self._width), round(self._width * CARD_MM[1] / CARD_MM[0]))

    def _bounded(self, width: float) -> float:
        room = min(self._place.width, self._place.height * CARD_MM[0] / CARD_MM[1])
        return min(max(width, _LEAST_PX), room - self.desk.px(12))

    def _accept(self) -> None:
        self._take(self.mm_per_px)
        self.close()
