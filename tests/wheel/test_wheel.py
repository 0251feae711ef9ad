"""The wheel is whole, owns one name, and is what the tests of this suite import."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import Distribution
from pathlib import Path, PurePosixPath

import pytest

FLOORS = ("bench", "sim", "firmware_emulator")
TRAVELS = ("stampbench", *FLOORS, "fixtures/corpora", "fixtures/plans", "fixtures/lots", "fixtures/sweeps")
IMPORT_ALL = r"""
import importlib, pkgutil, sys, stampbench
for module in pkgutil.walk_packages(stampbench.__path__, "stampbench."):
    if ".migrations." not in module.name:
        importlib.import_module(module.name)
print("FILES", *(
    module.__file__
    for name, module in sys.modules.items()
    if name.split(".")[0] == "stampbench" and getattr(module, "__file__", None)
), sep="\n")
"""


def test_wheel_owns_one_name(wheel: Distribution) -> None:
    tops = {PurePosixPath(file).parts[0] for file in wheel.files or ()}
    owned = {top for top in tops if top != ".." and not top.endswith(".dist-info")}
    assert owned == {"stampbench"}


@pytest.mark.parametrize("folder", TRAVELS)
def test_every_file_of_the_checkout_travels(project: Path, installed: Path, folder: str) -> None:
    inside = installed if folder == "stampbench" else installed / folder
    files = [
        file for file in (project / folder).rglob("*") if file.is_file() and "__pycache__" not in file.parts
    ]
    missing = [
        str(file.relative_to(project))
        for file in files
        if not file.name.startswith(".") and not (inside / file.relative_to(project / folder)).is_file()
    ]
    assert files
    assert missing == []


def test_nothing_travels_that_is_not_in_the_checkout(project: Path, wheel: Distribution) -> None:
    ours = [PurePosixPath(file).parts[1:] for file in wheel.files or () if file.parts[0] == "stampbench"]
    strange = [
        "/".join(parts)
        for parts in ours
        if "__pycache__" not in parts
        and not ((project / "stampbench").joinpath(*parts).is_file() or project.joinpath(*parts).is_file())
    ]
    assert strange == []


@pytest.mark.slow
def test_command_started_in_the_checkout_imports_the_wheel(project: Path, installed: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL], cwd=project, capture_output=True, text=True, check=True
    )
    files = done.stdout.partition("FILES\n")[2].splitlines()
    assert len(files) > 400
    assert [file for file in files if not Path(file).is_relative_to(installed)] == []


def test_this_suite_imports_the_wheel(installed: Path) -> None:
    files = [
        module.__file__
        for name, module in list(sys.modules.items())
        if name.split(".")[0] == "stampbench" and getattr(module, "__file__", None)
    ]
    strange = [file for file in files if not Path(str(file)).is_relative_to(installed)]
    assert strange == [], "start the suite with the command `pytest`, not with `python -m pytest`"
