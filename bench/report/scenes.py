"""What one press looked like at its decisive scan, made again from its record for a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt
from stampbench.bench.plans.draws import load_codebook
from stampbench.bench.plans.plan import Plan
from stampbench.bench.records.files import Run
from stampbench.bench.records.presses import PressRecord
from stampbench.bench.records.readings import press_of

if TYPE_CHECKING:
    from stampbench.sim.panel import Profile

Points: TypeAlias = npt.NDArray[np.float64]
Counts: TypeAlias = npt.NDArray[np.int16]

_SAME_MM = 0.01


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """One scan of a press, in mm from the top left corner of the active area.

    Attributes:
        width_mm, height_mm: active area.
        deltas: counts, shape (rows, cols); None where the press cannot be simulated.
        contacts_mm: where the controller saw contacts, shape (n, 2).
        pads_mm: where the pads of the object stood, shape (m, 2); None where nobody knows.
        read_mm: where the pads of the code stand that was read, shape (m, 2); None if nothing was read.
    """

    width_mm: float
    height_mm: float
    deltas: Counts | None
    contacts_mm: Points
    pads_mm: Points | None
    read_mm: Points | None

    @property
    def centre_mm(self) -> tuple[float, float]:
        """Middle of what is to be seen."""
        for points in (self.pads_mm, self.contacts_mm):
            if points is not None and len(points):
                middle = (points.min(axis=0) + points.max(axis=0)) / 2.0
                return float(middle[0]), float(middle[1])
        return self.width_mm / 2.0, self.height_mm / 2.0


def scene_of(run: Run, record: PressRecord, plan: Plan) -> Scene:
    """Make the decisive scan of a press again.

    A press of a virtual rig is simulated bit for bit, without a link in between. Of any other, and of one
    that this version simulates otherwise than the one that recorded it, the contacts are all there is.

    Raises:
        InputError: the record names a profile, an object or settings that this version does not know.
    """
    from stampbench.sim.hold import Hold
    from stampbench.sim.panel import load_profile

    profile = load_profile(record.profile)
    contacts_mm = _points([(contact.x_mm, contact.y_mm) for contact in record.contacts])
    deltas, pads_mm = None, None
    rig = run.header.rigs.get(record.profile)
    if record.keyframes and rig is not None and rig.virtual:
        deltas, pads_mm = _simulate(profile, record, contacts_mm)
    read_mm = None
    if record.reading is not None and record.reading.code is not None and record.reading.pose is not None:
        read_mm = Hold(*record.reading.pose).place(load_codebook(plan).pads(record.reading.code))
    geometry = profile.geometry
    return Scene(geometry.width_mm, geometry.height_mm, deltas, contacts_mm, pads_mm, read_mm)


def _simulate(
    profile: Profile, record: PressRecord, contacts_mm: Points
) -> tuple[Counts | None, Points | None]:
    """Return counts of the decisive scan and places of the pads; neither if contacts are not as recorded."""
    from stampbench.sim.device import Device
    from stampbench.sim.panel import Condition
    from stampbench.sim.press import REST_FRAMES
    from stampbench.sim.stamps.objects import resolve_object

    press = press_of(record)
    device = Device(profile, Condition.from_mapping(record.condition))
    decisive_us = record.decisive_us or 0
    scans = device.press(press, record.seed)
    decisive = next((scan for scan in scans if scan[0].t_us == decisive_us), None)
    if decisive is None:
        return None, None
    frame, report = decisive
    seen_mm = _points([(contact.x_mm, contact.y_mm) for contact in report.down])
    if seen_mm.shape != contacts_mm.shape or not np.allclose(seen_mm, contacts_mm, atol=_SAME_MM):
        return None, None
    then = press.at(decisive_us - REST_FRAMES * profile.frame_interval_us)
    return frame.deltas, then.place(resolve_object(record.object).pads)


def _points(places: list[tuple[float | None, float | None]]) -> Points:
    return np.array(places, dtype=np.float64).reshape(-1, 2)
