"""Before and after: a moment that was kept, beside what is on the glass now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pygame
from pygame import Rect
from stampbench.bench.window.parts.desk import Desk
from stampbench.bench.window.parts.verdict import headline
from stampbench.sim.panel import Condition
from stampbench.sim.screen import theme
from stampbench.sim.screen.fonts import RIGHTWARDS
from stampbench.sim.screen.phone import Phone, Shown
from stampbench.sim.screen.picture import Picture

_PHONE_SHARE: Final = 0.42
"""Of the width, for the phone; its words stand beside it."""


@dataclass(frozen=True, slots=True)
class KeptMoment:
    """What was on the glass, under which condition, and in one word how it was read."""

    picture: Picture
    condition: Condition
    grip: float
    word: str
    colour: str

    @classmethod
    def of(cls, desk: Desk) -> KeptMoment:
        """Keep the moment that is shown."""
        session = desk.session
        return cls(session.picture, session.setup.condition, session.scene.grip, *headline(desk))


class Comparison:
    """Draws a kept moment in the place of the plots: the phone, its verdict, and what is different now.

    Args:
        desk: what to draw with.
        area: pixels.
        kept: the moment.
    """

    def __init__(self, desk: Desk, area: Rect, kept: KeptMoment) -> None:
        self._desk = desk
        self._area = area
        self._kept = kept
        card = Rect(area.left, area.top, round(_PHONE_SHARE * area.width), area.height)
        self._phone = Phone(card, kept.picture.panel, desk.lettering)

    def draw(self, surface: pygame.Surface) -> None:
        """Draw it."""
        desk, kept, area = self._desk, self._kept, self._area
        lettering, captions, px = desk.lettering, desk.captions, desk.px
        pygame.draw.rect(surface, theme.CARD, area)
        self._phone.draw(surface, kept.picture, Shown(trails=False))
        left = self._phone.card.right + px(14)
        room = max(1, area.right - left - px(10))
        y = area.top + px(8)
        lettering.write(surface, captions("compare.before"), (left, y), 12, theme.MUTED, within=room)
        y += lettering.height(12)
        word = lettering.fitted(kept.word, 20, room, bold=True)
        lettering.write(surface, word, (left, y), 20, kept.colour, bold=True)
        y += lettering.height(20)
        for line in lettering.wrapped(desk.explained(kept.picture.explanation), 13, room, lines=3):
            lettering.write(surface, line, (left, y), 13, theme.INK)
            y += lettering.height(13)
        y += px(8)
        word, colour = headline(desk)
        now = f"{captions('compare.now')}: {word}"
        lettering.write(surface, now, (left, y), 13, colour, bold=True, within=room)
        y += lettering.height(13) + px(4)
        for line in self._differences():
            if y + lettering.height(12) > area.bottom - px(4):
                return
            lettering.write(surface, line, (left, y), 12, theme.MUTED, within=room)
            y += lettering.height(12)

    def _differences(self) -> list[str]:
        """Return what is set otherwise now, each with both values."""
        desk, kept = self._desk, self._kept
        captions, session = desk.captions, desk.session
        before, now = kept.condition.to_mapping(), session.setup.condition.to_mapping()
        lines = [
            f"{captions.get(f'effect.{name}', {}, name)}: {_written(before[name])} {RIGHTWARDS} "
            f"{_written(value)}"
            for name, value in now.items()
            if value != before[name]
        ]
        if kept.grip != session.scene.grip:
            lines.append(f"{captions('hand.grip')}: {kept.grip:g} {RIGHTWARDS} {session.scene.grip:g}")
        return lines or [captions("compare.same")]


def _written(value: object) -> str:
    return f"{value:g}" if isinstance(value, int | float) else str(value)
