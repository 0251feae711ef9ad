"""Faults of the read-out: dead and shorted lines, stuck nodes, rows that come one scan late."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.panel.condition import Condition
from stampbench.sim.panel.profile import Profile

F64 = npt.NDArray[np.float64]


class ReadoutFaults:
    """Applies a condition's faults to the counts of each scan, before they are rounded.

    Raises:
        InputError: a line that the panel does not have.
    """

    def __init__(self, profile: Profile, condition: Condition, rng: np.random.Generator) -> None:
        rows, cols = profile.grid.rows, profile.grid.cols
        self._dead_tx = _lines("dead_tx", condition.dead_tx, rows)
        self._dead_rx = _lines("dead_rx", condition.dead_rx, cols)
        self._shorted_tx = _lines("shorted_tx", condition.shorted_tx, rows - 1)
        self._shorted_rx = _lines("shorted_rx", condition.shorted_rx, cols - 1)
        self._torn_rows = min(rows, condition.torn_rows)
        self._stuck = rng.choice(rows * cols, min(rows * cols, condition.stuck_nodes), replace=False)
        # Recorded stuck nodes of the Nexus 5 kernel: -62 to +87 counts.
        self._stuck_at = profile.flat.amplitude * rng.uniform(-0.3, 0.4, len(self._stuck))
        self._late = np.zeros((self._torn_rows, cols))

    def apply(self, counts: F64) -> None:
        """Change ``counts`` (rows, cols) to what the faulty read-out delivers."""
        for line in self._shorted_tx:
            counts[line : line + 2] = counts[line : line + 2].mean(axis=0)
        for line in self._shorted_rx:
            counts[:, line : line + 2] = counts[:, line : line + 2].mean(axis=1, keepdims=True)
        counts[self._dead_tx] = 0.0
        counts[:, self._dead_rx] = 0.0
        counts.ravel()[self._stuck] = self._stuck_at
        if self._torn_rows:
            now = counts[: self._torn_rows].copy()
            counts[: self._torn_rows] = self._late
            self._late = now


def has_faults(condition: Condition) -> bool:
    """Return whether anything is wrong with the read-out."""
    lines = condition.dead_tx + condition.dead_rx + condition.shorted_tx + condition.shorted_rx
    return bool(lines or condition.stuck_nodes or condition.torn_rows)


def _lines(key: str, lines: tuple[int, ...], count: int) -> list[int]:
    for line in lines:
        if line >= count:
            raise InputError(
                f"condition: {key} = {list(lines)}: line {line} is not there; expected 0 to {count - 1}"
            )
    return list(lines)
