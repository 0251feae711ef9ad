"""Auto-press: how many, of what, and the rates with their intervals while they are made."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import pygame
from pygame import Rect
from pygame_gui.elements import UIImage
from stampbench.bench.judging.assessment import Measured
from stampbench.bench.window.parts.desk import Desk, Form, SliderPlan, with_unit
from stampbench.bench.window.parts.widgets import choose, say
from stampbench.bench.window.session.autopress import AutoPress
from stampbench.bench.window.session.session import Session
from stampbench.sim.screen import theme
from stampbench.sim.screen.fonts import DASH

_MOST: Final = 1_000_000
_RESULT_ROWS: Final = 6
_RESULT_HEIGHT: Final = 34 + 27 * _RESULT_ROWS


class Orders:
    """What was typed; it outlives the widgets, which are made anew when the window changes."""

    def __init__(self) -> None:
        self.presses = 200
        self.foreign = 0
        self.stop_first = True
        self.real_time = False
        self.this_code = False


class AutoPressTab:
    """Orders and results."""

    def __init__(self, desk: Desk, area: Rect, orders: Orders) -> None:
        self._desk = desk
        self._orders = orders
        captions = desk.captions
        form = Form(desk, area)
        self._presses, (self._start,) = form.entry(
            "presses",
            captions("button.presses"),
            str(orders.presses),
            80,
            partial(self._typed, "presses"),
            [desk.plan("button.start", "auto_press", tip="tip.start", look="#primary", other="button.stop")],
        )
        self._foreign, toggles = form.entry(
            "foreign",
            captions("button.foreign"),
            str(orders.foreign),
            80,
            partial(self._typed, "foreign"),
            [
                desk.plan(
                    "button.stop_first",
                    "stop_first",
                    tip="tip.stop_first",
                    do=partial(self._flip, "stop_first"),
                ),
                desk.plan(
                    "button.real_time", "real_time", tip="tip.real_time", do=partial(self._flip, "real_time")
                ),
                desk.plan(
                    "button.this_code", "this_code", tip="tip.this_code", do=partial(self._flip, "this_code")
                ),
            ],
        )
        self._toggles = tuple(zip(toggles, ("stop_first", "real_time", "this_code"), strict=True))
        self._result_place = form.space(_RESULT_HEIGHT)
        self._result = UIImage(
            self._result_place,
            pygame.Surface(self._result_place.size),
            desk.widgets,
            container=form.container,
        )
        self._result_of: tuple[object, ...] | None = None
        rows = form.sliders([self._plan(*given) for given in _HANDLING])
        self._rows = dict(zip((name for name, *_ in _HANDLING), rows, strict=True))
        self.height = form.finish()
        self.container = form.container

    def refresh(self, session: Session) -> None:
        """Show how far it is."""
        running = session.autopress is not None and session.autopress.running
        say(self._start, self._desk.captions("button.stop" if running else "button.start"))
        choose([(self._start, running), *((b, getattr(self._orders, name)) for b, name in self._toggles)])
        for name, *_ in _HANDLING:
            self._rows[name].show(_GET[name](session.setup.handling))
        now = session.autopress
        state = None
        if now is not None:
            failed = None if now.failed is None else session.picture.explanation
            state = now.running, now.made, now.wanted, failed
        if self._result_of != (state,):
            self._result_of = (state,)
            self._result.set_image(self._drawn(now))

    def toggle(self) -> None:
        """Start, or stop."""
        desk, orders = self._desk, self._orders
        if desk.session.autopress is not None and desk.session.autopress.running:
            desk.session.stop_autopress()
            return
        if not (
            self._typed("presses", self._presses.get_text())
            and self._typed("foreign", self._foreign.get_text())
        ):
            return
        chosen = desk.session.scene.chosen
        code = None if chosen is None else chosen.code
        if orders.this_code and code is None:
            desk.session.messages.say("error", "no_stamp")
            return
        desk.session.start_autopress(
            orders.presses,
            foreign=orders.foreign,
            codes=(code,) if orders.this_code and code is not None else (),
            stop_at_failure=orders.stop_first,
            live=orders.real_time,
        )

    def _typed(self, name: str, text: str) -> bool:
        digits, least = text.strip(), 1 if name == "presses" else 0
        if digits.isascii() and digits.isdigit() and least <= int(digits) <= _MOST:
            setattr(self._orders, name, int(digits))
            return True
        self._desk.session.messages.say("error", "no_number", text=repr(text), low=least, high=_MOST)
        return False

    def _flip(self, name: str) -> None:
        setattr(self._orders, name, not getattr(self._orders, name))

    def _plan(self, name: str, high: float, step: float, unit: str, decimals: int) -> SliderPlan:
        desk = self._desk
        return SliderPlan(
            f"handling.{name}",
            desk.captions(f"hand.{name}"),
            desk.captions(f"hand_tip.{name}"),
            _GET[name](desk.session.setup.handling),
            (0.0 if name != "dwell_ms" else 20.0, high),
            step,
            with_unit(unit, decimals),
            lambda value: self._handle(name, value),
        )

    def _handle(self, name: str, value: float) -> None:
        field, change = _SET[name](value)
        if getattr(self._desk.session.setup.handling, field) != change:
            self._desk.session.setup.change_handling({field: change})

    def _drawn(self, now: AutoPress | None) -> pygame.Surface:
        """Return the results as a picture: numbers, and the intervals as bars."""
        desk = self._desk
        captions, lettering, px = desk.captions, desk.lettering, desk.px
        width = self._result_place.width
        picture = pygame.Surface(self._result_place.size)
        picture.fill(theme.CARD)
        if now is None:
            for number, line in enumerate(lettering.wrapped(captions("autopress.idle"), 13, width)):
                lettering.write(picture, line, (0, px(6) + number * lettering.height(13)), 13, theme.MUTED)
            return picture
        text = captions("autopress.made", made=now.made, wanted=now.wanted)
        lettering.write(picture, text, (0, px(4)), 13, theme.INK, bold=True)
        lettering.write(
            picture, captions("autopress.interval"), (width, px(6)), 11, theme.MUTED, align="right"
        )
        bar = Rect(0, px(26), width, px(4))
        pygame.draw.rect(picture, theme.LINE, bar, border_radius=px(2))
        bar.width = round(width * now.made / max(1, now.wanted))
        pygame.draw.rect(picture, theme.ACCENT, bar, border_radius=px(2))
        y = px(36)
        rates = [(name, now.measured(name)) for name in ("frr", "far", "misread")]
        end = axis_end(max((rate.high for _, rate in rates if rate.high is not None), default=1.0))
        left, right = self._groove(0).left, self._groove(0).right
        lettering.write(picture, "0", (left, px(9)), 10, theme.FAINT)
        lettering.write(picture, f"{100 * end:g} %", (right, px(9)), 10, theme.FAINT, align="right")
        for key, rate in rates:
            self._draw_rate(picture, y, captions(f"autopress.{key}"), rate, end)
            y += px(27)
        for key in ("median", "p95"):
            time = now.measured(f"time_to_decision_{key}")
            value, interval = DASH, ""
            if time.value is not None:
                value, interval = f"{time.value:.0f} ms", DASH
                if time.low is not None and time.high is not None:
                    interval = f"{time.low:.0f} {DASH} {time.high:.0f} ms"
            self._draw_row(picture, y, captions(f"autopress.{key}"), value, interval)
            y += px(27)
        if now.failed is not None:
            failed = captions("autopress.failed", text=desk.explained(desk.picture.explanation))
            lettering.write(picture, failed, (0, y), 13, theme.WRONG, bold=True, within=width)
        return picture

    def _groove(self, y: int) -> Rect:
        """Return where the bar of a rate lies."""
        width, px = self._result_place.width, self._desk.px
        return Rect(round(0.56 * width), y + px(8), round(0.22 * width), px(6))

    def _draw_rate(self, picture: pygame.Surface, y: int, name: str, rate: Measured, end: float) -> None:
        """Draw a row with the interval as a bar, on an axis that all rates share."""
        captions, px = self._desk.captions, self._desk.px
        value = captions("autopress.counted", k=rate.k or 0, n=rate.n)
        low, high = rate.low, rate.high
        interval = DASH if low is None or high is None else f"{100 * low:.2f} {DASH} {100 * high:.2f} %"
        self._draw_row(picture, y, name, value, interval)
        groove = self._groove(y)
        pygame.draw.rect(picture, "#eceff3", groove, border_radius=px(3))
        if low is not None and high is not None:
            span = Rect(groove)
            span.left += round(groove.width * low / end)
            span.width = max(px(3), round(groove.width * (high - low) / end))
            pygame.draw.rect(picture, theme.ACCENT if rate.k == 0 else theme.WRONG, span, border_radius=px(3))

    def _draw_row(self, picture: pygame.Surface, y: int, name: str, value: str, interval: str) -> None:
        lettering, width = self._desk.lettering, picture.get_width()
        lettering.write(picture, name, (0, y), 13, theme.INK, within=round(0.36 * width))
        lettering.write(picture, value, (round(0.54 * width), y), 13, theme.INK, bold=True, align="right")
        lettering.write(
            picture, interval, (width, y), 13, theme.MUTED, align="right", within=round(0.21 * width)
        )


def axis_end(highest: float) -> float:
    """Return where the axis of the rates ends: a round share that holds all of them."""
    return next(end for end in (0.02, 0.05, 0.1, 0.2, 0.5, 1.0) if end >= highest)


_HANDLING: Final[tuple[tuple[str, float, float, str, int], ...]] = (
    ("tilt_deg", 5.0, 0.1, "°", 1),
    ("slide_mm", 5.0, 0.1, "mm", 1),
    ("force_least", 1.0, 0.01, "", 2),
    ("grip_least", 1.0, 0.01, "", 2),
    ("grip_drop", 1.0, 0.01, "", 2),
    ("dwell_ms", 1000.0, 10.0, "ms", 0),
)
"""Name, end of the slider, step, unit, decimals."""
_GET: Final[dict[str, Callable[[Any], float]]] = {
    "tilt_deg": lambda handling: handling.tilt_deg[1],
    "slide_mm": lambda handling: handling.slide_mm[1],
    "force_least": lambda handling: handling.force[0],
    "grip_least": lambda handling: handling.grip[0],
    "grip_drop": lambda handling: handling.grip_drop[1],
    "dwell_ms": lambda handling: handling.dwell_ms[1],
}
_SET: Final[dict[str, Callable[[float], tuple[str, tuple[float, float]]]]] = {
    "tilt_deg": lambda value: ("tilt_deg", (0.0, value)),
    "slide_mm": lambda value: ("slide_mm", (0.0, value)),
    "force_least": lambda value: ("force", (value, 1.0)),
    "grip_least": lambda value: ("grip", (value, 1.0)),
    "grip_drop": lambda value: ("grip_drop", (0.0, value)),
    "dwell_ms": lambda value: ("dwell_ms", (min(120.0, value), value)),
}
