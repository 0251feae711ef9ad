"""The three values everybody above speaks: Frame, Contact and TouchReport."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One scan of the panel: signed deltas from the untouched state.

    >>> frame = sb.Frame(t_us=10_000, deltas=np.zeros((27, 15), np.int16))
    >>> frame.deltas.shape
    (27, 15)

    Attributes:
        t_us: device time of the scan, microseconds.
        deltas: int16 counts, shape (rows = TX lines, cols = RX lines). Row r lies at y = (r + 0.5) * pitch,
            column c at x = (c + 0.5) * pitch, in mm from the top left corner of the active area.
    """

    t_us: int
    deltas: npt.NDArray[np.int16]


class Contact(NamedTuple):
    """One touch, as the controller says it.

    >>> sb.Contact(id=3, tip=True, x=1024, y=512, x_mm=20.5, y_mm=10.25)
    Contact(id=3, tip=True, x=1024, y=512, x_mm=20.5, y_mm=10.25, size_mm=None, cancelled=False)

    Attributes:
        id: number that stays with the touch from landing to lift.
        tip: True while the touch is down; False in the one report that announces its lift.
        x, y: position in the device's own units.
        x_mm, y_mm: position in mm from the top left corner; None where the device gives no physical size.
        size_mm: larger diameter of the touch in mm; None where the device does not report it.
        cancelled: True if the panel took the touch away, which may still be there; ``tip`` is False then.
    """

    id: int
    tip: bool
    x: int
    y: int
    x_mm: float | None = None
    y_mm: float | None = None
    size_mm: float | None = None
    cancelled: bool = False


class TouchReport(NamedTuple):
    """All contacts of one scan: those that are down, and those that have just lifted (``tip`` False).

    >>> contacts = sb.Contact(1, True, 10, 20), sb.Contact(2, False, 30, 40)
    >>> [contact.id for contact in sb.TouchReport(10_000, contacts).down]
    [1]

    Attributes:
        t_us: device time of the scan, microseconds.
        contacts: in the device's order.
    """

    t_us: int
    contacts: tuple[Contact, ...]

    @property
    def down(self) -> tuple[Contact, ...]:
        """The contacts that touch the panel."""
        return tuple([contact for contact in self.contacts if contact.tip]) if self.contacts else ()
