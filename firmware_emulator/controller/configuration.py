"""What a controller is configured with: the panel's geometry, and thresholds named as firmware names them.

Counts are those of a panel where a full touch raises a node by 225; a profile of another panel scales them.
The kernels read both as one record (:func:`parameters`), whose fields carry the same names.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Literal, get_args, get_type_hints

import numpy as np
import numpy.typing as npt
from stampbench.firmware_emulator.errors import InputError
from stampbench.firmware_emulator.settings import check_settings, setting

MAX_TOUCHES = 64
"""Most touches that are found in a frame, and followed."""


@dataclass(frozen=True, slots=True)
class PanelGeometry:
    """The electrode grid and the coordinates the controller speaks.

    Attributes:
        rows, cols: number of TX lines (along y) and RX lines (along x).
        pitch_x_mm, pitch_y_mm: distance between electrodes, mm.
        x_max, y_max: logical maximum of the reported coordinates, device units.
        width_mm, height_mm: active area that the logical range spans, mm.

    Raises:
        InputError: a size is not positive, or there are fewer than two lines.
    """

    rows: int = setting(low=2)
    cols: int = setting(low=2)
    pitch_x_mm: float = setting(above=0.0)
    pitch_y_mm: float = setting(above=0.0)
    x_max: int = setting(low=1)
    y_max: int = setting(low=1)
    width_mm: float = setting(above=0.0)
    height_mm: float = setting(above=0.0)

    def __post_init__(self) -> None:
        check_settings(self)


@dataclass(frozen=True, slots=True)
class ControllerSettings:
    """Configuration of the controller; the defaults suit a phone panel with 225 counts at full touch.

    Ratios of thresholds follow published configurations: Cypress TrueTouch Gen6 (finger threshold 200 on, 180
    off, common-mode limit 170, RX line filter 88 with debounce 2, at most 35 nodes, 10 contacts, debounce 2,
    lift-off 3, 100 ms scans after 1 s without touch), Atmel mXT T9 (movement hysteresis, merge threshold and
    hysteresis, anti-touch recalibration) and iptsd (position stability).

    Attributes:
        idle_after_us: rest without touch after which the controller scans slowly, us; 0 = never.
        idle_interval_us: time between the scans it looks at while idle, us; a touch wakes it.
        raw_filter: weight of the newest frame in the recursive filter over frames, 0..1; 1 = no filter.
        noise_threshold: counts from its line's level within which a node counts as untouched.
        common_mode_limit: largest common part removed from a line, counts; 0 = none. A line that moved
            further carries an object, not noise.
        rx_line_filter: remove the common part of RX lines as well as of TX lines (display stripes).
        rx_line_filter_threshold: an RX line with a node this far below rest is noisy, counts.
        rx_line_filter_debounce: frames that a landing on a noisy RX line waits beyond the debounce.
        calibration_frames: frames after power-up or reset that go unreported, and whose mean becomes the
            baseline; 0 where the front end delivers deltas from a baseline of its own.
        baseline_rate: part of a node's deviation that the baseline follows in a frame, while nothing touches.
        baseline_step: most that the baseline moves in a frame, counts.
        antitouch_threshold: counts below rest from which an untouched node speaks for a wrong baseline.
        antitouch_nodes: how many such nodes, lasting, make the frame the new baseline; 0 = off.
        antitouch_frames: for how many frames they must last.
        segmenter: "peak" (one touch per local maximum) or "threshold" (one touch per connected area).
        touch_threshold: peak from which a touch lands, counts.
        touch_hysteresis: how far below the threshold a touch may fall before it lifts, counts.
        merge_threshold: depth of the valley that keeps two peaks apart, counts.
        merge_ratio: the same as a part of the lower peak; the larger of the two counts.
        merge_hysteresis: by how much deeper the valley must be to part what was one touch, counts.
        impulse_ratio: part of a peak that its strongest neighbour must reach; a lone stuck node is no touch.
        fat_finger_nodes: nodes from which a single-peaked touch is located by its whole area, from one less
            on in part; 0 = never. They are counted as twice its volume in nodes of full response: at 4.1 mm
            pitch 8 to 9 for a finger, 3.5 for a pad of 6 mm, 6 for one of 8 mm.
        large_object_nodes: most nodes per peak; a larger object (palm) is rejected; 0 = no rejection.
        water_threshold: counts below rest from which a node counts as wet.
        water_nodes: wet nodes from which no new touch is accepted; 0 = no rejection.
        centroid_window: nodes across the window around a peak, 3 or 5.
        centroid_floor: counts subtracted from each node before weighting.
        linearity_correction: a in u + a u (1 - 4 u^2), u the centroid's offset from its node in pitches.
        touch_width: spread (sd) of a touch that the next two assume, pitches.
        edge_correction: extrapolate the nodes that a touch at the edge lacks.
        finger_separation: take the feet of near neighbours off before weighting.
        full_touch: response of a node that is fully covered, counts; scales the size.
        gate_mm: farthest that a contact moves between frames, mm.
        debounce_frames: consecutive frames after which a landing is reported.
        liftoff_frames: consecutive frames without touch after which a lift is reported.
        position_filter: weight of the newest position of a resting contact, 0..1; 1 = no filter.
        position_filter_reach_mm: step beyond which the filter lets go, mm.
        move_hysteresis_initial_mm: movement that unfreezes a resting contact, mm.
        move_hysteresis_next_mm: movement that is reported once it moves, mm.
        rest_frames: frames without reported movement after which a contact rests.
        max_contacts: most contacts reported.
        contact_policy: beyond the limit: "drop" the new ones, or "cancel_all" until the panel is empty.
        id_policy: "lowest" free id, or "rotating" through id_count.
        id_count: how many ids there are.

    Raises:
        InputError: a value outside its range, naming the setting.
    """

    idle_after_us: int = setting(1_000_000, low=0)
    idle_interval_us: int = setting(100_000, low=0)
    raw_filter: float = setting(1.0, above=0, high=1)
    noise_threshold: float = setting(6.0, above=0)
    common_mode_limit: float = setting(42.0, low=0)
    rx_line_filter: bool = True
    rx_line_filter_threshold: float = setting(22.0, above=0)
    rx_line_filter_debounce: int = setting(2, low=0)
    calibration_frames: int = setting(0, low=0)
    baseline_rate: float = setting(1 / 64, low=0, below=1)
    baseline_step: float = setting(0.05, low=0)
    antitouch_threshold: float = setting(25.0, above=0)
    antitouch_nodes: int = setting(4, low=0)
    antitouch_frames: int = setting(20, above=0)
    segmenter: Literal["peak", "threshold"] = "peak"
    touch_threshold: float = setting(50.0, above=0)
    touch_hysteresis: float = setting(5.0, low=0)
    merge_threshold: float = setting(4.0, low=0)
    merge_ratio: float = setting(0.03, low=0, below=1)
    merge_hysteresis: float = setting(0.0, low=0)
    impulse_ratio: float = setting(0.1, low=0, below=1)
    fat_finger_nodes: int = setting(7, low=0)
    large_object_nodes: int = setting(35, low=0)
    water_threshold: float = setting(40.0, above=0)
    water_nodes: int = setting(30, low=0)
    centroid_window: Literal[3, 5] = 3
    centroid_floor: float = setting(8.0, low=0)
    linearity_correction: float = -0.11
    touch_width: float = setting(0.58, above=0)
    edge_correction: bool = True
    finger_separation: bool = True
    full_touch: float = setting(225.0, above=0)
    gate_mm: float = setting(10.0, above=0)
    debounce_frames: int = setting(2, above=0)
    liftoff_frames: int = setting(3, above=0)
    position_filter: float = setting(0.5, above=0, high=1)
    position_filter_reach_mm: float = setting(0.4, low=0)
    move_hysteresis_initial_mm: float = setting(0.1, low=0)
    move_hysteresis_next_mm: float = setting(0.03, low=0)
    rest_frames: int = setting(5, above=0)
    max_contacts: int = setting(10, above=0, high=MAX_TOUCHES)
    contact_policy: Literal["drop", "cancel_all"] = "drop"
    id_policy: Literal["lowest", "rotating"] = "lowest"
    id_count: int = 128

    def __post_init__(self) -> None:
        check_settings(self)
        for name, held, right in (
            ("touch_hysteresis", self.touch_hysteresis < self.touch_threshold, "below touch_threshold"),
            ("centroid_floor", self.centroid_floor < self.leave_threshold, "below the leave threshold"),
            ("id_count", self.id_count > self.max_contacts, "above max_contacts"),
        ):
            if not held:
                value = getattr(self, name)
                raise InputError(f"ControllerSettings.{name} = {value!r}: expected a number {right}")

    @property
    def leave_threshold(self) -> float:
        """Peak below which a touch lifts, and level above which a node belongs to a touch, counts."""
        return self.touch_threshold - self.touch_hysteresis


def parameters(geometry: PanelGeometry, settings: ControllerSettings) -> npt.NDArray[np.void]:
    """Return geometry and settings as the kernels read them: shape (1,), a float64 or int64 field for each.

    Alternatives become their index (segmenter 0 = peak, contact_policy 0 = drop, id_policy 0 = lowest).
    Added are ``leave_threshold``, and ``x_unit_mm`` and ``y_unit_mm``: what a host takes one device unit for,
    which knows the active area in whole micrometres.
    """
    values = {
        **asdict(geometry),
        **asdict(settings),
        "leave_threshold": settings.leave_threshold,
        "x_unit_mm": round(geometry.width_mm * 1000) / 1000 / geometry.x_max,
        "y_unit_mm": round(geometry.height_mm * 1000) / 1000 / geometry.y_max,
    }
    for name, kind in get_type_hints(ControllerSettings).items():
        if isinstance(values[name], str):
            values[name] = get_args(kind).index(values[name])
    # A type declared "float" stays one when the value was written as an integer.
    declared = {
        field.name: field.type for cls in (PanelGeometry, ControllerSettings) for field in fields(cls)
    }
    kinds = [(name, np.float64 if declared.get(name, "float") == "float" else np.int64) for name in values]
    return np.array([tuple(values.values())], dtype=kinds)
