"""Recording and sharing: captures, test cases, pictures, animations, and what has been said so far."""

from __future__ import annotations

from pygame import Rect
from stampbench.bench.window.parts.desk import Desk, Form
from stampbench.bench.window.parts.widgets import choose, say
from stampbench.bench.window.session.session import Session

_LINES = 8


class ShareTab:
    """Buttons that save, and the newest messages."""

    def __init__(self, desk: Desk, area: Rect) -> None:
        self._desk = desk
        form = Form(desk, area)
        buttons = form.buttons(
            [
                desk.plan(
                    "button.record", "record", tip="tip.record", look="#armed", other="button.stop_record"
                ),
                desk.plan("button.save_case", "save_case", tip="tip.save_case"),
                desk.plan("button.picture", "picture", tip="tip.picture"),
                desk.plan("button.animation", "animation", tip="tip.animation"),
                desk.plan("button.open", "open_recording", tip="tip.open"),
            ]
        )
        self._record = buttons[0]
        self._capture = form.text("")
        self._messages = [form.text("") for _ in range(_LINES)]
        self._width = form.width
        self.height = form.finish()
        self.container = form.container

    def refresh(self, session: Session) -> None:
        """Show what is being recorded, and what was said."""
        desk = self._desk
        choose([(self._record, session.capture is not None)])
        say(self._record, desk.captions("button.record" if session.capture is None else "button.stop_record"))
        capture = ""
        if session.capture is not None:
            capture = f"{session.capture.path}: {session.capture.reports:,} / {session.capture.frames:,}"
        say(self._capture, desk.lettering.fitted(capture, 13, self._width))
        newest = list(session.messages)[: -_LINES - 1 : -1]
        for number, label in enumerate(self._messages):
            text = (
                ""
                if number >= len(newest)
                else f"{newest[number].t_us / 1e6:7.1f} s   {newest[number].said(desk.captions)}"
            )
            say(label, desk.lettering.fitted(text, 13, self._width))
