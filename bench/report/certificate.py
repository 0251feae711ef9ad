"""Certificates as files: a page for the screen, a sheet for the binder, and the data, each sealed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bench.report.templates import render
from bench.validation.certificate import NAME, Certificate, certificate_bytes
from bench.validation.gauge import FEWEST_CATEGORIES
from bench.validation.mould import FEWEST_STAMPS
from bench.validation.sampling import OWN_NUMBERS
from bench.validation.seal import sealed
from firmware_emulator.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from matplotlib.axes import Axes


def write_certificate(
    certificate: Certificate, directory: Path, key: Ed25519PrivateKey | None = None
) -> tuple[Path, ...]:
    """Write ``certificate.jsonl``, ``.html`` and ``.pdf`` into a directory, each sealed.

    Args:
        certificate: what they say.
        directory: made if it is not there.
        key: signs the seals.

    Raises:
        InputError: a file cannot be written.
    """
    from bench.report.certificate_sheet import render_pdf

    data = certificate_bytes(certificate)
    contents = {
        ".jsonl": data,
        ".html": render_page(certificate, data),
        ".pdf": render_pdf(certificate, data),
    }
    paths = []
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for suffix, content in contents.items():
            path = directory / f"{NAME}{suffix}"
            path.write_bytes(sealed(content, suffix, key))
            paths.append(path)
    except OSError as error:
        raise InputError(f"{directory}: cannot be written: {error.strerror}") from None
    return tuple(paths)


def render_page(certificate: Certificate, data: bytes) -> bytes:
    """The certificate as one self-contained page; ``data``, its canonical JSON, lies in it."""
    import hashlib

    from markupsafe import Markup

    from bench.report.certificate_pictures import draw_capability, draw_gauge, draw_pads

    page = render(
        "certificate.html.j2",
        certificate=certificate,
        verdict_class={"accept": "passed", "reject": "failed"}.get(certificate.decision, "again"),
        pads=Markup(_picture(draw_pads, certificate, (3.4, 3.5), "pads and their deviations")),
        capability=Markup(_picture(draw_capability, certificate, (3.0, 2.9), "capability by dimension")),
        gauge=Markup(
            _picture(draw_gauge, certificate, (3.2, 2.0), "gauge repeatability and reproducibility")
        ),
        to_apply=to_apply(certificate),
        unknown=unknown(certificate),
        gauge_said=gauge_said(certificate),
        allowed=allowed(certificate),
        sampled=sampled(certificate),
        risks=risks(certificate),
        digest=hashlib.sha256(data).hexdigest(),
        # A name may hold "</script>"; in JSON the sign may be written so as well.
        data=Markup(data.decode().strip().replace("<", "\\u003c")),
        percent=percent,
        number=number,
        bands=sorted({stamp.decision for stamp in certificate.stamps}),
    )
    return page.encode()


def to_apply(certificate: Certificate) -> list[str]:
    """Corrections to apply to the mould, the largest first."""
    significant = [one for one in certificate.corrections if one.significant]
    significant.sort(key=lambda one: -(one.offset_mm[0] ** 2 + one.offset_mm[1] ** 2))
    return [one.sentence for one in significant]


def unknown(certificate: Certificate) -> str:
    """Cavities of which nothing is known, in words; empty for none."""
    cavities = certificate.unknown_cavities
    if not cavities:
        return ""
    names = f"cavit{'y' if len(cavities) == 1 else 'ies'} {', '.join(map(str, cavities))}"
    return f"{names}: fewer than {FEWEST_STAMPS} whole stamps in the sample, nothing can be said"


def gauge_said(certificate: Certificate) -> str:
    """What measuring takes of the tolerance and of the total variation, and its grade."""
    gauge = certificate.gauge
    if gauge is None:
        return "not studied"
    few = f", fewer than {FEWEST_CATEGORIES}" if gauge.categories < FEWEST_CATEGORIES else ""
    return (
        f"{percent(gauge.of_tolerance)} of tolerance: {gauge.grade}; {percent(gauge.of_total)} of total, "
        f"ndc {gauge.categories}{few}"
    )


def allowed(certificate: Certificate) -> list[str]:
    """Every tolerance that was judged, in words."""
    limits = certificate.tolerances
    said = [f"position \N{PLUS-MINUS SIGN} {limits['position_mm']:g} mm"]
    if isinstance(level := limits["level"], list):
        said.append(f"level {level[0]:g} to {level[1]:g}")
    if isinstance(evenness := limits["evenness"], float):
        said.append(f"evenness {percent(evenness)}")
    if isinstance(flatness := limits["flatness_mm"], float):
        said.append(f"flatness {flatness:g} mm")
    if isinstance(cpk := limits["cpk"], float):
        said.append(f"Cpk {cpk:g}")
    return said


def sampled(certificate: Certificate) -> str:
    """By which plan of the standard the lot was sampled."""
    sampling = certificate.sampling
    plan = f"Ac {sampling.accept}, Re {sampling.reject}"
    if sampling.letter == OWN_NUMBERS:
        return f"{sampling.sample} stamps, {plan}: not a plan of ISO 2859-1"
    inspection = f"AQL {sampling.aql:g} %, level {sampling.level}, {sampling.severity}"
    return f"ISO 2859-1:1999, {inspection}: letter {sampling.letter}, {plan}"


def risks(certificate: Certificate) -> str:
    """How often a good and a bad lot pass such a sample."""
    sampling = certificate.sampling
    if sampling.pass_at_aql is None or sampling.limiting_quality is None:
        return "-"
    return (
        f"{100.0 * sampling.pass_at_aql:.0f} % of lots with {sampling.aql:g} % bad stamps pass, "
        f"10 % of those with {100.0 * sampling.limiting_quality:.2g} %"
    )


def percent(share: float | None) -> str:
    """A share in whole percent, or a dash."""
    return "-" if share is None else f"{100.0 * share:.0f} %"


def number(value: float | None, digits: int = 3) -> str:
    """A number, or a dash."""
    return "-" if value is None else f"{value:.{digits}f}"


def _picture(
    draw: Callable[[Axes, Certificate], None], certificate: Certificate, size: tuple[float, float], title: str
) -> str:
    from bench.report.pictures import inline_svg, new_figure

    with new_figure(*size) as (figure, axes, svg):
        draw(axes, certificate)
        figure.savefig(svg, format="svg", metadata={"Date": None})
    return inline_svg(svg, title)
