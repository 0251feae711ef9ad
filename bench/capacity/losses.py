"""What a panel loses of a stamp, by how close its pads are.

Where the pitch of a panel is wide, pads that are close make one contact, whatever the code. Each pair of pads
adds to the hazard of a press, ``exp(a - b x - c x^2)`` for pads ``10 mm + x`` apart, and a press is lost with
``1 - exp(-hazard)``. ``loss_curves.toml`` holds a, b and c of the built-in panels, as
``stampbench capacity --panels`` found them from presses at any place and rotation.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from stampbench.firmware_emulator.errors import InputError

Floats = npt.NDArray[np.float64]

WEAK = 0.01
"""Share of its presses that a panel may lose of a stamp before the stamp is called weak there."""
_FROM_MM = 10.0
"""Distance of two pads from which their hazard falls ever faster."""
_NEVER = -40.0
"""Logarithm of a hazard that nobody will see."""


@dataclass(frozen=True, slots=True)
class LossCurve:
    """Share of its presses that a panel loses of a stamp.

    Attributes:
        terms: a, b (per mm) and c (per mm^2) of the hazard of two pads; b and c are not negative.
    """

    terms: tuple[float, float, float]

    @classmethod
    def fitted(cls, pads_mm: Floats, lost: npt.NDArray[np.bool_]) -> LossCurve:
        """Return the curve likeliest after presses of stamps (m, n, 2), lost or not (m,)."""
        from scipy.optimize import minimize

        if not lost.any():
            return cls((_NEVER, 0.0, 0.0))
        apart = _distances_mm(pads_mm)

        def unlikelihood(terms: Any) -> float:
            logs = _log_hazards(terms, apart)
            hazards = np.exp(logs)
            chances = logs[lost] - 0.5 * hazards[lost]  # log(1 - exp(-hazard)) where it is small
            likely = hazards[lost] > 1e-6
            chances[likely] = np.log(-np.expm1(-hazards[lost][likely]))
            return float(hazards[~lost].sum() - chances.sum())

        # No panel's losses end within less: so few that were lost are not taken for a cliff.
        bounds = [(_NEVER, 10.0), (0.0, 2.0), (0.0, 0.3)]
        found = minimize(unlikelihood, [0.0, 0.3, 0.02], method="L-BFGS-B", bounds=bounds)
        a, b, c = (float(f"{term:.4g}") for term in found.x)
        return cls((a, b, c))

    def losses(self, pads_mm: Floats) -> Floats:
        """Return the share lost of each stamp (m, n, 2)."""
        shares: Floats = -np.expm1(-np.exp(_log_hazards(self.terms, _distances_mm(pads_mm))))
        return shares


def least_gaps_mm(pads_mm: Floats) -> Floats:
    """Return the least distance of two pads of each stamp (m, n, 2), mm."""
    gaps: Floats = _distances_mm(pads_mm).min(axis=1)
    return gaps


def _distances_mm(pads_mm: Floats) -> Floats:
    first, second = np.triu_indices(pads_mm.shape[1], 1)
    distances: Floats = np.hypot(*np.moveaxis(pads_mm[:, first] - pads_mm[:, second], 2, 0))
    return distances


def _log_hazards(terms: Any, apart_mm: Floats) -> Floats:
    beyond = apart_mm - _FROM_MM
    of_pairs = terms[0] - terms[1] * beyond - terms[2] * np.maximum(beyond, 0.0) ** 2
    most = of_pairs.max(axis=1)
    logs: Floats = most + np.log(np.exp(of_pairs - most[:, np.newaxis]).sum(axis=1))
    return logs


def write_loss_curves(curves: Mapping[str, tuple[LossCurve, int]], path: Path) -> None:
    """Write curves by profile, each with the number of presses that it rests on, as TOML.

    Raises:
        InputError: the file cannot be written.
    """
    import tomli_w

    tables = {name: {"terms": list(curve.terms), "presses": made} for name, (curve, made) in curves.items()}
    try:
        path.write_text(tomli_w.dumps(tables), encoding="utf-8")
    except OSError as error:
        raise InputError(f"--panels {path}: cannot be written: {error.strerror}") from None


@functools.cache
def loss_curves() -> Mapping[str, LossCurve]:
    """Return the curves of the built-in panels, by profile."""
    text = (Path(__file__).parent / "loss_curves.toml").read_text(encoding="utf-8")
    return {name: LossCurve((*table["terms"],)) for name, table in tomllib.loads(text).items()}
