"""What a person arranges: objects on the glass, stamps and codes, condition, panel, a stamp of one's own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from stampbench.bench.window.session.editing import StampEditor
from stampbench.bench.window.session.setup import Setup
from stampbench.bench.window.session.view import Message, Value
from stampbench.firmware_emulator.errors import InputError, StampbenchError
from stampbench.sim.panel import Condition, Profile, profile_names
from stampbench.sim.screen.operating import Laid
from stampbench.sim.screen.scene import ObjectKind, Scene
from stampbench.sim.screen.workbench import Clock
from stampbench.sim.stamps import Catalogue, Family
from stampbench.sim.stamps.objects import resolve_object

MOST_MESSAGES: Final = 20
FAMILIES: Final = ("p5-60k", "p5-600k", "p5-6m")
"""Families that come with stampbench."""
_KINDS: Final = {
    "finger": ObjectKind.FINGER,
    "fingers": ObjectKind.FINGER,
    "palm": ObjectKind.PALM,
    "coin": ObjectKind.COIN,
}


class Tabletop(ABC):
    """Arranges; what a wrong value or file causes becomes a message, and the method returns False.

    Args:
        codebook: whose stamps are read.
        profile: of the simulated panel.
        clock: tells the session's time, us.
        sigma_mm: error per axis and pad that the decoder must survive; None: what the codebook allows.
        seed: of every draw.

    Attributes:
        scene: what is on and over the simulated glass.
        editor: the stamp that is being drawn; None while none is.
        messages: what happened, newest last.
    """

    def __init__(
        self,
        codebook: Family | Catalogue,
        profile: Profile,
        *,
        clock: Clock,
        sigma_mm: float | None = None,
        seed: int = 0,
    ) -> None:
        self.scene = Scene()
        self.editor: StampEditor | None = None
        self.messages: deque[Message] = deque(maxlen=MOST_MESSAGES)
        self.setup = Setup(codebook, profile, sigma_mm=sigma_mm, seed=seed)
        self._clock = clock
        self._rng = np.random.default_rng(seed)

    @abstractmethod
    def _changed(self, what: Literal["condition", "codebook", "panel"]) -> None:
        """Take up what was arranged."""

    def say(self, level: Literal["info", "warning", "error"], key: str, **values: Value) -> None:
        """Add a message; see :data:`stampbench.sim.screen.explain.MESSAGES` for the keys."""
        self.messages.append(Message(self._clock(), level, key, values))

    def _refused(self, error: StampbenchError) -> Literal[False]:
        self.say("error", "error", text=str(error))
        return False

    def add_stamp(
        self,
        code: int | None = None,
        x_mm: float | None = None,
        y_mm: float | None = None,
        theta_rad: float = 0.0,
    ) -> int | Literal[False]:
        """Put a stamp over the glass, any one without a code, in the middle without a place; its key."""
        grid = self.setup.profile.grid
        if code is None:
            code = int(self._rng.integers(self.setup.codebook.size))
        try:
            body = self.setup.codes.body(code, self.setup.wear)
        except InputError as error:
            return self._refused(error)
        x_mm = grid.width_mm / 2 if x_mm is None else x_mm
        y_mm = grid.height_mm / 2 if y_mm is None else y_mm
        return self.scene.add(ObjectKind.STAMP, body, x_mm, y_mm, theta_rad, code=code)

    def add_object(self, kind: ObjectKind, x_mm: float, y_mm: float) -> int | Literal[False]:
        """Put a finger, a palm, a coin or a drop of water there; its key."""
        if kind is ObjectKind.STAMP:
            return self.add_stamp(None, x_mm, y_mm)
        return self.scene.add_named(kind, x_mm, y_mm)

    def lay(self, laid: Laid) -> None:
        """Put what a plan asks for over the glass, in the place of all else, and set its condition."""
        condition = Condition.from_mapping(dict(laid.condition))
        if condition != self.setup.condition:
            self.set_condition(condition)
        full = max(laid.press.keyframes, key=lambda keyframe: keyframe.force)
        name = laid.press.object
        kind = _KINDS.get(name.partition("/")[0], ObjectKind.STAMP)
        self.scene.clear()
        self.scene.add(kind, resolve_object(name), full.x_mm, full.y_mm, full.theta_rad, code=laid.code)

    def set_code(self, code: int) -> bool:
        """Make the selected stamp another one; put one there if there is none."""
        chosen = self.scene.chosen
        if chosen is None or chosen.kind is not ObjectKind.STAMP:
            return self.add_stamp(code) is not False
        try:
            body = self.setup.codes.body(code, self.setup.wear)
        except InputError as error:
            return self._refused(error)
        self.scene.change(chosen.key, body=body, code=code)
        return True

    def random_code(self) -> bool:
        """Make the selected stamp any other."""
        return self.set_code(int(self._rng.integers(self.setup.codebook.size)))

    def code_of(self, text: str) -> int | None:
        """The code that a person means by a number or a name; None (and a message) if there is none."""
        try:
            return self.setup.codes.code_of(text)
        except InputError as error:
            self._refused(error)
            return None

    def name_of(self, code: int) -> str:
        """What a stamp is called."""
        return self.setup.codes.name_of(code)

    def neighbours(self, count: int = 5, code: int | None = None) -> list[tuple[int, float]]:
        """The codes nearest to a code, or to that of the selected stamp, with their distances, mm."""
        chosen = self.scene.chosen
        if code is None:
            code = None if chosen is None else chosen.code
        if code is None or not 0 <= code < self.setup.codebook.size:
            return []
        return self.setup.codes.neighbours(code, count)

    def apply_preset(self, key: str) -> bool:
        """Set condition, handling, grip and wear by the name of a preset."""
        try:
            grip = self.setup.apply_preset(key)
            self._wear_all()
        except InputError as error:
            return self._refused(error)
        self.scene.hold(grip)
        self._changed("condition")
        self.say("info", "preset", preset=key)
        return True

    def set_condition(self, condition: Condition) -> bool:
        """Set the whole condition of the panel."""
        self.setup.set_condition(condition)
        self._changed("condition")
        return True

    def change_condition(self, **changes: Any) -> bool:
        """Change settings of the condition, by their names."""
        try:
            self.setup.change_condition(changes)
        except InputError as error:
            return self._refused(error)
        self._changed("condition")
        return True

    def change_handling(self, **changes: Any) -> bool:
        """Change settings of the hand that presses by itself, by their names."""
        try:
            self.setup.change_handling(changes)
        except InputError as error:
            return self._refused(error)
        return True

    def set_wear(self, wear: str) -> bool:
        """What use has done to the stamps on the glass, as after ``~`` in object names; empty: new."""
        before, self.setup.wear = self.setup.wear, wear
        try:
            self._wear_all()
        except InputError as error:
            self.setup.wear = before
            return self._refused(error)
        return self.change_handling(wear=wear)

    def set_seed(self, seed: int) -> bool:
        """Draw everything anew from another seed."""
        try:
            self.setup.set_seed(seed)
        except InputError as error:
            return self._refused(error)
        self._rng = np.random.default_rng(seed)
        self._changed("panel")
        return True

    def profiles(self) -> list[str]:
        """Names of the profiles that there are."""
        return profile_names()

    def families(self) -> list[str]:
        """Names of the families that there are."""
        return list(FAMILIES)

    def set_profile(self, name_or_path: str) -> bool:
        """Simulate another panel."""
        try:
            self.setup.load_profile(name_or_path)
        except InputError as error:
            return self._refused(error)
        self._changed("panel")
        self.say("info", "profile", name=self.setup.profile.title)
        return True

    def set_family(self, name: str) -> bool:
        """Read the stamps of a family; those of another codebook leave the glass."""
        try:
            self.setup.load_family(name)
        except StampbenchError as error:
            return self._refused(error)
        return self._new_codebook()

    def set_catalogue(self, path: str | Path) -> bool:
        """Read the stamps of a catalogue file; those of another codebook leave the glass."""
        try:
            self.setup.load_catalogue(path)
        except InputError as error:
            return self._refused(error)
        return self._new_codebook()

    def begin_stamp(self, code: int | None = None) -> StampEditor:
        """Draw a stamp of one's own, beginning with a code or with a regular polygon."""
        codes = self.setup.codes
        pads = None if code is None or not 0 <= code < codes.codebook.size else codes.codebook.pads(code)
        self.editor = StampEditor(codes, pads)
        return self.editor

    def end_stamp(self) -> None:
        """Draw it no further."""
        self.editor = None

    def place_stamp(self) -> int | None:
        """Put the stamp that is being drawn on the glass, as it is; its key."""
        if self.editor is None:
            return None
        grid = self.setup.profile.grid
        body = self.setup.codes.body_of("drawn stamp", self.editor.pads_mm, self.setup.wear)
        return self.scene.add(ObjectKind.STAMP, body, grid.width_mm / 2, grid.height_mm / 2)

    def save_stamp(self, path: str | Path, name: str) -> bool:
        """Add the stamp that is being drawn to a catalogue file, made if it is not there."""
        if self.editor is None:
            return False
        try:
            self.editor.save(Path(path), name)
        except InputError as error:
            return self._refused(error)
        self.say("info", "stamp_saved", name=name, path=str(path))
        return True

    def _new_codebook(self) -> bool:
        for thing in tuple(self.scene):
            if thing.kind is ObjectKind.STAMP:
                self.scene.remove(thing.key)
        self.editor = None
        self._changed("codebook")
        self.say("info", "codebook", name=self.setup.codebook.name, size=self.setup.codebook.size)
        return True

    def _wear_all(self) -> None:
        """Make every stamp on the glass as worn as is set."""
        for thing in tuple(self.scene):
            if thing.kind is ObjectKind.STAMP and thing.code is not None:
                self.scene.change(thing.key, body=self.setup.codes.body(thing.code, self.setup.wear))
