"""What a run makes, and whom it tells while it goes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from msgspec import Struct
from stampbench.bench.runs.prompts import Prompter


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What a run made at once: a press or several, or what a scenario found.

    Attributes:
        line: what is recorded, if anything.
        presses: how many of the plan's presses these are.
        failed: how many of them failed.
        counters: what the link did meanwhile.
        injected: faults that were put on the line, by kind.
    """

    line: Struct | None = None
    presses: int = 0
    failed: int = 0
    counters: Mapping[str, int] = field(default_factory=dict)
    injected: Mapping[str, int] = field(default_factory=dict)


class Progress:
    """What a run tells while it goes; by itself it says nothing.

    Attributes:
        prompter: tells an operator what to press; None: nobody is there.
    """

    prompter: Prompter | None = None

    def say(self, text: str) -> None:
        """Tell what is going on."""

    def tried(self, done: int, of: int) -> None:
        """Tell how far the present trial of a scenario is."""

    def recorded(self, line: Struct) -> None:
        """Tell what was recorded."""

    def pressed(self, presses: int, failed: int) -> None:
        """Tell that so many presses more are recorded, and how many of them failed."""
