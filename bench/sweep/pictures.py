"""The heat map of a sweep: first axis along x, second along y, third side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from stampbench.bench.judging.measurements import MEASUREMENTS
from stampbench.bench.report.pictures import STYLE

if TYPE_CHECKING:
    import io

    from matplotlib.axes import Axes
    from stampbench.bench.sweep.sweeping import SweepResult

_CELL_INCHES: Final = (0.52, 0.27)
_GOOD: Final = "#b9d8ee"
"""Apart from yellow to red for the colour-blind, too."""
_NOTHING: Final = "#eceff3"


def sweep_svg(result: SweepResult) -> str:
    """Return the heat map as the text of an SVG file; the same result gives the same text."""
    import io

    file = io.StringIO()
    _draw(result, file)
    return file.getvalue()


def _draw(result: SweepResult, file: io.StringIO) -> None:
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    axes = result.axes
    x, y = axes[0], axes[1] if len(axes) > 1 else None
    facets = axes[2].shown if len(axes) > 2 else [""]
    rows = len(y.values) if y else 1
    longest = max((len(name) for name in y.shown), default=0) if y else 0
    inches = (
        0.9 + 0.068 * longest + len(facets) * (len(x.values) * _CELL_INCHES[0] + 0.18),
        1.15 + rows * _CELL_INCHES[1],
    )
    with rc_context({**STYLE, "font.size": 8, "axes.spines.left": False, "axes.spines.bottom": False}):
        figure = Figure(figsize=inches, layout="constrained")
        panels = figure.subplots(1, len(facets), sharey=True, squeeze=False)[0]
        norm, unit = _scale(result)
        for number, (panel, name) in enumerate(zip(panels, facets, strict=True)):
            _draw_panel(panel, result, number if len(axes) > 2 else None, norm)
            panel.set_title(name, fontsize=9, loc="left", weight="bold")
        panels[0].set_yticks(range(rows), y.shown if y else [""])
        figure.supxlabel(x.label or x.key, fontsize=8, color="#444a54")
        marked = (
            ""
            if result.good is None
            else f"; blue: at most {_number(result.good, unit)} with 95 % confidence"
        )
        root = ", shaded by the square root" if MEASUREMENTS[result.draw].is_rate else ""
        title = f"{result.title}\n{MEASUREMENTS[result.draw].title}, {unit}{root}{_counted(result)}{marked}"
        figure.suptitle(title, fontsize=9, x=0.01, ha="left")
        figure.savefig(file, format="svg", metadata={"Date": None})


def _counted(result: SweepResult) -> str:
    """Return of how many presses a cell is, as the title says it."""
    counts = [figure.n for cell in result.cells if (figure := cell.figures.get(result.draw)) is not None]
    least, most = min(counts, default=0), max(counts, default=0)
    return f"; {least:,}{'' if least == most else f' to {most:,}'} presses a cell" if most else ""


def _scale(result: SweepResult) -> tuple[tuple[float, float], str]:
    """Return the range of the colours, and the unit of the numbers."""
    measurement = MEASUREMENTS[result.draw]
    if measurement.is_rate:
        return (0.0, 1.0), "%"
    values = [
        figure.value
        for cell in result.cells
        if (figure := cell.figures.get(result.draw)) is not None and figure.value is not None
    ]
    return (min(values, default=0.0), max(values, default=1.0)), measurement.unit


def _draw_panel(panel: Axes, result: SweepResult, facet: int | None, norm: tuple[float, float]) -> None:
    from matplotlib import colormaps
    from matplotlib.colors import to_rgba
    from matplotlib.patches import Rectangle

    colours = colormaps["YlOrRd"]
    rate = MEASUREMENTS[result.draw].is_rate
    columns = len(result.axes[0].values)
    rows = len(result.axes[1].values) if len(result.axes) > 1 else 1
    for column in range(columns):
        for row in range(rows):
            at = (column, row)[: len(result.axes)] if facet is None else (column, row, facet)
            cell = result.cell(*at)
            figure = cell.figures.get(result.draw)
            if figure is None or figure.value is None:
                panel.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, fc=_NOTHING, ec="white", lw=1))
                panel.text(column, row, "-", ha="center", va="center", fontsize=7, color="#8a8f98")
                continue
            share = _share(figure.value, norm, rate)
            shade = to_rgba(_GOOD) if result.is_good(cell) else colours(0.06 + 0.86 * share)
            panel.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, fc=shade, ec="white", lw=1))
            ink = "white" if np.dot(shade[:3], (0.299, 0.587, 0.114)) < 0.5 else "#1f2430"
            panel.text(
                column, row, _text(figure.value, rate), ha="center", va="center", fontsize=7, color=ink
            )
    panel.set_xlim(-0.5, columns - 0.5)
    panel.set_ylim(rows - 0.5, -0.5)
    panel.set_xticks(range(columns), result.axes[0].shown)
    panel.tick_params(length=0)


def _share(value: float, norm: tuple[float, float], rate: bool) -> float:
    """Place of a value on the scale of colours; rates by their root, so that small ones are told apart."""
    low, high = norm
    share = (value - low) / (high - low) if high > low else 0.0
    return float(np.sqrt(share)) if rate else share


def _text(value: float, rate: bool) -> str:
    if not rate:
        return f"{value:.3g}"
    return f"{100 * value:.0f}" if value == 0.0 or value >= 0.1 else f"{100 * value:.1f}"


def _number(value: float, unit: str) -> str:
    return f"{100 * value:g} %" if unit == "%" else f"{value:g} {unit}"
