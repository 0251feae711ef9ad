"""Raw frames read as touch reports: the pads of stamps on them are the contacts."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from stampbench.bench.sources import capture
from stampbench.bench.sources.frame_files import profile_with, read_frames
from stampbench.bench.sources.recording import Recording, RecordingLines, Ruler
from stampbench.bench.sources.recording_formats import open_recording
from stampbench.bench.sources.ruler import UNTOLD, GivenRuler
from stampbench.firmware_emulator.errors import InputError, LinkError
from stampbench.firmware_emulator.touch import Frame, TouchReport

if TYPE_CHECKING:
    from stampbench.sim.decoder import Decoder
    from stampbench.sim.decoder.frame_decoder import FrameDecoder

_Report = TypeVar("_Report", TouchReport, TouchReport | None)


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
        """Return the reports of one press.

        Args:
            profile: of the panel; frames are read by what it says of response and noise.
            press: makes the press; where frames are read, its ``on_frame`` is to be called with each.

        Raises:
            InputError: no such profile.
            LinkError: no frame came with the first contacts: a fault of the rig, not of a stamp.
        """
        return self._of_frames(profile, press) if self.frames else press()

    def _of_frames(self, profile: str, press: Callable[..., Iterator[_Report]]) -> Iterator[_Report]:
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
def open_frames(path: str | Path, decoder: Decoder, given: GivenRuler = UNTOLD) -> Iterator[Recording]:
    """Open the raw frames of a recording; the pads on them are its contacts.

    Args:
        path: a capture with frames, or what :func:`read_frames` reads; its frames are a scan apart.
        decoder: reads the stamps, and knows how many pads they have.
        given: what the user says of the device's coordinates.

    Raises:
        InputError: it cannot be read, or is no such recording; also while reports are read.
    """
    path = Path(path)
    with ExitStack() as stack:
        if holds_capture(path):
            recording = stack.enter_context(open_recording(path))
            frames = frames_of(path, stack)
        else:
            recorded = read_frames(path, given.nodes)
            rows, cols = recorded.frames.shape[1:]
            profile = profile_with(rows, cols)
            recording = Recording(str(path), recorded.format, iter(()))
            if profile is not None:
                recording.device = profile.name
                recording.ruler = Ruler(profile.grid.width_mm, profile.grid.height_mm, "the profile")
            frames = recorded.in_time(profile.frame_interval_us if profile else 1)
        yield given.apply(as_frames(recording, frames, decoder))


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
