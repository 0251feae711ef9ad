"""Measurements of stampbench's own speed, each against a baseline in the same run."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from importlib.metadata import version


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value.

    Attributes:
        value: what was measured.
        unit: its unit.
        baseline: the same work done by the baseline in the same run; None where there is none.
        baseline_name: what the baseline is.
    """

    value: float
    unit: str
    baseline: float | None = None
    baseline_name: str | None = None

    @property
    def ratio(self) -> float | None:
        """Value divided by baseline."""
        return self.value / self.baseline if self.baseline else None

    def to_mapping(self) -> dict[str, float | str | None]:
        """Return the figure as the JSON of ``stampbench perf`` has it."""
        return {
            "value": self.value,
            "unit": self.unit,
            "baseline": self.baseline,
            "baseline_name": self.baseline_name,
            "ratio": self.ratio,
        }


def machine() -> dict[str, str | int | None]:
    """Return what the figures were measured on."""
    return {
        "system": platform.system(),
        "machine": platform.machine(),
        "processor": _processor_name(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "numba": version("numba"),
        "numpy": version("numpy"),
        "stampbench": version("stampbench"),
    }


def _processor_name() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as cpuinfo:
            for line in cpuinfo:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor()
