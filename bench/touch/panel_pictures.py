"""Pictures of the panel report: derived figures as plots, and effects off and on."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from stampbench.bench.report.pictures import SERIES_COLOURS, STYLE, inline_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from stampbench.firmware_emulator.controller import PanelGeometry
    from stampbench.sim.panel.curves import Curve, DerivedFigure

Counts = npt.NDArray[np.int16]

FACT_COLOUR = "#1b1b1b"
SCALE_BARS_MM = (10.0, 20.0, 50.0)
_LONGEST_SIDE_INCHES = 2.9


def curves_picture(figure: DerivedFigure) -> str:
    """Draw the curves of a figure; facts as black points with bars over their spread."""
    with _drawing(4.6, 3.1) as (drawing, svg):
        axes = drawing.subplots()
        for number, curve in enumerate(figure.curves):
            _draw_curve(axes, curve, SERIES_COLOURS[number % len(SERIES_COLOURS)], bool(figure.categories))
        if any(curve.facts for curve in figure.curves):
            axes.errorbar([], [], [], fmt="o", color=FACT_COLOUR, ms=3.5, lw=1.0, label="fact, spread")
        if figure.categories:
            axes.set_xticks(range(len(figure.categories)), figure.categories)
        if all(value >= 0.0 for curve in figure.curves for value in curve.values):
            axes.set_ylim(bottom=0.0)
        axes.set_xlabel(figure.x_label)
        axes.set_ylabel(figure.y_label)
        axes.legend(frameon=False, fontsize=8)
        drawing.savefig(svg, format="svg", metadata={"Date": None})
    return inline_svg(svg, figure.title)


def _draw_curve(axes: Axes, curve: Curve, colour: str, bars: bool) -> None:
    if bars:
        axes.bar(curve.at, curve.values, width=0.6, color=colour, alpha=0.55, label=curve.name)
    else:
        axes.plot(curve.at, curve.values, "-", color=colour, lw=1.8, label=curve.name)
    if curve.low:
        axes.fill_between(curve.at, curve.low, curve.high, color=colour, alpha=0.18, lw=0)
    if curve.facts:
        values = np.array([fact.value for fact in curve.facts])
        spread = np.abs(np.array([[fact.low, fact.high] for fact in curve.facts]).T - values)
        places = [fact.at for fact in curve.facts]
        axes.errorbar(
            places, values, spread, fmt="o", ms=3.5, mfc=colour, color=FACT_COLOUR, lw=1.0, capsize=2.5
        )


def effect_picture(off: Counts, on: Counts, geometry: PanelGeometry, full_scale: float, title: str) -> str:
    """Draw two scans side by side, red above zero, blue below, with bars for counts and for length.

    Args:
        off: counts without the effect, shape (rows, cols).
        on: the same with it.
        geometry: the panel.
        full_scale: counts at the ends of the colours.
        title: what it is, for readers who cannot see it.
    """
    scale = _LONGEST_SIDE_INCHES / max(geometry.width_mm, geometry.height_mm)
    with _drawing(2 * scale * geometry.width_mm + 0.9, scale * geometry.height_mm + 0.3) as (drawing, svg):
        pair = drawing.subplots(1, 2)
        for axes, counts, name in zip(pair, (off, on), ("off", "on"), strict=True):
            image = axes.imshow(
                counts,
                cmap="RdBu_r",
                vmin=-full_scale,
                vmax=full_scale,
                extent=(0.0, geometry.width_mm, geometry.height_mm, 0.0),
                interpolation="nearest",
            )
            axes.set_title(name, fontsize=9)
            axes.set_xticks([])
            axes.set_yticks([])
            axes.spines[["top", "right"]].set_visible(True)
        _draw_length(pair[0], geometry)
        colours = drawing.colorbar(image, ax=pair, shrink=0.8, pad=0.02, extend="both")
        colours.set_label("counts", fontsize=8)
        colours.ax.tick_params(labelsize=7)
        drawing.savefig(svg, format="svg", metadata={"Date": None})
    return inline_svg(svg, title)


def _draw_length(axes: Axes, geometry: PanelGeometry) -> None:
    """Draw a bar of a round length, in the lower left corner."""
    length_mm = max(mm for mm in SCALE_BARS_MM if mm <= max(SCALE_BARS_MM[0], geometry.width_mm / 3))
    left_mm, y_mm = 0.04 * geometry.width_mm, 0.97 * geometry.height_mm
    axes.plot(
        [left_mm, left_mm + length_mm], [y_mm, y_mm], "-", color=FACT_COLOUR, lw=2, solid_capstyle="butt"
    )
    axes.text(left_mm, y_mm - 0.015 * geometry.height_mm, f"{length_mm:g} mm", fontsize=7, va="bottom")


@contextmanager
def _drawing(width: float, height: float) -> Iterator[tuple[Figure, io.StringIO]]:
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(STYLE):
        yield Figure(figsize=(width, height), layout="constrained"), io.StringIO()
