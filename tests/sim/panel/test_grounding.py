from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from stampbench.sim.hold import Hold
from stampbench.sim.panel import PlacedObject, load_profile, profile_names, reference
from stampbench.sim.panel.field import PAD_COMPRESSION_MM
from stampbench.sim.panel.fit import fit_panel
from stampbench.sim.panel.grounding import factors, floating_image
from stampbench.sim.panel.panel import Panel
from stampbench.sim.stamps.objects import TouchObject, round_pads

FIGURES = 0.985, 0.907
"""Released k and gain."""


def test_a_firm_grip_grounds_wholly_and_none_leaves_the_measured_k() -> None:
    assert factors(*FIGURES, 1.0) == (0.0, 1.0)
    assert factors(*FIGURES, 0.0) == (0.985, 0.907)
    assert factors(*FIGURES, 0.5) == pytest.approx((0.4925, 0.9535))


def test_a_grip_beyond_its_range_is_taken_as_its_end() -> None:
    assert factors(*FIGURES, 1.5) == factors(*FIGURES, 1.0)
    assert factors(*FIGURES, -0.1) == factors(*FIGURES, 0.0)


def test_an_empty_image_stays_empty() -> None:
    assert not floating_image(np.zeros((4, 5)), 0.99).any()


@pytest.mark.kernel
def test_one_released_pad_vanishes() -> None:
    pad = TouchObject("pad", round_pads(np.zeros((1, 2)), 7.0), (1,))
    panel = Panel(load_profile("nexus-5"))
    held = panel.signal([PlacedObject(pad, Hold(30.0, 60.0))])
    released = panel.signal([PlacedObject(pad, Hold(30.0, 60.0, grip=0.0))])
    assert np.abs(released).max() < 0.03 * held.max()


@pytest.mark.kernel
def test_a_released_stamp_goes_negative_where_pad_rows_cross_pad_columns_and_keeps_no_net_charge() -> None:
    pads = np.array([[-12.3, -12.2], [12.3, 12.2]])  # three nodes off the middle each way
    stamp = TouchObject("pair", round_pads(pads, 7.0), (2,))
    profile = load_profile("nexus-5")
    geometry = profile.geometry
    x, y = 7.5 * geometry.pitch_x_mm, 13.5 * geometry.pitch_y_mm
    placed = PlacedObject(stamp, Hold(x, y, grip=0.0))
    image = Panel(profile).signal([placed])
    assert image[10, 10] < -80
    assert image[16, 4] < -80
    assert image[10, 4] > 80
    assert image[16, 10] > 80
    held = reference.signal([PlacedObject(stamp, Hold(x, y))], profile, PAD_COMPRESSION_MM)
    assert abs(image.sum()) < 0.025 * held.sum()
    assert held.min() > -1e-9


@pytest.mark.parametrize("name", profile_names())
def test_a_released_object_has_the_factors_that_were_measured_on_one(name: str) -> None:
    """Measured on a Nexus 5, object held and released: k 0.985, g 0.907 (R2 0.954); 0.906 by another fit."""
    profile = load_profile(name)
    stamp = TouchObject(
        "stamp", round_pads(np.array([[0, 0], [15, 3], [-12, 10], [-8, -14], [9, -16]], float), 7.0), (5,)
    )
    at = profile.geometry.width_mm / 2, profile.geometry.height_mm / 2
    panel = Panel(replace(profile, readout=replace(profile.readout, squelch=0)), seed=1)
    rest: list[list[PlacedObject]] = [[]] * 20
    held, released = ([[PlacedObject(stamp, Hold(*at, grip=grip))]] * 20 for grip in (1.0, 0.0))
    frames = [
        panel.frame(n * profile.frame_interval_us, placed).deltas
        for n, placed in enumerate(rest + held + released)
    ]
    fitted = fit_panel(frames, profile.geometry.pitch_x_mm, held=(20, 40), released=(40, 60)).grounding
    assert fitted is not None
    assert fitted.k == pytest.approx(0.985, abs=0.02)
    assert fitted.g == pytest.approx(0.907, abs=0.04)
