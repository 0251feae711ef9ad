"""Stamps that stay down: pose at every report, and identity kept while pads drop out."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from stampbench.firmware_emulator.touch import TouchReport
from stampbench.sim.decoder.decoder import LARGEST_COORDINATE_MM, Decoder
from stampbench.sim.decoder.matching import fit
from stampbench.sim.decoder.reading import Pose

FEWEST_PADS = 3
"""Pads that must be seen for a pose that is checked: two leave one dimension of error, which fingers fit."""
REJOIN_MM = 3.0
"""How near its expected place a contact must land to be taken for a pad that had dropped out."""


@dataclass(frozen=True, slots=True)
class TrackedStamp:
    """A stamp on the panel at one report.

    Attributes:
        track: number that stays with the stamp while it is followed.
        code: its code.
        pose: (x_mm, y_mm, theta_rad), theta continued without jumps.
        contacts: for each pad the id of its contact, None for a pad not seen.
        distance_mm: rigid distance of the pads seen to those of the code.
    """

    track: int
    code: int
    pose: Pose
    contacts: tuple[int | None, ...]
    distance_mm: float

    @property
    def pads_seen(self) -> int:
        """How many pads have a contact."""
        return sum(contact is not None for contact in self.contacts)


class StampTracker:
    """Follows stamps over the reports of a panel.

    A stamp is identified once, complete, by the decoder; from then on its contacts are followed by their ids.
    Contacts that land where a pad is expected rejoin it. A stamp with fewer than three pads, or whose pads
    move apart beyond the noise, is dropped and must be identified again.
    """

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder
        self._stamps: list[TrackedStamp] = []
        self._tracks = 0

    def feed(self, report: TouchReport) -> tuple[TrackedStamp, ...]:
        """Take in a report; the stamps on the panel, in the order in which they came."""
        points = {
            contact.id: np.array([contact.x_mm, contact.y_mm])
            for contact in report.down
            if contact.x_mm is not None
            and contact.y_mm is not None
            and abs(contact.x_mm) <= LARGEST_COORDINATE_MM  # false for NaN
            and abs(contact.y_mm) <= LARGEST_COORDINATE_MM
        }
        followed = []
        for stamp in self._stamps:
            moved = self._follow(stamp, points)
            if moved is not None:
                followed.append(moved)
                points = {i: point for i, point in points.items() if i not in moved.contacts}
        self._stamps = [*followed, *self._identify(points)]
        return tuple(self._stamps)

    def _identify(self, points: dict[int, npt.NDArray[np.float64]]) -> list[TrackedStamp]:
        """Return new stamps among the contacts that belong to none."""
        if len(points) < self._decoder.pads_per_stamp:
            return []
        ids = list(points)
        found = []
        for reading in self._decoder.decode_all(np.array([points[i] for i in ids])):
            if reading.code is not None and reading.pose is not None and reading.distance_mm is not None:
                self._tracks += 1
                contacts = tuple(ids[i] if i >= 0 else None for i in reading.contacts)
                found.append(
                    TrackedStamp(self._tracks, reading.code, reading.pose, contacts, reading.distance_mm)
                )
        return found

    def _follow(self, stamp: TrackedStamp, points: dict[int, npt.NDArray[np.float64]]) -> TrackedStamp | None:
        """Return the stamp at this report; None where too little of it is left."""
        pads = np.ascontiguousarray(self._decoder.codebook.pads(stamp.code), np.float64)
        contacts = [contact if contact in points else None for contact in stamp.contacts]
        fitted = self._fit(contacts, points, pads)
        if fitted is None:
            return None
        rejoined = _rejoin(contacts, points, pads, fitted[0])
        refitted = self._fit(rejoined, points, pads)
        if refitted is not None:
            contacts, fitted = rejoined, refitted
        (x, y, theta), distance = fitted
        turns = round((stamp.pose[2] - theta) / math.tau)
        return TrackedStamp(
            stamp.track, stamp.code, (x, y, theta + turns * math.tau), tuple(contacts), distance
        )

    def _fit(
        self,
        contacts: list[int | None],
        points: dict[int, npt.NDArray[np.float64]],
        pads: npt.NDArray[np.float64],
    ) -> tuple[Pose, float] | None:
        """Fit pose and distance to the pads that have a contact; None if too few, or if they do not fit."""
        seen = [(pad, contact) for pad, contact in enumerate(contacts) if contact is not None]
        if len(seen) < FEWEST_PADS:
            return None
        motion = np.empty(5)
        own = np.array([points[contact] for _, contact in seen])
        distance = math.sqrt(fit(own, pads, np.array([pad for pad, _ in seen]), 1.0, 1.0, motion))
        if distance > self._decoder.acceptance.outer_radius_mm(len(seen)):
            return None
        return (float(motion[0]), float(motion[1]), math.atan2(motion[3], motion[2])), distance


def _rejoin(
    contacts: list[int | None],
    points: dict[int, npt.NDArray[np.float64]],
    pads: npt.NDArray[np.float64],
    pose: Pose,
) -> list[int | None]:
    """Give every pad without a contact the free one nearest to where it should be."""
    x, y, theta = pose
    cos, sin = math.cos(theta), math.sin(theta)
    expected = pads @ np.array([[cos, sin], [-sin, cos]]) + (x, y)
    rejoined = list(contacts)
    for pad, contact in enumerate(contacts):
        if contact is not None:
            continue
        free = [(math.dist(points[i], expected[pad]), i) for i in points if i not in rejoined]
        if free and min(free)[0] <= REJOIN_MM:
            rejoined[pad] = min(free)[1]
    return rejoined
