"""A serial port as a source of the screen: read in a thread of its own, found again when it was lost."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Final

from stampbench.bench.rig.ports import serial_ports
from stampbench.bench.rig.serial_rig import SerialRig
from stampbench.bench.sources.devices import open_device
from stampbench.bench.sources.live import LiveSource
from stampbench.bench.sources.ruler import UNTOLD, GivenRuler
from stampbench.bench.window.sources.touch_area import TouchArea
from stampbench.firmware_emulator.errors import LinkError, NoHardwareError, ProtocolError, StampbenchError
from stampbench.firmware_emulator.link.messages import Capability, Identity
from stampbench.firmware_emulator.touch import TouchReport
from stampbench.sim.panel import load_profile, profile_names
from stampbench.sim.press import Press
from stampbench.sim.screen.simulated import panel_info
from stampbench.sim.screen.sources import (
    Item,
    PanelInfo,
    SourceKind,
    SourceState,
)

MOST_WAITING: Final = 4096
"""Reports and frames that wait to be shown; what is more is dropped, the oldest first, and counted."""
MOST_LATE_US: Final = 50_000
MOST_EARLY_US: Final = 1_000_000
"""What is further from its time in the pace of the device is shown at once, and sets the pace anew."""
CATCH_UP: Final = 0.01
"""Share by which what waits is shown faster than its own time: more than any two clocks differ."""
IDENTITY_WITHIN_S: Final = 3.0
"""So long may a rig take to say who it is: one that was reset by being opened has to boot."""
LOOK_EVERY_S: Final = 0.2
LEAVE_WITHIN_S: Final = 0.5
"""So long is waited for the thread to let go of its port; it does when it has looked up."""
LOOK_FOR_S: Final = 1.0
"""A lost rig is looked for without end, in rounds of so long: between them the thread can be ended."""


class RigSource:
    """A rig of the link, or other hardware that streams.

    Args:
        port: whatever pyserial opens, or a Linux event device.
        given: what the user says of its coordinates; a rig of the link is then watched and does not press.
    """

    kind = SourceKind.RIG

    def __init__(self, port: str, given: GivenRuler = UNTOLD) -> None:
        self.name = port
        self._given = given
        self._state = SourceState.OPENING
        self._message = ""
        self._panel: PanelInfo | None = None
        self._identity: Identity | None = None
        self._counters: Mapping[str, int] = {}
        self._waiting: deque[Item] = deque(maxlen=MOST_WAITING)
        self._received = 0
        self._taken = 0
        self._dropped = 0
        self._shown_us: int | None = None
        self._ahead_us = 0
        self._presses: deque[tuple[Press, int]] = deque(maxlen=1)
        self._area: TouchArea | None = None
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._read, name=f"screen {port}", daemon=True)
        self._thread.start()

    @property
    def state(self) -> SourceState:
        """How it is; lost until it comes back."""
        return self._state

    @property
    def message(self) -> str:
        """Why it is lost or cannot be used."""
        return self._message

    @property
    def panel(self) -> PanelInfo | None:
        """The glass; None until the device has said who it is."""
        return self._panel

    @property
    def counters(self) -> Mapping[str, int]:
        """What the link received, lost and repaired, and what was dropped here."""
        return {**self._counters, "dropped": self._dropped}

    @property
    def identity(self) -> Identity | None:
        """Who the rig is; None while it is not known, and of other hardware."""
        return self._identity

    @property
    def can_press(self) -> bool:
        """Whether it can press by itself."""
        return self._identity is not None and Capability.PRESS in self._identity.capabilities

    def press(self, press: Press, seed: int) -> None:
        """Let the rig press as soon as it can; a press that still waits is replaced."""
        self._presses.append((press, seed))

    def advance(self, to_us: int) -> Sequence[Item]:
        """Return what has come since and is due.

        Items are shown in the pace of the device's clock, so that what comes in bursts, or from a rig in
        software that needs no time for its presses, can be seen; a little faster, so that nothing adds up.
        """
        passed_us = 0 if self._shown_us is None else to_us - self._shown_us
        self._shown_us = to_us
        items: list[Item] = []
        while self._waiting:
            early_us = self._waiting[0].t_us - self._ahead_us - to_us
            if not -MOST_LATE_US <= early_us <= MOST_EARLY_US:
                self._ahead_us += early_us
            elif early_us > 0:
                self._ahead_us += round(CATCH_UP * passed_us)
                break
            items.append(self._waiting.popleft())
        self._taken += len(items)
        self._dropped = max(self._dropped, self._received - self._taken - len(self._waiting))
        return items

    def resume(self, now_us: int) -> None:
        """Do nothing: a rig has a time of its own."""

    def close(self) -> None:
        """End the thread, which closes the port; where a rig is being looked for, a second later."""
        self._closing.set()
        self._thread.join(timeout=LEAVE_WITHIN_S)

    def _read(self) -> None:
        """Read until closed. Whatever happens to port or rig, it is looked for again."""
        while not self._closing.is_set():
            try:
                if self._given == UNTOLD:
                    self._read_rig()
                else:
                    self._read_other_hardware()
            except ProtocolError as error:
                self._read_other_hardware(error)
            except StampbenchError as error:
                self._lose(error)
            self._closing.wait(LOOK_EVERY_S)

    def _read_rig(self) -> None:
        """Read a rig of the link; through losses, as long as it is found again."""
        with SerialRig(self.name, identity_deadline_s=IDENTITY_WITHIN_S) as rig:
            while not self._closing.is_set():
                try:
                    self._know(rig)
                    while not self._closing.is_set():
                        self._follow_rig(rig)
                except LinkError as error:
                    self._lose(error)
                    self._find(rig)

    def _find(self, rig: SerialRig) -> None:
        while not self._closing.is_set():
            try:
                rig.reconnect(lambda: [found.port for found in serial_ports()], deadline_s=LOOK_FOR_S)
            except NoHardwareError:
                continue
            self.name = rig.port
            return

    def _follow_rig(self, rig: SerialRig) -> None:
        frames = Capability.RAW_FRAMES in rig.identity.capabilities
        for item in rig.stream(frames=frames):
            self._push(item)
            self._count(rig)
            if self._closing.is_set():
                return
            if self._presses:
                break
        while self._presses and not self._closing.is_set():
            press, seed = self._presses.popleft()
            try:
                for report in rig.press(press, seed, on_frame=self._push if frames else None):
                    self._push(report)
            except LinkError:
                raise
            except StampbenchError as error:
                self._message = str(error)

    def _count(self, rig: SerialRig) -> None:
        self._counters = rig.counters.to_mapping() | {"reconnects": rig.reconnects}

    def _know(self, rig: SerialRig) -> None:
        identity = self._identity = rig.identity
        self._panel = _panel_of(identity)
        self._count(rig)  # what the line did while it came back befell no press
        self._become_live()

    def _read_other_hardware(self, refused: ProtocolError | None = None) -> None:
        """Read what speaks another format, recognised by what it sends."""
        try:
            with open_device(self.name, given=self._given, wait_s=LOOK_FOR_S) as source:
                self._area = TouchArea.of_header(source.header, source.cancel_limit)
                self._panel = self._area.panel
                self._become_live()
                self._follow(source)
        except ProtocolError as error:
            self._lose(refused or error)
        except StampbenchError as error:
            self._lose(error)

    def _follow(self, source: LiveSource) -> None:
        for item in source.items:
            self._push(item)
            self._counters = source.counters()
            if self._closing.is_set():
                return

    def _become_live(self) -> None:
        self._message = ""
        self._state = SourceState.LIVE

    def _lose(self, error: StampbenchError) -> None:
        self._message = str(error)
        self._state = SourceState.LOST

    def _push(self, item: Item | None) -> None:
        if item is None:
            return
        if self._area is not None and isinstance(item, TouchReport):
            item = self._area.report(item)
        self._received += 1
        self._waiting.append(item)


def _panel_of(identity: Identity) -> PanelInfo:
    """Return the glass of a rig; what its profile knows of it is taken from there."""
    known = load_profile(identity.profile) if identity.profile in profile_names() else None
    return panel_info(identity, known, f"{identity.profile}, rig {identity.serial_number}")
