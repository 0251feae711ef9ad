"""The matrix of a plan as a table: a row for each case in one combination, a column for each panel."""

from __future__ import annotations

from dataclasses import dataclass

from stampbench.bench.judging.assessment import Assessment, Measured
from stampbench.bench.plans.plan import Plan
from stampbench.bench.report.limit_rows import number

_WORST_SHADE = 0.55


@dataclass(frozen=True, slots=True)
class MatrixCell:
    """How often it went wrong on one panel; ``shade`` is its share of the worst of the matrix, 0..1."""

    value: str
    counted: str
    shade: float


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """One combination: condition, handling, or both."""

    name: str
    cells: tuple[MatrixCell, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """A written case in all its combinations; ``measurement`` is what is shown of it."""

    group: str
    measurement: str
    profiles: tuple[str, ...]
    rows: tuple[MatrixRow, ...]


def matrices(plan: Plan, assessment: Assessment) -> list[Matrix]:
    """Return one for each case that became several: false rejection, or acceptance of foreign objects."""
    found = {
        (measured.name, measured.profile, measured.case): measured
        for measured in assessment.measured
        if measured.name in ("frr", "far")
    }
    tables = []
    for group in plan.groups:
        cases = plan.members(group)
        name = "frr" if cases[0].kind == "genuine" else "far"
        profiles = tuple(plan.header.profiles)
        cells = {
            (case.name, profile): found.get((name, profile, case.name))
            for case in cases
            for profile in profiles
        }
        top = max((measured.value or 0.0 for measured in cells.values() if measured is not None), default=0.0)
        rows = tuple(
            MatrixRow(
                case.name.removeprefix(f"{group} @ "),
                tuple(_cell(cells[case.name, profile], top) for profile in profiles),
            )
            for case in cases
        )
        tables.append(Matrix(group, name, profiles, rows))
    return tables


def _cell(measured: Measured | None, top: float) -> MatrixCell:
    if measured is None or measured.value is None:
        return MatrixCell(number(None, "1"), "", 0.0)
    shade = _WORST_SHADE * measured.value / top if top > 0.0 else 0.0
    return MatrixCell(number(measured.value, "1"), f"{measured.k:,} of {measured.n:,}", shade)
