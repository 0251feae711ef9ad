"""Control charts of a station: the coordinates that moved most, lot by lot, and how near to an alarm."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from stampbench.bench.report.pictures import CONTACT_COLOUR, SERIES_COLOURS, STYLE
from stampbench.firmware_emulator.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from stampbench.bench.validation.watching import Series

SHOWN = 4
_GREY = "#8a8f98"


def draw_charts(series: Sequence[Series], path: Path) -> None:
    """Draw the series that are farthest out of control into a file, SVG, PNG or PDF by its suffix.

    Raises:
        InputError: the file cannot be written, or its suffix names no picture.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    if path.suffix.lower() not in (".svg", ".png", ".pdf"):
        raise InputError(f"-o {path}: expected a file name that ends in .svg, .png or .pdf")
    shown = sorted(series, key=lambda one: -_how_far(one))[:SHOWN]
    with rc_context(STYLE):
        figure = Figure(figsize=(8.4, 0.6 + 1.7 * max(1, len(shown))), layout="constrained")
        rows = figure.subplots(max(1, len(shown)), 2, squeeze=False, width_ratios=(3, 2))
        for (values, alarming), one in zip(rows, shown, strict=False):
            _draw_values(values, one)
            _draw_alarming(alarming, one)
        if not shown:
            for axes in rows.flat:
                axes.set_axis_off()
            rows[0, 0].text(0.0, 0.5, "fewer than two lots of a part: nothing to follow yet")
        metadata = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(path.suffix.lower())
        try:
            figure.savefig(path, dpi=160, metadata=metadata)
        except OSError as error:
            raise InputError(f"-o {path}: cannot be written: {error.strerror}") from None


def _how_far(series: Series) -> float:
    return float(series.chart.alarming[-1])


def _draw_values(axes: Axes, series: Series) -> None:
    n = np.arange(1, len(series.values_mm) + 1)
    for limit in (-series.limit_mm, series.limit_mm):
        axes.axhline(limit, color=CONTACT_COLOUR, lw=1.0, ls=(0, (4, 2)))
    axes.axhline(0.0, color=_GREY, lw=0.8, ls=(0, (2, 3)))
    axes.plot(n, series.values_mm, "o-", color=SERIES_COLOURS[0], ms=3, lw=1.2, mew=0)
    out = series.chart.alarms
    axes.plot(n[out], series.values_mm[out], "o", color=CONTACT_COLOUR, ms=5)
    axes.set_title(f"{series.name}: offset (mm) and limit", fontsize=8.5, loc="left")
    axes.set_xticks(_ticks(n), [series.lots[k - 1] for k in _ticks(n)], fontsize=6.5)


def _draw_alarming(axes: Axes, series: Series) -> None:
    chart = series.chart
    n = np.arange(1, len(chart.values) + 1)
    axes.axhspan(1.0, 1e6, color=CONTACT_COLOUR, alpha=0.1, lw=0)
    ewma = np.abs(chart.ewma - chart.target) / chart.ewma_half
    cusum = np.maximum(chart.up, chart.down) / chart.limit
    axes.plot(n, ewma, color=SERIES_COLOURS[0], lw=1.5, label="EWMA")
    axes.plot(n, cusum, color=SERIES_COLOURS[1], lw=1.5, label="CUSUM")
    axes.set_ylim(0, max(1.3, 1.1 * float(max(ewma.max(), cusum.max()))))
    axes.set_title("share of the alarm limit", fontsize=8.5, loc="left")
    axes.set_xticks(_ticks(n), [str(k) for k in _ticks(n)], fontsize=6.5)
    axes.legend(frameon=False, fontsize=6.5, loc="upper left")


def _ticks(n: np.ndarray[tuple[int], np.dtype[np.int64]]) -> list[int]:
    step = max(1, -(-len(n) // 6))
    return [int(k) for k in n[::step]]
