"""Reading raw frames: the pads found on them as contacts, or as readings."""

from __future__ import annotations

from collections import Counter
from typing import Final

import numpy as np
from stampbench.firmware_emulator.touch import Contact, Frame, TouchReport
from stampbench.sim.decoder.decoder import Decoder
from stampbench.sim.decoder.frame_fit import PAD_DIAMETER_MM, FrameFitter, PadFit
from stampbench.sim.decoder.reading import FOREIGN, NOTHING, Reading
from stampbench.sim.panel.profile import Profile

FOREIGN_MISFIT: Final = 25.0
"""What fits worse is no stamp of such pads; the worst stripes recorded make 8."""
SAME_PAD_MM: Final = 3.0
"""A pad found so near to where one was in the last frame is that one."""
BODY_IDS: Final = 100
"""Ids of the contacts of body n begin at n times this."""


class FrameDecoder:
    """Reads the frames of one panel, in their order; each body on it has a ground of its own.

    Of several stamps that nobody holds, whose ghosts cover each other, most are read as nothing or foreign.

    Args:
        decoder: the identity search.
        profile: the panel that the frames come from.
        diameter_mm: of the stamps' pads.
        noise: scale of the profile's noise.

    Raises:
        InputError: a diameter or a scale that is not positive.
    """

    def __init__(
        self, decoder: Decoder, profile: Profile, *, diameter_mm: float = PAD_DIAMETER_MM, noise: float = 1.0
    ) -> None:
        self.decoder = decoder
        self.fitter = FrameFitter(profile, diameter_mm=diameter_mm, noise=noise)
        self._last: PadFit | None
        self._contacts: dict[int, tuple[float, float]]
        self.reset()

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the frames."""
        return self.fitter.model.shape

    def reset(self) -> None:
        """Forget the frames so far, as before another press."""
        self._last, self._contacts = None, {}

    def decode_all(self, frame: Frame) -> list[Reading]:
        """Read every stamp on one frame, likeliest first; one reading says why there is none.

        Raises:
            InputError: a frame of another shape than the panel's.
        """
        fit = self.locate(frame)
        if fit is None:
            return [NOTHING]
        return self.decoder.decode_all(fit.points_mm) if fit.misfit < FOREIGN_MISFIT else [FOREIGN]

    def report(self, frame: Frame) -> TouchReport:
        """Return the pads as contacts; none where no stamps fit. :func:`bodies_of` tells bodies apart.

        Raises:
            InputError: a frame of another shape than the panel's.
        """
        fit = self._last = self.locate(frame, self._last)
        if fit is None or not fit.misfit < FOREIGN_MISFIT:
            self._contacts = {}
            return TouchReport(frame.t_us, ())
        self._contacts = self._numbered(fit)
        contacts = (
            Contact(pad, True, round(1000.0 * x), round(1000.0 * y), x, y, self.fitter.diameter_mm)
            for pad, (x, y) in self._contacts.items()
        )
        return TouchReport(frame.t_us, tuple(contacts))

    def locate(self, frame: Frame, last: PadFit | None = None) -> PadFit | None:
        """Find the pads on the frame; None where there is none.

        Args:
            frame: of this panel.
            last: the fit of the frame before, if any; see :meth:`FrameFitter.fit`.

        Raises:
            InputError: a frame of another shape than the panel's.
        """
        return self.fitter.fit(frame, self.decoder.pads_per_stamp, last)

    def _numbered(self, fit: PadFit) -> dict[int, tuple[float, float]]:
        """Give each pad the id it had in the last frame, or a new one that begins as those of its body do."""
        before = np.array(list(self._contacts.values())).reshape(-1, 2)
        ids, numbered, taken = list(self._contacts), {}, set()
        for number in range(len(fit.bodies.grounding)):
            points = fit.points_mm[fit.bodies.body == number]
            known: dict[int, int] = {}
            if ids:
                apart = np.hypot(*(points[:, None] - before).transpose(2, 0, 1))
                known = {i: ids[j] for i, j in enumerate(apart.argmin(axis=1)) if apart[i, j] < SAME_PAD_MM}
            usual = [body for body, _ in Counter(i // BODY_IDS for i in known.values()).most_common()]
            body = next(b for b in (*usual, *range(len(ids) + number + 1)) if b not in taken)
            taken.add(body)
            own = {i: pad for i, pad in known.items() if pad // BODY_IDS == body}
            if len(set(own.values())) < len(own):  # two pads where one was
                own = {}
            free = (pad for pad in range(body * BODY_IDS, (body + 1) * BODY_IDS) if pad not in own.values())
            for i, (x, y) in enumerate(points.tolist()):
                numbered[own[i] if i in own else next(free)] = x, y
        return numbered


def bodies_of(report: TouchReport) -> dict[int, TouchReport]:
    """Return the report of each body on a report that :meth:`FrameDecoder.report` made, by its number."""
    bodies: dict[int, list[Contact]] = {}
    for contact in report.contacts:
        bodies.setdefault(contact.id // BODY_IDS, []).append(contact)
    return {number: TouchReport(report.t_us, tuple(own)) for number, own in bodies.items()}
