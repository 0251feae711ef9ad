"""The second factor beside the pads: which stamp has which, how a tester spoils it, what came of it.

A stamp presents its factor as soon as it is read. What is presented and judged is in
``hardened``, which needs the extra ``hardened`` and is imported when somebody looks at the tab.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.decoder import TrackedStamp
from stampbench.sim.screen.reading import LiveReader
from stampbench.sim.screen.scene import ObjectKind, SceneObject

if TYPE_CHECKING:
    from stampbench.bench.window.session.hardened import HardenedStamps, Received

EXTRA: Final = "hardened"
WAYS: Final = ("none", "nfc", "ble", "sound")
SPOILS: Final = ("genuine", "replay", "relay", "wrong_key", "wrong_clock")
LONGEST_RELAY_S: Final = 600.0
LARGEST_CLOCK_ERROR_S: Final = 3600.0


class SecondFactors:
    """The second factors of all stamps.

    Args:
        seed: of keys, challenges and noise.

    Attributes:
        missing: the extra to be installed; empty while none is known to be missing.
        spoil: what is done to the next factor presented, one of SPOILS.
        relay_s: by which a relay delays it.
        clock_error_s: by which a wrong clock is fast.
        received: what was presented last; None before.
    """

    def __init__(self, seed: int) -> None:
        self.missing = ""
        self.spoil = "genuine"
        self.relay_s = 60.0
        self.clock_error_s = 600.0
        self.received: Received | None = None
        self._seed = seed
        self._stamps: HardenedStamps | None = None
        self._ways: dict[int, str] = {}
        self._usual = "none"
        self._sound_ready = False
        self._warm_in = 0  # frames: the first one tells that it takes its time
        self._under_way = False
        self._presented: set[int] = set()
        self._touching: tuple[int, ...] = ()

    def prepare(self) -> bool:
        """Have stamps and a server made; whether they can be, see ``missing`` if not."""
        if self._stamps is None:
            try:
                from stampbench.bench.window.session.hardened import HardenedStamps
            except ModuleNotFoundError:
                self.missing = EXTRA
                return False
            self._stamps = HardenedStamps(self._seed)
        return True

    @property
    def preparing(self) -> bool:
        """Whether the receiver of sound is about to be compiled."""
        return self._warm_in > 0

    def forget(self) -> None:
        """Take in that codes mean other stamps from now on."""
        self.received = self._stamps = None
        self._ways.clear()
        self._usual = "none"
        self._presented.clear()

    def way_of(self, code: int | None) -> str:
        """Return the second factor of a stamp; None: of every stamp for which none was chosen."""
        return self._usual if code is None else self._ways.get(code, self._usual)

    def choose(self, code: int | None, way: str) -> None:
        """Give a stamp a second factor; None: every stamp for which none was chosen.

        Raises:
            InputError: no such factor, or the extra is not installed.
        """
        if way not in WAYS:
            raise InputError(f'second factor "{way}": expected one of {", ".join(WAYS)}')
        if not self.prepare():
            raise InputError(f"second factor: not installed; expected pip install stampbench[{self.missing}]")
        if code is None:
            self._usual = way
        else:
            self._ways[code] = way
        if way == "sound" and not self._sound_ready:
            self._warm_in = 2

    def set_relay(self, delay_s: float) -> None:
        """Set by how much a relay delays."""
        self.relay_s = min(max(delay_s, 0.0), LONGEST_RELAY_S)

    def set_clock_error(self, error_s: float) -> None:
        """Set by how much a wrong clock is fast, or slow if negative."""
        self.clock_error_s = min(max(error_s, -LARGEST_CLOCK_ERROR_S), LARGEST_CLOCK_ERROR_S)

    def follow(self, now_us: int, reader: LiveReader, things: Sequence[SceneObject]) -> None:
        """Let every stamp present its factor once in a press: when it is read, else when the press is over.

        Args:
            now_us: the session's time.
            reader: what the contacts say.
            things: on the glass in truth; none where nobody knows: then stamps are what they are read as.
        """
        if self._stamps is None:
            return
        if self._warm_in:
            self._warm_in -= 1
            if not self._warm_in:
                self._stamps.warm_up_sound()
                self._sound_ready = True
        if reader.over:
            if self._under_way and not self._presented and self._touching:
                self.present(now_us, self._touching[0], touched=True, read=None)
            self._under_way, self._touching = False, ()
            self._presented.clear()
            return
        self._under_way = True
        stamps = [
            t for t in things if t.kind is ObjectKind.STAMP and t.hold.force > 0.0 and t.code is not None
        ]
        self._touching = tuple(t.code for t in stamps if t.code is not None) or self._touching
        for found in reader.stamps:
            if found.code not in self._presented:
                self._presented.add(found.code)
                self.present(now_us, _true_code(found, stamps), touched=True, read=found.code)

    def present(self, now_us: int, code: int, *, touched: bool, read: int | None) -> bool:
        """Let a stamp present its factor now, spoilt as is set; False without the extra.

        Args:
            now_us: the session's time.
            code: of the stamp in truth.
            touched: whether it stands on the glass.
            read: code that it was read as; None if it was not.
        """
        if not self.prepare() or self._stamps is None:
            return False
        spoil = self.spoil if self.way_of(code) != "none" else "genuine"
        shift_s = {"relay": -self.relay_s, "wrong_clock": self.clock_error_s}.get(spoil, 0.0)
        self.received = self._stamps.present(
            now_us * 1e-6,
            code,
            self.way_of(code),
            spoil=spoil,
            shift_s=shift_s,
            touched=touched,
            read=read,
        )
        return True


def _true_code(found: TrackedStamp, stamps: Sequence[SceneObject]) -> int:
    """Return the code of the stamp that stands where one was read."""
    x_mm, y_mm, _ = found.pose
    near = min(stamps, key=lambda t: math.hypot(t.hold.x_mm - x_mm, t.hold.y_mm - y_mm), default=None)
    return found.code if near is None or near.code is None else near.code
