"""What the screen asks of the bench above it: ports, recordings, captures, judged presses, test cases.

The screen imports nothing of the bench; whoever opens the window hands a :class:`Workbench` in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias

from stampbench.bench.window.session.view import AutoPressView
from stampbench.bench.window.sources.timeline import RecordedSource
from stampbench.firmware_emulator.touch import Frame, TouchReport
from stampbench.sim.panel import Condition
from stampbench.sim.press import Handling, Keyframe, Press
from stampbench.sim.screen.scene import SceneObject
from stampbench.sim.screen.sources import PanelInfo, Source

Clock: TypeAlias = Callable[[], int]
"""Tells the session's time in microseconds."""


@dataclass(frozen=True, slots=True)
class AutoPressOrder:
    """Presses to be made one after the other.

    Attributes:
        profile: name or path of the panel's profile.
        family, catalogue: the codebook, one of the two.
        sigma_mm: of the decoder; None: what the minimum distance allows.
        genuine, foreign: how many presses of stamps, and of objects that must not be read.
        codes: that are pressed in turn; empty: any, drawn.
        condition, handling: of every press.
        seed: of every draw.
    """

    profile: str
    family: str | None
    catalogue: str | None
    sigma_mm: float | None
    genuine: int
    foreign: int
    codes: tuple[int, ...]
    condition: Condition
    handling: Handling
    seed: int


@dataclass(frozen=True, slots=True)
class DrawnPress:
    """One press that is to be made; ``index`` is its place among all, ``seed`` that of the panel's noise."""

    index: int
    press: Press
    code: int | None
    seed: int


@dataclass(frozen=True, slots=True)
class Judgement:
    """How one press was read.

    Attributes:
        right: read as its code, or rightly refused.
        decisive_us: device time of the report that decided; None where there was no contact.
    """

    right: bool
    decisive_us: int | None


class AutoPresser(Protocol):
    """Draws presses and judges what was reported of each, as ``stampbench run`` does."""

    def draw(self) -> DrawnPress | None:
        """The next press; None when all have been made."""

    def judge(self, drawn: DrawnPress, reports: Sequence[TouchReport], cancel_limit: int | None) -> Judgement:
        """Count a press by its reports."""

    def view(self, *, running: bool) -> AutoPressView:
        """The rates so far."""


class CaptureSink(Protocol):
    """Takes what is recorded; every line is handed to the system before the call returns."""

    def report(self, report: TouchReport) -> None:
        """Append one report."""

    def frame(self, frame: Frame) -> None:
        """Append one raw frame."""

    def note(self, fields: dict[str, Any]) -> None:
        """Append a line of another kind."""

    def close(self) -> None:
        """Close the file."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A frozen moment of one object, with all that is needed to press it again.

    Attributes:
        kind: ``genuine``: must be read as its code; ``foreign``: must not be read.
        stamp: code (family), name (catalogue) or name of the object (foreign).
        keyframes: what the hand did, from the first touch on; times rise from 0.
        noise_seed: of the panel; None: any.
        note: what was seen, one line.
    """

    profile: str
    family: str | None
    catalogue: str | None
    sigma_mm: float | None
    kind: Literal["genuine", "foreign"]
    stamp: int | str
    wear: str
    keyframes: tuple[Keyframe, ...]
    condition: Condition
    noise_seed: int | None
    note: str


class Workbench(Protocol):
    """The bench, as far as the screen needs it. Everything raises StampbenchError alone."""

    def ports(self) -> list[str]:
        """Serial ports that are there now."""

    def open_port(self, port: str, clock: Clock) -> Source:
        """A rig or other hardware on a port; answers at once, whether it is there or not."""

    def press_by_rig(self, source: Source, thing: SceneObject, seed: int) -> None:
        """Ask the rig behind a source to press an object as it stands in the scene, and answer at once.

        Raises:
            InputError: the source is no rig that can press.
        """

    def open_recording(self, path: Path) -> RecordedSource:
        """A recording with its time line."""

    def autopress(self, order: AutoPressOrder) -> AutoPresser:
        """Presses that are judged as in a run."""

    def capture(self, path: Path, panel: PanelInfo) -> CaptureSink:
        """A new capture that ``stampbench decode`` reads."""

    def save_case(self, path: Path, moment: Moment) -> None:
        """Write a plan of one case that ``stampbench run`` accepts."""

    def free_path(self, stem: str, suffix: str) -> Path:
        """A path in the directory for what the screen saves at which nothing is yet."""
