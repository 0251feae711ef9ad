"""Charts as SVG, drawn here: bars that stand, bars that lie; every bar tells its number."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup, escape

_WIDTH: Final = 360.0
"""Units of a chart; about the pixels that a phone has for it."""
_HEIGHT: Final = 168.0
_BOTTOM, _TOP, _RIGHT = 22.0, 14.0, 12.0
_DIGIT: Final = 6.4
"""Width of a digit of the scale."""
_ROW: Final = 40.0


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar.

    Attributes:
        label: under or beside it; empty: none.
        tooltip: what pointing at it shows.
        quiet: drawn paler, as days of rest.
    """

    value: int
    label: str
    tooltip: str
    quiet: bool = False


def standing(bars: Sequence[Bar], title: str) -> Markup:
    """Return bars side by side with a scale; the highest says its number."""
    top = round_top(max((bar.value for bar in bars), default=0))
    room, foot = _HEIGHT - _TOP - _BOTTOM, _HEIGHT - _BOTTOM
    left, right = 6.0 + _DIGIT * len(f"{top:,}"), _WIDTH - _RIGHT
    parts = []
    for line in (top // 2, top):
        y = foot - room * line / top
        parts.append(
            f'<line class="grid" x1="{left:g}" x2="{right:g}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text class="scale" x="{left - 5:g}" y="{y + 3.5:.1f}">{line:,}</text>'
        )
    step = (right - left) / max(1, len(bars))
    width = min(26.0, step * 0.72)
    highest = max(range(len(bars)), key=lambda i: bars[i].value, default=0)
    for i, bar in enumerate(bars):
        middle, height = left + (i + 0.5) * step, room * bar.value / top
        kind = "bar quiet" if bar.quiet else "bar"
        parts.append(f"<g><title>{escape(bar.tooltip)}</title>")
        parts.append(
            f'<rect class="hit" x="{middle - step / 2:.1f}" y="{_TOP:g}"'
            f' width="{step:.1f}" height="{room:g}"/>'
        )
        if bar.value:
            parts.append(
                f'<rect class="{kind}" x="{middle - width / 2:.1f}" y="{foot - height:.1f}"'
                f' width="{width:.1f}" height="{height:.1f}" rx="{min(2.5, width / 3, height / 2):.1f}"/>'
            )
        if i == highest and bar.value:
            parts.append(
                f'<text class="value" x="{middle:.1f}" y="{foot - height - 4:.1f}">{bar.value:,}</text>'
            )
        if bar.label:
            parts.append(
                f'<text class="label" x="{middle:.1f}" y="{_HEIGHT - 7:g}">{escape(bar.label)}</text>'
            )
        parts.append("</g>")
    parts.append(f'<line class="axis" x1="{left:g}" x2="{right:g}" y1="{foot:g}" y2="{foot:g}"/>')
    return _svg(parts, title, _HEIGHT)


def lying(bars: Sequence[Bar], title: str) -> Markup:
    """Return bars below each other, each under its name and with its number."""
    most = max((bar.value for bar in bars), default=0) or 1
    parts = []
    for i, bar in enumerate(bars):
        y = i * _ROW
        width = max(2.0, _WIDTH * bar.value / most) if bar.value else 0.0
        parts.append(
            f'<text class="name" x="0" y="{y + 13:g}">{escape(_short(bar.label))}</text>'
            f'<text class="told" x="{_WIDTH:g}" y="{y + 13:g}">{escape(bar.tooltip)}</text>'
            f'<rect class="track" x="0" y="{y + 20:g}" width="{_WIDTH:g}" height="9" rx="4.5"/>'
            f'<rect class="bar" x="0" y="{y + 20:g}" width="{width:.1f}"'
            f' height="9" rx="{min(4.5, width / 2):.1f}"/>'
        )
    return _svg(parts, title, max(1.0, len(bars) * _ROW - 8.0))


def round_top(value: int) -> int:
    """Return the end of a scale: an even number of one or two digits and zeros, not less than the value."""
    if value <= 2:
        return 2
    unit = int(10 ** max(0, math.floor(math.log10(value)) - 1))
    steps = -(-value // unit)
    return unit * (steps + steps % 2)


def _short(text: str, most: int = 22) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _svg(parts: Sequence[str], title: str, height: float) -> Markup:
    # Everything from outside went through escape() above.
    return Markup(
        f'<svg viewBox="0 0 {_WIDTH:g} {height:g}" role="img" aria-label="{escape(title)}">'
        f"{''.join(parts)}</svg>"
    )
