"""The cache of compiled kernels follows the source of all kernels."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numba
import pytest

SHOW = (
    "import os, firmware_emulator.kernels as k; k._set_cache_folder(); print(os.environ['NUMBA_CACHE_DIR'])"
)
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


def test_cache_lies_in_the_folder_the_user_chose(tmp_path):
    folder = folder_of_a_new_process(tmp_path)
    assert folder.parent == tmp_path
    assert folder.is_dir()


def test_child_process_uses_the_folder_of_its_parent(tmp_path):
    folder = folder_of_a_new_process(tmp_path)
    assert folder_of_a_new_process(folder) == folder


def test_source_of_any_kernel_changes_the_folder(tmp_path, monkeypatch):
    from firmware_emulator import kernels

    package = tmp_path / "sim"
    package.mkdir()
    (package / "plain.py").write_text("x = 1\n")
    (package / "field.py").write_text("@kernel\ndef f(): ...\n")
    monkeypatch.setattr(kernels, "__file__", str(tmp_path / "firmware_emulator" / "kernels.py"))
    before = kernels._source_digest()
    (package / "plain.py").write_text("x = 2\n")
    assert kernels._source_digest() == before
    (package / "field.py").write_text("@kernel\ndef f(): return 1\n")
    assert kernels._source_digest() != before


def test_few_folders_of_other_sources_stay(tmp_path):
    for number in range(9):
        folder = tmp_path / f"kernels-{number:012}"
        folder.mkdir()
        os.utime(folder, (number, number))
    newest = folder_of_a_new_process(tmp_path)
    assert {folder.name for folder in tmp_path.iterdir()} == {
        newest.name,
        *(f"kernels-{n:012}" for n in (5, 6, 7, 8)),
    }


@pytest.mark.skipif(WITHOUT_JIT, reason="nothing is compiled with NUMBA_DISABLE_JIT=1")
def test_kernel_is_compiled():
    from firmware_emulator.kernels import kernel

    twice = kernel(_twice)
    assert twice(21) == 42
    assert twice.signatures


def _twice(x):
    return 2 * x
