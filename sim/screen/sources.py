"""Where the screen's touch reports come from: one protocol, whatever is behind it.

A source is asked what has come up to a time and answers at once; whatever must wait for bytes does so in a
thread of its own. The simulated panel stands beside this; rigs, recordings and real touch are the bench's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol, TypeAlias

from stampbench.firmware_emulator.touch import Frame, TouchReport

Item: TypeAlias = TouchReport | Frame
"""What a source brings; the frame of a scan comes ahead of its report."""


USUAL_FULL_TOUCH: Final = 225.0
USUAL_TOUCH_THRESHOLD: Final = 50.0
"""Counts of a panel of which nothing is known: those of the Nexus 5."""


LARGEST_MM: Final = 1e4
"""No panel is larger."""


class SourceKind(StrEnum):
    """What is behind a source."""

    SIMULATED = "simulated"
    RIG = "rig"
    RECORDING = "recording"
    TOUCH = "touch"


class SourceState(StrEnum):
    """How a source is."""

    OPENING = "opening"
    LIVE = "live"
    PAUSED = "paused"
    LOST = "lost"
    """It was there and is looked for; it comes back by itself."""
    ENDED = "ended"
    FAILED = "failed"
    """It cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class PanelInfo:
    """The glass that a source reports from.

    Attributes:
        name: of the profile or device.
        title: in words.
        width_mm, height_mm: active area.
        rows, cols: nodes of a raw frame; 0 where there are none.
        full_touch: counts of a node that is fully covered, for the colours of the raw frame.
        touch_threshold: counts from which a touch lands.
        frame_interval_us: time between two scans; None where the source does not tell.
        contact_limit: most contacts at once; None where it is not known.
        cancel_limit: contacts beyond which all touches are cancelled; None if they never are.
        x_max, y_max: largest coordinates in the device's own units; 0 where they are not known.
        sized: whether the size is known; if not, a likely one stands here for drawing, and nothing is read.
    """

    name: str
    title: str
    width_mm: float
    height_mm: float
    rows: int = 0
    cols: int = 0
    full_touch: float = USUAL_FULL_TOUCH
    touch_threshold: float = USUAL_TOUCH_THRESHOLD
    frame_interval_us: int | None = None
    contact_limit: int | None = None
    cancel_limit: int | None = None
    x_max: int = 0
    y_max: int = 0
    sized: bool = True


def plausible(report: TouchReport) -> TouchReport:
    """Keep only such places and sizes in mm as can be: a broken source may tell any number."""
    if all(_can_be(c.x_mm) and _can_be(c.y_mm) and _can_be(c.size_mm) for c in report.contacts):
        return report
    contacts = (
        c._replace(
            x_mm=c.x_mm if _can_be(c.x_mm) and _can_be(c.y_mm) else None,
            y_mm=c.y_mm if _can_be(c.x_mm) and _can_be(c.y_mm) else None,
            size_mm=c.size_mm if _can_be(c.size_mm) else None,
        )
        for c in report.contacts
    )
    return TouchReport(report.t_us, tuple(contacts))


def _can_be(length_mm: float | None) -> bool:
    return length_mm is None or -LARGEST_MM <= length_mm <= LARGEST_MM  # false for NaN


class Source(Protocol):
    """What brings touch reports and raw frames; never blocks."""

    @property
    def kind(self) -> SourceKind:
        """What is behind it."""

    @property
    def name(self) -> str:
        """Profile, port or file."""

    @property
    def state(self) -> SourceState:
        """How it is."""

    @property
    def message(self) -> str:
        """What is wrong with it, one line; empty where nothing is."""

    @property
    def panel(self) -> PanelInfo | None:
        """The glass; None while it is not known."""

    @property
    def counters(self) -> Mapping[str, int]:
        """What was received, lost, damaged and dropped so far, by name."""

    @property
    def can_press(self) -> bool:
        """Whether it is a rig that presses by itself."""

    def advance(self, to_us: int) -> Sequence[Item]:
        """Return what came up to a time of the session's clock; device times never run backwards."""

    def resume(self, now_us: int) -> None:
        """Go on as if no time had passed."""

    def close(self) -> None:
        """Let go of port, file and thread."""
