"""Repeating a recorded press, and telling what differs."""

from __future__ import annotations

from typing import Any

import msgspec
from stampbench.bench.records.chunks import PressChunk
from stampbench.bench.records.files import Run
from stampbench.bench.records.presses import PressRecord, PressResult
from stampbench.bench.report.subject import plan_of
from stampbench.bench.rig.opening import VIRTUAL, open_rig
from stampbench.bench.runs.pressing import Presser, SimulatedPresser
from stampbench.firmware_emulator.errors import InputError


def replay_press(run: Run, record: PressResult) -> PressRecord:
    """Make a press again and read it: on a virtual rig behind a port, in memory if it was of a campaign.

    One of a device under test goes into it again.

    Raises:
        InputError: the press was not made by a virtual rig: no seed says what a real panel saw.
        LinkError: the virtual rig failed.
    """
    plan = plan_of(run)
    if plan.dut is not None and isinstance(record, PressRecord):
        from stampbench.bench.dut.pressing import DutPresser

        return DutPresser(plan, plan.dut, run.header.seed).repeat(record)
    if not isinstance(record, PressRecord):
        return SimulatedPresser(plan, run.header.seed).press(plan.press(record.press))
    rig_identity = run.header.rigs.get(record.profile)
    if not record.keyframes or rig_identity is None or not rig_identity.virtual:
        raise InputError(
            f"{run.path}: press {record.press} was made on a real rig: expected one of a virtual rig, "
            "which alone can be repeated"
        )
    presser = Presser(plan, run.header.seed)
    with open_rig(VIRTUAL, record.profile) as rig:
        return presser.repeat(rig, record)


def differences(recorded: PressResult, repeated: PressRecord) -> list[tuple[str, Any, Any]]:
    """Compare a press with its repetition: the recorded fields that differ, with both values.

    Where reports were sent when they were due, real time passed, and never passes twice alike: when they had
    been sent, and when the answer came, is left out.
    """
    if isinstance(recorded, PressRecord) and recorded.delivery:
        recorded, repeated = _timeless(recorded), _timeless(repeated)
    same_fields = repeated if isinstance(recorded, PressRecord) else next(PressChunk.of([repeated]).results())
    before, now = _flat(msgspec.to_builtins(recorded)), _flat(msgspec.to_builtins(same_fields))
    return [
        (name, before.get(name), now.get(name))
        for name in sorted({*before, *now})
        if before.get(name) != now.get(name)
    ]


def _timeless(record: PressRecord) -> PressRecord:
    timing = record.timing and msgspec.structs.replace(record.timing, decided_us=None)
    return msgspec.structs.replace(record, timing=timing, delivery=[])


def _flat(value: Any, name: str = "") -> dict[str, Any]:
    """Return nested fields by their dotted names."""
    if isinstance(value, dict):
        fields = [_flat(item, f"{name}.{key}" if name else str(key)) for key, item in value.items()]
    elif isinstance(value, list | tuple):
        fields = [_flat(item, f"{name}[{place}]") for place, item in enumerate(value)]
    else:
        return {name: value}
    return {key: item for field in fields for key, item in field.items()}
