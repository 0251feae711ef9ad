"""What a rig in software presses objects on."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Protocol

from stampbench.firmware_emulator.errors import InputError
from stampbench.firmware_emulator.hid.digitizer import HidDigitizer
from stampbench.firmware_emulator.link.commands import PressCommand, WireKeyframe
from stampbench.firmware_emulator.link.messages import Capability, Identity
from stampbench.firmware_emulator.touch import Frame, TouchReport

if TYPE_CHECKING:
    from stampbench.firmware_emulator.controller import PanelGeometry

_CONTACTS_PER_HID_PACKET = 5
_WARM_UP_OBJECTS = ("finger", "random-stamp/0")
_WARM_UP = (
    WireKeyframe(0, 30_000, 40_000, 0, 0, 1000, 1000, 1000),
    WireKeyframe(50_000, 30_000, 40_000, 0, 1000, 500, 0, 0),
)


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


class SimulatedPanel:
    """The simulated panel of a device profile with its controller.

    Its kernels are compiled when it is made, which takes a while where they are not cached: once it
    is on a link, no press may keep it from its heartbeat.

    Args:
        profile_name: name of a profile, or path of a profile file.
        serial_number: by which rigs are told apart.
    """

    def __init__(self, profile_name: str, serial_number: str = "virtual") -> None:
        from stampbench.firmware_emulator.controller import Controller
        from stampbench.sim.panel import Condition, Panel, load_profile

        self._profile = load_profile(profile_name)
        self._condition = Condition()
        self._panel = Panel(self._profile, condition=self._condition)
        self._controller = Controller(self._profile.geometry, self._profile.controller)
        geometry = self._profile.geometry
        self.digitizer = _digitizer(geometry, self._profile.controller.max_contacts)
        capabilities = Capability.PRESS | Capability.RAW_FRAMES | Capability.CONFIGURE
        if self.digitizer is not None:
            capabilities |= Capability.HID_REPORTS
        if self._profile.controller.contact_policy == "cancel_all":
            capabilities |= Capability.CANCELS_ALL | Capability.MARKS_CANCELLED
        self.identity = Identity(
            serial_number,
            self._profile.name,
            "stampbench virtual rig",
            version("stampbench"),
            contact_limit=self._profile.controller.max_contacts,
            x_max=geometry.x_max,
            y_max=geometry.y_max,
            width_um=round(geometry.width_mm * 1000),
            height_um=round(geometry.height_mm * 1000),
            frame_interval_us=self._profile.frame_interval_us,
            rows=geometry.rows,
            columns=geometry.cols,
            capabilities=capabilities,
        )
        for name in _WARM_UP_OBJECTS:
            deque(self.press(PressCommand(0, name, _WARM_UP)), maxlen=0)

    def configure(self, condition: Mapping[str, Any]) -> None:
        """Set the panel's condition; see :class:`PressedPanel`."""
        from stampbench.sim.panel import Condition, Panel

        wanted = Condition.from_mapping(dict(condition))
        if wanted != self._condition:
            self._panel, self._condition = Panel(self._profile, condition=wanted), wanted

    def press(self, command: PressCommand) -> Iterator[tuple[Frame, TouchReport]]:
        """Yield every scan of one press; see :class:`PressedPanel`."""
        from stampbench.sim.press import perform
        from stampbench.sim.press_link import press_of_command

        return perform(press_of_command(command), self._panel, self._controller, seed=command.seed)


def _digitizer(geometry: PanelGeometry, max_contacts: int) -> HidDigitizer | None:
    """Return the HID device that a panel also speaks as; None if it is too large for one."""
    try:
        return HidDigitizer(
            min(_CONTACTS_PER_HID_PACKET, max_contacts),
            max_contacts,
            geometry.x_max,
            geometry.y_max,
            geometry.width_mm,
            geometry.height_mm,
        )
    except InputError:
        return None
