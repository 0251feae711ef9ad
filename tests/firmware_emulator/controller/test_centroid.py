from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from stampbench.firmware_emulator.controller import ControllerSettings, PanelGeometry
from stampbench.firmware_emulator.controller.centroid import locate
from stampbench.firmware_emulator.controller.configuration import parameters
from stampbench.firmware_emulator.controller.segmentation import find_touches, new_blobs
from stampbench.firmware_emulator.controller.tracking import new_tracks

Image = npt.NDArray[np.float64]


def located(signal: Image, geometry: PanelGeometry, settings: ControllerSettings) -> npt.NDArray[np.void]:
    blobs = new_blobs()
    params = parameters(geometry, settings)
    n = find_touches(signal, np.zeros(geometry.cols, np.bool_), new_tracks(), blobs, params)
    locate(signal, blobs, n, params)
    return blobs[:n]


def phases(
    press: Callable[..., Image],
    geometry: PanelGeometry,
    settings: ControllerSettings,
    diameter_mm: float = 6.0,
) -> Image:
    """Errors in mm of one pad at 300 random phases, shape (300, 2)."""
    rng = np.random.default_rng(11)
    errors = []
    for _ in range(300):
        pad = np.array([28.7, 53.3]) + rng.uniform(0, 4.1, 2)
        (blob,) = located(press(geometry, [pad], diameter_mm), geometry, settings)
        errors.append([blob["x_mm"] - pad[0], blob["y_mm"] - pad[1]])
    return np.array(errors)


def slow_window_centroid(signal: Image, row: int, col: int, floor: float, radius: int, a: float) -> Image:
    window = signal[row - radius : row + radius + 1, col - radius : col + radius + 1]
    weights = np.clip(window - floor, 0, None)
    offsets = np.arange(-radius, radius + 1)
    u = np.array([(weights * offsets).sum(), (weights * offsets[:, None]).sum()]) / weights.sum()
    return np.array([col, row]) + u + a * u * (1 - 4 * u**2)


