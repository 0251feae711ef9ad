"""Long work in chunks whose results are kept as files: what is there after a kill is not done again.

Chunks are independent and joined in order, so that the result is the same for any number of workers.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from stampbench.sim.stamps.progress import Progress


def kept_chunks(
    stage: str,
    count: int,
    work: Callable[[int], npt.NDArray[Any]],
    folder: Path | None,
    workers: int,
    progress: Progress,
) -> list[npt.NDArray[Any]]:
    """Yield results of ``work`` for every chunk, in order; those that the folder has are read from it."""

    def chunk(k: int) -> npt.NDArray[Any]:
        return kept(f"{stage}-{k:02d}", lambda: work(k), folder)

    results = []
    with ThreadPoolExecutor(workers) as pool:
        for done, result in enumerate(pool.map(chunk, range(count)), start=1):
            progress(stage, done, count)
            results.append(result)
    return results


def kept(name: str, work: Callable[[], npt.NDArray[Any]], folder: Path | None) -> npt.NDArray[Any]:
    """Return the result of ``work``: from the folder, if it is there and whole, else done and put there."""
    path = folder / f"{name}.npy" if folder is not None else None
    if path is not None and path.exists():
        try:
            whole: npt.NDArray[Any] = np.load(path)
            return whole
        except (OSError, ValueError, EOFError):
            path.unlink()
    result = work()
    if path is not None:
        save_whole(path, result)
    return result


def save_whole(path: Path, array: npt.NDArray[Any]) -> None:
    """Write a ``.npy`` file that is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}.part")
    with part.open("wb") as file:
        np.save(file, array)
    part.replace(path)
