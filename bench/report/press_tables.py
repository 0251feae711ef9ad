"""The presses of a run as a table, a row each, for analysts: CSV, or Parquet with the extra ``parquet``.

Both are written row by row, or batch by batch: memory does not grow with the run.
"""

from __future__ import annotations

import csv
import importlib
import io
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from stampbench.bench.plans.plan import Plan
from stampbench.bench.plans.tables import ANY_STAMP
from stampbench.bench.records.files import Run
from stampbench.bench.records.presses import PressRecord, PressResult
from stampbench.firmware_emulator.errors import InputError, expect_new
from stampbench.firmware_emulator.outside import beside, csv_cell

BATCH: Final = 10_000
"""Presses in a row group of a Parquet file."""

COLUMNS: Final[dict[str, str]] = {
    "press": "int64",
    "profile": "string",
    "case": "string",
    "group": "string",
    "kind": "string",
    "number": "int64",
    "object": "string",
    "dut": "string",
    "code": "int64",
    "outcome": "string",
    "verdict": "string",
    "read_code": "int64",
    "distance_mm": "float64",
    "margin_mm": "float64",
    "margin_is_bound": "bool",
    "x_mm": "float64",
    "y_mm": "float64",
    "theta_rad": "float64",
    "first_contact_us": "int64",
    "all_pads_us": "int64",
    "decided_us": "int64",
    "time_to_decision_ms": "float64",
    "reports": "int64",
    "contacts": "int64",
    "seed": "int64",
    "message": "string",
}
"""Name and type of each column. Pose, object, contacts and seed are those of a run; a campaign keeps none."""


def press_rows(plan: Plan, run: Run) -> Iterator[dict[str, Any]]:
    """Yield every press as a row; None where it has no such value."""
    groups = {case.name: case.group or case.name for case in plan.cases}
    duts = run.header.duts
    for press in run.presses:
        yield _row(press, groups.get(press.case, press.case), duts)


def write_csv(plan: Plan, run: Run, path: Path) -> int:
    """Write all presses as CSV with a line of names, and return how many there are.

    Raises:
        InputError: the file is there already or cannot be written.
    """
    expect_new(path)
    presses = 0
    try:
        with beside(path) as opened, io.TextIOWrapper(opened, "utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            for row in press_rows(plan, run):
                writer.writerow(map(csv_cell, row.values()))
                presses += 1
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}: expected a writable place") from None
    return presses


def write_parquet(plan: Plan, run: Run, path: Path) -> int:
    """Write all presses as Parquet, and return how many there are.

    Raises:
        InputError: pyarrow is not installed, or the file is there already or cannot be written.
    """
    try:
        pa: Any = importlib.import_module("pyarrow")  # half of it has types
        pq: Any = importlib.import_module("pyarrow.parquet")
    except ModuleNotFoundError:
        raise InputError(
            f"{path}: Parquet needs pyarrow: expected it installed, as by pip install 'stampbench[parquet]'"
        ) from None
    expect_new(path)
    schema = pa.schema([(name, pa.type_for_alias(kind)) for name, kind in COLUMNS.items()])
    presses = 0
    rows = press_rows(plan, run)
    try:
        with beside(path) as file, pq.ParquetWriter(file, schema) as writer:
            while batch := list(itertools.islice(rows, BATCH)):
                writer.write_table(pa.Table.from_pylist(batch, schema=schema))
                presses += len(batch)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error}: expected a writable place") from None
    return presses


def _row(press: PressResult, group: str, duts: dict[str, str]) -> dict[str, Any]:
    reading, timing = press.reading, press.timing
    record = press if isinstance(press, PressRecord) else None
    pose = reading.pose if reading is not None else None
    x_mm, y_mm, theta_rad = pose if pose is not None else (None, None, None)
    genuine_dut = duts.get(_stamp(press, record), duts.get(ANY_STAMP, ""))
    return {
        "press": press.press,
        "profile": press.profile,
        "case": press.case,
        "group": group,
        "kind": press.kind,
        "number": press.number,
        "object": record.object if record is not None else None,
        "dut": genuine_dut if press.kind == "genuine" else "",
        "code": press.code,
        "outcome": press.outcome.value,
        "verdict": press.verdict,
        "read_code": reading.code if reading is not None else None,
        "distance_mm": reading.distance_mm if reading is not None else None,
        "margin_mm": reading.margin_mm if reading is not None else None,
        "margin_is_bound": reading.margin_is_bound if reading is not None else None,
        "x_mm": x_mm,
        "y_mm": y_mm,
        "theta_rad": theta_rad,
        "first_contact_us": timing.first_contact_us if timing is not None else None,
        "all_pads_us": timing.all_pads_us if timing is not None else None,
        "decided_us": timing.decided_us if timing is not None else None,
        "time_to_decision_ms": press.time_to_decision_ms,
        "reports": timing.reports if timing is not None else None,
        "contacts": len(record.contacts) if record is not None else None,
        "seed": record.seed if record is not None else None,
        "message": press.message,
    }


def _stamp(press: PressResult, record: PressRecord | None) -> str:
    """Return the stamp as the plan names it: its name in a catalogue, else its code."""
    if record is not None and "#" in record.object:
        return record.object.rpartition("#")[2].partition("~")[0]
    return str(press.code)
