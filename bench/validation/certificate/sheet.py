"""The certificate as a sheet of A4: one page a lot, one line a stamp; a large sample goes on overleaf."""

from __future__ import annotations

import hashlib
import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from stampbench.bench.validation.certificate.pictures import (
    COLOURS,
    INK,
    LINE,
    SOFT,
    draw_capability,
    draw_gauge,
    draw_pads,
)
from stampbench.bench.validation.certificate.table import (
    BOTTOM,
    FIRST_PAGE,
    FIRST_TOP,
    PAGE,
    TOP,
    WIDTH_INCHES,
    draw_table,
    write,
)
from stampbench.bench.validation.certificate.words import (
    allowed,
    attempts_said,
    drawn,
    gauge_said,
    number,
    rigs_said,
    risks,
    sampled,
    to_apply,
    uncertainty_said,
    unknown,
    weak_said,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from stampbench.bench.validation.certificate.certificate import Certificate, CertificateRig

_HEIGHT = 11.69
_LEFT, _RIGHT = 0.075, 0.925
_MOST_CORRECTIONS = 3
_FACTS_PT = 7.0
_FACT_HEIGHT = 0.0113
_FACTS_HEIGHT = 0.07
_MOST_RIGS = 4
_WORDS: Final = {"accept": "ACCEPTED", "reject": "REJECTED", "measure again": "MEASURE AGAIN"}
_STYLE: Final[Any] = {
    "font.family": "sans-serif",
    "pdf.fonttype": 42,
    "text.parse_math": False,  # a vendor's name may hold dollar signs
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#8a8f98",
    "xtick.color": "#6b7280",
    "ytick.color": "#444a54",
    "axes.linewidth": 0.7,
}


def render_pdf(certificate: Certificate, data: bytes) -> bytes:
    """Return the sheet as PDF; the same certificate gives the same bytes. ``data`` is its canonical JSON."""
    file = io.BytesIO()
    day = _day(certificate.date)
    metadata = {
        "Title": f"Certificate of lot {certificate.lot}",
        "Creator": f"stampbench {certificate.software.get('stampbench', '')}".strip(),
        "CreationDate": day,
        "ModDate": day,
    }
    from matplotlib import rc_context
    from matplotlib.backends.backend_pdf import PdfPages
    from matplotlib.figure import Figure

    stamps = certificate.stamps
    first = stamps if len(stamps) <= FIRST_PAGE else stamps[:FIRST_PAGE]
    rest = [stamps[start : start + PAGE] for start in range(len(first), len(stamps), PAGE)]
    with rc_context(_STYLE), PdfPages(file, metadata=metadata) as pages:
        figure = Figure(figsize=(WIDTH_INCHES, _HEIGHT))
        _draw_head(figure, certificate)
        _draw_facts(figure, certificate)
        for draw, box in (
            (draw_pads, (_LEFT - 0.005, 0.588, 0.26, 0.163)),
            (draw_capability, (0.425, 0.6, 0.2, 0.151)),
            (draw_gauge, (0.765, 0.634, 0.16, 0.117)),
        ):
            draw(figure.add_axes(box), certificate)
        _draw_corrections(figure, certificate)
        draw_table(figure, first, (_LEFT, _RIGHT), (FIRST_TOP, BOTTOM))
        _draw_foot(figure, certificate, data, (1, 1 + len(rest)))
        pages.savefig(figure)
        for page, part in enumerate(rest, start=2):
            figure = Figure(figsize=(WIDTH_INCHES, _HEIGHT))
            write(figure, _LEFT, 0.955, f"Lot {certificate.lot}", _RIGHT, size=11.0, colour=SOFT)
            draw_table(figure, part, (_LEFT, _RIGHT), (TOP, BOTTOM))
            _draw_foot(figure, certificate, data, (page, 1 + len(rest)))
            pages.savefig(figure)
    return file.getvalue()


def _draw_head(figure: Figure, certificate: Certificate) -> None:
    from matplotlib.patches import FancyBboxPatch, Rectangle

    colour = COLOURS[certificate.decision]
    figure.add_artist(Rectangle((0, 0.986), 1, 0.014, transform=figure.transFigure, color=colour, lw=0))
    figure.text(_LEFT, 0.953, "CERTIFICATE OF MEASUREMENT", fontsize=7.5, color=SOFT)
    write(figure, _LEFT, 0.925, f"Lot {certificate.lot}", 0.65, size=21.0, least=10.0, weight="bold")
    subtitle = ", ".join(part for part in (certificate.part, certificate.vendor) if part)
    write(figure, _LEFT, 0.905, subtitle, 0.65, size=10.0, least=7.0, colour=SOFT)
    box = FancyBboxPatch(
        (0.665, 0.914), 0.26, 0.034, boxstyle="round,pad=0,rounding_size=0.006",
        transform=figure.transFigure, fc=colour, ec="none", mutation_aspect=WIDTH_INCHES / _HEIGHT,
    )  # fmt: skip
    figure.add_artist(box)
    word = _WORDS[certificate.decision]
    figure.text(0.795, 0.931, word, fontsize=14, weight="bold", color="white", ha="center", va="center")
    for line, reason in enumerate(certificate.reasons[:3]):
        y, colour = 0.882 - 0.0125 * line, INK if line == 0 else SOFT
        write(figure, _LEFT, y, reason, _RIGHT, size=8.5, colour=colour)


def _draw_facts(figure: Figure, certificate: Certificate) -> None:
    from matplotlib.lines import Line2D

    sampling = certificate.sampling
    rigs = [
        f"{rig.name} ({', '.join(filter(None, (rig.profile, _rig_number(rig), rig.operator)))})"
        for rig in certificate.rigs
    ]
    counts = (
        f"{certificate.count('accept')} accepted, {certificate.count('reject')} rejected, "
        f"{certificate.count('measure again')} to be measured again"
    )
    why = sampling.ground or "not said: no history of lots in the plan"
    presses = (
        f"{certificate.presses:,} of {certificate.planned:,} presses, {certificate.lost} lost to the bench"
    )
    attempts, weak = attempts_said(certificate), weak_said(certificate)
    uncertainty = zip((True, False), uncertainty_said(certificate), strict=False)
    rows: tuple[tuple[tuple[str, str], ...], ...] = (
        (
            ("date, station", f"{certificate.date}, {certificate.station}"),
            ("lot and sample", f"{sampling.lot_size:,} stamps, {drawn(certificate)}"),
        ),
        (("sampling", sampled(certificate)), ("stamps", counts)),
        (("risks", risks(certificate)),),
        ((f"why {sampling.severity}", why),),
        (("tolerances", ", ".join(allowed(certificate))),),
        (("measured on", "; ".join((*rigs, presses))),),
        *((("", line),) for line in rigs_said(certificate)[:_MOST_RIGS]),
        *((("uncertainty" if first else "", line),) for first, line in uncertainty),
        *((("attempts", "; ".join(attempts)),) for _ in range(bool(attempts))),
        *((("weak on", "; ".join(weak)),) for _ in range(bool(weak))),
        (("gauge R&R", gauge_said(certificate)),),
    )
    figure.add_artist(Line2D([_LEFT, _RIGHT], [0.8495, 0.8495], color=LINE, lw=0.7))
    height = min(_FACT_HEIGHT, _FACTS_HEIGHT / (len(rows) - 1))
    size = min(_FACTS_PT, 0.75 * height * _HEIGHT * 72.0)
    for line, row in enumerate(rows):
        for place, (name, text) in enumerate(row):
            x, y = (_LEFT, 0.517)[place], 0.8405 - height * line
            end = 0.505 if place + 1 < len(row) else _RIGHT
            figure.text(x, y, name, fontsize=size, color=SOFT)
            write(figure, x + 0.095, y, text, end, size=size, least=4.5)
    figure.add_artist(Line2D([_LEFT, _RIGHT], [0.7675, 0.7675], color=LINE, lw=0.7))


def _draw_corrections(figure: Figure, certificate: Certificate) -> None:
    """Write what to apply to the mould, and what is odd about the gauge, under the pictures."""
    sentences = to_apply(certificate)
    if said := unknown(certificate):
        sentences.insert(min(len(sentences), _MOST_CORRECTIONS - 1), said)
    shown = sentences[:_MOST_CORRECTIONS]
    if len(sentences) > len(shown):
        shown[-1] += f"  (and {len(sentences) - len(shown)} more, see the data)"
    figure.text(_LEFT, 0.552, "CORRECTIONS TO THE MOULD", fontsize=6.5, color=SOFT)
    if not shown:
        shown = (
            ["none: no pad of a cavity is told from scatter"] if certificate.corrections else ["not known"]
        )
    for line, sentence in enumerate(shown):
        write(figure, _LEFT, 0.539 - 0.0135 * line, sentence, 0.62, size=8.0)
    x = 0.64
    if certificate.scatter_mm is not None:
        figure.text(x, 0.552, "ERRORS OF THE LOT", fontsize=6.5, color=SOFT)
        figure.text(
            x, 0.539, f"scatter within a cavity {number(certificate.scatter_mm)} mm", fontsize=8, color=INK
        )
        text = f"cavities off nominal {number(certificate.systematic_mm)} mm (rms)"
        figure.text(x, 0.5255, text, fontsize=8, color=INK)


def _draw_foot(figure: Figure, certificate: Certificate, data: bytes, page: tuple[int, int]) -> None:
    from matplotlib.lines import Line2D

    figure.add_artist(Line2D([_LEFT, _RIGHT], [0.045, 0.045], color=LINE, lw=0.7))
    lines = (
        f"data sha256 {hashlib.sha256(data).hexdigest()}",
        f"measurements sha256 {certificate.measurements_sha256}",
    )
    for line, text in enumerate(lines):
        figure.text(_LEFT, 0.035 - 0.0095 * line, text, fontsize=5.5, color=SOFT, family="monospace")
    software = f"stampbench {certificate.software.get('stampbench', '')}"
    if page[1] > 1:
        software = f"page {page[0]} of {page[1]}, {software}"
    figure.text(_RIGHT, 0.035, software, fontsize=5.5, color=SOFT, ha="right")
    text = "sealed: stampbench certificate verify certificate.pdf"
    figure.text(_RIGHT, 0.0255, text, fontsize=5.5, color=SOFT, ha="right")


def _rig_number(rig: CertificateRig) -> str:
    return "in software" if rig.virtual else rig.serial_number


def _day(date: str) -> datetime | None:
    try:
        return datetime.fromisoformat(date[:10]).replace(tzinfo=UTC)
    except ValueError:
        return None
