"""How device units become millimetres: who says so, how wrong that can be, and what the user knows better.

Linux tells a resolution in whole units per mm (``hidinput_calc_abs_res`` rounds it), so the size of a
recording of kernel events is known to half a unit per mm only: 5 % at 10 units per mm.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stampbench.bench.sources.capture import CaptureHeader
from stampbench.bench.sources.recording import Recording, Ruler
from stampbench.firmware_emulator.errors import InputError
from stampbench.firmware_emulator.touch import Contact, Frame, TouchReport

if TYPE_CHECKING:
    import numpy.typing as npt
    from stampbench.bench.sources.live import LiveSource
    from stampbench.sim.decoder import Decoder, PressDecision, PressDecoder

SETTLED_BY = "--size-mm WxH"
"""The option that replaces a coarse ruler."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenRuler:
    """What the user says of a device's coordinates; it always wins.

    Attributes:
        size_mm: width and height of the touch area.
        units_per_mm: instead of a size.
        range_units: largest x and y, where the recording does not tell; the least is 0.
        swap_xy: x and y change places, before all else.
        flip_x, flip_y: coordinates count from the other end.
        nodes: TX and RX lines of raw frames, where the format does not tell.
    """

    size_mm: tuple[float, float] | None = None
    units_per_mm: float | None = None
    range_units: tuple[int, int] | None = None
    swap_xy: bool = False
    flip_x: bool = False
    flip_y: bool = False
    nodes: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        if self.size_mm is not None and self.units_per_mm is not None:
            raise InputError("--size-mm and --px-per-mm both give the size; expected one of them")

    def apply(self, recording: Recording) -> Recording:
        """Measure a recording by what is given, and by what it says itself where nothing is.

        Raises:
            InputError: what is given needs the range of the coordinates, and nobody tells it.
        """
        if self.swap_xy:
            swapped = _swapped_ruler(recording.ruler)
            recording = dataclasses.replace(
                recording,
                x_min=recording.y_min,
                x_max=recording.y_max,
                y_min=recording.x_min,
                y_max=recording.x_max,
                ruler=swapped,
            )
        if self.range_units is not None:
            width, height = self.range_units
            recording = dataclasses.replace(recording, x_min=0, x_max=width, y_min=0, y_max=height)
        if self.size_mm is not None:
            self._need_range(recording, "--size-mm")
            recording.ruler = Ruler(*self.size_mm, "--size-mm")
        elif self.units_per_mm is not None:
            self._need_range(recording, "--px-per-mm")
            x_units, y_units = _extent(recording)
            recording.ruler = Ruler(x_units / self.units_per_mm, y_units / self.units_per_mm, "--px-per-mm")
        if self.flip_x or self.flip_y:
            self._need_range(recording, "--flip-x" if self.flip_x else "--flip-y")
        if self != GivenRuler():
            recording.reports = map(self._measure(recording), recording.reports)
        return recording

    def live(self, source: LiveSource) -> LiveSource:
        """Measure a device that is read while it is used, as :meth:`apply` does a recording.

        Raw frames turn with the contacts.

        Raises:
            InputError: as :meth:`apply`.
        """
        if self == GivenRuler():
            return source
        recording = self.apply(source.header.recording(source.format))
        measure = self._measure(recording)

        def items() -> Iterator[TouchReport | Frame | None]:
            for item in source.items:
                if isinstance(item, TouchReport):
                    yield measure(item)
                else:
                    yield item if item is None else self._turned(item)

        return dataclasses.replace(source, header=CaptureHeader.of(recording), items=items())

    def _turned(self, frame: Frame) -> Frame:
        deltas = frame.deltas.T if self.swap_xy else frame.deltas
        deltas = deltas[:: -1 if self.flip_y else 1, :: -1 if self.flip_x else 1]
        return dataclasses.replace(frame, deltas=deltas)

    def _need_range(self, recording: Recording, option: str) -> None:
        if None in (recording.x_min, recording.x_max, recording.y_min, recording.y_max):
            raise InputError(
                f"{option}: the recording of {recording.device or recording.format} does not give the range "
                "of its coordinates: expected --range WxH with it, their largest x and y"
            )
        if 0 in _extent(recording):
            raise InputError(
                f"{option}: the range of {recording.device} is empty; expected --range WxH with it"
            )

    def _measure(self, recording: Recording) -> Callable[[TouchReport], TouchReport]:
        """Return what turns and measures a report, by a recording that has been measured."""
        ruler = recording.ruler
        x_min, y_min = recording.x_min or 0, recording.y_min or 0
        x_max, y_max = recording.x_max or 0, recording.y_max or 0
        given = self.size_mm is not None or self.units_per_mm is not None
        x_scale = y_scale = None
        if ruler is not None and given:
            x_scale, y_scale = ruler.width_mm / (x_max - x_min), ruler.height_mm / (y_max - y_min)

        def measured(contact: Contact) -> Contact:
            _, _, x, y, x_mm, y_mm, *_ = contact
            if self.swap_xy:
                x, y, x_mm, y_mm = y, x, y_mm, x_mm
            if self.flip_x:
                x = x_min + x_max - x
                x_mm = ruler.width_mm - x_mm if ruler is not None and x_mm is not None else None
            if self.flip_y:
                y = y_min + y_max - y
                y_mm = ruler.height_mm - y_mm if ruler is not None and y_mm is not None else None
            if x_scale is not None and y_scale is not None:
                x_mm, y_mm = (x - x_min) * x_scale, (y - y_min) * y_scale
            return contact._replace(x=x, y=y, x_mm=x_mm, y_mm=y_mm)

        return lambda report: report._replace(contacts=tuple(map(measured, report.contacts)))


