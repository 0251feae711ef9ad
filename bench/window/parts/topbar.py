"""The top row: where reports come from, which device and stamps, language, scale and help."""

from __future__ import annotations

from collections.abc import Sequence

import pygame
from pygame import Rect
from stampbench.bench.window.parts import layout
from stampbench.bench.window.parts.desk import ButtonPlan, Desk
from stampbench.bench.window.parts.widgets import choose, say
from stampbench.bench.window.session.session import Session
from stampbench.sim.screen import theme
from stampbench.sim.screen.fonts import MINUS
from stampbench.sim.screen.sources import SourceKind, SourceState


class TopBar:
    """Sources on the left, settings of the window on the right; in several rows where it is narrow."""

    def __init__(self, desk: Desk, width: int) -> None:
        self._desk = desk
        captions = desk.captions
        sources = [
            desk.plan(f"source.{kind}", f"source_{kind}", tip=f"tip.{kind}", look="#source")
            for kind in SourceKind
        ]
        if desk.session.plan is not None:
            sources.clear()
        elif desk.session.source.kind is SourceKind.TOUCH:
            sources.append(desk.plan("button.calibrate", "calibrate", tip="tip.calibrate"))
        device, family = _device_caption(desk.session), _family_caption(desk.session)
        settings = [
            ButtonPlan("device", device, lambda: desk.do("device"), captions("tip.device")),
            ButtonPlan("family", family, lambda: desk.do("family"), captions("tip.family")),
            ButtonPlan(
                "language", captions("button.language"), lambda: desk.do("language"), captions("tip.language")
            ),
            ButtonPlan("smaller", f"A{MINUS}", lambda: desk.do("smaller"), captions("tip.smaller")),
            ButtonPlan("larger", "A+", lambda: desk.do("larger"), captions("tip.larger")),
            ButtonPlan("help", "?", lambda: desk.do("help"), captions("tip.help")),
        ]
        row, gap = desk.px(layout.ROW + 2), desk.px(6)
        origin = desk.px(layout.MARGIN)
        self._device = self._family = None
        if desk.session.plan is not None:
            del settings[:2]
        places, self.height = self._places(sources, settings, width - 2 * origin, row, gap)
        made = [
            desk.button(plan, place.move(origin, origin))
            for plan, place in zip([*sources, *settings], places, strict=True)
        ]
        self._sources = list(zip(made[: len(sources)], SourceKind, strict=False))
        if desk.session.plan is None:
            self._device, self._family = made[len(sources)], made[len(sources) + 1]

    def _places(
        self, sources: Sequence[ButtonPlan], settings: Sequence[ButtonPlan], room: int, row: int, gap: int
    ) -> tuple[list[Rect], int]:
        """Return both groups, the second at the right edge if one row is enough for both."""
        desk = self._desk
        # Room for the longest names, so that a change moves nothing.
        widest = {"device": desk.px(130), "family": desk.px(150)}
        widths = [desk.button_width(plan) + desk.px(10) for plan in sources]
        for plan in settings:
            widths.append(min(max(desk.button_width(plan), widest.get(plan.name, 0)), desk.px(210)))
        places, height = layout.flow(widths, room, row, gap)
        if height == row:
            shift = room - places[-1].right
            places[len(sources) :] = [place.move(shift, 0) for place in places[len(sources) :]]
        return places, height

    def refresh(self, session: Session) -> None:
        """Show which source, device and stamps are in use."""
        choose([(button, kind is session.source.kind) for button, kind in self._sources])
        if self._device is not None and self._family is not None:
            say(self._device, self._fitted(_device_caption(session), self._device.rect.width))
            say(self._family, self._fitted(_family_caption(session), self._family.rect.width))

    def draw(self, surface: pygame.Surface) -> None:
        """Mark the source in use: green while it lives, orange while it does not."""
        session, px = self._desk.session, self._desk.px
        for button, kind in self._sources:
            if kind is session.source.kind:
                good = session.source.state in (SourceState.LIVE, SourceState.PAUSED)
                spot = button.rect.left + px(11), button.rect.centery
                pygame.draw.aacircle(surface, theme.READ if good else theme.WARNING, spot, px(4))
                pygame.draw.aacircle(surface, "#ffffff", spot, px(4), 1)

    def _fitted(self, text: str, width: int) -> str:
        return self._desk.lettering.fitted(text, 13, width - self._desk.px(16))


def _device_caption(session: Session) -> str:
    return session.picture.panel.name or session.picture.panel.title


def _family_caption(session: Session) -> str:
    return session.setup.codebook.name.replace("\\", "/").rsplit("/", 1)[-1]
