from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from scipy.optimize import linear_sum_assignment
from stampbench.firmware_emulator.controller import Controller, ControllerSettings, PanelGeometry
from stampbench.firmware_emulator.errors import InputError
from stampbench.firmware_emulator.touch import Contact, Frame, TouchReport

Image = npt.NDArray[np.float64]


def rigid_norm(a: Image, b: Image) -> float:
    """Norm of the displacements between two matched sets after the best rotation and translation."""
    za, zb = (a - a.mean(0)) @ [1, 1j], (b - b.mean(0)) @ [1, 1j]
    square = (np.abs(za) ** 2).sum() + (np.abs(zb) ** 2).sum() - 2 * np.abs((za.conj() * zb).sum())
    return float(np.sqrt(max(square, 0.0)))


def matched(pads: Image, contacts: tuple[Contact, ...]) -> Image:
    """Contact positions in the order of the pads, mm."""
    points = np.array([(contact.x_mm, contact.y_mm) for contact in contacts])
    distances = np.hypot(*(pads[:, None] - points[None]).transpose(2, 0, 1))
    return points[linear_sum_assignment(distances)[1]]


@pytest.mark.parametrize("segmenter", ["peak", "threshold"])
def test_five_pads_are_detected_and_located_within_the_static_figures(
    phone: PanelGeometry,
    settings: ControllerSettings,
    press: Callable[..., Image],
    rest: Callable[..., Image],
    stamp: Callable[..., Image],
    scan: Callable[..., Frame],
    segmenter: str,
) -> None:
    # Sketch with the measured response: a plain 3x3 centroid leaves a residual norm of 0.20 mm median.
    rng = np.random.default_rng(1)
    controller = Controller(phone, replace(settings, segmenter=segmenter))
    norms, errors = [], []
    for _ in range(200):
        pads = stamp(rng, rng.uniform([26, 30], [35, 80]))
        controller.reset()
        for i in range(2):
            report = controller.process(scan(press(phone, pads) + rest(rng, phone), 10_000 * i))
        assert len(report.down) == 5
        points = matched(pads, report.down)
        norms.append(rigid_norm(pads, points))
        errors.append(points - pads)
    assert np.std(errors) < 0.07
    assert np.median(norms) < 0.13
    assert np.max(norms) < 0.8


def test_coarse_panel_gives_contacts_too(
    settings: ControllerSettings,
    press: Callable[..., Image],
    rest: Callable[..., Image],
    scan: Callable[..., Frame],
) -> None:
    coarse = PanelGeometry(12, 22, 7.0, 7.0, 800, 480, 154.0, 84.0)
    low = replace(settings, touch_threshold=15.0, touch_hysteresis=3.0, impulse_ratio=0.0)
    pads = np.array([[40.0, 40.0], [65.0, 25.0], [61.5, 52.5]])
    controller = Controller(coarse, low)
    rng = np.random.default_rng(4)
    for i in range(3):
        report = controller.process(scan(press(coarse, pads, blur_mm=3.0) + rest(rng, coarse), 10_000 * i))
    assert np.abs(matched(pads, report.down) - pads).max() < 1.5


@pytest.mark.kernel
def test_the_first_frames_are_the_baseline_where_the_front_end_has_none(
    phone: PanelGeometry,
    press: Callable[..., Image],
    scan: Callable[..., Frame],
    settings: ControllerSettings,
) -> None:
    rest = np.arange(27 * 15).reshape(27, 15) % 40 + 500.0
    pad = press(phone, [(30.0, 50.0)])
    controller = Controller(phone, replace(settings, calibration_frames=4, debounce_frames=1))
    frames = [*[rest + odd for odd in (-1.0, 1.0, -1.0, 1.0)], rest, rest + pad]
    reports = [controller.process(scan(frame, 10_000 * i)) for i, frame in enumerate(frames)]
    assert [len(report.contacts) for report in reports] == [0, 0, 0, 0, 0, 1]
    controller.reset()
    assert not any(controller.process(scan(rest + pad, 10_000 * i)).contacts for i in range(6))


