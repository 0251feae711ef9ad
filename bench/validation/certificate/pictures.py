"""Pictures of a certificate, drawn into axes, so that the page and the sheet show the same."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np
from stampbench.bench.report.pictures import CONTACT_COLOUR, READ_COLOUR, SERIES_COLOURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from stampbench.bench.validation.certificate.certificate import Certificate

COLOURS: Final = {"accept": "#00795c", "reject": "#c44a00", "measure again": "#a86f00"}
INK: Final = "#1f2430"
SOFT: Final = "#5d6573"
LINE: Final = "#d5d9e0"
_PAD_RADIUS_MM: Final = 3.0
_TOLERANCE_DRAWN_MM: Final = 5.4
"""Less than half the spacing of two pads, so that their squares stay apart."""
_CPK_SHOWN: Final = 4.0


def draw_pads(axes: Axes, certificate: Certificate) -> None:
    """Draw the face with its pads, and every stamp's deviation from each, magnified, by cavity.

    The dashed square round a pad is the tolerance in the same magnification.
    """
    from matplotlib.patches import Circle, Rectangle

    if not certificate.nominal_mm:
        _nothing(axes, "stamps of different kinds")
        return
    pads = np.array(certificate.nominal_mm)
    limit = float(certificate.tolerances["position_mm"])  # type: ignore[arg-type]
    worst = max((stamp.worst_mm or 0.0 for stamp in certificate.stamps), default=0.0)
    scale = _TOLERANCE_DRAWN_MM / max(limit, 0.7 * worst)
    cavities = sorted({stamp.cavity for stamp in certificate.stamps})
    colours = {cavity: SERIES_COLOURS[k % len(SERIES_COLOURS)] for k, cavity in enumerate(cavities)}
    reach = np.hypot(*pads.T).max() + 1.5 * _TOLERANCE_DRAWN_MM
    axes.add_patch(Circle((0, 0), reach, fc="#fbfbfc", ec=LINE, lw=0.8, zorder=0))
    for number, (x, y) in enumerate(pads, start=1):
        axes.add_patch(Circle((x, y), _PAD_RADIUS_MM, fc="#eef0f4", ec=LINE, lw=0.8, zorder=1))
        half = limit * scale
        axes.add_patch(
            Rectangle(
                (x - half, y - half), 2 * half, 2 * half, fill=False, ec="#a9b0bc", lw=0.7, ls=(0, (3, 2))
            )
        )
        axes.annotate(
            str(number), (x + half, y - half), (1.5, 1.5), textcoords="offset points", fontsize=7, color=SOFT
        )
    for stamp in certificate.stamps:
        off = [
            (x + scale * dx, y + scale * dy)
            for (x, y), (dx, dy) in zip(pads, stamp.deviations_mm, strict=False)
            if dx is not None and dy is not None
        ]
        if off:
            axes.plot(
                *zip(*off, strict=True), "o", ms=2.4, mew=0, color=colours[stamp.cavity], alpha=0.75, zorder=3
            )
    for one in certificate.corrections:
        if one.significant:
            x, y = pads[one.pad - 1]
            axes.annotate(
                "",
                (x + scale * one.offset_mm[0], y + scale * one.offset_mm[1]),
                (x, y),
                arrowprops={
                    "arrowstyle": "-|>",
                    "color": CONTACT_COLOUR,
                    "lw": 1.3,
                    "shrinkA": 0,
                    "shrinkB": 0,
                },
                zorder=4,
            )
    if len(cavities) > 1:
        for cavity in cavities[: len(SERIES_COLOURS)]:
            axes.plot([], [], "o", ms=4, mew=0, color=colours[cavity], label=f"cavity {cavity}")
        axes.legend(
            frameon=False, fontsize=6.5, ncols=min(4, len(cavities)), loc="lower center",
            bbox_to_anchor=(0.5, -0.12), handletextpad=0.0, columnspacing=0.5,
        )  # fmt: skip
    axes.set_xlim(-1.03 * reach, 1.03 * reach)
    axes.set_ylim(1.03 * reach, -1.03 * reach)  # y runs down, as on the panel
    axes.set_aspect("equal")
    axes.set_axis_off()
    axes.set_title(f"Pads, deviations {scale:.0f} times", fontsize=8, color=SOFT, loc="left")


def draw_capability(axes: Axes, certificate: Certificate) -> None:
    """Draw Ppk of every dimension with its interval, and the least that is asked for."""
    axes.set_title("Capability (Ppk, 95 %)", fontsize=8, color=SOFT, loc="left")
    dimensions = certificate.dimensions
    if not dimensions:
        _nothing(axes, "stamps of different kinds,\nor too few")
        return
    least = certificate.tolerances.get("ppk")
    top = 0.0
    for place, one in enumerate(dimensions):
        value, low, high = (
            _CPK_SHOWN if end is None else end for end in (one.ppk, one.ppk_low, one.ppk_high)
        )
        colour = SERIES_COLOURS[0] if not isinstance(least, float) or high >= least else COLOURS["reject"]
        axes.plot([low, high], [place, place], color=colour, lw=2.2, alpha=0.35, solid_capstyle="butt")
        axes.plot(value, place, "o", color=colour, ms=3.6)
        top = max(top, min(high, 2.0 * _CPK_SHOWN))
    for at, style in ((1.0, (0, (2, 2))), (4.0 / 3.0, (0, (5, 2)))):
        axes.axvline(at, color="#a9b0bc", lw=0.8, ls=style, zorder=0)
    if isinstance(least, float):
        axes.axvline(least, color=COLOURS["reject"], lw=1.0, zorder=0)
    axes.set_yticks(range(len(dimensions)), [one.name for one in dimensions], fontsize=6.5)
    axes.set_ylim(len(dimensions) - 0.4, -0.6)
    axes.set_xlim(min(0.0, *(one.ppk_low or 0.0 for one in dimensions)), max(1.6, top * 1.05))
    axes.tick_params(axis="both", labelsize=6.5, length=2)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)


def draw_gauge(axes: Axes, certificate: Certificate) -> None:
    """Draw what measuring takes of the tolerance, beside what the stamps take."""
    axes.set_title("Share of the tolerance (6 sd)", fontsize=8, color=SOFT, loc="right")
    gauge = certificate.gauge
    if gauge is None:
        _nothing(axes, "no gauge study")
        return
    width = 2.0 * float(certificate.tolerances["position_mm"])  # type: ignore[arg-type]
    bars = {
        "repeatability": gauge.repeatability_mm,
        "reproducibility": math.hypot(gauge.reproducibility_mm, gauge.interaction_mm),
        "gauge R&R": gauge.grr_mm,
        "stamps": gauge.part_mm,
    }
    shares = [600.0 * sd / width for sd in bars.values()]
    allowed = 100.0 * float(certificate.tolerances["gauge"])  # type: ignore[arg-type]
    good = shares[2] <= allowed
    colours = ["#9fc5e0", "#9fc5e0", READ_COLOUR if good else COLOURS["reject"], "#c3c8d0"]
    axes.barh(range(len(bars)), shares, color=colours, height=0.62)
    for place, share in enumerate(shares):
        axes.annotate(
            f"{share:.0f} %",
            (share, place),
            (3, 0),
            textcoords="offset points",
            va="center",
            fontsize=6.5,
            color=INK,
        )
    axes.axvline(allowed, color=COLOURS["reject"], lw=0.9, ls=(0, (4, 2)), zorder=0)
    axes.set_yticks(range(len(bars)), list(bars), fontsize=6.5)
    axes.set_ylim(len(bars) - 0.4, -0.6)
    axes.set_xlim(0, max(1.25 * max(shares), 1.15 * allowed))
    axes.tick_params(axis="both", labelsize=6.5, length=2)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)


def _nothing(axes: Axes, text: str) -> None:
    axes.set_axis_off()
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", fontsize=7, color=SOFT)
