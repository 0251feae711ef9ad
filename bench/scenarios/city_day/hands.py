"""Presses as phones report them: on the simulated panel, and by the error that was measured there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from stampbench.firmware_emulator.errors import InputError
from stampbench.firmware_emulator.touch import TouchReport
from stampbench.sim.decoder import Decoder, Verdict
from stampbench.sim.device import Device
from stampbench.sim.panel import load_profile
from stampbench.sim.press import Hand
from stampbench.sim.stamps import load_family

Points = npt.NDArray[np.float64]
"""(n, 2) mm."""
FAMILY: Final = "p5-60k"
PADS: Final = 5
_FREEDOM: Final = 2 * PADS - 3
"""What is left of ten coordinates when a place and a turn are fitted."""
_STEP_MM: Final = 0.01
"""Controllers report hundredths of a millimetre."""
_SETTLE_MM: Final = 0.03


@dataclass(frozen=True, slots=True)
class Touches:
    """Two sets of contacts of one press, as an app takes them."""

    first: Points
    again: Points


class Hands:
    """Presses stamps of the family.

    Attributes:
        sigma_mm: error of a contact per axis, measured on the panel.
        on_panel: touches of each code that was pressed there.
        missed: presses of the panel in which five contacts were never seen.
    """

    def __init__(
        self, profile_name: str, codes: Sequence[int], presses: int, rng: np.random.Generator
    ) -> None:
        self.family = load_family(FAMILY)
        self._device = Device(load_profile(profile_name))
        self._hand = Hand()
        self._decoder = Decoder(self.family)
        self.on_panel: dict[int, list[Touches]] = {}
        self.missed = 0
        squares = []
        for n in range(presses):
            code = codes[n % len(codes)]
            touches = self.press_on_panel(code, rng)
            if touches is None:
                self.missed += 1
                continue
            self.on_panel.setdefault(code, []).append(touches)
            reading = self._decoder.decode(touches.first)
            if reading.verdict is Verdict.READ and reading.distance_mm is not None:
                squares.append(reading.distance_mm**2)
        if not squares:
            raise InputError(
                f'profile = "{profile_name}": none of {presses} presses was read;'
                " expected a panel on which stamps of five pads can be read"
            )
        self.sigma_mm = math.sqrt(sum(squares) / len(squares) / _FREEDOM)

    def press_on_panel(self, code: int, rng: np.random.Generator) -> Touches | None:
        """One press through hand, panel and controller; None if five contacts never showed."""
        press = self._hand.press(f"{FAMILY}/{code}", self._device.profile, rng).rounded()
        full = [
            _points(report)
            for report in self._device.reports(press, int(rng.integers(2**63)))
            if len(report.down) == PADS
        ]
        if len(full) < 2:
            return None
        middle = len(full) // 2
        later = [points for points in full[middle + 1 :] if not np.array_equal(points, full[middle])]
        return Touches(full[middle], later[0] if later else full[-1])

    def pads(self, code: int) -> Points:
        """Pads of a stamp."""
        return self.family.pads(code)

    def press(
        self, code: int, rng: np.random.Generator, *, sigma_mm: float | None = None, scale: float = 1.0
    ) -> Touches:
        """One press by the measured error; another sigma, or another size, for those who copy."""
        pads = self.pads(code)
        return self.touch(scale * pads, rng, sigma_mm=self.sigma_mm if sigma_mm is None else sigma_mm)

    def touch(self, pads_mm: Points, rng: np.random.Generator, *, sigma_mm: float) -> Touches:
        """Any pads, somewhere on a phone, turned, in any order."""
        angle = rng.uniform(0.0, 2.0 * math.pi)
        turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        points = pads_mm @ turn.T + rng.uniform((25.0, 25.0), (40.0, 90.0))
        points = (points + rng.normal(0.0, sigma_mm, points.shape))[rng.permutation(len(points))]
        return Touches(reported(points), reported(points + rng.normal(0.0, _SETTLE_MM, points.shape)))


def fingers(rng: np.random.Generator) -> Points:
    """Five fingertips of a hand put down at once: 12 to 25 mm apart, (5, 2) mm."""
    points: list[Points] = []
    while len(points) < PADS:
        point = np.asarray(rng.uniform((0.0, 0.0), (55.0, 70.0)), np.float64)
        if all(float(np.hypot(*(point - other))) >= 12.0 for other in points):
            points.append(point)
    return np.array(points)


def random_pads(rng: np.random.Generator, count: int = 1) -> Points:
    """Patterns as somebody without a stamp draws them: pads 7 mm apart or more in a disc of 36 mm.

    Returns:
        (count, 5, 2) mm.
    """
    made = np.empty((count, PADS, 2))
    missing = np.arange(count)
    upper = np.triu_indices(PADS, 1)
    while len(missing):
        radius = 18.0 * np.sqrt(rng.random((len(missing), PADS)))
        turn = rng.uniform(0.0, 2.0 * math.pi, (len(missing), PADS))
        made[missing] = np.stack([radius * np.cos(turn), radius * np.sin(turn)], axis=-1)
        gaps = made[missing][:, upper[0]] - made[missing][:, upper[1]]
        missing = missing[np.hypot(gaps[..., 0], gaps[..., 1]).min(axis=1) < 7.0]
    return made


def reported(points: Points) -> Points:
    """Positions as a controller reports them."""
    return np.asarray(np.round(points / _STEP_MM) * _STEP_MM, np.float64).round(2)


def _points(report: TouchReport) -> Points:
    return reported(np.array([(contact.x_mm, contact.y_mm) for contact in report.down]))
