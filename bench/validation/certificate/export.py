"""A lot's measurements for other tools: as a table in CSV, and in the Q-DAS ASCII transfer format."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import TypeAlias

from stampbench.bench.validation.certificate.certificate import Certificate, CertificateStamp
from stampbench.firmware_emulator.outside import csv_cell

_Limit: TypeAlias = float | list[float] | None
_Row: TypeAlias = tuple[str, str, float | None, float | None, _Limit, _Limit]

COLUMNS = (
    "lot", "part", "serial", "cavity", "characteristic", "unit", "deviation", "uncertainty", "lower", "upper",
    "decision",
)  # fmt: skip


def certificate_csv(certificate: Certificate) -> str:
    """Return the stamps of a certificate as CSV: each pad on each axis, its level, and the whole face."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    for stamp in certificate.stamps:
        named = certificate.lot, certificate.part, stamp.serial, stamp.cavity
        for row in _characteristics(certificate, stamp):
            writer.writerow(map(csv_cell, (*named, *row, stamp.decision)))
    return file.getvalue()


def certificate_dfq(certificate: Certificate) -> str:
    """Return the stamps of a certificate as one file of K fields (Q-DAS ASCII transfer format, .dfq).

    A part with its characteristics and their limits, then the values of stamp after stamp; one that was not
    measured has attribute 255, which the format keeps for values that do not count.
    """
    described = list(_characteristics(certificate, certificate.stamps[0])) if certificate.stamps else []
    lines = [
        f"K0100 {len(described)}",
        f"K1001 {certificate.part or certificate.lot}",
        f"K1002 {certificate.part}",
        f"K1022 {certificate.vendor}",
    ]
    for number, (name, unit, _, _, lower, upper) in enumerate(described, start=1):
        lines += [f"K2001/{number} {number}", f"K2002/{number} {name}", f"K2142/{number} {unit}"]
        lines += [f"K2110/{number} {lower}"] if lower is not None else []
        lines += [f"K2111/{number} {upper}"] if upper is not None else []
    date, _, time = certificate.measured_at.partition("T")
    day = ".".join(reversed(date.split("-")))
    for stamp in certificate.stamps:
        for number, (_, _, value, _, _, _) in enumerate(_characteristics(certificate, stamp), start=1):
            lines += [
                f"K0001/{number} {0 if value is None else value}",
                f"K0002/{number} {255 if value is None else 0}",
                f"K0004/{number} {day}/{time[:8]}",
                f"K0006/{number} {certificate.lot}",
                f"K0007/{number} {stamp.cavity}",
                f"K0014/{number} {stamp.serial}",
            ]
    return "".join(f"{line.strip()}\r\n" for line in lines)


def _characteristics(certificate: Certificate, stamp: CertificateStamp) -> Iterator[_Row]:
    """Yield name, unit, value, uncertainty, lower and upper limit of all that a stamp was measured for."""
    limits = certificate.tolerances
    position, level = limits["position_mm"], limits["level"]
    low, high = (level[0], level[1]) if isinstance(level, list) else (None, None)
    below = -position if isinstance(position, float) else None
    for pad, place in enumerate(stamp.deviations_mm, start=1):
        for axis, value in zip("xy", place, strict=True):
            yield f"pad {pad} {axis}", "mm", value, stamp.uncertainty_mm, below, position
    for pad, value in enumerate(stamp.levels, start=1):
        yield f"pad {pad} level", "1", value, None, low, high
    yield "evenness", "1", stamp.evenness, None, None, limits["evenness"]
    yield "flatness", "mm", stamp.flatness_mm, None, None, limits["flatness_mm"]
