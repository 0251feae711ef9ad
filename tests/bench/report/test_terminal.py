from __future__ import annotations

import io
import os

import pytest
from rich.console import Console

from bench.report.terminal import TerminalPrompter
from bench.runs.prompts import Prompt


@pytest.fixture
def typed():
    """What the operator types, and a file it is read from."""
    read, write = os.pipe()
    with os.fdopen(read) as lines, os.fdopen(write, "w", buffering=1) as keyboard:
        yield keyboard, lines


@pytest.mark.skipif(os.name != "posix", reason="a pipe cannot be waited for")
@pytest.mark.parametrize(("text", "answer"), [("s\n", "skip"), ("Abort\n", "abort"), ("what?\n", None)])
def test_what_the_operator_types_is_an_answer(typed, text, answer):
    keyboard, lines = typed
    prompter = TerminalPrompter(Console(file=io.StringIO()), lines)
    assert prompter.answer() is None
    keyboard.write(text)
    assert prompter.answer() == answer
    assert prompter.answer() is None


def test_steps_of_a_press_are_printed_with_its_place(typed):
    console = Console(file=io.StringIO(), width=100)
    prompter = TerminalPrompter(console, typed[1])
    prompter.show(Prompt("press coin now", "coin", 3, 1200, 1, 2))
    prompter.show(Prompt("let go", "coin", 3, 1200, 2, 2))
    assert console.file.getvalue().splitlines() == [
        "(s and Enter passes a press over, a and Enter ends the run)",
        "press 3 of 1,200: press coin now",
        "    then: let go",
    ]
