"""The simulated panel as a source: scene -> panel -> controller -> link -> reports, scan by scan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from typing import Final

from stampbench.firmware_emulator.controller import Controller
from stampbench.firmware_emulator.link.messages import Capability, ContactReader, Identity, pack_contacts
from stampbench.firmware_emulator.link.packets import PacketParser, PacketSender, PacketType
from stampbench.firmware_emulator.touch import Frame, TouchReport
from stampbench.sim.panel import Condition, Panel, PlacedObject, Profile
from stampbench.sim.press import Press, perform
from stampbench.sim.screen.hand_log import HandLog
from stampbench.sim.screen.scene import Scene
from stampbench.sim.screen.sources import Item, PanelInfo, SourceKind, SourceState

MOST_BEHIND_US: Final = 1_000_000
"""Time that is caught up with scan by scan; of a longer pause, the rest is left out."""


class LinkLoop:
    """Carries reports over the link within this process: packets are made, and read back.

    Args:
        profile: whose coordinates they are.
    """

    def __init__(self, profile: Profile) -> None:
        geometry, contact_limit = profile.geometry, profile.controller.max_contacts
        cancels = profile.controller.contact_policy == "cancel_all"
        self.identity = Identity(
            "screen",
            profile.name,
            "stampbench screen",
            version("stampbench"),
            contact_limit=contact_limit,
            x_max=geometry.x_max,
            y_max=geometry.y_max,
            width_um=round(geometry.width_mm * 1000),
            height_um=round(geometry.height_mm * 1000),
            frame_interval_us=profile.frame_interval_us,
            rows=geometry.rows,
            columns=geometry.cols,
            capabilities=Capability.CANCELS_ALL if cancels else Capability(0),
        )
        self._contacts = ContactReader(self.identity)
        self._sender, self._parser = PacketSender(), PacketParser()
        self._parser.feed(b"\0")

    @property
    def counters(self) -> dict[str, int]:
        """What the receiving end has seen."""
        return {"packets": self._parser.counters.packets, "bytes": self._parser.counters.bytes}

    def carry(self, report: TouchReport) -> TouchReport:
        """The report as it arrives: positions in the device's units, sizes in 1/100 mm."""
        wire = self._sender.encode(PacketType.CONTACTS, report.t_us, pack_contacts(report))
        (packet,) = self._parser.feed(wire)
        return self._contacts.report(packet.t_us, packet.payload)


class SimulatedSource:
    """A panel with what the scene holds on it.

    Args:
        profile: the device.
        scene: what is on the glass; looked at for every scan.
        condition: what acts on the panel.
        seed: of the panel's noise.
        start_us: time of the session's clock at which its own time begins.

    Attributes:
        hand_log: what the hand did with each object since it touched.
    """

    kind = SourceKind.SIMULATED
    message = ""
    can_press = False

    def __init__(
        self, profile: Profile, scene: Scene, condition: Condition, seed: int, start_us: int
    ) -> None:
        self.profile = profile
        self.hand_log = HandLog()
        self._scene = scene
        self._seed = seed
        self._condition = condition
        self._panel = Panel(profile, condition, seed)
        self._controller = Controller(profile.geometry, profile.controller)
        self._link = LinkLoop(profile)
        self._start_us = start_us
        self._scans = 0
        self._left_out = 0
        self.panel = panel_info(profile)

    @property
    def name(self) -> str:
        """Name of the profile."""
        return self.profile.name

    @property
    def state(self) -> SourceState:
        """Always live."""
        return SourceState.LIVE

    @property
    def counters(self) -> Mapping[str, int]:
        """Packets carried, scans made, and scans left out because nobody asked for them in time."""
        return {"scans": self._scans, **self._link.counters, "scans_left_out": self._left_out}

    @property
    def identity(self) -> Identity:
        """Who it is as a rig."""
        return self._link.identity

    @property
    def company(self) -> tuple[PlacedObject, ...]:
        """What the condition itself put on the glass: water, a palm, resting fingers."""
        return self._panel.company

    def set_condition(self, condition: Condition) -> None:
        """Change what acts on the panel; its time runs on, its random draws begin anew."""
        if condition != self._condition:
            self._condition = condition
            self._panel = Panel(self.profile, condition, self._seed)

    def advance(self, to_us: int) -> Sequence[Item]:
        """Make every scan that is due."""
        interval_us = self.profile.frame_interval_us
        due = (to_us - self._start_us) // interval_us + 1
        most = MOST_BEHIND_US // interval_us
        if due - self._scans > most:
            left_out = due - self._scans - most
            self._start_us += left_out * interval_us
            self._left_out += left_out
            due -= left_out
        items: list[Item] = []
        while self._scans < due:
            t_us = self._scans * interval_us
            self._scans += 1
            self._scene.step(interval_us)
            self.hand_log.note(t_us, self._scene)
            frame = self._panel.frame(t_us, self._scene.placed())
            items += (frame, self._link.carry(self._controller.process(frame)))
        return items

    def resume(self, now_us: int) -> None:
        """Go on after a pause as if no time had passed."""
        self._start_us = now_us - (self._scans - 1) * self.profile.frame_interval_us

    def close(self) -> None:
        """Nothing to let go of."""


class PressStage:
    """A panel of its own on which whole presses are performed, as by ``stampbench run``."""

    def __init__(self, profile: Profile, condition: Condition) -> None:
        self._panel = Panel(profile, condition)
        self._controller = Controller(profile.geometry, profile.controller)
        self._link = LinkLoop(profile)
        self.identity = self._link.identity

    def perform(self, press: Press, seed: int) -> Iterator[tuple[Frame, TouchReport]]:
        """Every scan of one press, its report as the link carries it.

        Raises:
            InputError: the press names an unknown object.
        """
        contacts = ContactReader(self.identity)
        for frame, report in perform(press, self._panel, self._controller, seed=seed):
            # Each press has a clock of its own; packets of a running link would seem to jump back.
            yield frame, contacts.report(report.t_us, pack_contacts(report))


def panel_info(profile: Profile) -> PanelInfo:
    """The glass of a profile."""
    controller = profile.controller
    return PanelInfo(
        profile.name,
        profile.title,
        profile.grid.width_mm,
        profile.grid.height_mm,
        profile.grid.rows,
        profile.grid.cols,
        profile.flat.amplitude,
        controller.touch_threshold,
        profile.frame_interval_us,
        controller.max_contacts,
        controller.max_contacts if controller.contact_policy == "cancel_all" else None,
        profile.grid.x_max,
        profile.grid.y_max,
    )
