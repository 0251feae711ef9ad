"""The instrument panel: live plots, and tabs with everything that can be set."""

from __future__ import annotations

import math
from functools import partial
from typing import Any, Final, Protocol

import numpy as np
import pygame
from stampbench.bench.window.parts import layout
from stampbench.bench.window.parts.desk import Desk
from stampbench.bench.window.parts.plots import Trace, draw_trace
from stampbench.bench.window.parts.tabs.autopress import AutoPressTab, Orders
from stampbench.bench.window.parts.tabs.factor import FactorTab
from stampbench.bench.window.parts.tabs.noise import NoiseTab
from stampbench.bench.window.parts.tabs.share import ShareTab
from stampbench.bench.window.parts.tabs.stamps import StampsTab
from stampbench.bench.window.parts.tabs.why import WhyTab
from stampbench.bench.window.parts.widgets import choose
from stampbench.bench.window.session.session import Session
from stampbench.sim.screen import theme
from stampbench.sim.screen.gauges import Gauge

PLOTS_PER_S: Final = 12
"""How often the plots are drawn anew: their line moves by a pixel or two."""
TALLEST_TAB: Final = 366
"""Height that the tabs would like, at 100 % scale."""
_LEAST_TOP: Final = {"snr": 40.0, "jitter": 0.2, "nearest": 1.0, "interval": 20.0}
_DECIMALS: Final = {"snr": 1, "jitter": 3, "nearest": 2, "interval": 1}


class Tab(Protocol):
    """What a tab shows."""

    height: int
    container: Any

    def refresh(self, session: Session) -> None:
        """Show the state of the session."""


class Instruments:
    """Plots above, tabs below; in a low window the plots are a tab too.

    Tabs are buttons: pygame_gui's tab container, an experiment, takes no keys and keeps all panels built.

    Args:
        desk: what to make widgets with.
        places: of the window.
        chosen: the tab to begin with.
        orders: of the auto-press tab.
    """

    def __init__(self, desk: Desk, places: layout.Layout, chosen: str, orders: Orders) -> None:
        self._desk = desk
        self._places = places
        self._orders = orders
        self._plots_area = places.plots or places.content
        self._plots = pygame.Surface(self._plots_area.size).convert()
        self._drawn_us = -1_000_000
        self.names = ["noise", "stamps", "why", "factor", "autopress", "share"]
        if places.plots is None:
            self.names.append("plots")
        self.chosen = chosen if chosen in self.names else "noise"
        gap = desk.px(3)
        captions = [desk.captions(f"tab.{name}") for name in self.names]
        widths = [desk.lettering.width(text, 13, bold=True) for text in captions]
        if sum(widths) + len(widths) * (gap + desk.px(16)) > places.tabs.width:
            captions = [
                desk.captions.get(f"tab_short.{name}", {}, text)
                for name, text in zip(self.names, captions, strict=True)
            ]
            widths = [desk.lettering.width(text, 13, bold=True) for text in captions]
        tab_places = _side_by_side(places.tabs, widths, gap)
        self._buttons = [
            desk.widgets.button(
                f"tab.{name}",
                place,
                desk.lettering.fitted(text, 13, place.width, bold=True),
                partial(self.open, name),
                look="#tab",
            )
            for name, text, place in zip(self.names, captions, tab_places, strict=True)
        ]
        self.tab: Tab | None = None
        self.open(self.chosen)

    def open(self, name: str) -> None:
        """Show a tab."""
        if self.tab is not None:
            self.tab.container.kill()
        self.chosen = name
        desk, area = self._desk, self._places.content
        makers: dict[str, Any] = {
            "noise": NoiseTab,
            "stamps": StampsTab,
            "why": WhyTab,
            "factor": FactorTab,
            "autopress": partial(AutoPressTab, orders=self._orders),
            "share": ShareTab,
        }
        self.tab = makers[name](desk, area) if name in makers else None
        choose([(button, name == of) for button, of in zip(self._buttons, self.names, strict=True)])

    def open_next(self) -> None:
        """Show the tab to the right."""
        self.open(self.names[(self.names.index(self.chosen) + 1) % len(self.names)])

    def refresh(self, session: Session) -> None:
        """Show the state of the session."""
        if self.tab is not None:
            self.tab.refresh(session)

    def draw(self, surface: pygame.Surface) -> None:
        """Draw what lies below the widgets."""
        picture = self._desk.picture
        pygame.draw.rect(surface, theme.CARD, self._places.content)
        if self._places.plots is None and self.chosen != "plots":
            return
        if abs(picture.t_us - self._drawn_us) >= 1_000_000 // PLOTS_PER_S:
            self._drawn_us = picture.t_us
            self._draw_plots()
        surface.blit(self._plots, self._plots_area)

    def _draw_plots(self) -> None:
        desk = self._desk
        self._plots.fill(theme.PAGE if self._places.plots is not None else theme.CARD)
        cells = layout.grid(self._plots.get_rect(), 2, 2, desk.px(layout.MARGIN))
        gauges = desk.session.observation.gauges.all
        for (name, gauge), colour, cell in zip(gauges.items(), theme.SERIES, cells, strict=False):
            draw_trace(self._plots, cell, self._trace(name, gauge, colour), desk.lettering)

    def _trace(self, name: str, gauge: Gauge, colour: str) -> Trace:
        captions, picture = self._desk.captions, self._desk.picture
        half_mm = self._desk.session.setup.codebook.min_distance_mm / 2.0
        limit, limit_name = None, ""
        if name == "interval" and picture.panel.frame_interval_us:
            limit, limit_name = picture.panel.frame_interval_us / 1000.0, captions("gauge.scan")
        elif name == "nearest" and math.isfinite(half_mm):
            limit, limit_name = half_mm, captions("gauge.half")
        return Trace(
            title=captions(f"gauge.{name}"),
            unit=gauge.unit,
            colour=colour,
            times_s=gauge.times_us.astype(np.float64) * 1e-6,
            values=gauge.values,
            now_s=picture.device_us * 1e-6,
            least_top=_LEAST_TOP.get(name, 1.0),
            limit=limit,
            limit_name=limit_name,
            decimals=_DECIMALS.get(name, 2),
        )


def _side_by_side(area: pygame.Rect, widths: list[int], gap: int) -> list[pygame.Rect]:
    """Return places for captions of these widths that fill an area, with the same room around each."""
    whole = area.width - gap * (len(widths) - 1)
    if sum(widths) > whole:  # captions are then cut off
        widths = [width * whole // sum(widths) for width in widths]
    room = whole - sum(widths)
    places: list[pygame.Rect] = []
    x = float(area.left)
    for width in widths:
        places.append(pygame.Rect(round(x), area.top, width + room // len(widths), area.height))
        x += width + room / len(widths) + gap
    return places
