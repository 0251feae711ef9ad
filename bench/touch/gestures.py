"""Gestures of known truth: made on a simulated panel, or recorded and described in a session file.

A session file names recordings and says what was done in each::

    [session]
    refresh_hz = 60.0                  # of the display; width_mm and height_mm where recordings give none

    [[gestures]]
    kind = "line"                      # tap, hold, line, pair, many or rest
    recording = "line-1.hid"           # relative to the session file
    path_mm = [[10, 20], [50, 20]]     # where the test bar went; for a pair: where the two stood
    path_ms = [0, 400]                 # on the recording's clock; without it latency is not measured
    contact_mm = 7.0
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
import numpy as np
from msgspec import Meta, Struct
from stampbench.bench.plans.messages import explain
from stampbench.bench.touch.metrics import Area
from stampbench.bench.touch.traces import FINGER_MM, Gesture, Kind, TruePath
from stampbench.firmware_emulator.errors import InputError
from stampbench.firmware_emulator.outside import parse_toml

if TYPE_CHECKING:
    from stampbench.bench.sources.recording import Recording
    from stampbench.bench.sources.ruler import GivenRuler
    from stampbench.firmware_emulator.touch import TouchReport
    from stampbench.sim.device import Device
    from stampbench.sim.panel import Condition, Profile

_SPEED_MM_S = 80.0
_LINE_MM = 60.0
_HOLD_MS = 500.0
_TAP_MS = 150.0
_REST_MS = 2000.0
_MANY = 5
_GAPS_MM = (2.0, 3.0, 4.0, 6.0, 8.0, 10.0, 13.0)
"""Between the edges of two fingers."""
_EDGE_MM = 2.5
_INSET_MM = 8.0


def simulated_gestures(
    profile: Profile, condition: Condition | None = None, *, seed: int = 0
) -> tuple[tuple[Gesture, ...], Area]:
    """Yield simulated fingers: taps on a grid and at the edge, holds, lines, pairs, five, and nothing.

    Args:
        profile: the panel.
        condition: what acts on it.
        seed: of places and noise.
    """
    from stampbench.sim.device import Device

    geometry = profile.geometry
    device = Device(profile, condition)
    rng = np.random.default_rng([seed, 0])
    gestures = [
        _performed(device, kind, name, paths, [seed, number])
        for number, (kind, name, paths) in enumerate(_plan(profile, rng), start=1)
    ]
    return tuple(gestures), Area(geometry.width_mm, geometry.height_mm)


def _plan(profile: Profile, rng: np.random.Generator) -> Iterator[tuple[Kind, str, tuple[TruePath, ...]]]:
    width, height = profile.geometry.width_mm, profile.geometry.height_mm
    landing_us = 4 * profile.frame_interval_us

    def still(x_mm: float, y_mm: float, for_ms: float) -> TruePath:
        # Contact and scan are not in step.
        lands = landing_us + int(rng.integers(profile.frame_interval_us))
        return TruePath(
            np.array([lands, lands + round(1000 * for_ms)]), np.array([[x_mm, y_mm], [x_mm, y_mm]])
        )

    columns = np.linspace(_INSET_MM, width - _INSET_MM, 4)
    rows = np.linspace(_INSET_MM, height - _INSET_MM, 4)
    for x_mm in columns:
        for y_mm in rows:
            yield Kind.TAP, f"tap at {x_mm:.0f}, {y_mm:.0f} mm", (still(x_mm, y_mm, _TAP_MS),)
    middle_x, middle_y = width / 2, height / 2
    for x_mm, y_mm in (
        (_EDGE_MM, middle_y),
        (width - _EDGE_MM, middle_y),
        (middle_x, _EDGE_MM),
        (middle_x, height - _EDGE_MM),
    ):
        yield Kind.TAP, f"tap at the edge {x_mm:.0f}, {y_mm:.0f} mm", (still(x_mm, y_mm, _TAP_MS),)
    for x_mm, y_mm in rng.uniform((_INSET_MM, _INSET_MM), (width - _INSET_MM, height - _INSET_MM), (3, 2)):
        yield Kind.HOLD, f"hold at {x_mm:.0f}, {y_mm:.0f} mm", (still(x_mm, y_mm, _HOLD_MS),)
    length = min(_LINE_MM, min(width, height) - 2 * _INSET_MM)
    for angle in (0.0, 90.0, 37.0, 127.0):
        along = 0.5 * length * np.array([math.cos(math.radians(angle)), math.sin(math.radians(angle))])
        middle = np.array([middle_x, middle_y])
        places = np.array([middle - along, middle + along])
        lands = landing_us + int(rng.integers(profile.frame_interval_us))
        begin = lands + 100_000
        end = begin + round(1e6 * length / _SPEED_MM_S)
        path = TruePath(np.array([lands, begin, end, end + 60_000]), places[[0, 0, 1, 1]])
        yield Kind.LINE, f"line at {angle:g} degrees", (path,)
    for gap_mm in _GAPS_MM:
        for angle in (0.0, 45.0, 90.0):
            apart = 0.5 * (gap_mm + FINGER_MM)
            dx, dy = apart * math.cos(math.radians(angle)), apart * math.sin(math.radians(angle))
            first = still(middle_x - dx, middle_y - dy, _TAP_MS)
            second = TruePath(first.t_us, first.xy_mm + np.array([2 * dx, 2 * dy]))
            yield Kind.PAIR, f"pair {gap_mm:g} mm apart at {angle:g} degrees", (first, second)
    across = np.linspace(_INSET_MM, max(width, height) - _INSET_MM, _MANY)
    five = [(middle_x, at) if height >= width else (at, middle_y) for at in across]
    yield Kind.MANY, "five contacts", tuple(still(x_mm, y_mm, _TAP_MS) for x_mm, y_mm in five)
    yield Kind.REST, "nothing touches", ()


def _performed(
    device: Device, kind: Kind, name: str, paths: tuple[TruePath, ...], seed: list[int]
) -> Gesture:
    from stampbench.sim.hold import Hold
    from stampbench.sim.panel import PlacedObject
    from stampbench.sim.stamps.objects import resolve_object

    finger = resolve_object("finger")
    device.reset(int(np.random.SeedSequence(seed).generate_state(1)[0]))
    interval_us = device.profile.frame_interval_us
    last_us = max((int(path.t_us[-1]) for path in paths), default=round(1000 * _REST_MS))
    reports = []
    for n in range(last_us // interval_us + device.profile.controller.liftoff_frames + 3):
        t_us = n * interval_us
        objects = tuple(
            PlacedObject(finger, Hold(*map(float, path.at([t_us])[0])))
            for path in paths
            if path.lands_us <= t_us <= path.t_us[-1]
        )
        reports.append(device.scan(t_us, objects)[1])
    # A scan sees the touch as it begins, and is reported when it is over.
    return Gesture(kind, name, paths, tuple(reports), delay_us=interval_us)


class _SessionHeader(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    refresh_hz: Annotated[float, Meta(gt=0.0, le=1000.0)] = 60.0
    width_mm: Annotated[float, Meta(gt=0.0)] | None = None
    height_mm: Annotated[float, Meta(gt=0.0)] | None = None


class _RecordedGesture(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    kind: Literal["tap", "hold", "line", "pair", "many", "rest"]
    recording: str
    path_mm: list[tuple[float, float]] = []
    path_ms: list[float] | None = None
    contact_mm: Annotated[float, Meta(gt=0.0)] = FINGER_MM


class _Session(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    gestures: Annotated[list[_RecordedGesture], Meta(min_length=1)]
    session: _SessionHeader = _SessionHeader()


_EXPECTED = {"kind": "expected one of tap, hold, line, pair, many, rest"}
_KEYS = {
    "": _Session.__struct_fields__,
    "session": _SessionHeader.__struct_fields__,
    "gestures": _RecordedGesture.__struct_fields__,
}


def recorded_gestures(path: Path, given: GivenRuler | None = None) -> tuple[tuple[Gesture, ...], Area]:
    """Return gestures of a session file, with its recordings.

    Raises:
        InputError: the file or a recording cannot be read, or says something impossible.
    """
    raw: dict[str, Any] = {}
    try:
        raw = parse_toml(path.read_text(encoding="utf-8"), str(path))
        session = msgspec.convert(raw, _Session)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}: expected a session in TOML") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not TOML: {error}") from None
    except msgspec.ValidationError as error:
        raise InputError(f"{path}: {explain(str(error), raw, _KEYS, _EXPECTED)}") from None
    gestures = []
    size = session.session.width_mm, session.session.height_mm
    for number, one in enumerate(session.gestures):
        where = f"{path}: gestures[{number}]"
        touches = _true_paths(one, where)
        recording, reports = _read(path.parent / one.recording, given)
        if recording.ruler is None:
            raise InputError(
                f"{path.parent / one.recording}: gives no physical size of the panel: expected --size-mm WxH"
            )
        size = (size[0] or recording.width_mm, size[1] or recording.height_mm)
        shared = one.path_ms is not None
        gestures.append(
            Gesture(
                Kind(one.kind),
                one.recording,
                touches,
                reports,
                shared_clock=shared,
                contact_mm=one.contact_mm,
            )
        )
    return tuple(gestures), _area(*size, session.session.refresh_hz, str(path))


def unknown_gestures(
    files: list[Path], given: GivenRuler | None = None, refresh_hz: float = 60.0
) -> tuple[tuple[Gesture, ...], Area]:
    """Return recordings of which nobody knows what was done.

    Where a panel's size is not known, its units stand for millimetres, and the area says so.

    Raises:
        InputError: a recording cannot be read, or gives no physical size.
    """
    gestures = []
    size: tuple[float | None, float | None] = None, None
    for file in files:
        recording, reports = _read(file, given)
        size = size if size[0] else (recording.width_mm, recording.height_mm)
        gestures.append(Gesture(Kind.UNKNOWN, str(file), (), reports, shared_clock=False))
    if None in size:
        return tuple(gestures), Area(math.inf, math.inf, refresh_hz, sized=False)
    return tuple(gestures), _area(*size, refresh_hz, str(files[0]))


def _read(path: Path, given: GivenRuler | None) -> tuple[Recording, tuple[TouchReport, ...]]:
    from stampbench.bench.sources.recording import in_mm
    from stampbench.bench.sources.recording_formats import open_recording

    with open_recording(str(path)) as opened:
        recording = opened if given is None else given.apply(opened)
        reports = recording if recording.ruler is not None else (in_mm(r, 1.0, 1.0) for r in recording)
        return recording, tuple(reports)


def _area(width_mm: float | None, height_mm: float | None, refresh_hz: float, where: str) -> Area:
    if width_mm is None or height_mm is None:
        raise InputError(f"{where}: no physical size of the panel: expected width_mm and height_mm")
    return Area(width_mm, height_mm, refresh_hz)


def _true_paths(one: _RecordedGesture, where: str) -> tuple[TruePath, ...]:
    """Return paths of all contacts; without times, one millisecond a place: only the places are used then."""
    needed = {"tap": 1, "hold": 1, "line": 2, "pair": 2, "rest": 0}.get(one.kind)
    if needed is not None and len(one.path_mm) != needed:
        raise InputError(f"{where}.path_mm has {len(one.path_mm)} places: expected {needed} for a {one.kind}")
    times = one.path_ms
    if times is not None and (len(times) != 2 or not times[0] < times[1]):
        raise InputError(f"{where}.path_ms = {times}: expected when contact is made and lost, in this order")
    span = np.round(1000.0 * np.array([0.0, 1.0] if times is None else times)).astype(np.int64)
    places = np.array(one.path_mm, np.float64).reshape(-1, 2)
    if one.kind == "line":
        return (TruePath(span, places),)
    return tuple(TruePath(span, np.array([place, place])) for place in places)
