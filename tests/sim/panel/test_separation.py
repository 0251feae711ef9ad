"""How near two pads may stand, against figures derived from the measured flat response at 4.1 mm pitch."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from stampbench.sim.hold import Hold
from stampbench.sim.panel import Panel, PlacedObject, load_profile
from stampbench.sim.stamps.objects import TouchObject, round_pads

NEXUS = load_profile("nexus-5")
AMPLITUDE = NEXUS.flat.amplitude


def pairs(diameter_mm: float, distance_mm: float, count: int = 400) -> list[np.ndarray]:
    """Images of two held pads at random places and angles."""
    rng = np.random.default_rng(0)
    panel = Panel(NEXUS)
    pad = np.array([[-distance_mm / 2, 0.0], [distance_mm / 2, 0.0]])
    pair = TouchObject("pair", round_pads(pad, diameter_mm), (2,))
    return [
        panel.signal(
            [PlacedObject(pair, Hold(rng.uniform(28, 33), rng.uniform(50, 55), rng.uniform(0, 2 * np.pi)))]
        )
        for _ in range(count)
    ]


@pytest.mark.parametrize(
    ("diameter_mm", "distance_mm", "share"),
    [(6.0, 8.0, 0.78), (6.0, 9.0, 0.97), (6.0, 11.0, 1.0), (8.0, 9.0, 0.87), (8.0, 11.0, 1.0)],
)
def test_two_pads_show_two_peaks_as_often_as_derived(
    diameter_mm: float, distance_mm: float, share: float
) -> None:
    images = pairs(diameter_mm, distance_mm)
    peaks = [
        ((image == ndimage.maximum_filter(image, 3)) & (image > 0.2 * AMPLITUDE)).sum() for image in images
    ]
    assert np.mean(np.array(peaks) >= 2) == pytest.approx(share, abs=0.09)


@pytest.mark.parametrize(
    ("diameter_mm", "distance_mm", "share"),
    [
        (6.0, 8.0, 1.0),
        (6.0, 10.0, 0.37),
        (6.0, 11.0, 0.07),
        (6.0, 12.0, 0.0),
        (8.0, 11.0, 1.0),
        (8.0, 12.0, 0.57),
        (8.0, 13.0, 0.18),
        (8.0, 14.0, 0.0),
    ],
)
def test_two_pads_stay_one_area_above_a_fifth_as_often_as_derived(
    diameter_mm: float, distance_mm: float, share: float
) -> None:
    areas = [ndimage.label(image > 0.2 * AMPLITUDE)[1] for image in pairs(diameter_mm, distance_mm)]
    assert np.mean(np.array(areas) == 1) == pytest.approx(share, abs=0.08)
