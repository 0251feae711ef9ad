"""What the phone shows at one moment, as plain values: contacts, objects in truth, what was read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from stampbench.sim.decoder import Pose, Verdict
from stampbench.sim.screen.scene import SceneObject
from stampbench.sim.screen.sources import PanelInfo

Points: TypeAlias = npt.NDArray[np.float64]
Value: TypeAlias = int | float | str


@dataclass(frozen=True, slots=True)
class Explanation:
    """Something said in plain words, as data.

    Attributes:
        key: of :data:`stampbench.sim.screen.explain.KEYS`.
        values: what stands in the sentence, by name; a value named ``cause`` is a key of
            :data:`stampbench.sim.screen.explain.CAUSES`.
    """

    key: str
    values: Mapping[str, Value]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ContactView:
    """A contact that is down.

    Attributes:
        trail_mm: where it has been in the last second, shape (n, 2), newest last.
        stamp: number of the reading that it is part of; None if of none.
    """

    id: int
    x_mm: float
    y_mm: float
    size_mm: float | None
    trail_mm: Points
    stamp: int | None = None


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ObjectView:
    """An object of the scene, and which of its pads the controller saw.

    Attributes:
        thing: the object.
        selected: whether keys act on it.
        places_mm: its pads on the panel, shape (n, 2).
        diameters_mm: of the pads, shape (n,).
        shares: with which part of its area each pad touches, 0..1, shape (n,).
        seen: for each pad the id of the contact that is it; None where there is none.
        explanation: why it is read or not; None while it is above the glass, and for what is no stamp.
    """

    thing: SceneObject
    selected: bool
    places_mm: Points
    diameters_mm: Points
    shares: Points
    seen: tuple[int | None, ...]
    explanation: Explanation | None


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ReadingView:
    """What the decoder says of the contacts, or of some of them.

    Attributes:
        number: stays with the stamp while it is followed; 0 for contacts that could not be read.
        name: of the stamp, as a person types it; empty unless read.
        pads_mm: where the pads of the code stand on the panel, shape (n, 2); None unless read.
        contacts: for each pad the id of its contact, None for one without; empty unless read.
        margin_mm: by how much the next code is farther, a lower bound where ``margin_is_bound``; None where
            pads of a stamp are missing, or there is no other code.
        explanation: from the contacts alone.
    """

    verdict: Verdict
    distance_mm: float | None
    margin_mm: float | None
    explanation: Explanation
    number: int = 0
    code: int | None = None
    name: str = ""
    pose: Pose | None = None
    pads_mm: Points | None = None
    contacts: tuple[int | None, ...] = ()
    margin_is_bound: bool = False


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Picture:
    """All that is on the glass.

    Attributes:
        t_us: time of the session's clock.
        device_us: device time of the newest report.
        scans: raw frames so far: tells whether ``deltas`` are new.
        deltas: counts of the newest raw frame, int16 (rows, cols); None where the source sends none.
        contacts_most: most contacts at once that this source has shown.
        read_from: what stamps are read from.
        objects: in truth; empty where nobody knows.
        readings: of the newest report: one for each stamp, or one that says why there is none.
        explanation: the one sentence for the person who presses.
    """

    t_us: int
    device_us: int
    panel: PanelInfo
    scans: int
    deltas: npt.NDArray[np.int16] | None
    contacts: tuple[ContactView, ...]
    contacts_most: int
    read_from: Literal["contacts", "frames"]
    objects: tuple[ObjectView, ...]
    readings: tuple[ReadingView, ...]
    explanation: Explanation

    @property
    def selected(self) -> ObjectView | None:
        """The object that keys and sliders act on."""
        return next((drawn for drawn in self.objects if drawn.selected), None)
