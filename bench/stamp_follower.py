"""Which stamp stands on the panel, and where, from landing to lift."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from firmware_emulator.touch import TouchReport
from sim.decoder import Decoder, PressDecoder, Verdict


@dataclass(frozen=True, slots=True)
class PlacedStamp:
    """A stamp that has been read.

    Attributes:
        code: which one.
        x_mm, y_mm: centre of its face, from the top left corner of the panel.
        theta_rad: its rotation, from x towards y.
        contact_ids: the contacts that are its pads.
    """

    code: int
    x_mm: float
    y_mm: float
    theta_rad: float
    contact_ids: frozenset[int]


class StampFollower:
    """Reads each press once, by all its reports, and then follows the stamp until it has left.

    Args:
        decoder: reads the shapes.
    """

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder
        self._press = PressDecoder(decoder)
        self._code: int | None = None
        self._stamp: PlacedStamp | None = None

    def feed(self, report: TouchReport) -> PlacedStamp | None:
        """Take the next report; return the stamp that stands there, None until one has been read."""
        contacts = [contact for contact in report.down if contact.x_mm is not None]
        if not contacts:
            self._press = PressDecoder(self._decoder)
            self._code = self._stamp = None
            return None
        decision = self._press.feed(report)
        if decision is not None and decision.reading.verdict is Verdict.READ:
            self._code = decision.reading.code
        if self._code is not None:
            reading = self._decoder.decode(np.array([(contact.x_mm, contact.y_mm) for contact in contacts]))
            # A report that says otherwise, as while the stamp lifts, leaves it where it was.
            if reading.code == self._code and reading.pose is not None:
                pads = frozenset(contacts[place].id for place in reading.contacts if place >= 0)
                self._stamp = PlacedStamp(self._code, *reading.pose, pads)
        return self._stamp
