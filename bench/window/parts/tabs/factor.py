"""The second factor: which one a stamp has, how it is spoilt, what was received, what it is good for."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np
import pygame
from pygame import Rect
from pygame_gui.elements import UIImage
from stampbench.bench.window.parts.desk import ButtonPlan, Desk, Form, SliderPlan, with_unit
from stampbench.bench.window.parts.widgets import choose, say
from stampbench.bench.window.session.second_factor import (
    LARGEST_CLOCK_ERROR_S,
    LONGEST_RELAY_S,
    SPOILS,
    WAYS,
    SecondFactors,
)
from stampbench.bench.window.session.session import Session
from stampbench.sim.screen import theme
from stampbench.sim.screen.fonts import DASH, signed

if TYPE_CHECKING:
    from stampbench.bench.window.session.hardened import Received

_PICTURE_HEIGHT: Final = 196
_LINE: Final = 19
_SPECTRUM_WIDTH: Final = 0.36
"""Share of the width that the spectrogram has beside the answers."""
_FLOOR_DB: Final = -50.0
"""White in the spectrogram."""
_FRAME_S: Final = 1024 / 48_000
"""Of a row of the spectrogram."""


class FactorTab:
    """Choices above, what was received below."""

    def __init__(self, desk: Desk, area: Rect) -> None:
        self._desk = desk
        captions = desk.captions
        form = Form(desk, area)
        self._title = form.heading("")
        present = desk.plan("factor.present", "present_factor", tip="factor_tip.present")
        *self._ways, _ = form.buttons(
            [*(self._button(way, partial(self._choose, way)) for way in WAYS), present]
        )
        self._spoils = form.buttons([self._button(spoil, partial(self._spoil, spoil)) for spoil in SPOILS])
        factors = desk.session.second_factor
        seconds = with_unit("s", 0)
        self._relay, self._clock = form.sliders(
            [
                SliderPlan(
                    "factor.relay_s",
                    captions("factor.relay_s"),
                    captions("factor_tip.relay_s"),
                    factors.relay_s,
                    (0.0, LONGEST_RELAY_S),
                    1.0,
                    seconds,
                    factors.set_relay,
                ),
                SliderPlan(
                    "factor.clock_error_s",
                    captions("factor.clock_error_s"),
                    captions("factor_tip.clock_error_s"),
                    factors.clock_error_s,
                    (-LARGEST_CLOCK_ERROR_S, LARGEST_CLOCK_ERROR_S),
                    10.0,
                    seconds,
                    factors.set_clock_error,
                ),
            ]
        )
        self._place = form.space(_PICTURE_HEIGHT)
        self._picture = UIImage(
            self._place, pygame.Surface(self._place.size), desk.widgets, container=form.container
        )
        self._drawn_of: tuple[object, ...] | None = None
        self.height = form.finish()
        self.container = form.container
        factors.prepare()

    def refresh(self, session: Session) -> None:
        """Show what is chosen, and what was received."""
        captions, factor, code = self._desk.captions, session.second_factor, session.factor_code
        title = captions("factor.of_all")
        if code is not None:
            title = captions("factor.of_stamp", code=session.setup.codes.typed(code))
        say(self._title, title)
        chosen = factor.way_of(code)
        choose([(button, way == chosen) for button, way in zip(self._ways, WAYS, strict=True)])
        choose([(button, spoil == factor.spoil) for button, spoil in zip(self._spoils, SPOILS, strict=True)])
        self._relay.show(factor.relay_s)
        self._clock.show(factor.clock_error_s)
        state = factor.missing, factor.preparing, factor.received and factor.received.number
        if state != self._drawn_of:
            self._drawn_of = state
            self._picture.set_image(self._drawn(factor))

    def _button(self, name: str, do: partial[None]) -> ButtonPlan:
        captions = self._desk.captions
        return ButtonPlan(f"factor.{name}", captions(f"factor.{name}"), do, captions(f"factor_tip.{name}"))

    def _choose(self, way: str) -> None:
        session = self._desk.session
        session.second_factor.choose(session.factor_code, way)

    def _spoil(self, spoil: str) -> None:
        self._desk.session.second_factor.spoil = spoil

    def _drawn(self, factor: SecondFactors) -> pygame.Surface:
        """Return what was received as a picture; before that, what to do."""
        picture = pygame.Surface(self._place.size)
        picture.fill(theme.CARD)
        received = factor.received
        if factor.missing or factor.preparing or received is None:
            self._draw_hint(picture, factor)
            return picture
        top = self._draw_received(picture, received)
        width = self._place.width
        if received.spectrum is not None:
            room = round(_SPECTRUM_WIDTH * width)
            self._draw_spectrum(picture, Rect(width - room, top, room, picture.get_height() - top), received)
            width -= room + self._desk.px(12)
        self._draw_answers(picture, received, top, width)
        return picture

    def _draw_hint(self, picture: pygame.Surface, factor: SecondFactors) -> None:
        """Say what is missing, or what to do."""
        desk = self._desk
        key = "missing" if factor.missing else "preparing" if factor.preparing else "idle"
        text = desk.captions(f"factor.{key}", extra=factor.missing)
        ink = theme.WRONG if factor.missing else theme.MUTED
        for number, line in enumerate(desk.lettering.wrapped(text, 13, self._place.width)):
            desk.lettering.write(picture, line, (0, number * desk.lettering.height(13)), 13, ink)

    def _draw_received(self, picture: pygame.Surface, received: Received) -> int:
        """Return what was done and received, line by line; where it ends."""
        desk, width, y = self._desk, self._place.width, 0
        captions, lettering = desk.captions, desk.lettering
        way = captions(f"factor.{received.way}")
        title = captions(
            f"factor_done.{received.spoil}",
            number=received.number,
            code=self._desk.session.setup.codes.typed(received.code),
            way=way,
            seconds=signed(f"{received.spoil_s:{'+' if received.spoil == 'wrong_clock' else ''}.0f}"),
        )
        lettering.write(picture, title, (0, y), 13, theme.INK, bold=True, within=width)
        y += desk.px(_LINE)
        touch = "none" if not received.touched else "not_read" if received.read is None else "read"
        name = "" if received.read is None else self._desk.session.setup.codes.typed(received.read)
        lines = [captions(f"factor_touch.{touch}", read=name)]
        for said in received.lines:
            values = {k: signed(str(v)) if isinstance(v, int) else v for k, v in said.values.items()}
            lines.append(captions(f"factor_line.{said.key}", **values))
        for line in lines:
            text = line[:1].upper() + line[1:]
            lettering.write(picture, text, (0, y), 12, theme.MUTED, within=width)
            y += desk.px(_LINE - 2)
        return y + desk.px(6)

    def _draw_answers(self, picture: pygame.Surface, received: Received, top: int, width: int) -> None:
        """Draw what the server says of each action."""
        desk = self._desk
        captions, lettering, y = desk.captions, desk.lettering, top
        lettering.write(picture, captions("factor.server"), (0, y), 11, theme.FAINT, within=width)
        y += desk.px(_LINE - 3)
        names = {a.action: captions(f"factor_action.{a.action}") for a in received.answers}
        column = max((lettering.width(name, 13, bold=True) for name in names.values()), default=0) + desk.px(
            26
        )
        for answer in received.answers:
            colour = theme.READ if answer.accepted else theme.WRONG
            middle = (desk.px(6), y + lettering.height(13) // 2)
            pygame.draw.circle(picture, colour, middle, desk.px(5), 0 if answer.accepted else desk.px(2))
            lettering.write(picture, names[answer.action], (desk.px(18), y), 13, theme.INK, bold=True)
            text = captions("factor.yes")
            if not answer.accepted:
                usual = captions(f"factor_reason.{answer.reason}")
                reason = captions.get(f"factor_reason.{answer.reason}_{received.way}", {}, usual)
                text = captions("factor.no", reason=reason)
            room = max(1, width - column)
            lettering.write(picture, text, (column, y), 13, colour, within=room)
            y += desk.px(_LINE)

    def _draw_spectrum(self, picture: pygame.Surface, area: Rect, received: Received) -> None:
        """Draw the sound heard: time to the right, 15 kHz below, 19.5 kHz above."""
        desk = self._desk
        lettering = desk.lettering
        spectrum = received.spectrum
        if spectrum is None:
            return
        line = lettering.height(10)
        shade = np.clip(1.0 - spectrum[:, ::-1] / _FLOOR_DB, 0.0, 1.0)
        place = theme.DELTA_STEPS + np.rint(shade * theme.DELTA_STEPS).astype(np.int64)
        small = pygame.surfarray.make_surface(theme.delta_colours()[place])
        plot = Rect(area.left, area.top + line + 1, area.width, max(8, area.height - 2 * line - 2))
        picture.blit(pygame.transform.smoothscale(small, plot.size), plot)
        pygame.draw.rect(picture, theme.LINE, plot, 1)
        lettering.write(picture, f"15 {DASH} 19.5 kHz", area.topleft, 10, theme.FAINT)
        lettering.write(picture, "0", (plot.left, plot.bottom + 1), 10, theme.FAINT)
        text = f"{len(spectrum) * _FRAME_S:.1f} s"
        lettering.write(picture, text, (plot.right, plot.bottom + 1), 10, theme.FAINT, align="right")
