"""The simulated device as a source: what the scene holds on it, scan by scan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from stampbench.firmware_emulator.link.messages import Identity
from stampbench.sim.device import Device, identity_of
from stampbench.sim.panel import Condition, PlacedObject, Profile
from stampbench.sim.screen.hand_log import HandLog
from stampbench.sim.screen.scene import Scene
from stampbench.sim.screen.sources import (
    USUAL_FULL_TOUCH,
    USUAL_TOUCH_THRESHOLD,
    Item,
    PanelInfo,
    SourceKind,
    SourceState,
)

MOST_BEHIND_US: Final = 1_000_000
"""Time that is caught up with scan by scan; of a longer pause, the rest is left out."""


class SimulatedSource:
    """A device with what the scene holds on its glass.

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
        self._device = Device(profile, condition, seed, serial_number="screen")
        self._start_us = start_us
        self._scans = 0
        self._left_out = 0
        self.panel = panel_info(self._device.identity, profile, profile.title)

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
        """Scans made, and scans left out because nobody asked for them in time."""
        return {"scans": self._scans, "scans_left_out": self._left_out}

    @property
    def identity(self) -> Identity:
        """Who it is as a rig."""
        return self._device.identity

    @property
    def condition_objects(self) -> tuple[PlacedObject, ...]:
        """What the condition itself put on the glass: water, a palm, resting fingers."""
        return self._device.panel.condition_objects

    def set_condition(self, condition: Condition) -> None:
        """Change what acts on the panel; its time runs on, its random draws begin anew."""
        self._device.configure(condition)

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
            items += self._device.scan(t_us, self._scene.placed())
        return items

    def resume(self, now_us: int) -> None:
        """Go on after a pause as if no time had passed."""
        self._start_us = now_us - (self._scans - 1) * self.profile.frame_interval_us

    def close(self) -> None:
        """Do nothing: there is nothing to let go of."""


def panel_info(identity: Identity, profile: Profile | None, title: str) -> PanelInfo:
    """Return the glass of a rig.

    Args:
        identity: what the rig says of itself.
        profile: of that name, where there is one: it knows the counts of a touch.
        title: in words.
    """
    return PanelInfo(
        identity.profile,
        title,
        identity.width_um / 1000,
        identity.height_um / 1000,
        rows=identity.rows,
        cols=identity.columns,
        full_touch=USUAL_FULL_TOUCH if profile is None else profile.flat.amplitude,
        touch_threshold=USUAL_TOUCH_THRESHOLD if profile is None else profile.controller.touch_threshold,
        frame_interval_us=identity.frame_interval_us,
        contact_limit=identity.contact_limit,
        cancel_limit=identity.cancel_limit,
        x_max=identity.x_max,
        y_max=identity.y_max,
    )


def panel_of_profile(profile: Profile) -> PanelInfo:
    """Return the glass of the device that a profile describes."""
    return panel_info(identity_of(profile), profile, profile.title)
