"""Layout: where everything stands in a window of any size, at any scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pygame import Rect

MARGIN: Final = 8
ROW: Final = 28
"""Height of a row of widgets at 100 % scale."""
TIMELINE_HEIGHT: Final = 46
VERDICT_HEIGHT: Final = 104
VERDICT_WIDTH: Final = 250
TABS_HEIGHT: Final = 30
_PLOTS_FROM_HEIGHT: Final = 560
"""Below this height, at 100 % scale, the plots have a tab of their own."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Rectangles in pixels.

    Attributes:
        top: source, device and other things that concern the whole window.
        phone: the card that the phone stands in.
        verdict: what was read, in the phone's card.
        plots: the live plots; None where they have a tab of their own.
        tabs: the row of tab buttons.
        content: what the chosen tab shows.
        timeline: play, scrub, speed.
    """

    top: Rect
    phone: Rect
    verdict: Rect
    plots: Rect | None
    tabs: Rect
    content: Rect
    timeline: Rect


def arrange(
    size: tuple[int, int], scale: float, top_height: int, phone_aspect: float, content_height: int
) -> Layout:
    """Divide the window.

    Args:
        size: of the window, pixels.
        scale: 1 for 100 %.
        top_height: what the top row takes, pixels.
        phone_aspect: width over height of the phone.
        content_height: what the tallest tab would like, pixels.
    """
    width, height = size

    def px(length: float) -> int:
        return round(length * scale)

    margin = px(MARGIN)
    timeline = Rect(margin, height - px(TIMELINE_HEIGHT) - margin, width - 2 * margin, px(TIMELINE_HEIGHT))
    top = Rect(margin, margin, width - 2 * margin, top_height)
    upper = top.bottom + margin
    tall = max(1, timeline.top - margin - upper)
    right_width = min(max(round(0.55 * width), px(330)), px(900), round(0.6 * width))
    right = Rect(width - margin - right_width, upper, right_width, tall)
    left = Rect(margin, upper, right.left - 2 * margin, tall)

    beside = left.width - px(VERDICT_WIDTH) >= min(tall * phone_aspect, 0.6 * left.width) + px(60)
    if beside:
        verdict = Rect(left.right - px(VERDICT_WIDTH), left.top, px(VERDICT_WIDTH), left.height)
        phone = Rect(left.left, left.top, left.width - px(VERDICT_WIDTH), left.height)
    else:
        below = min(px(VERDICT_HEIGHT), round(0.36 * tall))
        verdict = Rect(left.left, left.bottom - below, left.width, below)
        phone = Rect(left.left, left.top, left.width, left.height - below)

    plots: Rect | None = None
    tabs_top = right.top
    if height >= px(_PLOTS_FROM_HEIGHT):
        room = tall - px(TABS_HEIGHT) - margin
        plots_height = max(px(150), min(px(420), room - content_height))
        plots = Rect(right.left, right.top, right.width, plots_height)
        tabs_top = plots.bottom + margin
    tabs = Rect(right.left, tabs_top, right.width, px(TABS_HEIGHT))
    content = Rect(right.left, tabs.bottom, right.width, max(1, right.bottom - tabs.bottom))
    return Layout(top, phone, verdict, plots, tabs, content, timeline)


def flow(widths: Sequence[int], room: int, row: int, gap: int) -> tuple[list[Rect], int]:
    """Set things side by side, and in further rows where there is no room; their places, and the height.

    Args:
        widths: of the things, pixels.
        room: width of the row.
        row: height of a row.
        gap: between things, and between rows.
    """
    places: list[Rect] = []
    x = y = 0
    for width in widths:
        if x > 0 and x + width > room:
            x, y = 0, y + row + gap
        places.append(Rect(x, y, width, row))
        x += width + gap
    return places, y + row


def grid(area: Rect, columns: int, rows: int, gap: int) -> list[Rect]:
    """Divide an area evenly, row by row."""
    cells: list[Rect] = []
    for row in range(rows):
        top = area.top + row * (area.height + gap) // rows
        bottom = area.top + (row + 1) * (area.height + gap) // rows - gap
        for column in range(columns):
            left = area.left + column * (area.width + gap) // columns
            right = area.left + (column + 1) * (area.width + gap) // columns - gap
            cells.append(Rect(left, top, max(1, right - left), max(1, bottom - top)))
    return cells
