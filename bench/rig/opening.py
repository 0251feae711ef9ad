"""Rigs opened for a plan: on a port, or one in software behind a real port, with the faults of the plan."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

from stampbench.bench.records.files import RigIdentity
from stampbench.firmware_emulator.errors import InputError

if TYPE_CHECKING:
    from stampbench.bench.plans.plan import Plan
    from stampbench.bench.rig.report_checks import ReportCounters
    from stampbench.firmware_emulator.link.messages import Identity
    from stampbench.firmware_emulator.link.packets import LinkCounters
    from stampbench.firmware_emulator.touch import Frame, TouchReport
    from stampbench.sim.press import Press
    from stampbench.sim.rig import RigFaults

VIRTUAL: Final = "virtual"
"""Name of the rig in software where a port is expected."""
SIZE_TOLERANCE: Final = 0.01
"""Of a panel's size against that of the profile whose name it has."""


OnFrame: TypeAlias = "Callable[[Frame], None]"
"""Is called with every raw frame of a press, ahead of its report; a rig without it sends none."""


class Rig(Protocol):
    """What presses are made on: ``SerialRig``, or what stands in for it."""

    @property
    def identity(self) -> Identity:
        """Who it is."""

    @property
    def press_counters(self) -> LinkCounters:
        """What the link did during the last press."""

    @property
    def press_reports(self) -> ReportCounters:
        """What was odd about the reports of the last press."""

    @property
    def press_whole(self) -> bool:
        """Whether every report of the last press arrived."""

    @property
    def counters(self) -> LinkCounters:
        """What the link did so far."""

    def configure(self, condition: Mapping[str, Any]) -> None:
        """Set the condition of a simulated panel."""

    def press(self, press: Press, seed: int, *, on_frame: OnFrame | None = None) -> Iterator[TouchReport]:
        """Press, and yield the reports, each frame ahead of its own; ManualPressError where a person must."""

    def watch(
        self,
        *,
        first_contact_s: float,
        quiet_us: int,
        meanwhile: Callable[[], None] = lambda: None,
        on_frame: OnFrame | None = None,
    ) -> Iterator[TouchReport | None]:
        """Yield the reports of a press by hand; None where none has come yet, and others have time."""

    def reset(self) -> None:
        """End a press under way."""

    def settle(self) -> None:
        """Let what the line lost last show in the counters."""


Opener: TypeAlias = Callable[[str, str, "RigFaults | None"], AbstractContextManager[Rig]]
"""Opens the rig on a port for a profile, with faults or none; as :func:`open_rig`."""


@contextmanager
def open_rig(port: str, profile: str, faults: RigFaults | None = None) -> Iterator[Rig]:
    """Open the rig on a port with pyserial; :data:`VIRTUAL` first starts one in software, behind a real port.

    Args:
        port: of the rig; ``phone:PX_PER_MM`` for a phone that a person presses.
        profile: panel of a rig in software, or what a phone stands for in the records.
        faults: that befall its line; none do while it is opened.

    Raises:
        NoHardwareError: there is no such port.
        InputError: the port cannot be used, or speaks another protocol.
        LinkError: the rig died while it was used.
    """
    if port.startswith("phone"):
        from stampbench.bench.phone.line import PhoneRig, phone_line

        yield PhoneRig(phone_line(port), profile)
        return
    from stampbench.bench.rig.serial_rig import SerialRig

    if port != VIRTUAL:
        with SerialRig(port) as rig:
            check_profile_size(rig.identity, port)
            yield rig
        return
    from stampbench.sim.rig import virtual_rig

    if faults is not None:
        faults.active = False
    with virtual_rig(profile, faults=faults) as virtual_port, SerialRig(virtual_port) as rig:
        if faults is not None:
            faults.active = True
        yield rig


def check_profile_size(identity: Identity, port: str) -> None:
    """Check that a rig that takes the name of a known profile has its size: stamps are judged by that.

    Raises:
        InputError: it has another.
    """
    from stampbench.sim.panel import load_profile, profile_names

    if identity.profile not in profile_names():
        return
    geometry = load_profile(identity.profile).geometry
    said, right = (
        (identity.width_um / 1000, identity.height_um / 1000),
        (geometry.width_mm, geometry.height_mm),
    )
    if any(abs(one / other - 1.0) > SIZE_TOLERANCE for one, other in zip(said, right, strict=True)):
        raise InputError(
            f"rig on {port} calls itself {identity.profile} and is {said[0]:g} x {said[1]:g} mm: expected "
            f"{right[0]:g} x {right[1]:g} mm, or a profile's name of its own"
        )


def identity_of(rig: Rig, port: str) -> RigIdentity:
    """Return what the rig says of itself, for the header of the records."""
    said = rig.identity
    return RigIdentity(
        port=port,
        virtual=port == VIRTUAL,
        serial_number=said.serial_number,
        profile=said.profile,
        firmware=f"{said.firmware_name} {said.firmware_version}",
        protocol=said.protocol_version,
    )


def faults_of(plan: Plan, seed: int, profile: str) -> RigFaults | None:
    """Draw the faults of a plan's rig in software on one profile, from the run's seed; None: none."""
    if not plan.rig.faults:
        return None
    from stampbench.firmware_emulator.link.faults import Faults
    from stampbench.sim.rig import RigFaults

    faults = Faults.from_mapping(plan.rig.faults, where=f"{plan.path}: rig.faults")
    # Spread by the profile, so that two rigs of one run do not fail at the same packets.
    return RigFaults(faults, (seed << 32) + zlib.crc32(profile.encode()))