@pytest.mark.kernel
def test_a_finger_on_the_panel_at_power_up_leaves_no_hole_behind(
    phone: PanelGeometry,
    press: Callable[..., Image],
    scan: Callable[..., Frame],
    settings: ControllerSettings,
) -> None:
    finger = press(phone, [(30.0, 50.0)], diameter_mm=12.0)
    controller = Controller(phone, replace(settings, calibration_frames=2, debounce_frames=1))
    frames = [finger] * 5 + [0.0 * finger] * (settings.antitouch_frames + 1) + [finger]
    reports = [controller.process(scan(frame, 10_000 * i)) for i, frame in enumerate(frames)]
    assert [len(report.contacts) for report in reports] == [0] * (len(frames) - 1) + [1]


def test_rest_gives_no_contacts(
    phone: PanelGeometry, settings: ControllerSettings, rest: Callable[..., Image], scan: Callable[..., Frame]
) -> None:
    controller = Controller(phone, settings)
    rng = np.random.default_rng(2)
    for i in range(300):
        assert controller.process(scan(rest(rng, phone, 3.0), 10_000 * i)) == TouchReport(10_000 * i, ())


def test_strong_common_noise_neither_hides_nor_adds_contacts(
    phone: PanelGeometry,
    settings: ControllerSettings,
    press: Callable[..., Image],
    stamp: Callable[..., Image],
    scan: Callable[..., Frame],
) -> None:
    rng = np.random.default_rng(3)
    pads = stamp(rng)
    controller = Controller(phone, settings)
    for i in range(20):
        common = rng.uniform(-30, 30, (27, 1)) + rng.uniform(-10, 10, (1, 15))
        report = controller.process(scan(press(phone, pads) + common, 10_000 * i))
        assert len(report.down) == (0 if i == 0 else 5)


def test_hysteresis_holds_a_weakening_contact(
    phone: PanelGeometry,
    settings: ControllerSettings,
    press: Callable[..., Image],
    scan: Callable[..., Frame],
) -> None:
    pad = [((7 + 0.5) * 4.1, (13 + 0.5) * 4.1)]
    peak = press(phone, pad).max()
    quick = replace(settings, debounce_frames=1, liftoff_frames=1)
    controller = Controller(phone, quick)
    for t, (counts, tips) in enumerate([(48, []), (60, [True]), (48, [True]), (43, [False]), (48, [])]):
        report = controller.process(scan(press(phone, pad) * counts / peak, 10_000 * t))
        assert [contact.tip for contact in report.contacts] == tips


def test_long_touch_leaves_no_trace_in_the_baseline(
    phone: PanelGeometry,
    settings: ControllerSettings,
    press: Callable[..., Image],
    scan: Callable[..., Frame],
) -> None:
    controller = Controller(phone, settings)
    touch = press(phone, [(30.0, 55.0)])
    reports = [controller.process(scan(touch, 10_000 * i)) for i in range(1000)]
    assert len({(contact.x, contact.y) for report in reports[1:] for contact in report.contacts}) == 1
    assert all(len(report.down) == 1 for report in reports[1:])


def test_drifting_panel_stays_free_of_contacts(
    phone: PanelGeometry, settings: ControllerSettings, scan: Callable[..., Frame]
) -> None:
    controller = Controller(phone, settings)
    place = np.zeros((27, 15))
    place[10:13, 5:8] = 1.0
    for i in range(6000):
        assert not controller.process(scan(place * 0.02 * i, 10_000 * i)).contacts


def test_touch_at_power_up_is_forgiven(
    phone: PanelGeometry,
    settings: ControllerSettings,
    press: Callable[..., Image],
    scan: Callable[..., Frame],
) -> None:
    # Deltas taken against a finger leave a hole where it was; after the recalibration a touch there is seen.
    controller = Controller(phone, settings)
    hole = -press(phone, [(30.0, 55.0)], diameter_mm=10.0)
    seen = [len(controller.process(scan(hole, 10_000 * i)).down) for i in range(settings.antitouch_frames)]
    assert not any(seen)
    for i in range(2):
        report = controller.process(scan(np.zeros(hole.shape), 1_000_000 + 10_000 * i))
    assert len(report.down) == 1


