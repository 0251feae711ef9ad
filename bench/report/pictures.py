"""Pictures of a report, as SVG text to stand in the page; the same input gives the same bytes."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from stampbench.bench.report.scenes import Scene

Span: TypeAlias = tuple[float, float]

# Colours that remain distinct to the colour-blind (Okabe and Ito, Color Universal Design, 2008).
CONTACT_COLOUR = "#d55e00"
PAD_COLOUR = "#1b1b1b"
READ_COLOUR = "#009e73"
SERIES_COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00")
_LABELS_INCHES = 0.55
_SERIES_DASHES = ("-", "--", "-.", ":")

STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "stampbench",
    "font.family": "sans-serif",
    "font.size": 9,
    "text.parse_math": False,  # names may hold dollar signs
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#8a8f98",
    "axes.labelcolor": "#444a54",
    "xtick.color": "#6b7280",
    "ytick.color": "#6b7280",
    "axes.linewidth": 0.8,
}
"""Of all pictures in pages, as matplotlib takes it."""


def scene_picture(scene: Scene, title: str, *, side_mm: float, side_inches: float = 2.8) -> str:
    """Draw one scan: counts as shades, pads as black rings, contacts as orange crosses.

    Args:
        scene: what to draw.
        title: what it is, for readers who cannot see it.
        side_mm: side of the square around the object that is shown; the panel may end before.
        side_inches: how large that square would be drawn.
    """
    from matplotlib.patches import Circle
    from stampbench.sim.stamps.objects import PAD_DIAMETER_MM

    (left, right), (top, bottom) = _view(scene, side_mm)
    scale = side_inches / side_mm
    size = (right - left) * scale + _LABELS_INCHES, (bottom - top) * scale + _LABELS_INCHES
    with new_figure(*size) as (figure, axes, svg):
        if scene.deltas is not None:
            axes.imshow(
                np.clip(scene.deltas, 0, None),
                cmap="Blues",
                vmin=0,
                vmax=max(60, int(scene.deltas.max())),
                extent=(0.0, scene.width_mm, scene.height_mm, 0.0),
                interpolation="nearest",
            )
        for x_mm, y_mm in scene.pads_mm if scene.pads_mm is not None else ():
            axes.add_patch(Circle((x_mm, y_mm), PAD_DIAMETER_MM / 2.0, fill=False, ec=PAD_COLOUR, lw=1.3))
        if scene.read_mm is not None:
            axes.plot(*scene.read_mm.T, "s", ms=4.5, mfc="none", mec=READ_COLOUR, mew=1.2)
        axes.plot(*scene.contacts_mm.T, "+", ms=9, mec=CONTACT_COLOUR, mew=1.6)
        axes.set_aspect("equal")
        axes.set_xlim(left, right)
        axes.set_ylim(bottom, top)
        axes.spines[["top", "right"]].set_visible(True)
        axes.set_xlabel("x (mm)")
        axes.set_ylabel("y (mm)")
        figure.savefig(svg, format="svg", metadata={"Date": None})
    return inline_svg(svg, title)


def times_picture(times_ms: Mapping[str, Sequence[float]], title: str) -> str:
    """Draw, by profile, which share of the presses was decided within which time."""
    with new_figure(6.4, 2.9) as (figure, axes, svg):
        longest = max((max(values) for values in times_ms.values() if len(values)), default=1.0)
        for number, (name, values) in enumerate(times_ms.items()):
            # Each time once, with all its presses: scans come in step, so there are few.
            distinct, counts = np.unique(np.asarray(values, dtype=np.float64), return_counts=True)
            if distinct.size == 0:
                continue
            shares = np.cumsum(counts) / len(values)
            colour = SERIES_COLOURS[number % len(SERIES_COLOURS)]
            dash = _SERIES_DASHES[number % len(_SERIES_DASHES)]
            times, steps = np.concatenate([[0.0], distinct]), np.concatenate([[0.0], shares])
            axes.step(times, 100.0 * steps, dash, where="post", color=colour, lw=1.8, label=name)
        for share in (50, 95):
            axes.axhline(share, color="#c3c8d0", lw=0.8, ls=(0, (2, 3)), zorder=0)
        axes.set_xlim(0, longest * 1.05)
        axes.set_ylim(0, 101)
        axes.set_yticks([0, 50, 95])
        axes.set_xlabel("time from first contact (ms)")
        axes.set_ylabel("decided (%)")
        axes.legend(frameon=False, loc="lower right")
        figure.savefig(svg, format="svg", metadata={"Date": None})
    return inline_svg(svg, title)


def _view(scene: Scene, side_mm: float) -> tuple[Span, Span]:
    """Return the edges of what is shown: around the object, and no more than the panel."""
    spans = []
    for middle, length in zip(scene.centre_mm, (scene.width_mm, scene.height_mm), strict=True):
        shown = min(side_mm, length)
        start = min(max(middle - shown / 2.0, 0.0), length - shown)
        spans.append((start, start + shown))
    return spans[0], spans[1]


@contextmanager
def new_figure(width: float, height: float) -> Iterator[tuple[Figure, Axes, io.StringIO]]:
    """Yield a figure (inches) in the common style, its axes, and where its SVG goes."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        yield figure, figure.subplots(), io.StringIO()


def inline_svg(svg: io.StringIO, title: str) -> str:
    """Cut what only a file of its own needs, and let the page set the size; ``title`` is for the blind."""
    from html import escape

    text = svg.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, count=1, flags=re.S)
    text = re.sub(r'(<svg [^>]*?) width="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'(<svg [^>]*?) height="[^"]*"', r"\1", text, count=1)
    return text.replace("<svg ", f'<svg role="img" aria-label="{escape(title)}" ', 1)
