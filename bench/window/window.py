"""The window: events become calls of the session, its view becomes a picture, sixty times a second."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

import pygame
from stampbench.bench.window import keys
from stampbench.bench.window.actions import Action, Actions
from stampbench.bench.window.captions import LANGUAGES, Captions
from stampbench.bench.window.clocks import Clock, VirtualClock
from stampbench.bench.window.parts import layout
from stampbench.bench.window.parts.comparison import Comparison, KeptMoment
from stampbench.bench.window.parts.desk import Desk
from stampbench.bench.window.parts.dialogs.opening import Dialogs
from stampbench.bench.window.parts.instruments import TALLEST_TAB, Instruments
from stampbench.bench.window.parts.plan_card import PlanCard
from stampbench.bench.window.parts.playback import Playback
from stampbench.bench.window.parts.pointer import Pointer
from stampbench.bench.window.parts.tabs.autopress import AutoPressTab, Orders
from stampbench.bench.window.parts.toasts import Toasts
from stampbench.bench.window.parts.topbar import TopBar
from stampbench.bench.window.parts.tour import Tour
from stampbench.bench.window.parts.verdict import draw_verdict
from stampbench.bench.window.parts.widgets import Widgets
from stampbench.bench.window.real_touch import RealTouch
from stampbench.bench.window.session.messages import Message
from stampbench.bench.window.session.session import Session
from stampbench.bench.window.sharing import LastSeconds, save_picture
from stampbench.bench.window.sources.touch import Calibrations
from stampbench.firmware_emulator.errors import StampbenchError
from stampbench.sim.screen import theme
from stampbench.sim.screen.fonts import Lettering, find_typeface
from stampbench.sim.screen.phone import BEZEL_MM, Phone, Shown

FRAMES_PER_S: Final = 60
SCALES: Final = (1.0, 2.0)
_REPEATED: Final = frozenset(
    {"left", "right", "up", "down", "turn_left", "turn_right", "step", "step_back"}
) | {
    *("tilt_left", "tilt_right", "tilt_up", "tilt_down", "scrub_back", "scrub_on", "focus_next", "focus_back")
}
"""Actions that a key repeats while it is down."""
_LONGEST_FRAME_S: Final = 0.1
_SCALE_STEP: Final = 0.25


class Window:
    """The touchscreen emulator's window.

    Args:
        session: what it shows.
        clock: the session's time, us.
        size: pixels.
        scale: of text and widgets, 1 to 2.
        language: of the captions, see :data:`stampbench.bench.window.captions.LANGUAGES`.
        calibrations: of displays; the user's own for a real clock unless given.

    Attributes:
        shown: what of the glass is drawn.
        toasts: messages that are up.
        tour: what is shown the first time.
        dialogs: which of them is open.
        open: whether it has not been closed.
    """

    def __init__(
        self,
        session: Session,
        *,
        clock: Clock,
        size: tuple[int, int] = (1280, 800),
        scale: float = 1.0,
        language: str = "en",
        calibrations: Calibrations | None = None,
    ) -> None:
        pygame.display.init()
        pygame.font.init()
        pygame.key.set_repeat(350, 45)
        self.session = session
        self.shown = Shown()
        self.toasts = Toasts()
        self.tour = Tour()
        self.open = True
        self._clock = clock
        self._now_us = clock()
        self._scale = min(max(scale, SCALES[0]), SCALES[1])
        self._typeface = find_typeface()
        self._captions = Captions(language)
        if not self._typeface.hangul and language == "ko":
            self._captions = Captions("en")
            self.toasts.tell(self._captions("app.no_hangul"), "error")
        if calibrations is None:  # what is scripted neither knows nor changes this machine's
            calibrations = Calibrations(None) if isinstance(clock, VirtualClock) else Calibrations.of_user()
        self._touch = RealTouch(session, calibrations)
        self.dialogs = Dialogs(self._touch)
        self._orders = Orders()
        self._pointer = Pointer(session, self.dialogs.open_menu)
        self._actions = Actions(session, self._own_actions(), self.show_tab)
        self._down: dict[int, str] = {}
        self._resized = self._button_held = False
        self._kept: KeptMoment | None = None
        self._last_message: Message | None = None
        self._last_seconds = LastSeconds()
        self._surface = pygame.display.set_mode(size, pygame.RESIZABLE)
        self._splash()
        session.look()
        self._build("noise")

    def run(self) -> None:
        """Show frames until it is closed."""
        pace = pygame.time.Clock()
        while self.open:
            self.frame()
            pace.tick(FRAMES_PER_S)

    def frame(self) -> None:
        """Make one frame: what happened since the last one, what has come of it, the picture."""
        now_us = self._clock()
        dt_s = min(max(0.0, (now_us - self._now_us) * 1e-6), _LONGEST_FRAME_S)
        self._now_us = now_us
        for event in pygame.event.get():
            self._attempt(partial(self._handle, event))
        if not self.open:
            return
        if self._resized:  # once a frame, however many sizes the mouse went through
            self._resized = False
            self._surface = pygame.display.get_surface() or self._surface
            self._rebuild()
        self._attempt(self.desk.widgets.run_due)
        if not self.open:
            return
        self._attempt(partial(self._pointer.advance, dt_s))
        self.session.advance(now_us)
        self.session.look()
        if not self._button_held and self.session.plan is None:
            self.session.undo.note()
        self._show()
        self.toasts.advance(dt_s)
        self.tour.advance(dt_s)
        self.desk.widgets.update(dt_s)
        self._draw()
        pygame.display.flip()
        self._last_seconds.keep(self._surface, dt_s)

    def _attempt(self, do: Action) -> None:
        """Do what a hand asked for; what is wrong with it becomes a message."""
        try:
            do()
        except StampbenchError as error:
            self.session.messages.error(error)

    def close(self) -> None:
        """Close it; what was recorded is in its file already."""
        if self.open:
            self.open = False
            self.session.close()
            pygame.display.quit()

    def save_picture(self, path: str | Path) -> None:
        """Save what the last frame showed as PNG.

        Raises:
            InputError: the file cannot be written.
        """
        save_picture(self._surface, Path(path))

    # What actions ask of the window

    def _own_actions(self) -> dict[str, Action]:
        """Return what the window itself does, by the names of actions."""
        dialogs = {
            "source_rig": "port",
            "source_recording": "recording",
            "open_recording": "recording",
            "calibrate": "calibration",
            **{name: name for name in ("device", "family", "neighbours", "custom", "help")},
        }
        return {
            **{action: partial(self.dialogs.open, dialog) for action, dialog in dialogs.items()},
            "type_code": partial(self.focus, "stamps", "code"),
            "seed": partial(self.focus, "noise", "seed"),
            "auto_press": self.auto_press,
            "source_touch": self.use_touch,
            "picture": self.share_picture,
            "animation": self.share_animation,
            "plan_stop": self._stop_plan,
            "compare": self._compare,
            "tour": self.tour.begin,
            "heat_map": partial(self._flip, "heat_map"),
            "trails": partial(self._flip, "trails"),
            "focus_next": lambda: self.desk.widgets.move_focus(1),
            "focus_back": lambda: self.desk.widgets.move_focus(-1),
            "next_tab": lambda: self.instruments.open_next(),
            "larger": partial(self.change_scale, _SCALE_STEP),
            "smaller": partial(self.change_scale, -_SCALE_STEP),
            "language": self.change_language,
            "escape": self._escape,
            "quit": self.close,
        }

    def do(self, action: str) -> None:
        """Carry out an action by its name."""
        self._actions.do(action)

    def use_touch(self) -> None:
        """Read real touch in the phone's card."""
        if self._touch.use(self.places.phone, self._scale):
            self.dialogs.open("calibration")

    def auto_press(self) -> None:
        """Start or stop pressing."""
        if self.instruments.chosen != "autopress":
            self.show_tab("autopress")
        if isinstance(self.instruments.tab, AutoPressTab):
            self.instruments.tab.toggle()

    def show_tab(self, name: str) -> None:
        """Show a tab."""
        if self.instruments.chosen != name:
            self.instruments.open(name)

    def focus(self, tab: str, name: str) -> None:
        """Give the focus to a widget of a tab."""
        self.show_tab(tab)
        self.desk.widgets.focus(name)

    def change_scale(self, by: float) -> None:
        """Make text and widgets larger or smaller."""
        scale = min(max(self._scale + by, SCALES[0]), SCALES[1])
        if scale != self._scale:
            self._scale = scale
            self._rebuild()

    def change_language(self) -> None:
        """Write in the next language."""
        if not self._typeface.hangul:
            self.toasts.tell(self._captions("app.no_hangul"), "error")
            return
        place = LANGUAGES.index(self._captions.language)
        self._captions = Captions(LANGUAGES[(place + 1) % len(LANGUAGES)])
        self._rebuild()

    def _escape(self) -> None:
        """Close what is uppermost: a dialog, the focus, messages; else select nothing."""
        if self.dialogs.close() or self.desk.widgets.drop_focus() or self.toasts.dismiss():
            return
        if self.session.plan is None:
            self.session.scene.selected = None

    def _flip(self, what: str) -> None:
        setattr(self.shown, what, not getattr(self.shown, what))

    def _compare(self) -> None:
        """Keep what is shown, to be seen beside what comes; or let go of what was kept."""
        self._kept = None if self._kept is not None else KeptMoment.of(self.desk)
        self._place_kept()

    def _place_kept(self) -> None:
        area, kept = self.places.plots or self.places.content, self._kept
        self._comparison = None if kept is None else Comparison(self.desk, area, kept)

    def _stop_plan(self) -> None:
        """End the plan; once it is over, close the window."""
        plan = self.session.plan
        if plan is not None and plan.over:
            self.close()
        elif plan is not None:
            plan.choose("stop")

    def share_picture(self) -> None:
        """Save a picture of the window."""
        self._share(".png", "picture_saved", self.save_picture)

    def share_animation(self) -> None:
        """Save the last five seconds as an animation."""
        self._share(".gif", "animation_saved", self._last_seconds.save)

    def _share(self, suffix: str, key: str, save: Callable[[Path], None]) -> None:
        path = self.session.picture_path(suffix)
        save(path)
        self.session.messages.say("info", key, path=str(path))

    # Events

    def _handle(self, event: pygame.event.Event) -> None:
        match event.type:
            case pygame.QUIT:
                self.close()
            case pygame.MOUSEBUTTONDOWN | pygame.MOUSEBUTTONUP if self.open:
                self._button_held = event.type == pygame.MOUSEBUTTONDOWN
                self._pass_on(event)
            case pygame.VIDEORESIZE:
                self._resized = True
            case pygame.DROPFILE:
                self._dropped(Path(event.file))
            case pygame.WINDOWFOCUSLOST:
                self._release()
            case pygame.WINDOWDISPLAYCHANGED:
                self._touch.display_changed(event.display_index)
            case pygame.KEYUP if event.key in self._down:
                self._actions.end(self._down.pop(event.key))
            case _ if self.open:
                self._pass_on(event)

    def _pass_on(self, event: pygame.event.Event) -> None:
        """Give an event to whoever is uppermost: messages, dialog, widgets, time line, keys, glass."""
        widgets = self.desk.widgets
        if self.tour.handle(event) or self.toasts.handle(event):
            return
        dialog = self.dialogs.current
        if dialog is not None and dialog.handle(event):
            widgets.pointer = getattr(event, "pos", widgets.pointer)
            return
        if event.type == pygame.KEYDOWN and self._key(event):
            return
        if widgets.handle(event) or dialog is not None:
            return
        if not self.playback.handle(event):
            self._pointer.handle(event, self.phone.glass, self._surface.get_size(), self.session.source)

    def _key(self, event: pygame.event.Event) -> bool:
        """Carry out what a key stands for, unless it is for a widget."""
        widgets = self.desk.widgets
        action = keys.action_of(event.key, event.mod, getattr(event, "unicode", ""))
        control = event.mod & (pygame.KMOD_CTRL | pygame.KMOD_META)
        if action is None or (widgets.typing and not control and action not in _WHILE_TYPING):
            return False
        if widgets.focused_name is not None and event.key in _OF_WIDGETS:
            return False
        if self.dialogs.current is not None and action not in _WHILE_ASKED:
            return False
        if event.key in self._down and action not in _REPEATED:
            return True
        self._down[event.key] = action
        self.do(action)
        return True

    def _release(self) -> None:
        """Let go of everything: the window lost keyboard and mouse."""
        for action in self._down.values():
            self._actions.end(action)
        self._down.clear()
        self._pointer.release()

    def _dropped(self, path: Path) -> None:
        if self.session.plan is not None:
            self.session.messages.say("info", "plan_only")
        elif path.suffix.lower() in (".toml", ".csv"):
            self.session.arrangement.set_catalogue(path)
        else:
            self.session.sources.use_recording(path)

    # Pictures

    def _rebuild(self) -> None:
        """Set everything up anew, and show the same tab."""
        self._build(self.instruments.chosen)

    def _build(self, tab: str) -> None:
        """Set everything up for this size, scale, language and panel."""
        size = self._surface.get_size()
        widgets = Widgets(size, self._typeface, self._scale, self._captions.language)
        lettering = Lettering(self._typeface, self._scale)
        self.desk = Desk(self.session, widgets, lettering, self._captions, self.do)
        pygame.display.set_caption(self._captions("app.title"))
        self.topbar = TopBar(self.desk, size[0])
        panel = self.session.panel
        aspect = (panel.width_mm + 2 * BEZEL_MM) / (panel.height_mm + 2 * BEZEL_MM)
        self.places = layout.arrange(
            size, self._scale, self.topbar.height, aspect, round(TALLEST_TAB * self._scale)
        )
        self.instruments: Instruments | PlanCard = (
            Instruments(self.desk, self.places, tab, self._orders)
            if self.session.plan is None
            else PlanCard(self.desk, self.places)
        )
        self.playback = Playback(self.desk, self.places.timeline)
        px_per_mm = self._touch.fit(self.places.phone, self._scale)
        if px_per_mm is not None:
            self.session.look()
        self.phone = Phone(self.places.phone, self.session.panel, lettering, px_per_mm)
        self._place_kept()
        self.dialogs.use(self.desk)
        self._panel, self._source_kind = self.session.panel, self.session.source.kind

    def _show(self) -> None:
        """Take up what the session came to: a new panel or new messages may have come with it."""
        session = self.session
        self.shown.invitation = self._captions("app.invitation") if session.glass_is_empty else ""
        if (session.panel, session.source.kind) != (self._panel, self._source_kind):
            self._rebuild()
        self.dialogs.refresh(session)
        self.topbar.refresh(session)
        self.instruments.refresh(session)
        self.playback.refresh(session)
        fresh: list[Message] = []
        for message in reversed(session.messages):
            if message is self._last_message:
                break
            fresh.append(message)
        for message in reversed(fresh):
            self.toasts.tell(message.said(self._captions), "info" if message.level == "info" else "error")
        self._last_message = fresh[0] if fresh else self._last_message

    def _draw(self) -> None:
        surface, desk = self._surface, self.desk
        surface.fill(theme.PAGE)
        self.phone.draw(surface, self.session.picture, self.shown)
        draw_verdict(surface, self.places.verdict, desk)
        self.instruments.draw(surface)
        if self._comparison is not None:
            self._comparison.draw(surface)
        self.playback.draw(surface)
        desk.widgets.draw_ui(surface)
        if self.dialogs.current is None:
            self.topbar.draw(surface)
        desk.widgets.draw_focus(surface, self._scale)
        plots = self.places.plots if self.session.plan is None else None  # else no control would be free
        over = (plots or self.places.phone).inflate(-2 * desk.px(8), -2 * desk.px(8))
        self.toasts.draw(surface, over, desk.lettering)
        if self.tour.step is not None:
            places, width = self.places, surface.get_width()
            about = {
                "glass": places.phone,
                "verdict": places.verdict,
                "tabs": places.tabs.union(places.content),
                "sources": pygame.Rect(0, 0, width, places.phone.top),
            }
            self.tour.draw(surface, about, desk.lettering, self._captions)

    def _splash(self) -> None:
        """Draw something to look at while kernels are loaded, or compiled for the first time."""
        self._surface.fill(theme.PAGE)
        lettering = Lettering(self._typeface, self._scale)
        middle = self._surface.get_rect().center
        lettering.write(
            self._surface, self._captions("app.title"), middle, 20, theme.INK, bold=True, align="centre"
        )
        pygame.display.flip()


_WHILE_TYPING: Final = frozenset({"focus_next", "focus_back", "escape"})
_WHILE_ASKED: Final = frozenset(
    {"focus_next", "focus_back", "escape", "help", "larger", "smaller", "language", "quit"}
)
_OF_WIDGETS: Final = frozenset({pygame.K_SPACE, pygame.K_LEFT, pygame.K_RIGHT, pygame.K_RETURN})
