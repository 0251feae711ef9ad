"""What a rig in software presses objects on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from firmware_emulator.commands import PressCommand
from firmware_emulator.hid_digitizer import HidDigitizer
from firmware_emulator.messages import Identity
from firmware_emulator.touch import Frame, TouchReport


class PressedPanel(Protocol):
    """What a rig in software presses objects on."""

    @property
    def identity(self) -> Identity:
        """Who the rig is."""

    @property
    def digitizer(self) -> HidDigitizer | None:
        """The HID device it also speaks as; None where it does not."""

    def configure(self, condition: Mapping[str, Any]) -> None:
        """Set the panel's condition; InputError if it is none."""

    def press(self, command: PressCommand) -> Iterator[tuple[Frame, TouchReport]]:
        """Yield every scan of one press; InputError if there is no such object."""
