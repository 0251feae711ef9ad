"""Live plots: the last seconds of one figure as a line, with its unit, its newest value and its limit."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pygame
from stampbench.sim.screen import theme
from stampbench.sim.screen.fonts import DASH, Lettering

F64 = npt.NDArray[np.float64]

SPAN_S: Final = 10.0
"""Time that a plot shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """What a plot shows.

    Attributes:
        title: in the language of the window.
        unit: of the values.
        colour: of the line.
        times_s: when, rising, shape (n,).
        values: NaN where there is none, shape (n,).
        now_s: the right end of the plot.
        least_top: the axis reaches at least this far.
        limit: a value to draw across; None for none.
        limit_name: what it is, in the language of the window.
        decimals: of the newest value.
    """

    title: str
    unit: str
    colour: str
    times_s: F64
    values: F64
    now_s: float
    least_top: float
    limit: float | None = None
    limit_name: str = ""
    decimals: int = 2


def draw_trace(surface: pygame.Surface, area: pygame.Rect, trace: Trace, lettering: Lettering) -> None:
    """Draw a plot into ``area``, over its card."""
    scale = lettering.scale
    pad = round(8 * scale)
    pygame.draw.rect(surface, theme.CARD, area, border_radius=round(5 * scale))
    seen = trace.times_s >= trace.now_s - SPAN_S
    times, values = trace.times_s[seen], trace.values[seen]
    known = np.isfinite(values)
    newest = float(values[-1]) if len(values) else math.nan  # nothing there now: no old value either
    text = DASH if math.isnan(newest) else f"{newest:.{trace.decimals}f} {trace.unit}"
    top = area.top + round(4 * scale)
    width = lettering.width(text, 13, bold=True)
    lettering.write(
        surface,
        text,
        (area.right - pad, top),
        13,
        theme.INK,
        bold=True,
        align="right",
        within=area.width - pad,
    )
    room = area.width - width - 3 * pad
    if room > 2 * pad:
        lettering.write(surface, trace.title, (area.left + pad, top), 12, theme.MUTED, within=room)

    highest = axis_top(
        float(values[known].max()) if known.any() else 0.0, trace.limit or 0.0, trace.least_top
    )
    label = f"{highest:g}"
    axis = lettering.width(label, 10) + round(5 * scale)
    plot = pygame.Rect(area.left + pad + axis, top + lettering.height(13) + round(3 * scale), 0, 0)
    plot.width, plot.height = area.right - pad - plot.left, area.bottom - pad - plot.top
    if plot.width < 10 or plot.height < 8:
        return
    pygame.draw.line(surface, theme.LINE, plot.bottomleft, plot.bottomright)
    pygame.draw.line(surface, "#eceff3", plot.topleft, plot.topright)
    up = lettering.height(10) // 2
    right = plot.left - round(4 * scale)
    lettering.write(surface, label, (right, plot.top - up), 10, theme.FAINT, align="right")
    lettering.write(surface, "0", (right, plot.bottom - up - 1), 10, theme.FAINT, align="right")
    if plot.height > 5 * up:
        span = f"{SPAN_S:g} s"
        lettering.write(surface, span, (plot.left + 2, plot.bottom - lettering.height(10)), 10, theme.FAINT)

    def heights(of: F64) -> F64:
        return plot.bottom - np.clip(of / highest, 0.0, 1.0) * plot.height

    if trace.limit is not None:
        y = int(heights(np.array([trace.limit]))[0])
        for x in range(plot.left, plot.right, 8):
            pygame.draw.line(surface, theme.FAINT, (x, y), (min(x + 4, plot.right), y))
        beside = y - lettering.height(10)
        if beside < plot.top:
            beside = y + round(1 * scale)
        lettering.write(surface, trace.limit_name, (plot.right, beside), 10, theme.FAINT, align="right")
    xs = plot.right + (times - trace.now_s) / SPAN_S * plot.width
    ys = heights(np.where(known, values, 0.0))
    thick = max(2, round(1.6 * scale))
    # A gap in the values is a gap in the line.
    breaks = np.flatnonzero(~known)
    for run in np.split(np.arange(len(values)), breaks):
        run = run[known[run]]
        if len(run) > 1:
            pygame.draw.lines(
                surface, trace.colour, False, np.column_stack([xs[run], ys[run]]).tolist(), thick
            )
        elif len(run) == 1:
            pygame.draw.circle(surface, trace.colour, (xs[run[0]], ys[run[0]]), thick)


def axis_top(highest: float, limit: float, least: float) -> float:
    """End of an axis from 0: a round number, not below any of the arguments."""
    reach = max(highest, limit * 1.15, least, 1e-9)
    power = 10.0 ** math.floor(math.log10(reach))
    for step in (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0):
        if step * power >= reach * (1.0 - 1e-9):
            return step * power
    return 10.0 * power
