"""One device: panel and controller of a profile, and who they say they are; joined here and nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt
from stampbench.firmware_emulator.controller import Controller
from stampbench.firmware_emulator.errors import InputError
from stampbench.firmware_emulator.hid.digitizer import HidDigitizer
from stampbench.firmware_emulator.link.messages import Capability, Identity
from stampbench.firmware_emulator.touch import Frame, TouchReport
from stampbench.sim.panel import Condition, Panel, PlacedObject, Profile
from stampbench.sim.panel.field import FORCE
from stampbench.sim.press import REST_FRAMES, Press
from stampbench.sim.stamps.objects import resolve_object

SCANS_AT_ONCE: Final = 12
"""Scans of a press that are made at a time: a call of the kernels costs as much as two, and by the twelfth
nearly every stamp is read."""
_CONTACTS_PER_HID_PACKET: Final = 5

Counts = npt.NDArray[np.int16]


class RigDevice(Protocol):
    """What a rig in software presses objects on: a :class:`Device`, or what stands in for one."""

    @property
    def identity(self) -> Identity:
        """Who it is."""

    @property
    def digitizer(self) -> HidDigitizer | None:
        """The HID device it also speaks as; None where it does not."""

    def configure(self, condition: Condition) -> None:
        """Set what acts on the panel; InputError if that cannot be."""

    def press(self, press: Press, seed: int) -> Iterator[tuple[Frame, TouchReport]]:
        """Yield every scan of one press; InputError if there is no such object."""


class Device:
    """A simulated touch device; the same seed, condition and presses give the same reports.

    Not to be shared between threads: panel and controller remember what touched them.

    Args:
        profile: the device that is simulated.
        condition: what acts on the panel; ordinary noise unless told otherwise.
        seed: of every random draw, 0 to 2^64 - 1.
        serial_number: by which devices are told apart.

    Attributes:
        identity: who it is as a rig on the link.
        digitizer: the HID device it also speaks as; None where its panel is too large for one.
        panel: gives frames of what stands on it.
        controller: gives reports of frames.

    >>> device = sb.Device(sb.load_profile("nexus-5"), condition=sb.Condition(), seed=1)
    >>> held = sb.Hold(30.0, 60.0)
    >>> press = sb.Press("p5-60k/777", (sb.Keyframe(0, held), sb.Keyframe(100_000, held)))
    >>> max(len(report.down) for frame, report in device.press(press))
    5
    """

    def __init__(
        self,
        profile: Profile,
        condition: Condition | None = None,
        seed: int = 1,
        *,
        serial_number: str = "virtual",
    ) -> None:
        self.profile = profile
        self.identity = identity_of(profile, serial_number)
        self.digitizer = _digitizer(profile)
        self.panel = Panel(profile, condition, seed)
        self.controller = Controller(profile.geometry, profile.controller)
        self._seed = seed
        self._press_seeds = np.random.default_rng(seed)

    @property
    def condition(self) -> Condition:
        """What acts on the panel."""
        return self.panel.condition

    def configure(self, condition: Condition) -> None:
        """Set what acts on the panel; if it changes, the panel's random draws begin anew."""
        if condition is not self.panel.condition and condition != self.panel.condition:
            self.panel = Panel(self.profile, condition, self._seed)

    def reset(self, seed: int) -> None:
        """Return to an untouched device at power-up, and start the panel's random draws anew."""
        self.panel.reset(seed)
        self.controller.reset()

    def scan(self, t_us: int, objects: Sequence[PlacedObject] = ()) -> tuple[Frame, TouchReport]:
        """Scan the panel once; return the frame, and the report as a host reads it from the link.

        Args:
            t_us: time of the scan, microseconds; must not run backwards.
            objects: what stands on the panel at that time.
        """
        frame = self.panel.frame(t_us, objects)
        return frame, self.controller.process(frame)

    def press(self, press: Press, seed: int | None = None) -> Iterator[tuple[Frame, TouchReport]]:
        """Yield every scan of one press: rest, the press, and rest until a lift has been reported.

        The device is reset first, so that a press does not depend on those before it. Scan n has
        ``t_us = n * frame_interval_us``; the press starts with scan ``REST_FRAMES``. Scans are made some
        ahead of what is asked for.

        Args:
            press: what to press, and how.
            seed: of the panel's noise, 0 to 2^64 - 1; None: the next one drawn from the device's own.

        Raises:
            InputError: the press names an unknown object.
        """
        for deltas, reports in self._scans(press, seed):
            for counts, report in zip(deltas, reports, strict=True):
                yield Frame(report.t_us, counts), report

    def reports(
        self, press: Press, seed: int | None = None, *, on_frame: Callable[[Frame], None] | None = None
    ) -> Iterator[TouchReport]:
        """Yield the reports of one press, as a rig does; see :meth:`press`.

        Args:
            press: what to press, and how.
            seed: of the panel's noise.
            on_frame: called with every frame, ahead of its report.
        """
        if on_frame is None:
            for _, reports in self._scans(press, seed):
                yield from reports
            return
        for frame, report in self.press(press, seed):
            on_frame(frame)
            yield report

    def _scans(self, press: Press, seed: int | None) -> Iterator[tuple[Counts, list[TouchReport]]]:
        """Make the scans of a press, ``SCANS_AT_ONCE`` at a time: counts (n, rows, cols) and reports."""
        body = resolve_object(press.object)
        self.reset(int(self._press_seeds.integers(1 << 63)) if seed is None else seed)
        interval_us = self.profile.frame_interval_us
        pressing = -(-press.duration_us // interval_us)
        scans = REST_FRAMES + pressing + self.profile.controller.liftoff_frames + 2
        for first in range(0, scans, SCANS_AT_ONCE):
            times_us = interval_us * np.arange(first, min(first + SCANS_AT_ONCE, scans))
            holds = press.holds(times_us - REST_FRAMES * interval_us)
            holds[: max(0, REST_FRAMES - first), FORCE] = 0.0
            deltas = self.panel.scan(times_us, (body,), holds[:, np.newaxis])
            yield deltas, self.controller.process_all(times_us, deltas)


def identity_of(profile: Profile, serial_number: str = "virtual") -> Identity:
    """Build the identity of the device that a profile describes.

    Args:
        profile: the device.
        serial_number: by which devices are told apart.
    """
    geometry, controller = profile.geometry, profile.controller
    capabilities = Capability.PRESS | Capability.RAW_FRAMES | Capability.CONFIGURE
    if _digitizer(profile) is not None:
        capabilities |= Capability.HID_REPORTS
    if controller.contact_policy == "cancel_all":
        capabilities |= Capability.CANCELS_ALL | Capability.MARKS_CANCELLED
    return Identity(
        serial_number,
        profile.name,
        "stampbench virtual rig",
        version("stampbench"),
        contact_limit=controller.max_contacts,
        x_max=geometry.x_max,
        y_max=geometry.y_max,
        width_um=round(geometry.width_mm * 1000),
        height_um=round(geometry.height_mm * 1000),
        frame_interval_us=profile.frame_interval_us,
        rows=geometry.rows,
        columns=geometry.cols,
        capabilities=capabilities,
    )


def _digitizer(profile: Profile) -> HidDigitizer | None:
    """Return the HID device that a panel also speaks as; None if it is too large for one."""
    geometry, contacts = profile.geometry, profile.controller.max_contacts
    try:
        return HidDigitizer(
            min(_CONTACTS_PER_HID_PACKET, contacts),
            contacts,
            geometry.x_max,
            geometry.y_max,
            geometry.width_mm,
            geometry.height_mm,
        )
    except InputError:
        return None
