"""What is recorded of a lot: the plan and the sample, and every press that was made."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Literal, TypeAlias

from msgspec import Struct
from stampbench.bench.records.files import RigIdentity, RunEnd, read_lines
from stampbench.bench.validation.measuring.lots import Unit
from stampbench.bench.validation.plans import ValidationPlan, parse_validation_plan
from stampbench.bench.validation.sampling.sampling import Severity
from stampbench.bench.validation.sampling.switching import Switching
from stampbench.firmware_emulator.errors import InputError

FORMAT = 2
FILE_NAME = "measurements.jsonl"
REFERENCE = "reference"
"""Stands for a serial number in the presses of the reference."""


class MeasurementHeader(Struct, frozen=True, kw_only=True, tag_field="line", tag="validation"):
    """First line: the plan, the sample and the seed it was drawn by, how it was inspected and why, the rigs.

    Attributes:
        seed: of the draw and of the order and poses of the presses.
        stamps_sha256: of the table that the sample was drawn from; empty for numbered stamps.
        resolution_mm: smallest step in which each appraiser's rig tells a place.
    """

    format: int
    plan_path: str
    plan_text: str
    plan_sha256: str
    seed: int
    station: str
    versions: dict[str, str]
    started_at: str
    units: list[dict[str, str | int]]
    rigs: dict[str, RigIdentity]
    switching: Switching | None = None
    stamps_sha256: str = ""
    resolution_mm: dict[str, float] = {}


class MeasuredPress(Struct, frozen=True, kw_only=True, tag_field="line", tag="press"):
    """One press of one stamp by one appraiser.

    Attributes:
        kind: of a stamp of the sample, or of the reference, whose ``repeat`` is the number of the look at it.
        repeat, press: of the measurement, and within it; from 1.
        contacts_mm: median places of the contacts that were down together.
        levels: of each contact, see ``pad_levels``; None without raw frames.
        outcome: "lost" if the bench failed, with ``message``; such a press says nothing of the stamp.
    """

    serial: str
    appraiser: str
    repeat: int
    press: int
    kind: Literal["stamp", "reference"] = "stamp"
    contacts_mm: list[tuple[float, float]] = []
    levels: list[float] | None = None
    outcome: Literal["measured", "lost"] = "measured"
    message: str = ""


_Line: TypeAlias = MeasurementHeader | MeasuredPress | RunEnd


@dataclass(frozen=True, slots=True)
class RecordedLot:
    """Records of a lot; ``length`` is that of the whole lines, in bytes."""

    header: MeasurementHeader
    presses: list[MeasuredPress]
    end: RunEnd | None
    length: int


def read_recorded(path: Path) -> RecordedLot:
    """Read the records of a validation, whole or cut short.

    Raises:
        InputError: no such file, or it does not hold what ``measure_lot`` writes.
    """
    lines = [line for line in read_lines(path, _Line, "stampbench validate") if line[0] is not None]
    header = lines[0][0] if lines else None
    if not isinstance(header, MeasurementHeader):
        raise InputError(f"{path}: line 1: no header: expected the records of stampbench validate")
    presses = [line for line, _, _ in lines if isinstance(line, MeasuredPress)]
    end = lines[-1][0]
    length = lines[-1][1] + lines[-1][2]
    return RecordedLot(header, presses, end if isinstance(end, RunEnd) else None, length)


def interrupted(directory: Path) -> tuple[ValidationPlan, tuple[Unit, ...], int]:
    """Return plan and sample of a measurement that did not come to its end, and its presses so far.

    Raises:
        InputError: as :func:`read_measurements`, the measurement is complete, or another version began it.
    """
    path = directory / FILE_NAME
    recorded = read_recorded(path)
    if recorded.end is not None and recorded.end.status == "complete":
        raise InputError(f"{path}: the measurement is complete: expected one that was interrupted")
    begun, today = recorded.header.versions.get("stampbench", ""), version("stampbench")
    if begun != today:
        raise InputError(f"{path}: begun with stampbench {begun}, now {today}: expected the same")
    return measured_plan(recorded.header), measured_units(recorded.header), len(recorded.presses)


def measured_plan(header: MeasurementHeader) -> ValidationPlan:
    """Return the plan that a lot was measured by, with the seed that was drawn and the severity that was due.

    Raises:
        InputError: the text in the records is no plan.
    """
    plan = parse_validation_plan(header.plan_text, Path(header.plan_path), header.seed)
    if header.switching is None:
        return plan
    return replace(plan, inspection=Severity(header.switching.inspection))


def measured_units(header: MeasurementHeader) -> tuple[Unit, ...]:
    """Return the sample as it was drawn."""
    return tuple(
        Unit(str(unit["serial"]), int(unit["cavity"]), str(unit["nominal"]), str(unit["object"]))
        for unit in header.units
    )


def read_measurements(path: Path) -> tuple[MeasurementHeader, list[MeasuredPress], RunEnd | None]:
    """Read the records of a validation; ``path`` is the file or the directory it lies in.

    Raises:
        InputError: no such file, or it does not hold what ``measure_lot`` writes.
    """
    recorded = read_recorded(path / FILE_NAME if path.is_dir() else path)
    return recorded.header, recorded.presses, recorded.end
