"""The bottom row: play, step, scrub and speed of a recording; freeze and record everywhere."""

from __future__ import annotations

from functools import partial

import pygame
from pygame import Rect
from stampbench.bench.window.parts import layout
from stampbench.bench.window.parts.desk import Desk
from stampbench.bench.window.parts.widgets import choose, enable, say, show
from stampbench.bench.window.session.session import Session
from stampbench.bench.window.sources.recording import RecordedSource
from stampbench.sim.screen import theme
from stampbench.sim.screen.fonts import MINUS, TIMES

_PLAY, _PAUSE = "▶", "||"


class Playback:
    """Buttons, and a bar to scrub on, where presses are marked."""

    def __init__(self, desk: Desk, area: Rect) -> None:
        self._desk = desk
        self._area = area
        captions, px = desk.captions, desk.px
        row, gap = px(layout.ROW), px(5)
        top = area.centery - row // 2
        x = area.left + gap
        self._buttons = []
        for name, sign, width in (
            ("play", _PLAY, 40),
            ("step_back", "◀|", 34),
            ("step", "|▶", 34),
            ("slower", MINUS, 28),
            ("faster", "+", 28),
        ):
            if name == "faster":
                self._speed_place = Rect(x, top, px(44), row)
                x += px(44) + gap
            place = Rect(x, top, px(width), row)
            tip = captions(f"tip.{name}")
            self._buttons.append(desk.widgets.button(name, place, sign, partial(desk.do, name), tip=tip))
            x = place.right + gap
        right = area.right - gap
        made = []
        for plan in (
            desk.plan(
                "button.record",
                "record_now",
                tip="tip.record",
                look="#armed",
                other="button.stop_record",
                do=partial(desk.do, "record"),
            ),
            desk.plan("button.freeze", "freeze", tip="tip.freeze", other="button.resume"),
        ):
            width = desk.button_width(plan)
            made.append(desk.button(plan, Rect(right - width, top, width, row)))
            right -= width + gap
        self._record, self._freeze = made
        if desk.session.plan is not None:
            x = area.left + gap
            for button in (*self._buttons, self._freeze):
                show(button, wanted=False)
        self.bar = Rect(x + gap, top, max(10, right - x - 2 * gap), row)
        self._scrubbing = False

    def refresh(self, session: Session) -> None:
        """Show how things are."""
        recording, captions = session.sources.recording, self._desk.captions
        for button in self._buttons:
            enable(button, recording is not None)
        say(self._buttons[0], _PAUSE if recording is not None and recording.playing else _PLAY)
        say(self._freeze, captions("button.resume" if session.frozen else "button.freeze"))
        say(self._record, captions("button.record" if session.capture is None else "button.stop_record"))
        choose([(self._freeze, session.frozen), (self._record, session.capture is not None)])

    def handle(self, event: pygame.event.Event) -> bool:
        """Scrub: press and drag on the bar."""
        recording = self._desk.session.sources.recording
        if recording is None:
            self._scrubbing = False
            return False
        if event.type == pygame.MOUSEBUTTONDOWN and event.button == 1 and self.bar.collidepoint(event.pos):
            self._scrubbing = True
        elif event.type == pygame.MOUSEBUTTONUP and self._scrubbing:
            self._scrubbing = False
            return True
        elif event.type != pygame.MOUSEMOTION:
            return False
        if self._scrubbing:
            recording.seek(self._time_at(event.pos[0], recording))
        return self._scrubbing

    def draw(self, surface: pygame.Surface) -> None:
        """Draw what lies below the buttons."""
        desk, session = self._desk, self._desk.session
        lettering, px = desk.lettering, desk.px
        pygame.draw.rect(surface, theme.CARD, self._area, border_radius=px(5))
        recording, plan = session.sources.recording, session.plan
        middle = self._speed_place.centery - lettering.height(12) // 2
        if plan is not None:
            text = " · ".join(filter(None, (session.picture.panel.title, plan.case, plan.folder)))
            lettering.write(surface, text, (self.bar.left, middle), 12, theme.MUTED, within=self.bar.width)
            return
        speed, ink = (1.0, theme.FAINT) if recording is None else (recording.speed, theme.INK)
        place = self._speed_place.centerx, middle
        lettering.write(surface, f"{speed:g} {TIMES}", place, 12, ink, align="centre")
        if recording is None:
            text = f"{session.picture.device_us / 1e6:.1f} s"
            lettering.write(surface, text, (self.bar.left, middle), 12, theme.MUTED, within=self.bar.width)
            return
        played_s = (recording.position_us - recording.begin_us) / 1e6
        times = f"{played_s:.2f} / {(recording.end_us - recording.begin_us) / 1e6:.2f} s"
        groove = Rect(self.bar.left, self.bar.bottom - px(11), self.bar.width, px(7))
        lettering.write(
            surface, times, (self.bar.left, self.bar.top - px(3)), 11, theme.MUTED, within=self.bar.width
        )
        pygame.draw.rect(surface, "#e3e7ec", groove, border_radius=px(3))
        for begin, end in recording.track.presses:
            left, right = self._pixel(begin, recording), self._pixel(end, recording)
            mark = Rect(left, groove.top, max(px(3), right - left), groove.height)
            pygame.draw.rect(surface, "#9fc9e6", mark, border_radius=px(2))
        knob = self._pixel(recording.position_us, recording), groove.centery
        pygame.draw.aacircle(surface, theme.ACCENT, knob, px(8))
        pygame.draw.aacircle(surface, "#ffffff", knob, px(8), px(2))

    def _pixel(self, t_us: int, recording: RecordedSource) -> int:
        span = max(1, recording.end_us - recording.begin_us)
        return self.bar.left + round((t_us - recording.begin_us) / span * self.bar.width)

    def _time_at(self, x: int, recording: RecordedSource) -> int:
        share = min(max((x - self.bar.left) / self.bar.width, 0.0), 1.0)
        return recording.begin_us + round(share * (recording.end_us - recording.begin_us))
