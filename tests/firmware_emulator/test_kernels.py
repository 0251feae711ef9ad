"""The cache of compiled kernels follows the source they were compiled from."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numba
import pytest
from stampbench.firmware_emulator import kernels

SHOW = "import numba, stampbench.firmware_emulator.controller.filters; print(numba.config.CACHE_DIR)"
WITHOUT_JIT = bool(numba.config.DISABLE_JIT)


def folder_of_a_new_process(cache: Path) -> Path:
    done = subprocess.run(
        [sys.executable, "-c", SHOW],
        env=os.environ | {"NUMBA_CACHE_DIR": str(cache)},
        capture_output=True,
        text=True,
        check=True,
    )
    return Path(done.stdout.strip())


@pytest.fixture
def project_of_three_files(tmp_path):
    package = tmp_path / "sim"
    package.mkdir()
    (package / "field.py").write_text("from stampbench.sim.size import (\n    SIZE,\n)\n")
    (package / "size.py").write_text("SIZE = 1\n")
    (package / "other.py").write_text("x = 1\n")
    kernels._imports.cache_clear()
    yield package
    kernels._imports.cache_clear()


def test_cache_lies_in_the_folder_the_user_chose(tmp_path):
    folder = folder_of_a_new_process(tmp_path)
    assert folder.parent == tmp_path
    assert folder.is_dir()


def test_second_process_uses_the_folder_of_the_first(tmp_path):
    assert folder_of_a_new_process(tmp_path) == folder_of_a_new_process(tmp_path)


@pytest.mark.parametrize("changed", ["field", "size"])
def test_change_of_a_module_or_of_what_it_imports_changes_the_folder(project_of_three_files, changed):
    before = kernels._source_digest(project_of_three_files / "field.py", project_of_three_files.parent)
    (project_of_three_files / f"{changed}.py").write_text("from stampbench.sim.size import SIZE\nSIZE = 2\n")
    assert (
        kernels._source_digest(project_of_three_files / "field.py", project_of_three_files.parent) != before
    )


def test_change_of_another_module_keeps_the_folder(project_of_three_files):
    before = kernels._source_digest(project_of_three_files / "field.py", project_of_three_files.parent)
    (project_of_three_files / "other.py").write_text("x = 2\n")
    assert (
        kernels._source_digest(project_of_three_files / "field.py", project_of_three_files.parent) == before
    )


def test_folder_that_no_process_used_for_long_is_removed(tmp_path):
    for name in ("kernels-old", "kernels-new"):
        (tmp_path / name).mkdir()
    os.utime(tmp_path / "kernels-old", (0, 0))
    folder_of_a_new_process(tmp_path)
    assert not (tmp_path / "kernels-old").exists()
    assert (tmp_path / "kernels-new").exists()


@pytest.mark.skipif(WITHOUT_JIT, reason="nothing is compiled with NUMBA_DISABLE_JIT=1")
def test_kernel_is_compiled():
    twice = kernels.kernel(_twice)
    assert twice(21) == 42
    assert twice.signatures


def _twice(x):
    return 2 * x
