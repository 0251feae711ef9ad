"""The certificate as a sheet of A4: one page a lot, one line a stamp."""

from __future__ import annotations

import hashlib
import io
import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from bench.report.certificate import allowed, number, percent, risks, sampled, to_apply
from bench.report.certificate_pictures import COLOURS, INK, LINE, SOFT, draw_capability, draw_gauge, draw_pads

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.text import Text

    from bench.validation.certificate import Certificate, CertificateStamp

_WIDTH, _HEIGHT = 8.27, 11.69
_LEFT, _RIGHT = 0.075, 0.925
_TABLE_TOP, _TABLE_BOTTOM = 0.497, 0.062
_ROW_HEIGHT = 0.0155
_MOST_CORRECTIONS = 3
_FACTS_PT, _SMALLEST_PT = 7.0, 5.5
_WORDS: Final = {"accept": "ACCEPTED", "reject": "REJECTED", "measure again": "MEASURE AGAIN"}
_MARKS: Final = {"accept": "accept", "reject": "reject", "measure again": "again"}
_STYLE: Final[Any] = {
    "font.family": "sans-serif",
    "pdf.fonttype": 42,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#8a8f98",
    "xtick.color": "#6b7280",
    "ytick.color": "#444a54",
    "axes.linewidth": 0.7,
}


def render_pdf(certificate: Certificate, data: bytes) -> bytes:
    """The sheet as PDF; the same certificate gives the same bytes. ``data`` is its canonical JSON."""
    file = io.BytesIO()
    figure = draw_sheet(certificate, data)
    day = _day(certificate.date)
    metadata = {
        "Title": f"Certificate of lot {certificate.lot}",
        "Creator": f"stampbench {certificate.software.get('stampbench', '')}".strip(),
        "CreationDate": day,
        "ModDate": day,
    }
    from matplotlib import rc_context

    with rc_context(_STYLE):
        figure.savefig(file, format="pdf", metadata=metadata)
    return file.getvalue()


