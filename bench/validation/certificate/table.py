"""The table of a certificate's sheet: one line a stamp, in one wide table or several narrow ones."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from stampbench.bench.validation.certificate.pictures import COLOURS, INK, SOFT
from stampbench.bench.validation.certificate.words import number, percent

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from stampbench.bench.validation.certificate.certificate import CertificateStamp

WIDTH_INCHES: Final = 8.27
TOP, FIRST_TOP, BOTTOM = 0.93, 0.497, 0.062
"""Where the table begins on a later page and on the first one, and where it ends; shares of the height."""
SMALLEST_PT: Final = 5.5
_ROW_HEIGHT, _LEAST_ROW_HEIGHT = 0.0155, 0.0112
_MARKS: Final = {"accept": "accept", "reject": "reject", "measure again": "again"}


def _rows(top: float) -> int:
    return int((top - BOTTOM) / _LEAST_ROW_HEIGHT) - 1


FIRST_PAGE, PAGE = 6 * _rows(FIRST_TOP), 4 * _rows(TOP)
"""Stamps that the first page has room for in letters that can be read, and a later one."""
_WIDE: Final = (
    ("serial", 0.0, "left"),
    ("cavity", 0.17, "right"),
    ("presses", 0.25, "right"),
    ("worst pad, mm", 0.365, "right"),
    ("± U", 0.43, "right"),
    ("level", 0.495, "right"),
    ("evenness", 0.575, "right"),
    ("flatness", 0.65, "right"),
    ("decision", 0.68, "left"),
)
_NARROW: Final = (
    ("serial", 0.0, "left"),
    ("cav.", 0.36, "right"),
    ("off, mm", 0.58, "right"),
    ("± U", 0.77, "right"),
    ("", 0.80, "left"),
)
_REASON_AT: Final = 0.39, 0.79
"""Where a narrow line has its reason in place of numbers."""
_NARROW_LETTERS: Final = 29
"""That a narrow line has room for, gaps included."""


def draw_table(
    figure: Figure,
    stamps: Sequence[CertificateStamp],
    sides: tuple[float, float],
    ends: tuple[float, float],
) -> None:
    """Draw one line a stamp between two sides and two ends, shares of the figure's size."""
    (left, right), (top, bottom) = sides, ends
    columns = max(1, math.ceil(len(stamps) / _rows(top)))
    rows = math.ceil(len(stamps) / columns)
    height = min(_ROW_HEIGHT, (top - bottom) / (rows + 1))
    fontsize = min(7.5, 7.5 * height / 0.0125)
    gap = 0.02
    width = (right - left - gap * (columns - 1)) / columns
    for column in range(columns):
        part = stamps[column * rows : (column + 1) * rows]
        _draw_column(figure, part, top, left + column * (width + gap), width, height, fontsize, columns)


def _draw_column(
    figure: Figure,
    stamps: Sequence[CertificateStamp],
    top: float,
    left: float,
    width: float,
    height: float,
    fontsize: float,
    columns: int,
) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Rectangle

    layout = _WIDE if columns == 1 else _NARROW
    if columns > 1:
        fontsize = min(fontsize, width * WIDTH_INCHES * 72.0 / (0.62 * _NARROW_LETTERS))
    for name, at, align in layout:
        figure.text(left + at * width, top, name, fontsize=0.88 * fontsize, color=SOFT, ha=align)
    y = top - 0.3 * height
    figure.add_artist(Line2D([left, left + width], [y, y], color="#8a8f98", lw=0.7))
    for line, stamp in enumerate(stamps, start=1):
        base = top - line * height
        if stamp.decision != "accept":
            fill = "#fdf2ec" if stamp.decision == "reject" else "#fdf6e3"
            figure.add_artist(
                Rectangle(
                    (left - 0.004, base - 0.28 * height),
                    width + 0.008,
                    height,
                    transform=figure.transFigure,
                    fc=fill,
                    lw=0,
                    zorder=0,
                )
            )
        cells = _cells(stamp, columns)
        end = left + (layout[1][1] - 0.06) * width
        write(figure, left, base, cells[0], end, size=fontsize, least=0.7 * fontsize)
        if columns > 1 and stamp.worst_mm is None and stamp.reasons:
            start, end = (left + at * width for at in _REASON_AT)
            write(figure, start, base, stamp.reasons[0], end, size=fontsize, least=0.7 * fontsize)
        for (_, at, align), text in zip(layout[1:-1], cells[1:-1], strict=True):
            figure.text(left + at * width, base, text, fontsize=fontsize, ha=align, color=INK)
        start, colour = left + layout[-1][1] * width, COLOURS[stamp.decision]
        write(
            figure, start, base, cells[-1], left + width, size=fontsize, colour=colour, least=0.7 * fontsize
        )
        figure.add_artist(
            Line2D([left, left + width], [base - 0.28 * height] * 2, color="#eceff3", lw=0.5, zorder=0)
        )


def _cells(stamp: CertificateStamp, columns: int) -> tuple[str, ...]:
    mark = _MARKS[stamp.decision]
    worst, uncertainty = number(stamp.worst_mm), number(stamp.uncertainty_mm)
    if columns > 1:
        if stamp.worst_mm is None and stamp.reasons:
            worst, uncertainty = "", ""
        return (stamp.serial, str(stamp.cavity), worst, uncertainty, mark)
    reason = f": {'; '.join(stamp.reasons)}" if stamp.reasons else ""
    return (
        stamp.serial,
        str(stamp.cavity),
        str(stamp.presses),
        worst,
        uncertainty,
        number(stamp.level, 2),
        percent(stamp.evenness),
        number(stamp.flatness_mm),
        f"{mark}{reason}",
    )


def write(
    figure: Figure,
    x: float,
    y: float,
    text: str,
    end: float,
    *,
    size: float,
    colour: str = INK,
    least: float = SMALLEST_PT,
    weight: str = "normal",
) -> None:
    """Write a text that ends before a share of the figure's width: smaller, and then shorter, if need be."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    def points(text: str) -> float:
        font = FontProperties(weight=weight, size=size)
        width, _, _ = text_to_path.get_text_width_height_descent(text, font, ismath=False)
        return float(width)

    room = (end - x) * WIDTH_INCHES * 72.0
    if (width := points(text)) > room:
        size = max(least, size * room / width)
        whole = text
        for length in range(len(whole) - 1, 1, -1):
            if points(text) <= room * 1.001:
                break
            text = _cut(whole, length)
    figure.text(x, y, text, fontsize=size, color=colour, weight=weight)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
