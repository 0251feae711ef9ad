"""What the window draws: one snapshot of the session, values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from stampbench.sim.decoder import Pose, Verdict
from stampbench.sim.panel import Condition
from stampbench.sim.press import Handling
from stampbench.sim.screen.operating import PlanView
from stampbench.sim.screen.scene import ObjectKind
from stampbench.sim.screen.sources import PanelInfo, SourceKind, SourceState

Points: TypeAlias = npt.NDArray[np.float64]
Value: TypeAlias = int | float | str


@dataclass(frozen=True, slots=True)
class Explanation:
    """Something said in plain words, as data: a key of ``KEYS`` and its values.

    Attributes:
        values: what stands in the sentence, by name; a value named ``cause`` is a key of
            :data:`stampbench.sim.screen.explain.CAUSES`.
    """

    key: str
    values: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Message:
    """Something that happened.

    Attributes:
        t_us: time of the session's clock.
        key: of ``MESSAGES``; ``error`` carries its own sentence as ``text``.
    """

    t_us: int
    level: Literal["info", "warning", "error"]
    key: str
    values: Mapping[str, Value]


@dataclass(frozen=True, slots=True, eq=False)
class ContactView:
    """A contact that is down.

    Attributes:
        trail_mm: where it has been in the last second, shape (n, 2), newest last.
        stamp: number of the reading that it is part of; None if of none.
    """

    id: int
    x_mm: float
    y_mm: float
    size_mm: float | None
    trail_mm: Points
    stamp: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ObjectView:
    """An object in truth: where it is, and which of its pads the controller saw.

    Attributes:
        pads_mm: its pads in its own frame, shape (n, 2).
        places_mm: the same pads on the panel, shape (n, 2).
        diameters_mm: of the pads, shape (n,).
        shares: with which part of its area each pad touches, 0..1, shape (n,).
        seen: for each pad the id of the contact that is it; None where there is none.
        face_radius_mm: of the circle to be drawn as its face.
        explanation: why it is read or not; None while it is above the glass, and for what is no stamp.
    """

    key: int
    kind: ObjectKind
    name: str
    code: int | None
    x_mm: float
    y_mm: float
    theta_rad: float
    force: float
    grip: float
    tilt_x_rad: float
    tilt_y_rad: float
    pressed: bool
    selected: bool
    pads_mm: Points
    places_mm: Points
    diameters_mm: Points
    shares: Points
    seen: tuple[int | None, ...]
    face_radius_mm: float
    explanation: Explanation | None


@dataclass(frozen=True, slots=True, eq=False)
class ReadingView:
    """What the decoder says of the contacts, or of some of them.

    Attributes:
        number: stays with the stamp while it is followed; 0 for contacts that could not be read.
        name: of the stamp, from its catalogue or family; empty unless read.
        pads_mm: where the pads of the code stand on the panel, shape (n, 2); None unless read.
        contacts: for each pad the id of its contact, None for one without; empty unless read.
        margin_mm: by how much the next code is farther, a lower bound where ``margin_is_bound``; None where
            pads of a stamp are missing, or there is no other code.
        candidates: codes that fit, nearest first, where more than one does.
        explanation: from the contacts alone.
    """

    number: int
    verdict: Verdict
    code: int | None
    name: str
    pose: Pose | None
    pads_mm: Points | None
    contacts: tuple[int | None, ...]
    distance_mm: float | None
    margin_mm: float | None
    margin_is_bound: bool
    candidates: tuple[int, ...]
    explanation: Explanation


@dataclass(frozen=True, slots=True)
class PressView:
    """The press under way, or the last one: what all its reports together say.

    Attributes:
        over: whether it has ended.
        decision_ms: from the first contact to the decision; None while undecided.
        reports: the decision rests on.
        log_odds: least log-likelihood ratio of the code read over any other, nats.
    """

    over: bool
    verdict: Verdict
    code: int | None
    cancelled: bool
    decision_ms: float | None
    reports: int
    log_odds: float | None
    explanation: Explanation


@dataclass(frozen=True, slots=True, eq=False)
class GaugeView:
    """One instrument: its newest value and its past.

    Attributes:
        key: name of the gauge, for captions.
        unit: of the values, such as "mm".
        value: newest; None while there is none.
        times_us, values: of the last seconds, oldest first, shape (n,); NaN where there was no value.
    """

    key: str
    unit: str
    value: float | None
    times_us: npt.NDArray[np.int64]
    values: Points


@dataclass(frozen=True, slots=True)
class TimelineView:
    """Where a recording is played.

    Attributes:
        begin_us, end_us: device time of its first and last report so far.
        presses_us: begin and end of each press.
        loading: whether more is still being read from the file.
    """

    position_us: int
    begin_us: int
    end_us: int
    speed: float
    playing: bool
    loading: bool
    presses_us: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class SourceView:
    """Where reports come from, and how that is; ``counters`` hold what was received, lost and dropped."""

    kind: SourceKind
    name: str
    state: SourceState
    message: str
    counters: Mapping[str, int]
    can_press: bool
    timeline: TimelineView | None


@dataclass(frozen=True, slots=True)
class RateView:
    """A rate with its exact 95 % interval: k of n; without trials the interval is 0..1, estimate None."""

    k: int
    n: int
    estimate: float | None
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class AutoPressView:
    """Presses made one after the other under the current condition.

    Attributes:
        made, wanted: presses.
        failures: presses that were not read as they should be.
        decision_median_ms, decision_p95_ms: estimate, low, high; None while there are none.
        failed: whether a press that was not read as it should be ended them, and is frozen.
    """

    running: bool
    made: int
    wanted: int
    failures: int
    frr: RateView
    far: RateView
    misread: RateView
    decision_median_ms: tuple[float, float | None, float | None] | None
    decision_p95_ms: tuple[float, float | None, float | None] | None
    failed: bool = False


@dataclass(frozen=True, slots=True)
class CodebookView:
    """Which stamps are read; ``name`` is that of a family, or the path of a catalogue."""

    name: str
    is_family: bool
    size: int
    pads: int
    min_distance_mm: float
    sigma_mm: float


@dataclass(frozen=True, slots=True)
class CaptureView:
    """The capture that is being written."""

    path: str
    reports: int
    frames: int


@dataclass(frozen=True, slots=True, eq=False)
class EditorView:
    """A stamp that is being drawn.

    Attributes:
        pads_mm: shape (n, 2), in its own frame.
        nearest_code, nearest_name, nearest_mm: the stamp of the codebook that is nearest to it; None where
            there is none with as many pads.
        problem: why it cannot be kept, such as pads that are too near each other; None if it can.
    """

    pads_mm: Points
    nearest_code: int | None
    nearest_name: str
    nearest_mm: float | None
    problem: Explanation | None


@dataclass(frozen=True, slots=True)
class AnswerView:
    """What the server's policy says of an action; ``reason`` as in ``Reason``."""

    action: str
    accepted: bool
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class ReceivedView:
    """What a stamp presented beside its pads, and what that is good for.

    Attributes:
        number: rises with each.
        code: of the stamp in truth, or as far as anybody knows.
        read: code that it was read as; None if it was not.
        touched: whether it stood on the glass.
        way: "none", "nfc", "ble" or "sound".
        spoil: what was done to it; ``spoil_s``: by how much.
        lines: what was received.
        spectrum: of the sound heard, dB below the strongest, shape (frames, bins); None but for sound.
    """

    number: int
    code: int
    read: int | None
    touched: bool
    way: str
    spoil: str
    spoil_s: float
    lines: tuple[Explanation, ...]
    answers: tuple[AnswerView, ...]
    spectrum: Points | None