def draw_sheet(certificate: Certificate, data: bytes) -> Figure:
    """The sheet as a figure."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context(_STYLE):
        figure = Figure(figsize=(_WIDTH, _HEIGHT))
        _draw_head(figure, certificate)
        _draw_facts(figure, certificate)
        for draw, box in (
            (draw_pads, (_LEFT - 0.005, 0.588, 0.26, 0.163)),
            (draw_capability, (0.425, 0.6, 0.2, 0.151)),
            (draw_gauge, (0.765, 0.634, 0.16, 0.117)),
        ):
            draw(figure.add_axes(box), certificate)
        _draw_corrections(figure, certificate)
        _draw_table(figure, certificate)
        _draw_foot(figure, certificate, data)
    return figure


def _draw_head(figure: Figure, certificate: Certificate) -> None:
    from matplotlib.patches import FancyBboxPatch, Rectangle

    colour = COLOURS[certificate.decision]
    figure.add_artist(Rectangle((0, 0.986), 1, 0.014, transform=figure.transFigure, color=colour, lw=0))
    figure.text(_LEFT, 0.953, "CERTIFICATE OF MEASUREMENT", fontsize=7.5, color=SOFT)
    figure.text(_LEFT, 0.925, f"Lot {certificate.lot}", fontsize=21, weight="bold", color=INK)
    subtitle = ", ".join(part for part in (certificate.part, certificate.vendor) if part)
    figure.text(_LEFT, 0.905, subtitle, fontsize=10, color=SOFT)
    box = FancyBboxPatch(
        (0.665, 0.914), 0.26, 0.034, boxstyle="round,pad=0,rounding_size=0.006",
        transform=figure.transFigure, fc=colour, ec="none", mutation_aspect=_WIDTH / _HEIGHT,
    )  # fmt: skip
    figure.add_artist(box)
    word = _WORDS[certificate.decision]
    figure.text(0.795, 0.931, word, fontsize=14, weight="bold", color="white", ha="center", va="center")
    for line, reason in enumerate(certificate.reasons[:3]):
        figure.text(
            _LEFT,
            0.882 - 0.0145 * line,
            _cut(reason, 118),
            fontsize=8.5,
            color=INK if line == 0 else SOFT,
        )


def _draw_facts(figure: Figure, certificate: Certificate) -> None:
    from matplotlib.lines import Line2D

    sampling, gauge = certificate.sampling, certificate.gauge
    rigs = [f"{rig.name} ({rig.profile}{', in software' if rig.virtual else ''})" for rig in certificate.rigs]
    gauge_text = (
        "not studied"
        if gauge is None
        else f"{percent(gauge.of_tolerance)} of tolerance, {percent(gauge.of_total)} of total, "
        f"ndc {gauge.categories} ({gauge.grade})"
    )
    counts = (
        f"{certificate.count('accept')} accepted, {certificate.count('reject')} rejected, "
        f"{certificate.count('measure again')} to be measured again"
    )
    why = sampling.ground or "not said: no history of lots in the plan"
    rows: tuple[tuple[tuple[str, str], ...], ...] = (
        (
            ("date, station", f"{certificate.date}, {certificate.station}"),
            ("lot and sample", f"{sampling.lot_size:,} stamps, {sampling.sample} drawn at random"),
        ),
        (("sampling", f"{sampled(certificate)}; {risks(certificate)}"),),
        ((f"why {sampling.severity}", why),),
        (("tolerances", ", ".join(allowed(certificate))),),
        (("measured on", "; ".join(rigs)), ("gauge R&R", gauge_text)),
        (("presses", f"{certificate.presses:,}, {certificate.lost} lost to the bench"), ("stamps", counts)),
    )
    figure.add_artist(Line2D([_LEFT, _RIGHT], [0.8495, 0.8495], color=LINE, lw=0.7))
    for line, row in enumerate(rows):
        for place, (name, text) in enumerate(row):
            x, y = (_LEFT, 0.517)[place], 0.8385 - 0.0113 * line
            end = 0.505 if place + 1 < len(row) else _RIGHT
            figure.text(x, y, name, fontsize=_FACTS_PT, color=SOFT)
            _fit(figure, figure.text(x + 0.095, y, text, fontsize=_FACTS_PT, color=INK), end)
    figure.add_artist(Line2D([_LEFT, _RIGHT], [0.7745, 0.7745], color=LINE, lw=0.7))


def _draw_corrections(figure: Figure, certificate: Certificate) -> None:
    """What to apply to the mould, and what is odd about the gauge, in the room under the pictures."""
    sentences = to_apply(certificate)
    shown = sentences[:_MOST_CORRECTIONS]
    if len(sentences) > len(shown):
        shown[-1] += f"  (and {len(sentences) - len(shown)} more, see the data)"
    figure.text(_LEFT, 0.552, "CORRECTIONS TO THE MOULD", fontsize=6.5, color=SOFT)
    if not shown:
        shown = (
            ["none: no pad of a cavity is told from scatter"] if certificate.corrections else ["not known"]
        )
    for line, sentence in enumerate(shown):
        figure.text(_LEFT, 0.539 - 0.0135 * line, _cut(sentence, 90), fontsize=8, color=INK)
    x = 0.64
    if certificate.scatter_mm is not None:
        figure.text(x, 0.552, "ERRORS OF THE LOT", fontsize=6.5, color=SOFT)
        figure.text(
            x, 0.539, f"scatter within a cavity {number(certificate.scatter_mm)} mm", fontsize=8, color=INK
        )
        text = f"cavities off nominal {number(certificate.systematic_mm)} mm (rms)"
        figure.text(x, 0.5255, text, fontsize=8, color=INK)


def _draw_table(figure: Figure, certificate: Certificate) -> None:
    """One line a stamp: in one wide table, or in two or more narrow ones."""
    stamps = certificate.stamps
    columns = max(1, math.ceil(len(stamps) / _rows_that_fit()))
    if columns > 1:
        columns = max(columns, 2)
    rows = math.ceil(len(stamps) / columns)
    height = min(_ROW_HEIGHT, (_TABLE_TOP - _TABLE_BOTTOM) / (rows + 1))
    fontsize = min(7.5, 7.5 * height / 0.0125)
    gap = 0.02
    width = (_RIGHT - _LEFT - gap * (columns - 1)) / columns
    for column in range(columns):
        part = stamps[column * rows : (column + 1) * rows]
        _draw_column(figure, part, _LEFT + column * (width + gap), width, height, fontsize, columns)


def _rows_that_fit() -> int:
    return int((_TABLE_TOP - _TABLE_BOTTOM) / 0.0112) - 1


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
    ("cav.", 0.33, "right"),
    ("worst, mm", 0.56, "right"),
    ("± U", 0.72, "right"),
    ("", 0.76, "left"),
)


def _draw_column(
    figure: Figure,
    stamps: list[CertificateStamp],
    left: float,
    width: float,
    height: float,
    fontsize: float,
    columns: int,
) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Rectangle

    layout = _WIDE if columns == 1 else _NARROW
    for name, at, align in layout:
        figure.text(left + at * width, _TABLE_TOP, name, fontsize=0.88 * fontsize, color=SOFT, ha=align)
    y = _TABLE_TOP - 0.3 * height
    figure.add_artist(Line2D([left, left + width], [y, y], color="#8a8f98", lw=0.7))
    for line, stamp in enumerate(stamps, start=1):
        base = _TABLE_TOP - line * height
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
        for (name, at, align), text in zip(layout, cells, strict=True):
            decision = name in ("decision", "")
            figure.text(
                left + at * width,
                base,
                text,
                fontsize=fontsize,
                ha=align,
                color=COLOURS[stamp.decision] if decision else INK,
            )
        figure.add_artist(
            Line2D([left, left + width], [base - 0.28 * height] * 2, color="#eceff3", lw=0.5, zorder=0)
        )


def _cells(stamp: CertificateStamp, columns: int) -> tuple[str, ...]:
    mark = _MARKS[stamp.decision]
    worst, uncertainty = number(stamp.worst_mm), number(stamp.uncertainty_mm)
    if columns > 1:
        if stamp.worst_mm is None and stamp.reasons:
            worst, uncertainty = "", _cut(stamp.reasons[0], 20)
        return (_cut(stamp.serial, 12), str(stamp.cavity), worst, uncertainty, mark)
    reason = f": {stamp.reasons[0]}" if stamp.reasons else ""
    return (
        _cut(stamp.serial, 18),
        str(stamp.cavity),
        str(stamp.presses),
        worst,
        uncertainty,
        number(stamp.level, 2),
        percent(stamp.evenness),
        number(stamp.flatness_mm),
        _cut(f"{mark}{reason}", 46),
    )


def _draw_foot(figure: Figure, certificate: Certificate, data: bytes) -> None:
    from matplotlib.lines import Line2D

    figure.add_artist(Line2D([_LEFT, _RIGHT], [0.045, 0.045], color=LINE, lw=0.7))
    lines = (
        f"data sha256 {hashlib.sha256(data).hexdigest()}",
        f"measurements sha256 {certificate.measurements_sha256}",
    )
    for line, text in enumerate(lines):
        figure.text(_LEFT, 0.035 - 0.0095 * line, text, fontsize=5.5, color=SOFT, family="monospace")
    software = f"stampbench {certificate.software.get('stampbench', '')}"
    figure.text(_RIGHT, 0.035, software, fontsize=5.5, color=SOFT, ha="right")
    text = "sealed: stampbench certificate verify certificate.pdf"
    figure.text(_RIGHT, 0.0255, text, fontsize=5.5, color=SOFT, ha="right")


def _fit(figure: Figure, text: Text, right: float) -> None:
    """Make a text smaller, and then shorter, until it ends before a share of the figure's width."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    FigureCanvasAgg(figure)  # knows how wide letters are
    limit = right * figure.bbox.width
    size = _FACTS_PT
    while text.get_window_extent().x1 > limit and size > _SMALLEST_PT:
        size -= 0.25
        text.set_fontsize(size)
    whole = text.get_text()
    for length in range(len(whole) - 1, 1, -1):
        if text.get_window_extent().x1 <= limit:
            break
        text.set_text(_cut(whole, length))


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def _day(date: str) -> datetime | None:
    try:
        return datetime.fromisoformat(date[:10]).replace(tzinfo=UTC)
    except ValueError:
        return None
