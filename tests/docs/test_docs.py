"""README and documentation say what is so: their commands and programs run, and the pages are built."""

from __future__ import annotations

import importlib.util
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import pytest
import typer
from stampbench.bench.cli import main

PROJECT = Path(__file__).parents[2]
PAGES = sorted(path for path in (PROJECT / "docs").rglob("*.md"))
TEXTS = [PROJECT / "README.md", *PAGES]
NOTE = r"(?:^<!-- (?P<note>.+?) -->\n)?"
FENCE = re.compile(
    NOTE + r"^```(?P<kind>\w+)(?: title=\"(?P<title>[^\"]+)\")?\n(?P<text>.*?)^```", re.M | re.S
)
PLACEHOLDER = re.compile(r"[A-Z]{3,}|\.\.\.")
STATUS = re.compile(r"ends with status (\d+)")


@dataclass(frozen=True)
class Block:
    """A block of code on a page; a note before it says why it is only read, or how it ends."""

    kind: str
    title: str | None
    text: str
    note: str

    @property
    def commands(self) -> list[list[str]]:
        lines = (line.partition(" #")[0].strip() for line in self.text.splitlines())
        return [shlex.split(line) for line in lines if line.startswith("stampbench ")]

    @property
    def runs(self) -> bool:
        return not self.note or STATUS.match(self.note) is not None


def blocks(page: Path) -> Iterator[Block]:
    for found in FENCE.finditer(page.read_text(encoding="utf-8")):
        yield Block(found["kind"], found["title"], found["text"], found["note"] or "")


def commands_of(page: Path) -> Iterator[list[str]]:
    """Yield every command of a page, of blocks and between the lines."""
    text = page.read_text(encoding="utf-8")
    for block in blocks(page):
        yield from block.commands
    for inline in re.findall(r"`(stampbench [^`\n]+)`", FENCE.sub("", text)):
        if not inline.endswith(".*"):
            yield shlex.split(inline.replace("|", " ").replace("[", "").replace("]", ""))


@pytest.fixture(scope="module")
def commands() -> click.Group:
    main._register_commands()
    return typer.main.get_command(main.app)


@pytest.mark.parametrize("page", TEXTS, ids=lambda page: page.relative_to(PROJECT).as_posix())
def test_every_command_of_a_page_is_one_that_the_command_line_takes(page, commands):
    for _, *arguments in commands_of(page):
        if arguments == ["--help"]:
            continue
        command, context = commands, None
        while hasattr(command, "commands") and arguments and arguments[0] in command.commands:
            context = click.Context(command, parent=context, info_name=command.name)
            command = command.commands[arguments.pop(0)]
        options = {option for param in command.params for option in (*param.opts, *param.secondary_opts)}
        if any(PLACEHOLDER.search(word) for word in arguments):
            unknown = {word.partition("=")[0] for word in arguments if re.match("--?[a-z]", word)} - options
            assert not unknown, f"{page.name}: {command.name}: {unknown}"
        elif arguments:
            command.make_context(command.name, list(arguments), parent=context, resilient_parsing=False)


@pytest.mark.parametrize(
    "page",
    [
        page
        for page in PAGES
        if any(block.runs and (block.commands or block.kind == "python") for block in blocks(page))
    ],
    ids=lambda page: page.relative_to(PROJECT).as_posix(),
)
def test_the_blocks_of_a_page_run_one_after_the_other(page, tmp_path):
    command = Path(sys.executable).with_name("stampbench")
    for block in blocks(page):
        if block.title is not None:
            (tmp_path / block.title).write_text(block.text, encoding="utf-8")
        if not block.runs:
            continue
        status = STATUS.match(block.note)
        for arguments in block.commands:
            ended = in_folder(tmp_path, command, *arguments[1:])
            assert ended.returncode == (int(status[1]) if status else 0), (arguments, ended.stderr)
        if block.kind == "python":
            how = ("-m", "pytest", "-q", block.title) if "def test_" in block.text else ("-c", block.text)
            done = in_folder(tmp_path, sys.executable, *map(str, how))
            assert done.returncode == 0, done.stdout + done.stderr


def in_folder(folder: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, cwd=folder, capture_output=True, check=False, text=True)


def test_the_pages_are_built_without_a_warning(tmp_path):
    if importlib.util.find_spec("mkdocs") is None:
        pytest.skip("mkdocs is not installed (extra docs)")
    site = tmp_path / "site"
    built = in_folder(PROJECT, sys.executable, "-m", "mkdocs", "build", "--strict", "-q", "-d", site)
    assert built.returncode == 0, built.stdout + built.stderr
    assert "<code>bench_faults</code>" in (site / "reference/plans/index.html").read_text(encoding="utf-8")
