"""Certificates as files: a page for the screen, a sheet for the binder, and the data, each sealed."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING

from stampbench.bench.report.html import render
from stampbench.bench.validation.certificate.certificate import NAME, Certificate, certificate_bytes
from stampbench.bench.validation.certificate.seal import data_line, sealed
from stampbench.bench.validation.certificate.sheet import render_pdf
from stampbench.bench.validation.certificate.words import (
    allowed,
    attempts_said,
    drawn,
    gauge_said,
    number,
    percent,
    rigs_said,
    risks,
    sampled,
    to_apply,
    uncertainty_said,
    unknown,
    weak_said,
)
from stampbench.firmware_emulator.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from matplotlib.axes import Axes


def write_certificate(
    certificate: Certificate, directory: Path, key: Ed25519PrivateKey | None = None
) -> tuple[Path, ...]:
    """Write ``certificate.jsonl``, ``.html`` and ``.pdf`` into a directory, each sealed.

    Where there is one already, as of a lot that is judged again, the new one is ``certificate-2`` and so on:
    nothing is overwritten. Page and sheet hold the hash of the data.

    Args:
        certificate: what they say.
        directory: made if it is not there.
        key: signs the seals.

    Raises:
        InputError: a file cannot be written.
    """
    data = certificate_bytes(certificate)
    contents = {
        ".jsonl": data,
        ".html": render_page(certificate, data) + b"\n" + data_line(data, ".html"),
        ".pdf": render_pdf(certificate, data) + data_line(data, ".pdf"),
    }
    paths = []
    try:
        directory.mkdir(parents=True, exist_ok=True)
        names = (NAME if number == 1 else f"{NAME}-{number}" for number in itertools.count(1))
        name = next(name for name in names if not (directory / f"{name}.jsonl").exists())
        for suffix, content in contents.items():
            path = directory / f"{name}{suffix}"
            with path.open("xb") as file:
                file.write(sealed(content, suffix, key))
            paths.append(path)
    except OSError as error:
        raise InputError(f"{directory}: cannot be written: {error.strerror}") from None
    return tuple(paths)


def render_page(certificate: Certificate, data: bytes) -> bytes:
    """Return the certificate as one self-contained page; ``data``, its canonical JSON, lies in it."""
    import hashlib

    from markupsafe import Markup
    from stampbench.bench.validation.certificate.pictures import draw_capability, draw_gauge, draw_pads

    page = render(
        Path(__file__).with_name("certificate.html.j2"),
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
        rigs_said=rigs_said(certificate),
        uncertainty_said="; ".join(uncertainty_said(certificate)),
        attempts_said=attempts_said(certificate),
        weak_said=weak_said(certificate),
        drawn=drawn(certificate),
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


def _picture(
    draw: Callable[[Axes, Certificate], None], certificate: Certificate, size: tuple[float, float], title: str
) -> str:
    from stampbench.bench.report.pictures import inline_svg, new_figure

    with new_figure(*size) as (figure, axes, svg):
        draw(axes, certificate)
        figure.savefig(svg, format="svg", metadata={"Date": None})
    return inline_svg(svg, title)
