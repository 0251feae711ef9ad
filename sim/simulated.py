"""Presses simulated in memory: panel and controller without a link, saying what one would carry."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from stampbench.firmware_emulator.link.messages import ContactReader, pack_contacts
from stampbench.firmware_emulator.touch import Frame, TouchReport
from stampbench.sim.panels import SimulatedPanel
from stampbench.sim.press import Press
from stampbench.sim.press_link import press_command


class SimulatedSource:
    """The simulated panel of a device profile.

    Args:
        profile_name: name of a profile, or path of a profile file.

    Raises:
        InputError: there is no such profile.
    """

    def __init__(self, profile_name: str) -> None:
        self._panel = SimulatedPanel(profile_name)
        self._contacts = ContactReader(self._panel.identity)
        self._condition: Mapping[str, Any] | None = None

    @property
    def cancel_limit(self) -> int | None:
        """Contacts beyond which the panel cancels all touches; None if it never does."""
        return self._panel.identity.cancel_limit

    def configure(self, condition: Mapping[str, Any]) -> None:
        """Set the condition of the panel, as plans write it.

        Raises:
            InputError: no such condition.
        """
        if condition != self._condition:
            self._panel.configure(condition)
            self._condition = dict(condition)

    def press(
        self, press: Press, seed: int, *, on_frame: Callable[[Frame], None] | None = None
    ) -> Iterator[TouchReport]:
        """Yield the reports of one press; they do not depend on the presses before it.

        Args:
            press: what to press, and how.
            seed: of the panel's noise, 0 to 2^64 - 1.
            on_frame: called with every raw frame, ahead of its report.

        Raises:
            InputError: the press names an unknown object.
        """
        for frame, report in self._panel.press(press_command(press, seed)):
            if on_frame is not None:
                on_frame(frame)
            # Packed and read, so that positions and sizes are rounded as the link rounds them.
            yield self._contacts.report(frame.t_us, pack_contacts(report)) if report.contacts else report
