"""Lists to choose from: devices, families, ports, neighbours of a code, files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import pygame
from stampbench.bench.window.parts.desk import ButtonPlan, Desk
from stampbench.bench.window.parts.dialogs.dialog import Dialog
from stampbench.bench.window.session.arrangement import FAMILIES
from stampbench.bench.window.session.source_switch import ports as ports_there
from stampbench.sim.panel import profile_names
from stampbench.sim.screen.scene import ObjectKind

_MOST_FILES: Final = 200
_NEIGHBOURS: Final = 8
_MENU: Final = (230, 250)


class Chooser(Dialog):
    """A list; what is clicked is done, and the dialog closes.

    It is made of buttons: the selection list and the file dialog of pygame_gui take no keys, and the latter
    deletes files.
    """

    def __init__(
        self,
        desk: Desk,
        title: str,
        items: Sequence[tuple[str, str, Callable[[], object]]],
        *,
        note: str = "",
        entry: tuple[str, Callable[[str], object]] | None = None,
        size: tuple[float, float] = (460, 460),
        at: tuple[int, int] | None = None,
    ) -> None:
        """Make the list of (name, caption, what to do), with a line to type in if ``entry`` is given."""
        super().__init__(desk, title, size, at)
        form = self.form()
        if entry is not None:
            caption, take = entry
            form.entry("dialog.entry", caption, "", 220, partial(self._typed, take))
        if note:
            for line in desk.lettering.wrapped(note, 13, form.width):
                form.text(line)
        for name, caption, do in items:
            fitted = desk.lettering.fitted(caption, 13, form.width - desk.px(20))
            form.wide_button(ButtonPlan(f"item.{name}", fitted, partial(self._chosen, do), look="#item"))
        form.finish()

    def _chosen(self, do: Callable[[], object]) -> None:
        self.close()
        do()

    def _typed(self, do: Callable[[str], object], text: str) -> None:
        if text.strip():
            self.close()
            do(text.strip())


class Menu(Chooser):
    """What can be done at a place of the glass; a click beside it closes it."""

    def handle(self, event: pygame.event.Event) -> bool:
        """Close on a click beside it."""
        beside = event.type == pygame.MOUSEBUTTONDOWN and not self.window.rect.collidepoint(event.pos)
        if beside:
            self.close()
        return beside


def menu(desk: Desk, x_mm: float, y_mm: float, at: tuple[int, int]) -> Menu:
    """Return the menu of a place of the glass: of the object there, or of what can be put there."""
    session, captions = desk.session, desk.captions
    picked = session.scene.pick(x_mm, y_mm)
    if picked is None:
        things = [
            (
                kind.value,
                captions(f"button.{kind}"),
                partial(session.arrangement.add_object, kind, x_mm, y_mm),
            )
            for kind in ObjectKind
        ]
        return Menu(desk, captions("menu.add"), things, size=_MENU, at=at)
    session.scene.selected = picked.key
    thing = session.scene.get(picked.key)
    actions = ["remove"]
    if thing is not None and thing.kind is ObjectKind.STAMP:
        actions = ["grip", "level", "random_code", "neighbours", "remove"]
    items = [(action, captions(f"menu.{action}"), partial(desk.do, action)) for action in actions]
    return Menu(desk, "" if thing is None else thing.body.name, items, size=_MENU, at=at)


def devices(desk: Desk) -> Chooser:
    """Return profiles of panels."""
    session = desk.session
    items = [
        (name, _marked(name, desk.picture.panel.name), partial(session.arrangement.set_profile, name))
        for name in profile_names()
    ]
    return Chooser(desk, desk.captions("dialog.device"), items, size=(420, 480))


def families(desk: Desk, open_catalogue: Callable[[], object]) -> Chooser:
    """Return families that come with stampbench, and catalogue files."""
    session, captions, now = desk.session, desk.captions, desk.session.setup.codebook
    items: list[tuple[str, str, Callable[[], object]]] = [
        (name, _marked(name, now.name), partial(session.arrangement.set_family, name)) for name in FAMILIES
    ]
    items.append(("catalogue", captions("button.catalogue"), open_catalogue))
    note = captions(
        "dialog.min_distance", size=f"{now.size:,}", pads=now.pads_per_stamp, distance=now.min_distance_mm
    )
    return Chooser(desk, captions("dialog.family"), items, note=f"{now.name}: {note}", size=(480, 300))


def ports(desk: Desk, again: Callable[[], object]) -> Chooser:
    """Return serial ports that are there, and a line for any other."""
    session, captions = desk.session, desk.captions
    found = ports_there()
    items: list[tuple[str, str, Callable[[], object]]] = [
        (port, port, partial(session.sources.use_port, port)) for port in found
    ]
    items.append(("refresh", captions("button.refresh"), again))
    note = (
        captions("dialog.port_hint")
        if found
        else f"{captions('dialog.no_ports')}; {captions('dialog.port_hint')}"
    )
    entry = (captions("button.other_port"), session.sources.use_port)
    return Chooser(desk, captions("dialog.port"), items, note=note, entry=entry, size=(520, 340))


def neighbours(desk: Desk) -> Chooser | None:
    """Return codes nearest to that of the selected stamp; None if no stamp is selected."""
    session = desk.session
    chosen = session.scene.chosen
    if chosen is None or chosen.code is None:
        session.messages.say("info", "no_stamp")
        return None
    items = [
        (
            str(code),
            f"{session.setup.codes.name_of(code)}   {distance_mm:.2f} mm",
            partial(session.arrangement.set_code, code),
        )
        for code, distance_mm in session.arrangement.neighbours(_NEIGHBOURS, chosen.code)
    ]
    title = desk.captions("dialog.neighbours", code=session.setup.codes.name_of(chosen.code))
    return Chooser(desk, title, items, size=(400, 380))


def files(
    desk: Desk,
    title: str,
    directory: Path,
    wanted: Callable[[Path], bool],
    go: Callable[[Path], object],
    take: Callable[[Path], object],
) -> Chooser:
    """Return a file of a directory.

    Args:
        desk: what to make it with.
        title: in the language of the window.
        directory: to be listed.
        wanted: whether a file is shown.
        go: shows another directory.
        take: takes the chosen file.
    """
    try:
        inside = sorted(directory.iterdir(), key=lambda path: (path.is_file(), path.name.lower()))
        note = str(directory)
    except OSError as error:
        inside, note = [], f"{directory}: {error.strerror}"
    items: list[tuple[str, str, Callable[[], object]]] = [("..", "../", partial(go, directory.parent))]
    for path in inside:
        if path.name.startswith("."):
            continue
        if path.is_dir():
            items.append((path.name, f"{path.name}/", partial(go, path)))
        elif wanted(path):
            items.append((path.name, path.name, partial(take, path)))
    entry = (desk.captions("dialog.file"), lambda text: take(Path(text).expanduser()))
    return Chooser(desk, title, items[:_MOST_FILES], note=note, entry=entry, size=(560, 520))


def _marked(name: str, now: str) -> str:
    return f"{name}   ✓" if name == now else name
