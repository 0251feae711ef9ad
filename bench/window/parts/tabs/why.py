"""Why: the way from each pad to the verdict, step by step, with the number that decided."""

from __future__ import annotations

from typing import Any, Final

import pygame
from pygame_gui.elements import UIImage
from stampbench.bench.capacity.losses import loss_curves
from stampbench.bench.window.parts.desk import Desk, Form
from stampbench.bench.window.session.reasons import Step, steps_to_verdict
from stampbench.bench.window.session.session import Session
from stampbench.sim.screen import theme

_LINE: Final = 24
_LINES: Final = 12


class WhyTab:
    """One line a step: green for a reading, orange against it, the one that decided in bold."""

    def __init__(self, desk: Desk, area: pygame.Rect) -> None:
        self._desk = desk
        form = Form(desk, area)
        self._place = form.space(_LINES * _LINE)
        self._image = UIImage(
            self._place, pygame.Surface(self._place.size), desk.widgets, container=form.container
        )
        self._lines: list[tuple[str, bool, bool]] | None = None
        self.height = form.finish()
        self.container = form.container

    def refresh(self, session: Session) -> None:
        """Show the steps as they are now."""
        nearest_mm = session.observation.gauges.all["nearest"].value
        curve = loss_curves().get(session.setup.profile.name)
        steps = steps_to_verdict(session.picture, session.setup.decoder, nearest_mm, curve)
        lines = [(self._said(step), step.good, step.decisive) for step in steps]
        if lines:
            read = any(reading.code is not None for reading in session.picture.readings)
            lines.append((self._desk.explained(session.picture.explanation), read, True))
        if lines != self._lines:
            self._lines = lines
            self._image.set_image(self._drawn(lines))

    def _said(self, step: Step) -> str:
        captions = self._desk.captions
        values: dict[str, Any] = dict(step.values)
        if "cause" in values:
            values["cause"] = captions(f"cause.{values['cause']}")
        return captions(f"why.{step.key}", **values)

    def _drawn(self, lines: list[tuple[str, bool, bool]]) -> pygame.Surface:
        lettering, px = self._desk.lettering, self._desk.px
        picture = pygame.Surface(self._place.size)
        picture.fill(theme.CARD)
        if not lines:
            idle = lettering.wrapped(self._desk.captions("why.idle"), 13, self._place.width)
            for number, line in enumerate(idle):
                lettering.write(picture, line, (0, px(_LINE) * number), 13, theme.MUTED)
        for number, (text, good, decisive) in enumerate(lines[:_LINES]):
            y = px(_LINE) * number
            middle = px(7), y + lettering.height(13) // 2
            pygame.draw.aacircle(picture, theme.READ if good else theme.WRONG, middle, px(5))
            room = self._place.width - px(20)
            lettering.write(picture, text, (px(20), y), 13, theme.INK, bold=decisive, within=room)
        return picture
