"""What has happened, for the person at the window: the newest messages, and their words in its language."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from stampbench.bench.window.captions import Captions
from stampbench.bench.window.clocks import Clock
from stampbench.bench.window.sources.touch import TouchInput
from stampbench.firmware_emulator.errors import StampbenchError
from stampbench.sim.screen.picture import Value

MOST_MESSAGES: Final = 20
Level: TypeAlias = Literal["info", "warning", "error"]


@dataclass(frozen=True, slots=True, eq=False)
class Message:
    """Something that happened.

    Attributes:
        t_us: time of the session's clock.
        key: of the captions' group ``message``; ``error`` carries its own sentence as ``text``.
    """

    t_us: int
    level: Level
    key: str
    values: Mapping[str, Value]

    def said(self, captions: Captions) -> str:
        """Return the message in the language of the captions."""
        values = dict(self.values)
        if self.key == "preset":
            values["preset"] = captions.get(f"preset.{values['preset']}", {}, str(values["preset"]))
        if values.get("name") == TouchInput.name:  # the only source that is called by words
            values["name"] = captions("source.touch")
        return captions.get(f"message.{self.key}", values, str(values.get("text", self.key)))


class Messages:
    """The newest messages, oldest first.

    Args:
        clock: tells the session's time.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: deque[Message] = deque(maxlen=MOST_MESSAGES)

    def __iter__(self) -> Iterator[Message]:
        return iter(self._kept)

    def __reversed__(self) -> Iterator[Message]:
        return reversed(self._kept)

    def say(self, level: Level, key: str, **values: Value) -> None:
        """Add a message."""
        self._kept.append(Message(self._clock(), level, key, values))

    def error(self, error: StampbenchError) -> None:
        """Add what an error says."""
        self.say("error", "error", text=str(error))
