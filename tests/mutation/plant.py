"""Plant small faults in the modules that decide, one at a time, and see whether the tests beside them notice.

    python tests/mutation/plant.py --minutes 10              # what differs from the branch main
    python tests/mutation/plant.py --all --minutes 600       # everything, overnight
    python tests/mutation/plant.py firmware_emulator/link    # one room

Faults are cosmic-ray's, and two of our own: a number 10 % off, and a call left out. The modules, and their
tests where these do not mirror them by name, stand in pyproject.toml under [tool.faults]; faults that change
nothing, with the reason, in equivalent.toml beside this file. Each worker plants in a copy of the checkout,
and kernels run plain (NUMBA_DISABLE_JIT=1). Exit status 1 if a fault was not noticed.
"""

from __future__ import annotations

import argparse
import difflib
import itertools
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any, NamedTuple

import parso
import parso.tree
from cosmic_ray.ast import is_number
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.operator import Operator
from cosmic_ray.operators.provider import OperatorProvider

PROJECT = Path(__file__).parents[2]
SETTINGS = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["faults"]
EQUIVALENT = {
    (known["module"], known["before"], known["after"])
    for known in tomllib.loads(Path(__file__).with_name("equivalent.toml").read_text())["fault"]
}
TIMES = 1.1


class ScaleNumber(Operator):
    """A number 10 % off."""

    def mutation_positions(self, node: Any) -> Iterator[tuple[Any, Any]]:
        """Yield where there is a number that 10 % change."""
        if is_number(node) and "." in node.value and float(node.value):
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        """Return the number 10 % off."""
        return parso.python.tree.Number(f" {TIMES * float(node.value)!r}", node.start_pos)

    @classmethod
    def examples(cls) -> tuple[()]:
        """Return none."""
        return ()


class LeaveOutCall(Operator):
    """A statement that only calls something, left out."""

    def mutation_positions(self, node: Any) -> Iterator[tuple[Any, Any]]:
        """Yield where such a statement stands."""
        if node.type == "simple_stmt" and node.children[0].type in ("atom_expr", "await_expr"):
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        """Return a statement that does nothing."""
        node.children[0] = parso.python.tree.Name(
            "pass", node.start_pos, node.children[0].get_first_leaf().prefix
        )
        return node

    @classmethod
    def examples(cls) -> tuple[()]:
        """Return none."""
        return ()


class Fault(NamedTuple):
    """One fault: the module with it, and the line before and after."""

    module: str
    mutated: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.module}\n    - {self.before}\n    + {self.after}"


def operators() -> list[Operator]:
    """Return the kinds of faults."""
    provider = OperatorProvider()
    return [*(provider[name]() for name in SETTINGS["operators"]), ScaleNumber(), LeaveOutCall()]


def faults_of(module: str) -> Iterator[Fault]:
    """Yield every fault that can be planted in a module, but those that are known to change nothing."""
    code = (PROJECT / module).read_text(encoding="utf-8")
    seen = {code}
    for operator in operators():
        for occurrence in itertools.count():
            mutated = mutate_code(code, operator, occurrence)
            if mutated is None:
                break
            if mutated not in seen:
                seen.add(mutated)
                fault = Fault(module, mutated, *_changed(code, mutated))
                if (fault.module, fault.before, fault.after) not in EQUIVALENT:
                    yield fault


def _changed(code: str, mutated: str) -> tuple[str, str]:
    """Return the lines that differ, before and after."""
    lines = list(difflib.unified_diff(code.splitlines(), mutated.splitlines(), n=0, lineterm=""))[2:]
    before, after = (" ".join(line[1:].strip() for line in lines if line[0] == sign) for sign in "-+")
    return before, after


def tests_of(module: str) -> list[str]:
    """Return the tests that mirror a module: those in the settings, of its name, or of its folder."""
    for place in (Path(module), *Path(module).parents):
        if place.as_posix() in SETTINGS["tests"]:
            return list(SETTINGS["tests"][place.as_posix()])
    file = PROJECT / "tests" / Path(module).with_name(f"test_{Path(module).name}")
    mirror = file if file.exists() else file.parent
    if not mirror.exists():
        sys.exit(
            f"{module}: no tests at {mirror}: expected them named in pyproject.toml, [tool.faults.tests]"
        )
    return [str(mirror.relative_to(PROJECT))]


def modules_of(rooms: list[str]) -> list[str]:
    """Return the modules of rooms, or of files."""
    found = [
        file
        for room in rooms
        for file in ([PROJECT / room] if room.endswith(".py") else (PROJECT / room).rglob("*.py"))
    ]
    return sorted({str(file.relative_to(PROJECT)) for file in found if file.name != "__init__.py"})


def changed_files() -> set[str]:
    """Return the files that differ from the branch main."""
    done = subprocess.run(
        ["git", "diff", "--name-only", "main"], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    return set(done.stdout.splitlines())


def copy_checkout(folder: Path) -> Path:
    """Copy what git knows of the checkout, as it stands now."""
    done = subprocess.run(["git", "ls-files", "-z"], cwd=PROJECT, capture_output=True, text=True, check=True)
    for name in filter(None, done.stdout.split("\0")):
        if (PROJECT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(PROJECT / name, folder / name)
    return folder


def is_noticed(fault: Fault, checkout: Path, timeout_s: float) -> bool:
    """Plant a fault in a copy of the checkout, and return whether a test fails or does not end."""
    file = checkout / fault.module
    sound = file.read_text(encoding="utf-8")
    file.write_text(fault.mutated, encoding="utf-8")
    environment = {"NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(checkout), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-x",
        "-n",
        "0",
        "-p",
        "no:cacheprovider",
        "-m",
        "not slow",
    ]
    try:
        done = subprocess.run(
            [*command, *tests_of(fault.module)],
            cwd=checkout,
            env=os.environ | environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=timeout_s,
        )
        if done.returncode in (4, 5):  # pytest's: it was called wrongly, or there was no test
            sys.exit(f"{fault.module}: no tests were run: {', '.join(tests_of(fault.module))}")
        return done.returncode != 0
    except subprocess.TimeoutExpired:
        return True
    finally:
        file.write_text(sound, encoding="utf-8")


def main() -> int:
    """Plant until the faults or the minutes are used up; print what was not noticed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("rooms", nargs="*", help="folders or files; default: those that differ from main")
    parser.add_argument("--all", action="store_true", help="all modules of pyproject.toml")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seed", type=int, default=0, help="of the order in which faults are planted")
    given = parser.parse_args()
    modules = modules_of(given.rooms or SETTINGS["modules"])
    if not (given.rooms or given.all):
        modules = sorted(changed_files() & set(modules))
    faults = [fault for module in modules if tests_of(module) for fault in faults_of(module)]
    random.Random(given.seed).shuffle(faults)
    end = time.monotonic() + 60.0 * given.minutes
    planted: list[tuple[Fault, bool]] = []

    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(given.workers) as pool:
        copies: SimpleQueue[Path] = SimpleQueue()
        for number in range(given.workers):
            copies.put(copy_checkout(Path(scratch) / str(number)))

        def plant(fault: Fault) -> None:
            if time.monotonic() < end:
                checkout = copies.get()
                noticed = is_noticed(fault, checkout, SETTINGS["timeout_s"])
                copies.put(checkout)
                planted.append((fault, noticed))
                if not noticed:
                    print(f"not noticed: {fault}", flush=True)

        list(pool.map(plant, faults))
    missed = sum(not noticed for _, noticed in planted)
    print(f"{len(planted)} of {len(faults)} faults planted in {len(modules)} modules, {missed} not noticed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
