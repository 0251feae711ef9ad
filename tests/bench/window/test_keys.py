from __future__ import annotations

from typing import TYPE_CHECKING

import pygame
from stampbench.bench.window.keys import BINDINGS, action_of

if TYPE_CHECKING:
    from tests.bench.window.conftest import Screen


def test_every_key_has_an_action_and_every_action_a_key(screen: Screen) -> None:
    bound = {binding.action for binding in BINDINGS}
    known = screen.window._actions.names()
    assert bound - known == set()
    assert known - bound == {"press_toggle"}  # a button for what the space bar does


def test_no_two_actions_share_a_key() -> None:
    taken: dict[tuple[str, bool, bool], str] = {}
    for binding in BINDINGS:
        for key in binding.keys:
            for shift in (False, True) if binding.shift is None else (binding.shift,):
                place = key, binding.control, shift
                assert taken.setdefault(place, binding.action) == binding.action
                taken[place] = binding.action


def test_a_key_is_told_from_the_same_with_ctrl_or_shift() -> None:
    assert action_of(pygame.K_r, 0) == "random_code"
    assert action_of(pygame.K_r, pygame.KMOD_LCTRL) == "record"
    assert action_of(pygame.K_r, pygame.KMOD_RMETA) == "record"
    assert action_of(pygame.K_TAB, pygame.KMOD_LSHIFT) == "focus_back"
    assert action_of(pygame.K_r, pygame.KMOD_LALT) is None


def test_signs_are_found_wherever_the_keyboard_has_them() -> None:
    assert action_of(pygame.K_PLUS, pygame.KMOD_LSHIFT, "?") == "help"
    assert action_of(pygame.K_8, pygame.KMOD_RALT, "[") == "slower"