def test_palm_is_rejected_and_a_pad_beside_it_reported(
    phone: PanelGeometry,
    settings: ControllerSettings,
    press: Callable[..., Image],
    scan: Callable[..., Frame],
) -> None:
    palm = press(phone, [(20.0, 85.0)], diameter_mm=31.0)
    pad = press(phone, [(45.0, 20.0)])
    controller = Controller(phone, settings)
    for i in range(3):
        report = controller.process(scan(palm + pad, 10_000 * i))
    (contact,) = report.down
    assert contact.y_mm == pytest.approx(20.0, abs=0.2)


def test_charger_noise_delays_landings_on_its_lines(
    phone: PanelGeometry,
    settings: ControllerSettings,
    press: Callable[..., Image],
    scan: Callable[..., Frame],
) -> None:
    counts = press(phone, [((7 + 0.5) * 4.1, 30.0)])
    counts[18:24:2, 7] -= 35.0
    controller = Controller(phone, settings)
    seen = [len(controller.process(scan(counts, 10_000 * i)).down) for i in range(5)]
    assert seen == [0, 0, 0, 1, 1]


def test_idle_panel_is_scanned_slowly_and_woken_by_a_touch(
    phone: PanelGeometry, press: Callable[..., Image], scan: Callable[..., Frame]
) -> None:
    sleepy = ControllerSettings(idle_after_us=1_000_000, idle_interval_us=100_000)
    touch, empty = press(phone, [(30.0, 55.0)]), np.zeros((27, 15))

    def first_report_us(rest_us: int) -> int:
        controller = Controller(phone, sleepy)
        for t_us in range(0, rest_us, 10_000):
            assert not controller.process(scan(empty, t_us)).contacts
        for t_us in range(rest_us, rest_us + 400_000, 10_000):
            if controller.process(scan(touch, t_us)).contacts:
                return t_us - rest_us
        return -1

    assert first_report_us(900_000) == 10_000
    assert first_report_us(1_050_000) == 50_000  # the slow scan at 1.09 s, and one frame of debounce


def test_reset_forgets_contacts(
    phone: PanelGeometry,
    settings: ControllerSettings,
    press: Callable[..., Image],
    scan: Callable[..., Frame],
) -> None:
    controller = Controller(phone, settings)
    frames = [scan(press(phone, [(30.0, 55.0)]), 10_000 * i) for i in range(4)]
    first = [controller.process(frame) for frame in frames]
    controller.reset()
    assert [controller.process(frame) for frame in frames] == first


@pytest.mark.parametrize(
    "deltas", [np.zeros((15, 27), np.int16), np.zeros((27, 15)), np.zeros(405, np.int16)], ids=str
)
def test_frame_of_another_panel_is_refused(phone: PanelGeometry, deltas: npt.NDArray[np.int16]) -> None:
    with pytest.raises(InputError, match=r"frame at 7 us: .* must be int16 of shape \(27, 15\)"):
        Controller(phone).process(Frame(7, deltas))


SCRIPT = """
import numpy as np
from stampbench.firmware_emulator.controller import Controller, PanelGeometry
from stampbench.firmware_emulator.touch import Frame
rng = np.random.default_rng(8)
rows, cols = np.mgrid[0:27, 0:15]
controller = Controller(PanelGeometry(27, 15, 4.1, 4.1, 6150, 11070, 61.5, 110.7))
pads = [(5.3, 3.1), (9.6, 2.9), (13.2, 7.4), (10.1, 11.0), (6.0, 8.2), (20.0, 0.1)]
touch = sum(150 * np.exp(-((rows - r) ** 2 + (cols - c) ** 2) / 0.7) for r, c in pads)
for i in range(8):
    counts = rng.normal(0, 2, (27, 15)) + (touch if 1 <= i < 4 else 0)
    print(controller.process(Frame(i * 10_000, np.round(counts).astype(np.int16))))
"""


def test_reports_are_the_same_to_the_bit_with_and_without_compilation() -> None:
    runs = [
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env={**os.environ, "NUMBA_DISABLE_JIT": disabled},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for disabled in ("0", "1")
    ]
    assert runs[0].count("tip=True") == 24
    assert runs[0] == runs[1]
