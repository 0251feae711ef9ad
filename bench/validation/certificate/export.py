"""A lot's measurements as a table in CSV: a line for every coordinate of every stamp, for other tools."""

from __future__ import annotations

import csv
import io

from stampbench.bench.validation.certificate.certificate import Certificate

COLUMNS = (
    "lot", "part", "serial", "cavity", "characteristic", "unit", "deviation", "uncertainty", "lower", "upper",
    "decision",
)  # fmt: skip


def certificate_csv(certificate: Certificate) -> str:
    """Return the stamps of a certificate as CSV: each pad on each axis, its level, and the whole face."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    limits = certificate.tolerances
    position = limits["position_mm"]
    level = limits["level"] if isinstance(limits["level"], list) else (None, None)
    for stamp in certificate.stamps:
        rows: list[tuple[object, ...]] = []
        for pad, place in enumerate(stamp.deviations_mm, start=1):
            for axis, value in zip("xy", place, strict=True):
                low = -position if isinstance(position, float) else None
                rows.append((f"pad {pad} {axis}", "mm", value, stamp.uncertainty_mm, low, position))
        for pad, value in enumerate(stamp.levels, start=1):
            rows.append((f"pad {pad} level", "1", value, None, *level))
        rows.append(("evenness", "1", stamp.evenness, None, None, limits["evenness"]))
        rows.append(("flatness", "mm", stamp.flatness_mm, None, None, limits["flatness_mm"]))
        for row in rows:
            writer.writerow(
                (certificate.lot, certificate.part, stamp.serial, stamp.cavity, *row, stamp.decision)
            )
    return file.getvalue()
