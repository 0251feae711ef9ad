"""Files of raw frames: NumPy arrays, and what boards and tools of others write; each is known by its content.

Opened as a recording, the emulated controller says what touches (see ``frame_contacts``).
:func:`read_frames` gives the frames themselves.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
from stampbench.bench.sources import iptsd
from stampbench.bench.sources.recording import RecordingLines, shown
from stampbench.firmware_emulator.errors import InputError
from stampbench.firmware_emulator.touch import Frame

if TYPE_CHECKING:
    from stampbench.sim.panel import Profile

Shape = tuple[int, int]
NPY_MAGIC: Final = b"\x93NUMPY"
MUCA_SHAPE: Final = (21, 12)
"""TX rows and RX columns of a Muca board (muca-board/Muca @ed49e56e): 252 decimals per line."""
CAPFINGERID_SHAPE: Final = (27, 15)
"""Nodes of the Nexus 5 in the CapFingerId data set (interactionlab/CapFingerId @6474f36)."""
CAPFINGERID_FIELDS: Final = 6
"""participant; handed; finger; task; -1; values."""
LEAST_NODES: Final = 50
"""A line with fewer numbers is no frame."""
EXPECTED: Final = (
    "expected a .npy array (frames, rows, cols), Muca lines of 252 decimals, CapFingerId lines "
    '"participant;handed;finger;task;-1;sec,nsec,v0,...,v404,", a dump of mxt-app or iptsd, or frames of '
    "v4l2-touch"
)
V4L2_MARK: Final = b"rdhV"
"""Ahead of each frame where ``v4l2-ctl --stream-to-hdr`` wrote it; its size follows, big endian."""
_MOST_BYTES: Final = 1 << 30
_PIECE_BYTES: Final = 1 << 20
_RAW_COUNTS: Final = 1000
"""Frames whose nodes rest above are no deltas."""
_MXT = re.compile(rb"\A(time,)?frame,x0y0_(delta|reference)16,", re.IGNORECASE)
_MXT_NODE = re.compile(r"X(\d{1,3})Y(\d{1,3})_(Delta|Reference)16", re.IGNORECASE)
_MXT_TIME = re.compile(r"(\d\d):(\d\d):(\d\d)[.:](\d{3})")
_DAY_US: Final = 86_400_000_000


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class FrameRecording:
    """Raw frames of one file.

    Attributes:
        format: by which it was read.
        frames: numbers as they stand in the file, shape (frames, rows, cols).
        falls: True where they are counts that fall under a touch, and the first frame is untouched.
        times_us: of the frames; None where the file tells none.
        size_mm: of the panel; None where the file tells none.
    """

    format: str
    frames: npt.NDArray[Any]
    falls: bool = False
    times_us: tuple[int, ...] | None = None
    size_mm: tuple[float, float] | None = None

    def in_time(self, interval_us: int, most: int | None = None) -> Iterator[Frame]:
        """Yield the frames as deltas, at their times or so far apart; ``most`` of them at most."""
        int16 = np.iinfo(np.int16)
        for number, frame in enumerate(self.frames[:most]):
            deltas = self.frames[0].astype(np.int64) - frame if self.falls else frame
            t_us = number * interval_us if self.times_us is None else self.times_us[number]
            yield Frame(t_us, np.clip(np.nan_to_num(deltas), int16.min, int16.max).astype(np.int16))


def read_frames(path: Path, nodes: Shape | None = None) -> FrameRecording:
    """Read a recording of raw frames.

    Args:
        path: of the file.
        nodes: TX and RX lines, where the format does not tell.

    Raises:
        InputError: no such file, another format, or a line or an array that is cut short or not numeric.
    """
    try:
        with path.open("rb") as file:
            lines = RecordingLines(str(path), file, nodes)
            head = file.peek(1 << 16)
            if head.startswith(NPY_MAGIC):
                return FrameRecording(format="npy", frames=read_array(path, "frames, rows, cols"))
            if not head.strip():
                raise InputError(f"{path}: is empty; {EXPECTED}")
            known = next((known for known in FRAME_FORMATS if known.recognises(head)), None)
            if known is None and nodes is not None:
                known = V4L2
            if known is not None:
                return known.read(lines)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); {EXPECTED}") from error
    if not head.isascii():
        raise InputError(f"{path}: is neither text nor NumPy; {EXPECTED}")
    first = shown(_first_line(head)[:40].decode().rstrip())
    raise InputError(f"{path}:1: {first} is no line of a known format; {EXPECTED}")


def holds_frames(path: Path) -> bool:
    """Return whether a file begins as a recording of raw frames does; False for what cannot be opened."""
    try:
        with path.open("rb") as file:
            head = file.read(4096)
    except OSError:
        return False
    return any(known.recognises(head) for known in FRAME_FORMATS)


def read_array(path: Path, axes: str) -> npt.NDArray[Any]:
    """Map a .npy file of three axes, named by ``axes``, into memory.

    Raises:
        InputError: no such file, not a NumPy array, cut short, or not numbers of three axes.
    """
    return _array(str(path), axes, lambda: np.load(path, mmap_mode="r", allow_pickle=False))


def profile_with(rows: int, cols: int) -> Profile | None:
    """Return the first profile with as many nodes; None if there is none."""
    from stampbench.sim.panel import load_profile, profile_names

    profiles = (load_profile(name) for name in profile_names())
    return next((p for p in profiles if (p.grid.rows, p.grid.cols) == (rows, cols)), None)


@dataclass(frozen=True, slots=True)
class FrameFormat:
    """One format of raw frames: how it is recognised, and how it is read.

    Attributes:
        name: as it stands in summaries.
        recognises: says from the first bytes whether it is that.
        read: all frames; raises InputError.
    """

    name: str
    recognises: Callable[[bytes], bool]
    read: Callable[[RecordingLines], FrameRecording]


def _content(lines: RecordingLines) -> bytes:
    content = bytearray()
    while piece := lines.stream.read(_PIECE_BYTES):  # a read takes the memory of what it asks for
        content += piece
        if len(content) > _MOST_BYTES:
            raise InputError(f"{lines.name}: more than {_MOST_BYTES} bytes; expected a shorter recording")
    return bytes(content)


def _shape(lines: RecordingLines, count: int) -> Shape:
    """Return rows and columns of so many nodes: as told, or as one of the known panels has them."""
    if lines.nodes is not None:
        if lines.nodes[0] * lines.nodes[1] != count:
            rows, cols = lines.nodes
            raise InputError(f"{lines.name}: {count} nodes, --nodes {rows}x{cols}: expected {rows * cols}")
        return lines.nodes
    from stampbench.sim.panel import load_profile, profile_names

    known = {(profile.grid.rows, profile.grid.cols) for profile in map(load_profile, profile_names())} | {
        MUCA_SHAPE
    }
    shapes = [shape for shape in known if shape[0] * shape[1] == count]
    if len(shapes) != 1:
        raise InputError(f"{lines.name}: frames of {count} nodes: expected --nodes ROWSxCOLUMNS with it")
    return shapes[0]


def _array(name: str, axes: str, load: Callable[[], Any]) -> npt.NDArray[Any]:
    try:
        array = load()
    except OSError as error:
        raise InputError(
            f"{name}: cannot be read ({error.strerror or error}); expected a .npy array ({axes})"
        ) from error
    except Exception as error:  # whatever NumPy's reader of headers stumbles over
        reason = str(error).partition("\n")[0]
        raise InputError(f"{name}: not a whole .npy array ({reason}); expected shape ({axes})") from error
    if (
        not isinstance(array, np.ndarray)
        or array.ndim != 3
        or array.dtype.kind not in "iufb"
        or array.size == 0
    ):
        found = (
            f"shape {array.shape}, type {array.dtype}" if isinstance(array, np.ndarray) else "several arrays"
        )
        raise InputError(f"{name}: {found}; expected numbers of shape ({axes})")
    return array


def _read_npy(lines: RecordingLines) -> FrameRecording:
    content = _content(lines)

    def load() -> Any:
        # The header may promise more than there is: what it asks for is checked before it is taken.
        file = io.BytesIO(content)
        npy = np.lib.format
        old = npy.read_magic(file) == (1, 0)
        shape, _, dtype = (npy.read_array_header_1_0 if old else npy.read_array_header_2_0)(file)
        if int(np.prod(shape, dtype=object)) * dtype.itemsize > len(content):
            raise ValueError(f"{len(content)} bytes cannot hold shape {shape}")
        return np.load(io.BytesIO(content), allow_pickle=False)

    return FrameRecording(format="npy", frames=_array(lines.name, "frames, rows, cols", load))


def _read_muca(lines: RecordingLines) -> FrameRecording:
    rows = list(_number_lines(lines))
    if not rows:
        raise InputError(f"{lines.name}: holds no frames; {EXPECTED}")
    count = rows[0][1].count(",") + 1
    shape = _shape(lines, count)
    frames = _numbers(lines, rows, shape, lead=0, fields=1)
    return FrameRecording(format="muca", frames=frames, falls=bool(frames.min() >= 0))


def _read_capfingerid(lines: RecordingLines) -> FrameRecording:
    rows = list(_number_lines(lines))
    frames = _numbers(lines, rows, CAPFINGERID_SHAPE, lead=2, fields=CAPFINGERID_FIELDS)
    return FrameRecording(format="capfingerid", frames=frames)


def _number_lines(lines: RecordingLines) -> Iterator[tuple[int, str]]:
    for line in lines:
        text = line.strip().removesuffix(",")
        if text:
            yield lines.number, text


def _numbers(
    lines: RecordingLines, rows: list[tuple[int, str]], shape: Shape, *, lead: int, fields: int
) -> npt.NDArray[np.int32]:
    """Return frames from the comma-separated integers that end each line, ``lead`` of them skipped."""
    count = shape[0] * shape[1]
    frames = np.empty((len(rows), count), np.int32)
    for frame, (number, line) in zip(frames, rows, strict=True):
        parts = line.split(";")
        values = parts[-1].strip().removesuffix(",").split(",")
        if len(parts) != fields or len(values) != lead + count:
            raise InputError(
                f"{lines.name}:{number}: {len(parts)} fields, {len(values) - lead} values; is the line cut? "
                f"expected {fields} fields, {count} values ({shape[0]} x {shape[1]} nodes)"
            )
        try:
            frame[:] = [int(value) for value in values[lead:]]
        except (ValueError, OverflowError) as error:
            raise InputError(f"{lines.name}:{number}: {error}; expected {count} decimal integers") from error
    return frames.reshape(-1, *shape)


def _read_mxt(lines: RecordingLines) -> FrameRecording:
    """Read what ``mxt-app --debug-dump`` writes: a line that names the nodes, then a line a frame.

    Each has the time of day, the frame's number, and the nodes X line by X line (source: mxt-app,
    diagnostic_data.c). X lines are driven, so they are the rows.
    """
    names = [name for name in next(lines, "").split(",") if name.upper().startswith("X")]
    last = _MXT_NODE.fullmatch(names[-1]) if names else None
    if last is None:
        raise lines.wrong("no names of nodes", "X0Y0_Delta16, X0Y1_Delta16, ...")
    if last[3].lower() != "delta":
        raise lines.wrong("a dump of references, which show no touch", "a dump of deltas")
    shape = int(last[1]) + 1, int(last[2]) + 1
    if shape[0] * shape[1] != len(names):
        raise lines.wrong(f"{len(names)} names, the last {names[-1]}", f"{shape[0] * shape[1]} names")
    frames: list[npt.NDArray[np.int16]] = []
    times_us: list[int] = []
    for line in lines:
        if not line.strip():
            continue
        cells = line.strip().removesuffix(",").split(",")
        at = _MXT_TIME.match(cells[0])
        values = cells[2 if at else 1 :]
        if len(values) != len(names):
            raise lines.wrong(f"{len(values)} values", f"{len(names)} ({shape[0]} x {shape[1]} nodes)")
        try:
            frames.append(np.array([int(value) for value in values], np.int16).reshape(shape))
        except (ValueError, OverflowError) as error:
            raise lines.wrong(str(error), "decimal integers of 16 bits") from None
        if at is not None:
            hours, minutes, seconds, thousandths = map(int, at.groups())
            t_us = ((hours * 60 + minutes) * 60 + seconds) * 1_000_000 + thousandths * 1000
            if times_us and t_us < times_us[-1] % _DAY_US:
                t_us += _DAY_US
            times_us.append(times_us[-1] // _DAY_US * _DAY_US + t_us if times_us else t_us)
    if not frames:
        raise InputError(f"{lines.name}: holds no frames; expected a line for each")
    told = tuple(times_us) if len(times_us) == len(frames) else None
    return FrameRecording(format="mxt-app", frames=np.stack(frames), times_us=told)


def _read_iptsd(lines: RecordingLines) -> FrameRecording:
    heatmaps = iptsd.heatmaps(lines.name, _content(lines))
    return FrameRecording(
        format="iptsd", frames=heatmaps.deltas, times_us=heatmaps.times_us, size_mm=heatmaps.size_mm
    )


def _read_v4l2(lines: RecordingLines) -> FrameRecording:
    """Read frames of a v4l2-touch device: TD16, TU16, TD08 or TU08 (kernel, pixfmt-tch pages), little endian.

    How wide a number is, and whether it is a delta or a count, the numbers tell: high bytes hardly differ,
    deltas rest near 0.
    """
    content = _content(lines)
    if content.startswith(V4L2_MARK):
        content, size = _unwrapped(lines.name, content)
    elif lines.nodes is not None:
        size = lines.nodes[0] * lines.nodes[1] * (2 if _is_wide(content) else 1)
    else:
        raise InputError(f"{lines.name}: frames without a mark: expected --nodes ROWSxCOLUMNS with it")
    wide = size % 2 == 0 and _is_wide(content)
    shape = _shape(lines, size // 2 if wide else size)
    if not content or len(content) % size:
        raise InputError(
            f"{lines.name}: {len(content)} bytes are no whole frames of {size} ({shape[0]} x {shape[1]} "
            "nodes); is --nodes right?"
        )
    dtype = np.dtype("<i2" if wide else "i1")
    frames = np.frombuffer(content, dtype).reshape(-1, *shape)
    if np.abs(np.median(frames[0])) > (_RAW_COUNTS if wide else 32):
        frames = frames.view("<u2" if wide else "u1")
        return FrameRecording(format="v4l2-touch", frames=frames.astype(np.int32), falls=True)
    return FrameRecording(format="v4l2-touch", frames=frames)


def _unwrapped(name: str, content: bytes) -> tuple[bytes, int]:
    """Return the frames that stand behind marks, and the size of each."""
    pieces, at, size = [], 0, 0
    while at < len(content):
        mark, length = content[at : at + 4], int.from_bytes(content[at + 4 : at + 8], "big")
        piece = content[at + 8 : at + 8 + length]
        if mark != V4L2_MARK or len(piece) != length or length == 0 or (size and length != size):
            raise InputError(f"{name}: byte {at}: no whole frame; expected Vhdr, a size, and as many bytes")
        size, at = length, at + 8 + length
        pieces.append(piece)
    return b"".join(pieces), size


def _is_wide(content: bytes) -> bool:
    pairs = np.frombuffer(content[: len(content) // 2 * 2][: 1 << 20], np.int8).reshape(-1, 2)
    return len(pairs) > 0 and float(pairs[:, 1].std()) < 0.5 * float(pairs[:, 0].std())


def _first_line(head: bytes) -> bytes:
    return head.lstrip().partition(b"\n")[0]


V4L2 = FrameFormat("v4l2-touch", lambda head: head.startswith(V4L2_MARK), _read_v4l2)
FRAME_FORMATS: Final = (
    FrameFormat("npy", lambda head: head.startswith(NPY_MAGIC), _read_npy),
    FrameFormat("mxt-app", lambda head: _MXT.match(head) is not None, _read_mxt),
    FrameFormat(
        "capfingerid",
        lambda head: _first_line(head).count(b";") == CAPFINGERID_FIELDS - 1,
        _read_capfingerid,
    ),
    FrameFormat("muca", lambda head: _first_line(head).count(b",") >= LEAST_NODES - 1, _read_muca),
    FrameFormat("iptsd", iptsd.recognises, _read_iptsd),
    V4L2,
)
