from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from stampbench.firmware_emulator.controller import Controller, ControllerSettings, PanelGeometry
from stampbench.firmware_emulator.controller.baseline import track_baseline
from stampbench.firmware_emulator.controller.configuration import parameters
from stampbench.firmware_emulator.touch import Frame

Image = npt.NDArray[np.float64]


def step(
    baseline: Image,
    counts: Image,
    phone: PanelGeometry,
    settings: ControllerSettings,
    *,
    touched: bool = False,
    wrong_frames: int = 0,
) -> int:
    return track_baseline(
        baseline, counts, counts - baseline, touched, wrong_frames, parameters(phone, settings)
    )


@pytest.mark.kernel
def test_baseline_moves_as_its_slow_twin(phone: PanelGeometry, settings: ControllerSettings) -> None:
    rng = np.random.default_rng(0)
    counts, baseline = rng.normal(0, 4, (27, 15)), rng.normal(0, 1, (27, 15))
    expected = baseline + np.clip((counts - baseline) / 64, -0.05, 0.05)
    step(baseline, counts, phone, settings)
    np.testing.assert_array_equal(baseline, expected)


@pytest.mark.kernel
def test_baseline_freezes_under_touch(phone: PanelGeometry, settings: ControllerSettings) -> None:
    baseline = np.zeros((27, 15))
    step(baseline, np.full((27, 15), 10.0), phone, settings, touched=True)
    assert not baseline.any()


def test_drift_is_followed_no_faster_than_the_step(
    phone: PanelGeometry, settings: ControllerSettings
) -> None:
    baseline = np.zeros((27, 15))
    counts = np.full((27, 15), 12.0)
    for _ in range(100):
        step(baseline, counts, phone, settings)
    np.testing.assert_allclose(baseline, 5.0)
    for _ in range(900):
        step(baseline, counts, phone, settings)
    np.testing.assert_allclose(baseline, 12.0, atol=0.05)


@pytest.mark.kernel
def test_lasting_negative_nodes_become_the_baseline(
    phone: PanelGeometry, settings: ControllerSettings
) -> None:
    baseline = np.zeros((27, 15))
    counts = np.zeros((27, 15))
    counts[5:7, 5:7] = -100.0
    wrong = 0
    for _ in range(settings.antitouch_frames - 1):
        wrong = step(baseline, counts, phone, settings, wrong_frames=wrong)
    assert not baseline.any()
    assert step(baseline, counts, phone, settings, wrong_frames=wrong) == 0
    np.testing.assert_array_equal(baseline, counts)


def test_passing_negative_nodes_do_not(phone: PanelGeometry, settings: ControllerSettings) -> None:
    baseline = np.zeros((27, 15))
    counts = np.zeros((27, 15))
    counts[5:7, 5:7] = -100.0
    wrong = step(baseline, counts, phone, settings)
    assert wrong == 1
    assert step(baseline, np.zeros((27, 15)), phone, settings, wrong_frames=wrong) == 0


def test_antitouch_recalibration_can_be_off(phone: PanelGeometry, settings: ControllerSettings) -> None:
    off = replace(settings, antitouch_nodes=0, antitouch_frames=1)
    baseline = np.zeros((27, 15))
    step(baseline, np.full((27, 15), -100.0), phone, off)
    np.testing.assert_array_equal(baseline, np.full((27, 15), -0.05))


def test_a_baseline_taken_under_water_is_given_up_once_the_panel_reads_as_made(phone: PanelGeometry) -> None:
    controller = Controller(phone, ControllerSettings(calibration_frames=0))
    wet = np.zeros((phone.rows, phone.cols), np.int16)
    wet[3:6, 4:7] = -80
    dry = np.zeros_like(wet)
    frames = [wet] * 40 + [dry] * 40
    told = [len(controller.process(Frame(n * 10_000, frame)).down) for n, frame in enumerate(frames)]
    assert max(told[40:]) == 1
    assert told[-1] == 0


def test_a_touch_that_rests_is_never_taken_for_the_panel_as_made(phone: PanelGeometry) -> None:
    controller = Controller(phone, ControllerSettings(calibration_frames=0))
    touched = np.zeros((phone.rows, phone.cols), np.int16)
    touched[4:6, 5:7] = 120
    told = [len(controller.process(Frame(n * 10_000, touched)).down) for n in range(400)]
    assert set(told[5:]) == {1}
