"""A progress bar on stderr for long work in several stages."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Protocol


class Progress(Protocol):
    """Told how far a stage has come."""

    def __call__(self, stage: str, done: int, total: int) -> object:
        """Tell that ``done`` of ``total`` steps of ``stage`` are finished."""


def silent(stage: str, done: int, total: int) -> None:
    """Show no progress."""


@contextlib.contextmanager
def bars(title: str, instead: Progress | None = None) -> Iterator[Progress]:
    """Yield what takes progress: ``instead`` if given, else one bar on stderr for each stage."""
    if instead is not None:
        yield instead
        return
    from rich.console import Console
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

    with RichProgress(console=Console(stderr=True), transient=True) as shown:
        tasks: dict[str, TaskID] = {}

        def show(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = shown.add_task(f"{title}: {stage}", total=total)
            shown.update(tasks[stage], completed=done, total=total)

        yield show
