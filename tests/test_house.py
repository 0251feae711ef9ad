"""The house: imports point down and in no circle, and every module is reached by a door.

A door is a command, the pytest plugin, or a public name. What follows is read from the source alone.
"""

from __future__ import annotations

import ast
import functools
import graphlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
FLOORS = ("bench", "sim", "firmware_emulator")
"""From the top down."""
DOORS = ("stampbench", "stampbench.service", "stampbench.bench.cli.main", "stampbench.bench.pytest.plugin")
RUN_BY_ALEMBIC = "stampbench.sim.service.migrations."
SLOW_TWIN = "reference"
"""Modules of this name hold the plain twin of a fast path, which tests compare with it."""


@functools.cache
def modules() -> dict[str, ast.Module]:
    """Return every module of the package, parsed, by its name."""
    found = {
        "stampbench": PROJECT / "stampbench/__init__.py",
        "stampbench.service": PROJECT / "stampbench/service.py",
    }
    for floor in FLOORS:
        for file in (PROJECT / floor).rglob("*.py"):
            parts = file.relative_to(PROJECT).with_suffix("").parts
            found["stampbench." + ".".join(parts).removesuffix(".__init__")] = file
    return {name: ast.parse(file.read_text(encoding="utf-8")) for name, file in found.items()}


def home(name: str) -> str | None:
    """Return the module that a dotted name is, or stands in."""
    while name and name not in modules():
        name = name.rpartition(".")[0]
    return name or None


def imported(nodes: Iterator[ast.AST]) -> Iterator[str]:
    """Yield the dotted names that import statements ask for."""
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def outside_functions(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what is imported with a module, and what its types need."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield child
            yield from outside_functions(child)


def named_in_text(module: str, tree: ast.Module) -> Iterator[str]:
    """Yield the modules that a module loads by name or starts by file."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value.partition(":")[0]
            if text.startswith("stampbench.") and text.endswith("."):  # the beginning of an f-string
                yield from (name for name in modules() if name.rpartition(".")[0] == text[:-1])
            elif text.startswith("stampbench."):
                yield text
            elif text.endswith(".py"):
                yield f"{module.rpartition('.')[0]}.{text[:-3]}"


def floor_of(name: str) -> int:
    """Return the place of a module's floor from the top; -1 for the public names above them."""
    parts = name.split(".")
    return FLOORS.index(parts[1]) if len(parts) > 1 and parts[1] in FLOORS else -1


def test_imports_point_down() -> None:
    upward = [
        f"{module} imports {name}"
        for module, tree in modules().items()
        for name in imported(ast.walk(tree))
        if name.startswith("stampbench.") and floor_of(name) < floor_of(module)
    ]
    assert upward == []


def test_no_import_goes_in_a_circle_not_even_for_types() -> None:
    needs: dict[str, set[str]] = {}
    for module, tree in modules().items():
        homes = {home(name) for name in imported(outside_functions(tree))}
        # A package is always imported before what it holds.
        needs[module] = {
            name for name in homes if name and name != module and not module.startswith(f"{name}.")
        }
    graphlib.TopologicalSorter(needs).prepare()


def test_every_module_is_reached_by_a_door() -> None:
    reached: set[str] = set()
    coming = [*DOORS, *(name for name in modules() if name.startswith(RUN_BY_ALEMBIC))]
    while coming:
        module = home(coming.pop())
        if module is not None and module not in reached:
            reached.add(module)
            tree = modules()[module]
            coming += [*imported(ast.walk(tree)), *named_in_text(module, tree), module.rpartition(".")[0]]
    behind_no_door = sorted(name for name in modules().keys() - reached if not name.endswith(SLOW_TWIN))
    assert behind_no_door == []


def steps_to_follow() -> list[tuple[str, str]]:
    """File and function of every step of a press that CONTRIBUTING lists."""
    text = (PROJECT / "CONTRIBUTING.md").read_text("utf-8")
    rows = re.findall(r"^\| `([\w/]+\.py)` \| (`.+?`) \|", text, re.MULTILINE)
    return [(path, name) for path, names in rows for name in re.findall(r"`([\w.]+)`", names)]


@pytest.mark.parametrize(("path", "name"), steps_to_follow())
def test_a_press_is_followed_through_functions_that_are_there(path: str, name: str) -> None:
    nodes = ast.parse((PROJECT / path).read_text("utf-8")).body
    for part in name.split("."):
        found = [n for n in nodes if isinstance(n, ast.ClassDef | ast.FunctionDef) and n.name == part]
        assert found, f"{path}: no {name}"
        nodes = found[0].body
