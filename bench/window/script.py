"""Scripts: the window driven from a file by the events of mouse, keys and fingers, on a clock of its own.

A script is TOML: ``size``, ``scale``, ``language`` and ``seconds`` of the whole, then ``[[do]]`` tables, each
with ``at`` (seconds from the start, rising) and one verb::

    move = TARGET             click = TARGET            press = TARGET, release = TARGET
    drag = [TARGET, TARGET], seconds = 0.5
    wheel = STEPS, over = TARGET                                    fingers = [TARGET, ...], seconds = 0.5
    key = "ctrl+r", seconds = 0.5 (held so long)                    type = "TEXT"
    drop = "FILE" or "@capture", the last one recorded              resize = [W, H]
    wait = "SOURCE STATE"     shot = "FILE.png"

A TARGET is the name of a widget, such as ``"preset.wet"``; ``[x, y]`` in mm on the glass; ``{px = [x, y]}``;
or ``{scrub = 0.5}``, a share of the time line.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pygame
from stampbench.bench.window.clocks import VirtualClock
from stampbench.bench.window.window import FRAMES_PER_S, Window
from stampbench.firmware_emulator.errors import InputError
from stampbench.firmware_emulator.outside import parse_toml

FRAME_US: Final = 1_000_000 // FRAMES_PER_S
_VERBS: Final = frozenset({"move", "click", "press", "release", "drag", "wheel", "fingers"}) | {
    *("key", "type", "drop", "resize", "wait", "shot")
}
_FURTHER: Final = {
    "drag": "seconds",
    "fingers": "seconds",
    "key": "seconds",
    "wheel": "over",
    "click": "button",
}
_WAIT_MS, _MOST_WAITS = 10, 2000


@dataclass(frozen=True, slots=True)
class Step:
    """One ``[[do]]`` table, and where it stands for messages."""

    where: str
    at_us: int
    verb: str
    value: Any
    further: Any


@dataclass(frozen=True, slots=True)
class Script:
    """A script that has been read; size, scale and language are those to open the window with."""

    path: Path
    size: tuple[int, int]
    scale: float
    language: str
    end_us: int
    steps: tuple[Step, ...]


def read_script(path: str | Path) -> Script:
    """Read a script.

    Raises:
        InputError: the file cannot be read, or holds what is no script.
    """
    path = Path(path)
    try:
        document = parse_toml(path.read_text(encoding="utf-8"), f"script {path}")
    except OSError as error:
        raise InputError(f"script {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"script {path}: not TOML: {error}") from error
    usual = {"size": [1280, 800], "scale": 1.0, "language": "en", "seconds": 0.0, "do": []}
    for key in document:
        if key not in usual:
            raise InputError(f"script {path}: unknown key {key!r}; known are {', '.join(usual)}")
    values = {**usual, **document}
    width, height = _pair(f"script {path}: size", values["size"])
    scale = _number(f"script {path}: scale", values["scale"])
    seconds = _number(f"script {path}: seconds", values["seconds"])
    if not isinstance(values["do"], list):
        raise InputError(f"script {path}: do = {values['do']!r}: expected [[do]] tables")
    steps: list[Step] = []
    for place, table in enumerate(values["do"]):
        step = _step(f"script {path}: do[{place}]", table)
        if steps and step.at_us < steps[-1].at_us:
            raise InputError(f"{step.where}: at = {step.at_us / 1e6:g}: expected times that do not fall")
        steps.append(step)
    end_us = max([round(seconds * 1e6), *(step.at_us + 3 * FRAME_US for step in steps)], default=0)
    return Script(path, (int(width), int(height)), scale, str(values["language"]), end_us, tuple(steps))


def play(window: Window, clock: VirtualClock, path: str | Path, shot: Path | None = None) -> None:
    """Do what a script says; the same script gives the same pictures.

    Args:
        window: that is driven; its clock is ``clock``.
        clock: goes on by a sixtieth of a second with each frame.
        path: of the script.
        shot: where a picture of the end is saved.

    Raises:
        InputError: the script cannot be read, or names what is not there.
    """
    script = read_script(path)
    player = _Player(window, script)
    begin_us = clock()
    while window.open and clock() - begin_us <= script.end_us:
        player.advance(clock() - begin_us)
        window.frame()
        clock.advance(FRAME_US)
    if shot is not None and window.open:
        window.save_picture(shot)


class _Player:
    """Posts the events of a script as their time comes."""

    def __init__(self, window: Window, script: Script) -> None:
        self._window = window
        self._script = script
        self._steps = list(script.steps)
        self._pointer = (0, 0)
        self._running: list[Iterator[None]] = []

    def advance(self, now_us: int) -> None:
        """Post what is due; what lasts goes on by a frame."""
        self._running = [run for run in self._running if next(run, _DONE) is not _DONE]
        while self._steps and self._steps[0].at_us <= now_us:
            step = self._steps.pop(0)
            run = getattr(self, f"_do_{step.verb}")(step)
            if next(run, _DONE) is not _DONE:
                self._running.append(run)

    def _do_click(self, step: Step) -> Iterator[None]:
        place = self._place(step, step.value)
        button = 1 if step.further is None else int(_number(f"{step.where}: button", step.further))
        self._move(place)
        self._button(pygame.MOUSEBUTTONDOWN, place, button)
        yield
        self._button(pygame.MOUSEBUTTONUP, place, button)

    def _do_move(self, step: Step) -> Iterator[None]:
        self._move(self._place(step, step.value))
        yield

    def _do_press(self, step: Step) -> Iterator[None]:
        self._button(pygame.MOUSEBUTTONDOWN, self._moved(step), 1)
        yield

    def _do_release(self, step: Step) -> Iterator[None]:
        self._button(pygame.MOUSEBUTTONUP, self._moved(step), 1)
        yield

    def _moved(self, step: Step) -> tuple[int, int]:
        """Take the pointer to the target; where that is."""
        place = self._place(step, step.value)
        self._move(place)
        return place

    def _do_drag(self, step: Step) -> Iterator[None]:
        if not (isinstance(step.value, list) and len(step.value) == 2):
            raise InputError(f"{step.where}: drag = {step.value!r}: expected two targets")
        begin, end = (self._place(step, target) for target in step.value)
        self._move(begin)
        self._button(pygame.MOUSEBUTTONDOWN, begin, 1)
        for share in self._shares(step):
            yield
            self._move(_between(begin, end, share))
        yield
        self._button(pygame.MOUSEBUTTONUP, end, 1)

    def _do_wheel(self, step: Step) -> Iterator[None]:
        if step.further is not None:
            self._move(self._place(step, step.further))
        turns = int(_number(f"{step.where}: wheel", step.value))
        for _ in range(abs(turns)):
            pygame.event.post(
                pygame.event.Event(pygame.MOUSEWHEEL, x=0, y=int(math.copysign(1, turns)), flipped=False)
            )
            yield

    def _do_fingers(self, step: Step) -> Iterator[None]:
        """Put fingers down together, and lift them together."""
        if not isinstance(step.value, list):
            raise InputError(f"{step.where}: fingers = {step.value!r}: expected targets")
        places = [self._place(step, target) for target in step.value]
        for finger, place in enumerate(places):
            self._finger(pygame.FINGERDOWN, finger, place)
        for _ in self._shares(step):
            yield
        for finger, place in enumerate(places):
            self._finger(pygame.FINGERUP, finger, place)

    def _do_key(self, step: Step) -> Iterator[None]:
        *held, name = str(step.value).lower().split("+")
        modifiers = 0
        for modifier in held:
            if modifier not in _MODIFIERS:
                raise InputError(f"{step.where}: key = {step.value!r}: expected ctrl, shift or alt before +")
            modifiers |= _MODIFIERS[modifier]
        try:
            key = pygame.key.key_code(name)
        except ValueError:
            raise InputError(f"{step.where}: key = {step.value!r}: unknown key") from None
        sign = name if len(name) == 1 and not modifiers else ""
        pygame.event.post(
            pygame.event.Event(pygame.KEYDOWN, key=key, mod=modifiers, unicode=sign, scancode=0)
        )
        for _ in self._shares(step):
            yield
        pygame.event.post(pygame.event.Event(pygame.KEYUP, key=key, mod=modifiers, unicode=sign, scancode=0))

    def _do_type(self, step: Step) -> Iterator[None]:
        for letter in str(step.value):
            key = pygame.K_RETURN if letter == "\n" else ord(letter.lower())
            pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=key, mod=0, unicode=letter, scancode=0))
            if letter != "\n":
                pygame.event.post(pygame.event.Event(pygame.TEXTINPUT, text=letter))
            pygame.event.post(pygame.event.Event(pygame.KEYUP, key=key, mod=0, unicode=letter, scancode=0))
            yield

    def _do_drop(self, step: Step) -> Iterator[None]:
        if step.value == "@capture":
            path = self._last_capture(step)
        else:
            path = self._script.path.parent / str(step.value)
        pygame.event.post(pygame.event.Event(pygame.DROPFILE, file=str(path)))
        yield

    def _last_capture(self, step: Step) -> Path:
        for message in reversed(self._window.session.messages):
            if message.key in ("capture_started", "capture_stopped"):
                return Path(str(message.values["path"]))
        raise InputError(f"{step.where}: drop = {step.value!r}: nothing has been recorded yet")

    def _do_resize(self, step: Step) -> Iterator[None]:
        width, height = _pair(f"{step.where}: resize", step.value)
        size = int(width), int(height)
        pygame.display.set_mode(size, pygame.RESIZABLE)
        pygame.event.post(pygame.event.Event(pygame.VIDEORESIZE, size=size, w=size[0], h=size[1]))
        yield

    def _do_wait(self, step: Step) -> Iterator[None]:
        """Let other threads work until the source is in a state; the clock stands still."""
        for _ in range(_MOST_WAITS):
            self._window.frame()
            source, recording = self._window.session.source, self._window.session.sources.recording
            loading = recording is not None and recording.track.loading
            if source.state == step.value and not loading:
                return
            pygame.time.wait(_WAIT_MS)
        state = self._window.session.source.state
        raise InputError(f"{step.where}: wait = {step.value!r}: the source is {state}")
        yield

    def _do_shot(self, step: Step) -> Iterator[None]:
        yield
        self._window.save_picture(str(step.value))

    def _shares(self, step: Step) -> Iterator[float]:
        """Shares of a way, frame by frame."""
        seconds = 0.0 if step.further is None else _number(f"{step.where}: seconds", step.further)
        frames = max(1, round(seconds * FRAMES_PER_S))
        for frame in range(1, frames + 1):
            yield frame / frames

    def _place(self, step: Step, target: Any) -> tuple[int, int]:
        """Pixel of a target."""
        window = self._window
        if isinstance(target, str):
            widget = window.desk.widgets.named(target)
            if widget is None:
                names = ", ".join(window.desk.widgets.names())
                raise InputError(f"{step.where}: no widget {target!r} is there; there are {names}")
            return int(widget.rect.centerx), int(widget.rect.centery)
        if isinstance(target, dict) and "px" in target:
            x, y = _pair(f"{step.where}: px", target["px"])
            return round(x), round(y)
        if isinstance(target, dict) and "scrub" in target:
            bar = window.playback.bar
            share = _number(f"{step.where}: scrub", target["scrub"])
            return round(bar.left + share * bar.width), int(bar.centery)
        x, y = window.phone.glass.to_px(*_pair(f"{step.where}: target", target))
        return round(x), round(y)

    def _move(self, place: tuple[int, int]) -> None:
        relative = place[0] - self._pointer[0], place[1] - self._pointer[1]
        self._pointer = place
        pygame.event.post(pygame.event.Event(pygame.MOUSEMOTION, pos=place, rel=relative, buttons=(0, 0, 0)))

    @staticmethod
    def _button(kind: int, place: tuple[int, int], button: int) -> None:
        pygame.event.post(pygame.event.Event(kind, pos=place, button=button))

    @staticmethod
    def _finger(kind: int, finger: int, place: tuple[int, int]) -> None:
        width, height = pygame.display.get_window_size()
        pygame.event.post(
            pygame.event.Event(
                kind, touch_id=0, finger_id=finger, x=place[0] / width, y=place[1] / height, dx=0.0, dy=0.0
            )
        )


_DONE: Final = object()
_MODIFIERS: Final = {"ctrl": pygame.KMOD_LCTRL, "shift": pygame.KMOD_LSHIFT, "alt": pygame.KMOD_LALT}


def _step(where: str, table: object) -> Step:
    if not isinstance(table, dict):
        raise InputError(f"{where} = {table!r}: expected a table")
    verbs = [key for key in table if key in _VERBS]
    if len(verbs) != 1:
        raise InputError(f"{where}: {len(verbs)} verbs; expected one of {', '.join(sorted(_VERBS))}")
    verb = verbs[0]
    further = _FURTHER.get(verb)
    for key in table:
        if key not in ("at", verb, further):
            raise InputError(
                f"{where}: unknown key {key!r}; expected at, {verb}" + (f", {further}" if further else "")
            )
    at_s = _number(f"{where}: at", table.get("at", 0.0))
    return Step(where, round(at_s * 1e6), verb, table[verb], table.get(further) if further else None)


def _number(where: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InputError(f"{where} = {value!r}: expected a number")
    return float(value)


def _pair(where: str, value: object) -> tuple[float, float]:
    if not isinstance(value, list) or len(value) != 2:
        raise InputError(f"{where} = {value!r}: expected two numbers")
    return _number(where, value[0]), _number(where, value[1])


def _between(begin: tuple[int, int], end: tuple[int, int], share: float) -> tuple[int, int]:
    return (
        round(begin[0] + share * (end[0] - begin[0])),
        round(begin[1] + share * (end[1] - begin[1])),
    )