@pytest.mark.kernel
@pytest.mark.parametrize("window", [3, 5])
def test_locate_equals_its_slow_twin(
    phone: PanelGeometry, settings: ControllerSettings, press: Callable[..., Image], window: int
) -> None:
    wide = replace(settings, centroid_window=window, fat_finger_nodes=0)
    signal = press(phone, [[20.3, 31.9], [41.7, 60.2]]) + np.random.default_rng(3).normal(0, 1.3, (27, 15))
    for blob in located(signal, phone, wide):
        x, y = slow_window_centroid(signal, blob["row"], blob["col"], 8.0, window // 2, -0.11)
        assert blob["x_mm"] == pytest.approx((x + 0.5) * 4.1)
        assert blob["y_mm"] == pytest.approx((y + 0.5) * 4.1)


@pytest.mark.parametrize(("diameter_mm", "most_mm"), [(5, 0.06), (6, 0.03), (7, 0.02), (8, 0.06)])
def test_bias_over_phase_stays_below_the_plain_centroid(
    phone: PanelGeometry,
    settings: ControllerSettings,
    press: Callable[..., Image],
    diameter_mm: float,
    most_mm: float,
) -> None:
    assert phases(press, phone, settings, diameter_mm).std() < most_mm


def test_plain_centroid_has_the_derived_bias(
    phone: PanelGeometry, settings: ControllerSettings, press: Callable[..., Image]
) -> None:
    # Derived from the measured flat response: 0.05-0.12 mm rms over phase for pads of 5 to 8 mm.
    plain = replace(settings, linearity_correction=0.0)
    assert 0.05 < phases(press, phone, plain).std() < 0.12


def test_five_node_window_takes_in_the_neighbour(
    phone: PanelGeometry, settings: ControllerSettings, press: Callable[..., Image]
) -> None:
    signal = press(phone, [[24.0, 50.0], [36.0, 50.0]])
    plain = replace(settings, finger_separation=False)
    small, wide = (
        np.sort(located(signal, phone, replace(plain, centroid_window=window))["x_mm"]) for window in (3, 5)
    )
    assert np.abs(small - [24.0, 36.0]).max() < 0.25
    assert np.abs(wide - [24.0, 36.0]).max() > 0.5


def test_finger_separation_takes_the_bias_of_a_near_neighbour_off(
    settings: ControllerSettings, press: Callable[..., Image]
) -> None:
    coarse = PanelGeometry(18, 11, 5.1, 5.1, 999, 999, 56.1, 91.8)
    rng = np.random.default_rng(6)
    errors: dict[bool, list[Image]] = {True: [], False: []}
    for _ in range(100):
        angle = rng.uniform(0, 2 * np.pi)
        middle = rng.uniform([25.5, 43.4], [30.5, 48.4])
        half = 6.5 * np.array([np.cos(angle), np.sin(angle)])
        pads = np.array([middle - half, middle + half])
        signal = press(coarse, pads, blur_mm=2.2)
        for separation, found in errors.items():
            blobs = located(signal, coarse, replace(settings, finger_separation=separation))
            points = np.array([blobs["x_mm"], blobs["y_mm"]]).T
            found.extend(np.hypot(*(points[:, None] - pad).transpose(2, 0, 1)).min() for pad in pads)
    assert np.percentile(errors[True], 95) < 0.6 * np.percentile(errors[False], 95)


@pytest.mark.kernel
def test_separated_centroid_equals_its_slow_twin(
    phone: PanelGeometry, settings: ControllerSettings, press: Callable[..., Image]
) -> None:
    signal = press(phone, [[24.3, 50.1], [34.9, 54.2], [26.0, 61.9]])
    once = located(signal, phone, replace(settings, finger_separation=False))
    twice = located(signal, phone, settings)
    columns, rows = once["x_mm"] / 4.1 - 0.5, once["y_mm"] / 4.1 - 0.5
    y, x = np.mgrid[0:27, 0:15]
    bells = [
        blob["peak"]
        * np.exp(((blob["col"] - column) ** 2 + (blob["row"] - row) ** 2) / (2 * 0.58**2))
        * np.exp(-((x - column) ** 2 + (y - row) ** 2) / (2 * 0.58**2))
        for blob, column, row in zip(once, columns, rows, strict=True)
    ]
    for i, blob in enumerate(twice):
        others = sum(bell for k, bell in enumerate(bells) if k != i)
        place = slow_window_centroid(signal - others, blob["row"], blob["col"], 8.0, 1, -0.11)
        assert [blob["x_mm"], blob["y_mm"]] == pytest.approx((place + 0.5) * 4.1)


@pytest.mark.parametrize("from_edge_mm", [0.75, 1.5, 2.25])
def test_edge_correction_pulls_a_touch_out_to_the_edge(
    phone: PanelGeometry, settings: ControllerSettings, press: Callable[..., Image], from_edge_mm: float
) -> None:
    signal = press(phone, [[from_edge_mm, 55.0]])
    (on,) = located(signal, phone, settings)
    (off,) = located(signal, phone, replace(settings, edge_correction=False))
    assert off["x_mm"] - from_edge_mm > 0.3
    assert abs(on["x_mm"] - from_edge_mm) < 0.2
    assert abs(on["y_mm"] - 55.0) < 0.1


def test_edge_correction_works_at_every_edge(
    phone: PanelGeometry, settings: ControllerSettings, press: Callable[..., Image]
) -> None:
    for pad in ([1.5, 1.5], [60.0, 1.5], [1.5, 109.2], [60.0, 109.2]):
        (blob,) = located(press(phone, [pad]), phone, settings)
        assert np.hypot(blob["x_mm"] - pad[0], blob["y_mm"] - pad[1]) < 0.35


def test_broad_touch_is_located_by_its_whole_area(
    phone: PanelGeometry, settings: ControllerSettings, press: Callable[..., Image]
) -> None:
    # A finger: Gaussian sd 0.88 pitch, 9-11 nodes above 30 counts (measured on a Nexus 5).
    rows, cols = np.mgrid[0:27, 0:15]
    whole, window = [], []
    for phase in np.linspace(0, 1, 21):
        signal = 260 * np.exp(-((cols - 7 - phase) ** 2 + (rows - 12.3) ** 2) / (2 * 0.88**2))
        for errors, fat in ((whole, 7), (window, 0)):
            (blob,) = located(signal, phone, replace(settings, fat_finger_nodes=fat))
            errors.append(blob["x_mm"] - (7.5 + phase) * 4.1)
    assert np.std(whole) < 0.12
    assert np.std(window) > 0.3


@pytest.mark.kernel
def test_noise_at_the_foot_of_a_broad_touch_does_not_move_it(
    phone: PanelGeometry, settings: ControllerSettings, rest: Callable[..., Image]
) -> None:
    # A finger between four nodes: the eight around them lie just at the leave threshold.
    rng = np.random.default_rng(5)
    rows, cols = np.mgrid[0:27, 0:15]
    finger = 240 * np.exp(-((cols - 7.5) ** 2 + (rows - 12.5) ** 2) / (2 * 0.86**2))
    blobs = [located(finger + rest(rng, phone), phone, settings)[0] for _ in range(100)]
    nodes = [int(blob["nodes"]) for blob in blobs]
    assert min(nodes) < settings.fat_finger_nodes < max(nodes)
    errors = np.array([[blob["x_mm"], blob["y_mm"]] for blob in blobs]) - [8.0 * 4.1, 13.0 * 4.1]
    assert np.abs(errors).max() < 0.25


def test_merged_pads_are_located_between_them(
    phone: PanelGeometry, settings: ControllerSettings, press: Callable[..., Image]
) -> None:
    signal = press(phone, [[26.0, 50.0], [34.0, 50.0]])
    (blob,) = located(signal, phone, replace(settings, segmenter="threshold"))
    assert blob["x_mm"] == pytest.approx(30.0, abs=0.5)


@pytest.mark.parametrize("diameter_mm", [5.0, 6.0, 8.0, 15.0])
def test_size_is_the_diameter_of_the_pad(
    phone: PanelGeometry, settings: ControllerSettings, press: Callable[..., Image], diameter_mm: float
) -> None:
    (blob,) = located(press(phone, [[30.1, 55.7]], diameter_mm), phone, settings)
    assert blob["size_mm"] == pytest.approx(diameter_mm, rel=0.08)
