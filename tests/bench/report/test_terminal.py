from __future__ import annotations

import io
import os

import pytest
from rich.console import Console
from stampbench.bench.judging.comparison import ComparedMeasurement
from stampbench.bench.judging.statistics import percentile, rate
from stampbench.bench.report.terminal import TerminalPrompter, _ground
from stampbench.bench.runs.prompts import Prompt


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
        "(type s to pass a press over, r to repeat a botched one, a to end the run)",
        "press 3 of 1,200: press coin now",
        "    then: let go",
    ]


@pytest.mark.parametrize(
    ("unit", "p", "said"),
    [
        ("1", 0.0002, "p < 0.001"),
        ("1", 0.0213, "p = 0.021"),
        (
            "ms",
            None,
            "+110 ms, 95 % interval 100 \N{EN DASH} 120 ms",
        ),
    ],
)
def test_a_significant_difference_is_told_with_its_ground(unit, p, said):
    sides = (rate(0, 9), rate(9, 9)) if unit == "1" else (percentile([1, 2], 0.5), percentile([3, 4], 0.5))
    row = ComparedMeasurement(
        "m", "M", unit, "nexus-5", None, *sides, 110.0, 100.0, 120.0, p, p, True, None, None, "method"
    )
    assert _ground(row).replace("\N{NARROW NO-BREAK SPACE}", " ") == said
