"""What a person arranges: objects on the glass, stamps and codes, condition, panel, a stamp of one's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import numpy as np
from stampbench.bench.window.session.editing import StampEditor
from stampbench.bench.window.session.messages import Messages
from stampbench.bench.window.session.setup import Setup
from stampbench.sim.panel import Condition
from stampbench.sim.press import Press
from stampbench.sim.screen.scene import ObjectKind, Scene
from stampbench.sim.stamps.objects import resolve_object

FAMILIES: Final = ("p5-60k", "p5-600k", "p5-6m")
"""Families that come with stampbench."""
Change: TypeAlias = Literal["condition", "codebook", "panel"]
_KINDS: Final = {
    "finger": ObjectKind.FINGER,
    "fingers": ObjectKind.FINGER,
    "palm": ObjectKind.PALM,
    "coin": ObjectKind.COIN,
}


class Arrangement:
    """Changes scene and setup; what is wrong is refused with an InputError and leaves all as it was.

    Args:
        setup: what the session works with.
        scene: what is on and over the simulated glass.
        messages: are told what was changed.
        changed: takes up a change.

    Attributes:
        editor: the stamp that is being drawn; None while none is.
    """

    def __init__(
        self, setup: Setup, scene: Scene, messages: Messages, changed: Callable[[Change], None]
    ) -> None:
        self.editor: StampEditor | None = None
        self._setup = setup
        self._scene = scene
        self._messages = messages
        self._changed = changed
        self._rng = np.random.default_rng(setup.seed)

    def add_stamp(
        self,
        code: int | None = None,
        x_mm: float | None = None,
        y_mm: float | None = None,
        theta_rad: float = 0.0,
    ) -> int:
        """Put a stamp over the glass and return its key.

        Args:
            code: of the stamp; None: any one.
            x_mm: where; None: in the middle.
            y_mm: likewise.
            theta_rad: how far it is turned.

        Raises:
            InputError: there is no such code.
        """
        grid = self._setup.profile.grid
        if code is None:
            code = int(self._rng.integers(self._setup.codebook.size))
        body = self._setup.codes.body(code, self._setup.wear)
        x_mm = grid.width_mm / 2 if x_mm is None else x_mm
        y_mm = grid.height_mm / 2 if y_mm is None else y_mm
        return self._scene.add(ObjectKind.STAMP, body, x_mm, y_mm, theta_rad, code=code)

    def add_object(self, kind: ObjectKind, x_mm: float, y_mm: float) -> int:
        """Put a finger, a palm, a coin or a drop of water there and return its key."""
        if kind is ObjectKind.STAMP:
            return self.add_stamp(None, x_mm, y_mm)
        return self._scene.add_named(kind, x_mm, y_mm)

    def lay_out(self, press: Press, code: int | None, condition: Mapping[str, Any]) -> None:
        """Put what a plan asks for over the glass, in the place of all else, and set its condition.

        Args:
            press: the object, and where the plan would press it.
            code: of the stamp; None for an object that is in no codebook.
            condition: settings of the panel.
        """
        wanted = Condition.from_mapping(dict(condition))
        if wanted != self._setup.condition:
            self.set_condition(wanted)
        full = max((keyframe.hold for keyframe in press.keyframes), key=lambda hold: hold.force)
        kind = _KINDS.get(press.object.partition("/")[0], ObjectKind.STAMP)
        self._scene.clear()
        body = resolve_object(press.object)
        self._scene.add(kind, body, full.x_mm, full.y_mm, full.theta_rad, code=code)

    def set_code(self, code: int) -> None:
        """Make the selected stamp another one; put one there if there is none.

        Raises:
            InputError: there is no such code.
        """
        chosen = self._scene.chosen
        if chosen is None or chosen.kind is not ObjectKind.STAMP:
            self.add_stamp(code)
        else:
            self._scene.change(chosen.key, body=self._setup.codes.body(code, self._setup.wear), code=code)

    def random_code(self) -> None:
        """Make the selected stamp any other."""
        self.set_code(int(self._rng.integers(self._setup.codebook.size)))

    def neighbours(self, count: int = 5, code: int | None = None) -> list[tuple[int, float]]:
        """Return the codes nearest to a code, or to that of the selected stamp, with their distances, mm."""
        chosen = self._scene.chosen
        if code is None:
            code = None if chosen is None else chosen.code
        if code is None or not 0 <= code < self._setup.codebook.size:
            return []
        return self._setup.codes.neighbours(code, count)

    def apply_preset(self, key: str) -> None:
        """Set condition, handling, grip and wear by the name of a preset, and level what is tilted.

        Raises:
            InputError: there is none of that name.
        """
        grip = self._setup.apply_preset(key)
        self._wear_all()
        self._scene.hold(grip)
        for thing in tuple(self._scene):
            self._scene.tilt(thing.key, 0.0, 0.0)
        self._changed("condition")
        self._messages.say("info", "preset", preset=key)

    def set_condition(self, condition: Condition) -> None:
        """Set the whole condition of the panel."""
        self._setup.set_condition(condition)
        self._changed("condition")

    def change_condition(self, **changes: Any) -> None:
        """Change settings of the condition, by their names.

        Raises:
            InputError: an unknown setting, or a value outside its range.
        """
        self._setup.change_condition(changes)
        self._changed("condition")

    def set_wear(self, wear: str) -> None:
        """Set what use has done to the stamps on the glass, as after ``~`` in object names; empty: new.

        Raises:
            InputError: there is no such wear.
        """
        before, self._setup.wear = self._setup.wear, wear
        try:
            self._wear_all()
            self._setup.change_handling({"wear": wear})
        except BaseException:
            self._setup.wear = before
            raise

    def set_seed(self, seed: int) -> None:
        """Draw everything anew from another seed.

        Raises:
            InputError: outside 0 .. 2^53 - 1.
        """
        self._setup.set_seed(seed)
        self._rng = np.random.default_rng(seed)
        self._changed("panel")

    def set_profile(self, name_or_path: str) -> None:
        """Simulate another panel.

        Raises:
            InputError: there is no such profile, or a figure in it is missing or wrong.
        """
        self._setup.load_profile(name_or_path)
        self._changed("panel")
        self._messages.say("info", "profile", name=self._setup.profile.title)

    def set_family(self, name: str) -> None:
        """Read the stamps of a family; those of another codebook leave the glass.

        Raises:
            InputError: there is none of that name.
        """
        self._setup.load_family(name)
        self._take_codebook()

    def set_catalogue(self, path: str | Path) -> None:
        """Read the stamps of a catalogue file; those of another codebook leave the glass.

        Raises:
            InputError: it cannot be read.
        """
        self._setup.load_catalogue(path)
        self._take_codebook()

    # --- a stamp of one's own

    def begin_stamp(self, code: int | None = None) -> StampEditor:
        """Draw a stamp, beginning with a code or with a regular polygon."""
        codes = self._setup.codes
        pads = None if code is None or not 0 <= code < codes.codebook.size else codes.codebook.pads(code)
        self.editor = StampEditor(codes, pads)
        return self.editor

    def end_stamp(self) -> None:
        """Draw it no further."""
        self.editor = None

    def place_stamp(self) -> None:
        """Put the stamp that is being drawn on the glass, as it is."""
        if self.editor is not None:
            grid = self._setup.profile.grid
            body = self._setup.codes.body_of("drawn stamp", self.editor.pads_mm, self._setup.wear)
            self._scene.add(ObjectKind.STAMP, body, grid.width_mm / 2, grid.height_mm / 2)

    def save_stamp(self, path: str | Path, name: str) -> None:
        """Add the stamp that is being drawn to a catalogue file, made if it is not there.

        Raises:
            InputError: the catalogue cannot take it, or cannot be written.
        """
        if self.editor is not None:
            self.editor.save(Path(path), name)
            self._messages.say("info", "stamp_saved", name=name, path=str(path))

    def _take_codebook(self) -> None:
        for thing in tuple(self._scene):
            if thing.kind is ObjectKind.STAMP:
                self._scene.remove(thing.key)
        self.editor = None
        self._changed("codebook")
        codebook = self._setup.codebook
        self._messages.say("info", "codebook", name=codebook.name, size=codebook.size)

    def _wear_all(self) -> None:
        """Make every stamp on the glass as worn as is set."""
        codes, wear = self._setup.codes, self._setup.wear
        worn = {
            thing.key: codes.body(thing.code, wear)
            for thing in self._scene
            if thing.kind is ObjectKind.STAMP and thing.code is not None
        }
        for key, body in worn.items():
            self._scene.change(key, body=body)
