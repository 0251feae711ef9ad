"""Recordings of raw frames, recognised by content: NumPy arrays, Muca serial captures, CapFingerId text."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from stampbench.firmware_emulator.errors import InputError

NPY_MAGIC: Final = b"\x93NUMPY"
MUCA_SHAPE: Final = (21, 12)
"""TX rows and RX columns of a Muca board (muca-board/Muca @ed49e56e): 252 decimals per line."""
CAPFINGERID_SHAPE: Final = (27, 15)
"""Nodes of the Nexus 5 in the CapFingerId data set (interactionlab/CapFingerId @6474f36)."""
CAPFINGERID_FIELDS: Final = 6
"""participant; handed; finger; task; -1; values."""
EXPECTED: Final = (
    "expected a .npy array (frames, rows, cols), Muca lines of 252 decimals, or CapFingerId lines "
    '"participant;handed;finger;task;-1;sec,nsec,v0,...,v404,"'
)


@dataclass(frozen=True, slots=True, eq=False)
class FrameRecording:
    """Raw frames of one file.

    Attributes:
        format: "npy", "muca" or "capfingerid".
        frames: counts as they stand in the file, shape (frames, rows, cols).
    """

    format: str
    frames: npt.NDArray[Any]


def read_frames(path: Path) -> FrameRecording:
    """Read a recording of raw frames.

    Raises:
        InputError: no such file, another format, or a line or an array that is cut short or not numeric.
    """
    try:
        with path.open("rb") as file:
            head = file.read(len(NPY_MAGIC))
            if head != NPY_MAGIC:
                content = head + file.read()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); {EXPECTED}") from error
    if head == NPY_MAGIC:
        return FrameRecording("npy", read_array(path, "frames, rows, cols"))
    if not content.strip():
        raise InputError(f"{path}: is empty; {EXPECTED}")
    try:
        lines = content.decode("ascii").splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: byte {error.start} is neither text nor NumPy; {EXPECTED}") from error
    numbered = [(number, line) for number, line in enumerate(lines, 1) if line.strip()]
    first = numbered[0][1]
    if first.count(";") == CAPFINGERID_FIELDS - 1:
        return FrameRecording(
            "capfingerid", _numbers(path, numbered, CAPFINGERID_SHAPE, lead=2, fields=CAPFINGERID_FIELDS)
        )
    if first.count(",") >= 2 and ";" not in first:
        return FrameRecording("muca", _numbers(path, numbered, MUCA_SHAPE, lead=0, fields=1))
    raise InputError(f"{path}:{numbered[0][0]}: {first[:40]!r} is no line of a known format; {EXPECTED}")


def read_array(path: Path, axes: str) -> npt.NDArray[Any]:
    """Map a .npy file of three axes, named by ``axes``, into memory.

    Raises:
        InputError: no such file, not a NumPy array, cut short, or not numbers of three axes.
    """
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror or error}); expected a .npy array ({axes})"
        ) from error
    except (ValueError, EOFError) as error:
        reason = str(error).partition("\n")[0]
        raise InputError(f"{path}: not a whole .npy array ({reason}); expected shape ({axes})") from error
    if (
        not isinstance(array, np.ndarray)
        or array.ndim != 3
        or array.dtype.kind not in "iufb"
        or array.size == 0
    ):
        found = (
            f"shape {array.shape}, type {array.dtype}" if isinstance(array, np.ndarray) else "several arrays"
        )
        raise InputError(f"{path}: {found}; expected numbers of shape ({axes})")
    return array


def _numbers(
    path: Path, numbered: list[tuple[int, str]], shape: tuple[int, int], *, lead: int, fields: int
) -> npt.NDArray[np.int32]:
    """Yield frames from the comma-separated integers that end each line, ``lead`` of them skipped."""
    count = shape[0] * shape[1]
    frames = np.empty((len(numbered), count), np.int32)
    for frame, (number, line) in zip(frames, numbered, strict=True):
        parts = line.split(";")
        values = parts[-1].strip().removesuffix(",").split(",")
        if len(parts) != fields or len(values) != lead + count:
            raise InputError(
                f"{path}:{number}: {len(parts)} fields, {len(values) - lead} values; is the line cut? "
                f"expected {fields} fields, {count} values ({shape[0]} x {shape[1]} nodes)"
            )
        try:
            frame[:] = [int(value) for value in values[lead:]]
        except (ValueError, OverflowError) as error:
            raise InputError(f"{path}:{number}: {error}; expected {count} decimal integers") from error
    return frames.reshape(-1, *shape)
