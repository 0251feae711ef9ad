"""Every command's help ends with two examples, and each is one that the command line takes."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

import click
import pytest
import typer
from stampbench.bench.cli import main
from stampbench.bench.cli.examples import EXAMPLES

WITHOUT_EXAMPLES = {"beacon", "certificate", "family", "panel", "plan", "robot", "service", "sound"}
"""Groups whose commands have theirs."""


@pytest.fixture(scope="module")
def commands() -> click.Group:
    main._register_commands()
    group = typer.main.get_command(main.app)
    assert hasattr(group, "commands")
    return group


def words(group: click.Group, before: str = "") -> Iterator[str]:
    for name, command in group.commands.items():
        yield f"{before}{name}"
        if hasattr(command, "commands"):
            yield from words(command, f"{before}{name} ")


def test_every_command_has_two_examples_and_every_example_a_command(commands):
    assert set(words(commands)) - WITHOUT_EXAMPLES == EXAMPLES.keys()


@pytest.mark.parametrize(
    ("name", "example"), [(name, example) for name, both in EXAMPLES.items() for example in both]
)
def test_an_example_is_one_that_its_command_takes(name, example, commands):
    program, *arguments = shlex.split(example)
    assert program == "stampbench"
    assert example.split()[1:][: len(name.split())] == name.split()
    command, context = commands, None
    while hasattr(command, "commands") and arguments and arguments[0] in command.commands:
        context = click.Context(command, parent=context, info_name=command.name)
        command = command.commands[arguments.pop(0)]
    command.make_context(command.name, arguments, parent=context)  # raises what a shell would be told


@pytest.mark.parametrize(
    "example", ["stampbench plan list", *EXAMPLES["plan resolve"], *EXAMPLES["doctor"], *EXAMPLES["ports"]]
)
def test_what_a_newcomer_types_first_ends_well(example, stampbench):
    ended = stampbench(*shlex.split(example)[1:])
    assert ended.status == 0
    assert ended.out


def test_help_ends_with_the_examples(stampbench):
    ended = stampbench("run", "-h")
    assert ended.status == 0
    assert ended.out.split("Examples:")[1].split("\n\n")
    assert all(example in ended.out.replace("\n", " ") for example in EXAMPLES["run"][:1])
