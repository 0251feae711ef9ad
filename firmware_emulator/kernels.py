"""How kernels are compiled and cached.

Numba's own cache asks only whether the file that holds a kernel has changed, not the files of the kernels
it calls: an update of one stage could leave the old one running inside a kernel compiled before. So the cache
lies in a folder named after the source of all kernels.
"""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import numba
import platformdirs

F = TypeVar("F", bound=Callable[..., Any])

_PACKAGES: Final = ("firmware_emulator", "sim", "bench")
_PREFIX: Final = "kernels-"
_KEPT: Final = 4
"""Folders of other sources, such as other versions, that stay."""


def kernel(function: F) -> F:
    """Compile a function at its first call, to run without the interpreter's lock, and keep the code."""
    _set_cache_folder()
    return cast("F", numba.njit(cache=True, nogil=True)(function))


@functools.cache
def _set_cache_folder() -> None:
    """Point Numba, here and in child processes, to the folder of this source."""
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    parent = Path(chosen) if chosen else platformdirs.user_cache_path("stampbench") / "numba"
    if parent.name.startswith(_PREFIX):  # inherited from the process that started this one
        parent = parent.parent
    name = f"{_PREFIX}{_source_digest()}"
    try:
        (parent / name).mkdir(parents=True)
        _remove_old(parent)
    except FileExistsError:
        pass
    except OSError:  # a home that cannot be written
        parent = Path(tempfile.mkdtemp(prefix="stampbench-"))
    os.environ["NUMBA_CACHE_DIR"] = numba.config.CACHE_DIR = str(parent / name)  # type: ignore[attr-defined]


def _source_digest() -> str:
    """Twelve hex digits that differ when any file with kernels does."""
    digest = hashlib.sha256()
    root = Path(__file__).parents[1]
    for package in _PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            source = path.read_bytes()
            if b"@kernel" in source:
                digest.update(path.relative_to(root).as_posix().encode() + b"\0" + source + b"\0")
    return digest.hexdigest()[:12]


def _remove_old(parent: Path) -> None:
    """Delete the folders that were made longest ago."""
    folders = sorted(parent.glob(f"{_PREFIX}*"), key=lambda folder: folder.stat().st_mtime, reverse=True)
    for folder in folders[1 + _KEPT :]:
        shutil.rmtree(folder, ignore_errors=True)
