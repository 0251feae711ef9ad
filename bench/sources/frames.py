"""Raw frames: recorded (NumPy arrays, Muca serial captures, CapFingerId text), and read as touch reports."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np
import numpy.typing as npt
from stampbench.bench.sources import capture
from stampbench.bench.sources.recording import Recording, RecordingLines, Ruler
from stampbench.bench.sources.recording_formats import open_recording
from stampbench.firmware_emulator.errors import InputError, LinkError
from stampbench.firmware_emulator.touch import Frame, TouchReport

if TYPE_CHECKING:
    from stampbench.sim.decoder import Decoder
    from stampbench.sim.decoder.frame_decoder import FrameDecoder
    from stampbench.sim.panel import Profile

_Report = TypeVar("_Report", TouchReport, TouchReport | None)

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


class ReportInput:
    """What stamps are read from: the contacts of a source, or those that the pads on its frames make.

    Args:
        decoder: reads the stamps.
        frames: whether from frames.
    """

    def __init__(self, decoder: Decoder, *, frames: bool) -> None:
        self._decoder = decoder
        self.frames = frames
        self._of_profile: dict[str, FrameDecoder] = {}

    def of_press(self, profile: str, press: Callable[..., Iterator[_Report]]) -> Iterator[_Report]:
        """Yield the reports of one press.

        Args:
            profile: of the panel; frames are read by what it says of response and noise.
            press: makes the press; where frames are read, its ``on_frame`` is to be called with each.

        Raises:
            InputError: no such profile.
            LinkError: no frame came with the first contacts: a fault of the rig, not of a stamp.
        """
        if not self.frames:
            yield from press()
            return
        from stampbench.sim.decoder.frame_decoder import FrameDecoder
        from stampbench.sim.panel import load_profile

        if profile not in self._of_profile:
            self._of_profile[profile] = FrameDecoder(self._decoder, load_profile(profile))
        reader = self._of_profile[profile]
        reader.reset()
        frames: deque[Frame] = deque()
        seen = False
        for report in press(on_frame=frames.append):
            seen |= bool(frames)
            if report is None:
                yield report
            elif report.down and not seen:
                raise LinkError("the rig sent contacts and no raw frames: expected both, each scan")
            while frames:
                yield reader.report(frames.popleft())


class _FrameReader:
    """Makes contacts of the frames of a device, whose panel is known by its name, else by its nodes."""

    def __init__(self, decoder: Decoder, device: str) -> None:
        self._decoder = decoder
        self._device = device
        self._frames: FrameDecoder | None = None

    def report(self, frame: Frame) -> TouchReport:
        """Return the pads on a frame as contacts.

        Raises:
            InputError: no profile has as many nodes.
        """
        if self._frames is None:
            from stampbench.sim.decoder.frame_decoder import FrameDecoder
            from stampbench.sim.panel import load_profile, profile_names

            name = self._device.partition(" ")[0]
            known = load_profile(name) if name in profile_names() else profile_with(*frame.deltas.shape)
            if known is None:
                rows, cols = frame.deltas.shape
                raise InputError(
                    f"{self._device}: frames of {rows} x {cols} nodes: expected those of a profile; "
                    f"there are {', '.join(profile_names())}"
                )
            self._frames = FrameDecoder(self._decoder, known)
        return self._frames.report(frame)


@contextmanager
def open_frames(path: str | Path, decoder: Decoder) -> Iterator[Recording]:
    """Open the raw frames of a recording; the pads on them are its contacts.

    Args:
        path: a capture with frames, or what :func:`read_frames` reads; its frames are a scan apart.
        decoder: reads the stamps, and knows how many pads they have.

    Raises:
        InputError: it cannot be read, or is no such recording; also while reports are read.
    """
    path = Path(path)
    with ExitStack() as stack:
        if holds_capture(path):
            recording = stack.enter_context(open_recording(path))
            frames = frames_of(path, stack)
        else:
            recorded = read_frames(path)
            rows, cols = recorded.frames.shape[1:]
            profile = profile_with(rows, cols)
            recording = Recording(str(path), recorded.format, iter(()))
            if profile is not None:
                recording.device = profile.name
                recording.ruler = Ruler(profile.grid.width_mm, profile.grid.height_mm, "the profile")
            frames = frames_in_time(recorded.frames, profile.frame_interval_us if profile else 1)
        yield as_frames(recording, frames, decoder)


def holds_capture(path: Path) -> bool:
    """Return whether a file begins as a capture does; False for what cannot be opened."""
    try:
        with path.open("rb") as file:
            return capture.recognises(file.readline(4096))
    except OSError:
        return False


def as_frames(recording: Recording, frames: Iterator[Frame], decoder: Decoder) -> Recording:
    """Return a recording whose reports are the pads on its frames; coordinates are micrometres."""
    reader = _FrameReader(decoder, recording.device)

    def reports() -> Iterator[TouchReport]:
        frame = None
        for frame in frames:
            yield reader.report(frame)
        if frame is None:
            raise InputError(f"{recording.device}: no raw frames came: expected a source that sends them")

    recording.reports = reports()
    recording.cancel_limit = None
    if recording.width_mm is not None and recording.height_mm is not None:
        recording.x_min = recording.y_min = 0
        recording.x_max, recording.y_max = round(1e3 * recording.width_mm), round(1e3 * recording.height_mm)
    return recording


def frames_in_time(counts: npt.NDArray[Any], interval_us: int) -> Iterator[Frame]:
    """Yield recorded counts (frames, rows, cols) as frames, so far apart."""
    int16 = np.iinfo(np.int16)
    for number, frame in enumerate(counts):
        deltas = np.clip(np.nan_to_num(frame), int16.min, int16.max).astype(np.int16)
        yield Frame(number * interval_us, deltas)


def frames_of(path: Path, stack: ExitStack) -> Iterator[Frame]:
    """Return the raw frames of a capture, from a reader of their own that ``stack`` closes.

    Raises:
        InputError: it cannot be opened.
    """
    try:
        stream = stack.enter_context(path.open("rb"))
    except OSError as error:
        raise InputError(f"{path}: cannot be opened: {error.strerror}; expected a recording") from None
    return capture.frames(RecordingLines(str(path), stream))


def profile_with(rows: int, cols: int) -> Profile | None:
    """Return the first profile with as many nodes; None if there is none."""
    from stampbench.sim.panel import load_profile, profile_names

    profiles = (load_profile(name) for name in profile_names())
    return next((p for p in profiles if (p.grid.rows, p.grid.cols) == (rows, cols)), None)


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
    except (ValueError, EOFError, OverflowError, TypeError, SyntaxError, MemoryError) as error:
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
