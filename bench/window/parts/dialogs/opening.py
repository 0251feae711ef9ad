"""Which dialog is open, and how each of them is made."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from stampbench.bench.sources.frame_files import holds_frames
from stampbench.bench.sources.recording_formats import is_recording
from stampbench.bench.window.parts.desk import Desk
from stampbench.bench.window.parts.dialogs import choosing
from stampbench.bench.window.parts.dialogs.calibration import Calibration
from stampbench.bench.window.parts.dialogs.dialog import Dialog
from stampbench.bench.window.parts.dialogs.drawing import Drawing
from stampbench.bench.window.parts.dialogs.help import Help
from stampbench.bench.window.real_touch import RealTouch
from stampbench.bench.window.session.session import Session


def _is_catalogue(path: Path) -> bool:
    return path.suffix.lower() in (".toml", ".csv")


def _is_recording(path: Path) -> bool:
    return is_recording(path) or holds_frames(path)


class Dialogs:
    """At most one dialog at a time.

    Args:
        touch: what calibration is for.

    Attributes:
        current: the dialog that is open.
    """

    def __init__(self, touch: RealTouch) -> None:
        self.current: Dialog | None = None
        self._name = ""
        self._touch = touch
        self._directory = Path.cwd()
        self._menu_at = (0.0, 0.0, (0, 0))
        self._desk: Desk

    def use(self, desk: Desk) -> None:
        """Open again what was open, after the window was built anew."""
        self._desk = desk
        reopened = self.current is not None and self.current.open
        self.current = None
        if reopened:
            self.open(self._name)

    def open(self, name: str) -> None:
        """Open a dialog in the place of another; help again closes it."""
        again = name == "help" and self.current is not None and name == self._name
        self.close()
        if again:
            return
        self._desk.widgets.drop_focus()
        self._name = name
        self.current = self._made(name)

    def open_menu(self, x_mm: float, y_mm: float, at: tuple[int, int]) -> None:
        """Open the menu of a place of the glass, beside the pixel where it was asked for."""
        self._menu_at = x_mm, y_mm, at
        self.open("menu")

    def close(self) -> bool:
        """Close what is open; whether anything was."""
        dialog, self.current = self.current, None
        if dialog is None:
            return False
        dialog.close()
        dialog.closed()
        return True

    def refresh(self, session: Session) -> None:
        """Show the state of the session; take leave of a dialog that was closed by hand."""
        if self.current is not None:
            if self.current.open:
                self.current.refresh(session)
            else:
                self.close()

    def _made(self, name: str) -> Dialog | None:
        desk, session, captions = self._desk, self._desk.session, self._desk.captions
        match name:
            case "help":
                return Help(desk)
            case "menu":
                return choosing.menu(desk, *self._menu_at)
            case "device":
                return choosing.devices(desk)
            case "family":
                return choosing.families(desk, partial(self.open, "catalogue"))
            case "port":
                return choosing.ports(desk, partial(self.open, "port"))
            case "neighbours":
                return choosing.neighbours(desk)
            case "recording":
                return self._files(captions("dialog.recording"), _is_recording, session.sources.use_recording)
            case "catalogue":
                return self._files(
                    captions("dialog.catalogue"), _is_catalogue, session.arrangement.set_catalogue
                )
            case "custom":
                return Drawing(desk, str(session.picture_path().parent / "stamps.toml"))
            case "calibration":
                return Calibration(desk, self._touch.mm_per_px, self._touch.calibrate)
            case _:
                raise LookupError(name)

    def _files(self, title: str, wanted: Callable[[Path], bool], take: Callable[[Path], object]) -> Dialog:
        def go(directory: Path) -> None:
            self._directory = directory
            self.open(self._name)

        return choosing.files(self._desk, title, self._directory, wanted, go, take)