UNTOLD = GivenRuler()
"""Nothing is said beside what the device says itself."""


def _extent(recording: Recording) -> tuple[int, int]:
    return (
        (recording.x_max or 0) - (recording.x_min or 0),
        (recording.y_max or 0) - (recording.y_min or 0),
    )


def _swapped_ruler(ruler: Ruler | None) -> Ruler | None:
    if ruler is None:
        return None
    return Ruler(ruler.height_mm, ruler.width_mm, ruler.source, ruler.y_error, ruler.x_error)


def press_decoder(decoder: Decoder, recording: Recording) -> PressDecoder | CoarsePress:
    """Return what reads one press of a recording, at every scale that its ruler allows."""
    from stampbench.sim.decoder import PressDecoder

    press = PressDecoder(decoder, contact_limit=recording.cancel_limit)
    ruler = recording.ruler
    return press if ruler is None or not ruler.coarse else CoarsePress(press, decoder, ruler)


class CoarsePress:
    """One press on a panel whose scale is known only roughly: it is read when it is over.

    What is read are the mean places of the contacts that were down together the longest.

    Args:
        press: says all but the reading.
        decoder: of the stamps.
        ruler: of the panel.
    """

    def __init__(self, press: PressDecoder, decoder: Decoder, ruler: Ruler) -> None:
        from stampbench.sim.decoder.scale_range import ScaleRangeDecoder

        self._press = press
        self._pads = decoder.pads_per_stamp
        self._decoder = ScaleRangeDecoder(decoder, ruler.x_scales, ruler.y_scales)
        self._sums: dict[tuple[int, ...], tuple[int, npt.NDArray]] = {}  # type: ignore[type-arg]

    def feed(self, report: TouchReport) -> None:
        """Take the next report."""
        import numpy as np

        self._press.feed(report)
        places = {c.id: (c.x_mm, c.y_mm) for c in report.down if c.x_mm is not None and c.y_mm is not None}
        if len(places) >= self._pads:
            ids = tuple(sorted(places))
            count, total = self._sums.get(ids, (0, 0.0))
            self._sums[ids] = count + 1, total + np.array([places[id_] for id_ in ids])

    def finish(self) -> PressDecision:
        """Return the decision."""
        decision = self._press.finish()
        if not self._sums:
            return decision
        count, total = max(self._sums.values(), key=lambda held: held[0])
        return dataclasses.replace(decision, reading=self._decoder.decode(total / count), log_odds=None)


def two_numbers(option: str, text: str, example: str) -> tuple[float, float]:
    """Return width and height from ``WxH``.

    Raises:
        InputError: it is not two positive numbers; the message names the option.
    """
    width, _, height = text.lower().partition("x")
    try:
        pair = float(width), float(height)
    except ValueError:
        pair = 0.0, 0.0
    if not all(math.isfinite(side) and side > 0 for side in pair):
        raise InputError(f"{option} {text}: expected width and height, such as {example}")
    return pair
