"""Where contacts have been in the last second."""

from __future__ import annotations

from collections import deque
from typing import Final

import numpy as np
import numpy.typing as npt
from stampbench.firmware_emulator.touch import TouchReport

KEPT_US: Final = 1_000_000


class Trails:
    """Keeps the places of every contact that is down."""

    def __init__(self) -> None:
        self._trails: dict[int, deque[tuple[int, float, float]]] = {}

    def reset(self) -> None:
        """Forget all."""
        self._trails.clear()

    def feed(self, report: TouchReport) -> None:
        """Take in a report; a contact that lifts leaves no trail."""
        before, self._trails = self._trails, {}
        oldest_us = report.t_us - KEPT_US
        for contact in report.contacts:
            if contact.tip and contact.x_mm is not None and contact.y_mm is not None:
                trail = before.get(contact.id) or deque()
                trail.append((report.t_us, contact.x_mm, contact.y_mm))
                while trail[0][0] < oldest_us:
                    trail.popleft()
                self._trails[contact.id] = trail

    def of(self, contact_id: int) -> npt.NDArray[np.float64]:
        """The trail of a contact, shape (n, 2), mm, newest last."""
        places = [(x_mm, y_mm) for _, x_mm, y_mm in self._trails.get(contact_id, ())]
        return np.array(places, np.float64).reshape(-1, 2)
