"""How kernels are compiled and cached.

Numba's own cache asks only whether the file that holds a kernel has changed, not the files of the kernels
and constants it uses: an update of one stage could leave the old one running inside a kernel compiled before.
So each module's kernels lie in a folder named after the source of the module and of all that it imports.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import numba
import platformdirs

F = TypeVar("F", bound=Callable[..., Any])

_ROOT: Final = Path(__file__).parents[1]
_IMPORT: Final = re.compile(
    rb"^\s*(?:from\s+(?:stampbench\.)?((?:firmware_emulator|sim|bench)[\w.]*)\s+import\s+(\([^)]*\)|[^\n]*)"
    rb"|import\s+(?:stampbench\.)?((?:firmware_emulator|sim|bench)[\w.]*))",
    re.MULTILINE,
)
_PREFIX: Final = "kernels-"
_KEPT_DAYS: Final = 30
"""How long a folder that no process has used stays."""


def kernel(function: F) -> F:
    """Compile a function at its first call, to run without the interpreter's lock, and keep the code."""
    numba.config.CACHE_DIR = _cache_folder(Path(inspect.getfile(function)))  # type: ignore[attr-defined]
    return cast("F", numba.njit(cache=True, nogil=True)(function))


@functools.cache
def _cache_folder(module: Path) -> str:
    """Return the folder for the kernels of one module as its source is now."""
    folder = _parent() / f"{_PREFIX}{_source_digest(module, _ROOT)}"
    folder.mkdir(exist_ok=True)
    os.utime(folder)
    return str(folder)


@functools.cache
def _parent() -> Path:
    """Return the user's folder for kernels; a temporary one where the user's home cannot be written."""
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    parent = Path(chosen) if chosen else platformdirs.user_cache_path("stampbench") / "numba"
    try:
        parent.mkdir(parents=True, exist_ok=True)
        _remove_unused(parent)
    except OSError:
        parent = Path(tempfile.mkdtemp(prefix="stampbench-"))
    os.environ["NUMBA_CACHE_DIR"] = str(parent)  # for child processes
    return parent


def _source_digest(module: Path, root: Path) -> str:
    """Return twelve hex digits that differ when the module, or anything of ours that it imports, does."""
    digest = hashlib.sha256()
    reached, waiting = {module}, [module]
    while waiting:
        for imported in _imports(waiting.pop(), root):
            if imported not in reached:
                reached.add(imported)
                waiting.append(imported)
    for path in sorted(reached):
        digest.update(str(path).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


@functools.cache
def _imports(module: Path, root: Path) -> tuple[Path, ...]:
    """Return the files of our packages that a module names in its import statements."""
    return tuple(
        path
        for source, names, plain in _IMPORT.findall(module.read_bytes())
        for path in _files_of(source or plain, names, root)
    )


def _files_of(source: bytes, names: bytes, root: Path) -> Iterator[Path]:
    folder = root.joinpath(*source.decode().split("."))
    submodules = [folder / f"{name.decode()}.py" for name in re.findall(rb"\w+", names)]
    for path in (folder.with_suffix(".py"), folder / "__init__.py", *submodules):
        if path.is_file():
            yield path


def _remove_unused(parent: Path) -> None:
    oldest = time.time() - _KEPT_DAYS * 86_400
    for folder in parent.glob(f"{_PREFIX}*"):
        if folder.stat().st_mtime < oldest:
            shutil.rmtree(folder, ignore_errors=True)
