"""Faults of the read-out: dead and shorted lines, stuck nodes, rows that come one scan late."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from stampbench.firmware_emulator.errors import InputError
from stampbench.firmware_emulator.kernels import kernel
from stampbench.sim.panel.condition import Condition
from stampbench.sim.panel.profile import Profile

F64 = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class ReadoutFaults(NamedTuple):
    """What is wrong with the read-out, for the kernel; empty arrays where nothing is.

    Attributes:
        dead_tx, dead_rx: lines that read 0.
        shorted_tx, shorted_rx: lines that are connected to the next one.
        stuck, stuck_at: nodes in row order, and the counts that each reads.
        late: counts of the torn rows that the next scan delivers, updated.
    """

    dead_tx: Ints
    dead_rx: Ints
    shorted_tx: Ints
    shorted_rx: Ints
    stuck: Ints
    stuck_at: F64
    late: F64


_NONE: Final = np.empty(0, np.int64)
NO_FAULTS: Final = ReadoutFaults(_NONE, _NONE, _NONE, _NONE, _NONE, np.empty(0), np.empty((0, 0)))


def has_faults(condition: Condition) -> bool:
    """Return whether anything is wrong with the read-out."""
    lines = condition.dead_tx + condition.dead_rx + condition.shorted_tx + condition.shorted_rx
    return bool(lines or condition.stuck_nodes or condition.torn_rows)


def readout_faults(profile: Profile, condition: Condition, rng: np.random.Generator) -> ReadoutFaults:
    """Return the faults that a condition asks for.

    Raises:
        InputError: a line that the panel does not have.
    """
    if not has_faults(condition):
        return NO_FAULTS
    rows, cols = profile.grid.rows, profile.grid.cols
    stuck, stuck_at = NO_FAULTS.stuck, NO_FAULTS.stuck_at
    if condition.stuck_nodes:
        stuck = rng.choice(rows * cols, min(rows * cols, condition.stuck_nodes), replace=False)
        # Recorded stuck nodes of the Nexus 5 kernel: -62 to +87 counts.
        stuck_at = profile.flat.amplitude * rng.uniform(-0.3, 0.4, len(stuck))
    return ReadoutFaults(
        _lines("dead_tx", condition.dead_tx, rows),
        _lines("dead_rx", condition.dead_rx, cols),
        _lines("shorted_tx", condition.shorted_tx, rows - 1),
        _lines("shorted_rx", condition.shorted_rx, cols - 1),
        stuck,
        stuck_at,
        np.zeros((min(rows, condition.torn_rows), cols)),
    )


@kernel
def apply_faults(counts: F64, faults: ReadoutFaults) -> None:
    """Change ``counts`` (rows, cols) to what the faulty read-out delivers; keep the torn rows for later."""
    rows, cols = counts.shape
    for line in faults.shorted_tx:
        for c in range(cols):
            counts[line, c] = counts[line + 1, c] = (counts[line, c] + counts[line + 1, c]) / 2.0
    for line in faults.shorted_rx:
        for r in range(rows):
            counts[r, line] = counts[r, line + 1] = (counts[r, line] + counts[r, line + 1]) / 2.0
    for line in faults.dead_tx:
        counts[line, :] = 0.0
    for line in faults.dead_rx:
        counts[:, line] = 0.0
    for place in range(faults.stuck.shape[0]):
        counts[faults.stuck[place] // cols, faults.stuck[place] % cols] = faults.stuck_at[place]
    for r in range(faults.late.shape[0]):
        for c in range(cols):
            counts[r, c], faults.late[r, c] = faults.late[r, c], counts[r, c]


def _lines(key: str, lines: tuple[int, ...], count: int) -> Ints:
    for line in lines:
        if line >= count:
            raise InputError(
                f"condition: {key} = {list(lines)}: line {line} is not there; expected 0 to {count - 1}"
            )
    return np.array(lines, np.int64)
