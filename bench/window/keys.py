"""Keys: what each of them does, for the window and for its help page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pygame

_MODIFIERS: Final = pygame.KMOD_CTRL | pygame.KMOD_META | pygame.KMOD_SHIFT | pygame.KMOD_ALT


@dataclass(frozen=True, slots=True)
class Binding:
    """One key.

    Attributes:
        keys: pygame's names for them without ``K_``, any of them.
        action: what it does; the caption is ``action.NAME`` and the window has a method for it.
        group: under which heading the help page lists it.
        control: with Ctrl (or Cmd).
        shift: with Shift; None for either.
        shown: how the help page writes it, if not by its name.
    """

    keys: tuple[str, ...]
    action: str
    group: str
    control: bool = False
    shift: bool | None = None
    shown: str = ""

    @property
    def label(self) -> str:
        """How the help page writes it."""
        if self.shown:
            return self.shown
        name = self.keys[0].upper() if len(self.keys[0]) == 1 else self.keys[0].capitalize()
        return ("Ctrl " if self.control else "") + ("Shift " if self.shift else "") + name


BINDINGS: Final = (
    Binding(("SPACE",), "press", "hand"),
    Binding(("LEFT",), "left", "hand", shown="← → ↑ ↓"),
    Binding(("RIGHT",), "right", ""),
    Binding(("UP",), "up", ""),
    Binding(("DOWN",), "down", ""),
    Binding(("q",), "turn_left", "hand", shown="Q  E"),
    Binding(("e",), "turn_right", ""),
    Binding(("w",), "tilt_up", "hand", shown="W A S D"),
    Binding(("a",), "tilt_left", ""),
    Binding(("s",), "tilt_down", ""),
    Binding(("d",), "tilt_right", ""),
    Binding(("x",), "level", "hand"),
    Binding(("g",), "grip", "hand"),
    Binding(("z",), "undo", "hand", control=True),
    Binding(("1",), "add_stamp", "things"),
    Binding(("2",), "add_finger", "things"),
    Binding(("3",), "add_palm", "things"),
    Binding(("4",), "add_water", "things"),
    Binding(("5",), "add_coin", "things"),
    Binding(("n",), "next_object", "things"),
    Binding(("DELETE", "BACKSPACE"), "remove", "things", shift=False),
    Binding(("DELETE",), "clear", "things", shift=True),
    Binding(("r",), "random_code", "stamps"),
    Binding(("c",), "type_code", "stamps"),
    Binding(("f",), "family", "stamps"),
    Binding(("b",), "neighbours", "stamps"),
    Binding(("m",), "custom", "stamps"),
    Binding(("y",), "next_factor", "stamps"),
    Binding(("u",), "next_spoil", "stamps"),
    Binding(("i",), "present_factor", "stamps"),
    Binding(("p",), "auto_press", "bench"),
    Binding(("z",), "freeze", "bench"),
    Binding(("j",), "seed", "bench", shift=False),
    Binding(("j",), "new_seed", "bench", shift=True),
    *(
        Binding((str(n),), f"preset_{n}", "bench" if n == 1 else "", control=True, shown="Ctrl 1 … 6")
        for n in range(1, 7)
    ),
    Binding(("F5",), "source_simulated", "sources"),
    Binding(("F6",), "source_rig", "sources"),
    Binding(("F7",), "source_recording", "sources"),
    Binding(("F8",), "source_touch", "sources"),
    Binding(("v",), "device", "sources"),
    Binding(("k",), "calibrate", "sources"),
    Binding(("RETURN",), "rig_press", "sources"),
    Binding(("COMMA",), "step_back", "time", shown=",  ."),
    Binding(("PERIOD",), "step", ""),
    Binding(("o",), "play", "time"),
    Binding(("LEFTBRACKET",), "slower", "time", shown="[  ]"),
    Binding(("RIGHTBRACKET",), "faster", ""),
    Binding(("PAGEUP",), "scrub_back", "time", shown="PgUp PgDn"),
    Binding(("PAGEDOWN",), "scrub_on", ""),
    Binding(("HOME",), "to_start", "time", shown="Home End"),
    Binding(("END",), "to_end", ""),
    Binding(("r",), "record", "share", control=True),
    Binding(("s",), "save_case", "share", control=True),
    Binding(("p",), "picture", "share", control=True),
    Binding(("g",), "animation", "share", control=True),
    Binding(("o",), "open_recording", "share", control=True),
    Binding(("KP_ENTER",), "plan_count", "plan", shown="Enter"),
    Binding(("F10",), "plan_again", "plan"),
    Binding(("F9",), "plan_skip", "plan"),
    Binding(("F12",), "plan_stop", "plan"),
    Binding(("h",), "heat_map", "view"),
    Binding(("t",), "trails", "view"),
    Binding(("b",), "compare", "view", control=True),
    Binding(("TAB",), "focus_next", "view", shift=False),
    Binding(("TAB",), "focus_back", "view", shift=True),
    Binding(("F2",), "next_tab", "view"),
    Binding(("EQUALS", "PLUS"), "larger", "view", control=True, shown="Ctrl +, Ctrl -"),
    Binding(("MINUS",), "smaller", "", control=True),
    Binding(("l",), "language", "view", control=True),
    Binding(("ESCAPE",), "escape", "view", shown="Esc"),
    Binding(("F3",), "tour", "view"),
    Binding(("SLASH", "QUESTION", "F1"), "help", "view", shown="?  F1"),
    Binding(("q",), "quit", "view", control=True),
)
"""A binding without a group is the other half of the one before it on the help page."""

GROUPS: Final = ("hand", "things", "stamps", "bench", "sources", "time", "share", "plan", "view")

IN_A_PLAN: Final = {
    name: name
    for name in (
        *("press", "press_toggle", "left", "right", "up", "down", "turn_left", "turn_right", "level", "grip"),
        *("tilt_left", "tilt_right", "tilt_up", "tilt_down", "record", "picture", "animation"),
        *("plan_count", "plan_again", "plan_skip", "plan_stop"),
        *("heat_map", "trails", "focus_next", "focus_back", "larger", "smaller", "language"),
        *("escape", "help", "quit"),
    )
} | {"rig_press": "plan_count"}
"""What actions are to an operator who presses a plan: the hand's part, nothing that would change the plan."""

HELD: Final = frozenset({"press"})
"""Actions that last as long as the key is down."""

_BY_CODE: Final = {
    (getattr(pygame, f"K_{key}"), binding.control, shift): binding.action
    for binding in reversed(BINDINGS)
    for key in binding.keys
    for shift in ((False, True) if binding.shift is None else (binding.shift,))
}


_BY_SIGN: Final = {"?": "help", "[": "slower", "]": "faster", ",": "step_back", ".": "step"}
"""Signs that keyboards keep on different keys."""


def action_of(key: int, modifiers: int, sign: str = "") -> str | None:
    """Return the action of a key with its modifiers, or None.

    Args:
        key: the event's ``key``.
        modifiers: its ``mod``.
        sign: its ``unicode``.
    """
    if sign in _BY_SIGN:
        return _BY_SIGN[sign]
    held = modifiers & _MODIFIERS
    control = bool(held & (pygame.KMOD_CTRL | pygame.KMOD_META))
    if held & pygame.KMOD_ALT:
        return None
    return _BY_CODE.get((key, control, bool(held & pygame.KMOD_SHIFT)))
