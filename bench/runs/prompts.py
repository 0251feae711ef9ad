"""What an operator is asked to do where a rig cannot press, and what they answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from stampbench.bench.records.presses import PressRecord
    from stampbench.firmware_emulator.touch import TouchReport

STEP_US: Final = 1_000_000
"""Device time with contact after which the next step of a prompt is shown."""
STEPS: Final = ("press {object} now, then let go",)
"""What is asked where the plan says nothing."""

PATIENCE_S: Final = 120.0
"""How long an operator may take to the next press, where nobody sees that they are at it."""

Answer: TypeAlias = Literal["skip", "again", "abort"]

_WORDS: Final = {
    "stamp": "stamp {name}",
    "other_stamp": "a stamp of another kind",
    "finger": "a finger",
    "fingers": "{name} fingers",
    "palm": "a palm",
    "coin": "a coin",
}


@dataclass(frozen=True, slots=True)
class Prompt:
    """One step of one press.

    Attributes:
        text: what to do.
        object: to press, by its name on the link.
        press, presses: place of the press in the run, and how many there are.
        step, steps: place of this step in the press, from 1, and how many there are.
    """

    text: str
    object: str
    press: int
    presses: int
    step: int
    steps: int


class Prompter(Protocol):
    """Tells an operator what to do: a terminal, or a window.

    Attributes:
        patience_s: how long they may take to the next press.
    """

    patience_s: float

    def show(self, prompt: Prompt) -> None:
        """Show what to do now; returns at once."""

    def answer(self) -> Answer | None:
        """Return what the operator answered instead of pressing; asked often, never waits."""

    def clear(self) -> None:
        """Take away what is shown: the press is over."""

    def again(self, record: PressRecord) -> bool | None:
        """Ask whether the operator botched a press that failed, and makes it again; None: no answer yet."""


class PressRefused(Exception):  # noqa: N818 - an answer, no error
    """The operator answered instead of pressing."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer)
        self.answer: Answer = answer


def said_object(name: str) -> tuple[str, str]:
    """Return what an operator calls an object: its kind, and its own name, both from its name on the link.

    The kinds are "stamp", "other_stamp" (random ones, of no codebook), "finger", "fingers", "palm", "coin".
    """
    if name.startswith("catalogue:"):
        return "stamp", name.rpartition("#")[2]
    kind, slash, rest = name.partition("/")
    if kind == "random-stamp":
        return "other_stamp", ""
    if kind == "fingers":
        return kind, rest.partition("/")[0]
    return ("stamp", rest) if slash else (kind, "")


def prompts_of(
    steps: tuple[str, ...], *, object_name: str, number: int, press: int, presses: int
) -> list[Prompt]:
    """Return the steps of one press, with object and number filled in."""
    kind, name = said_object(object_name)
    said = _WORDS.get(kind, object_name).replace("{name}", name)
    texts = [step.replace("{object}", said).replace("{number}", str(number)) for step in steps or STEPS]
    return [Prompt(text, object_name, press, presses, step, len(texts)) for step, text in enumerate(texts, 1)]


def asking(prompter: Prompter) -> Callable[[], None]:
    """Return what asks for the operator's answer whenever it is called.

    Raises:
        PressRefused: by what is returned: there is one.
    """

    def ask() -> None:
        answer = prompter.answer()
        if answer is not None:
            raise PressRefused(answer)

    return ask


def prompted(
    prompter: Prompter, prompts: list[Prompt], reports: Iterable[TouchReport | None]
) -> Iterator[TouchReport | None]:
    """Pass reports on; show the first step, and each further one when the object has touched for a while.

    Args:
        prompter: shows them.
        prompts: the steps of the press.
        reports: of the press; None where none has come yet.
    """
    coming = iter(prompts)
    prompter.show(next(coming))
    since_us: int | None = None
    try:
        for report in reports:
            if report is not None:
                if report.down and since_us is None:
                    since_us = report.t_us
                if since_us is not None and report.t_us - since_us >= STEP_US:
                    since_us = report.t_us
                    if (prompt := next(coming, None)) is not None:
                        prompter.show(prompt)
            yield report
    finally:
        prompter.clear()