@dataclass(frozen=True, slots=True)
class SecondFactorView:
    """Second factors.

    Attributes:
        missing: the extra to be installed; empty if none is.
        preparing: whether the receiver of sound is about to be compiled.
        code: of the stamp for which the factor is chosen; None: of every stamp that has none of its own.
        way: chosen.
        spoil: what is done to what is presented next.
        relay_s, clock_error_s: by how much, where it is that.
        received: what was presented last; None before.
    """

    missing: str
    preparing: bool
    code: int | None
    way: str
    spoil: str
    relay_s: float
    clock_error_s: float
    received: ReceivedView | None


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """All that is drawn.

    Attributes:
        t_us: time of the session's clock.
        device_us: device time of the newest report.
        scans: raw frames so far: tells whether ``deltas`` are new.
        deltas: counts of the newest raw frame, int16 (rows, cols); None where the source sends none.
        objects: in truth; empty where nobody knows.
        readings: of the newest report: one for each stamp, or one that says why there is none.
        explanation: the one sentence for the person who presses.
        contacts_most: most contacts at once that this source has shown.
        read_from: what stamps are read from.
        frozen: whether time stands still, for inspection.
        plan: that a person presses here; None where they do as they like.
        preset: that is in force; empty once a condition was changed by hand.
        messages: newest last, at most 20.
    """

    t_us: int
    device_us: int
    panel: PanelInfo
    scans: int
    deltas: npt.NDArray[np.int16] | None
    contacts: tuple[ContactView, ...]
    contacts_most: int
    read_from: Literal["contacts", "frames"]
    objects: tuple[ObjectView, ...]
    readings: tuple[ReadingView, ...]
    press: PressView | None
    explanation: Explanation
    gauges: tuple[GaugeView, ...]
    source: SourceView
    codebook: CodebookView
    condition: Condition
    handling: Handling
    preset: str
    seed: int
    autopress: AutoPressView | None
    capture: CaptureView | None
    editor: EditorView | None
    second_factor: SecondFactorView
    plan: PlanView | None
    frozen: bool
    messages: tuple[Message, ...]
