from __future__ import annotations

import math

import numpy as np
import pytest
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.panel.fit import fit_panel
from stampbench.sim.panel.fit.grounding_fit import fit_grounding

PADS = [(0.0, 0.0, 7.0), (15.0, 3.0, 7.0), (-12.0, 10.0, 7.0), (-8.0, -14.0, 7.0), (9.0, -16.0, 7.0)]
CROSS = [(2.0 * i, 0.0, 8.0) for i in range(-8, 9)] + [(0.0, 2.0 * i, 8.0) for i in range(-8, 9)]
RING = [(12.0 * math.cos(a), 12.0 * math.sin(a), 5.0) for a in np.arange(0.0, 6.28, 0.2)]


def image_of(glass, discs, x, y, theta, amplitude=225.0):
    cos, sin = math.cos(theta), math.sin(theta)
    placed = [(cos * a - sin * b + x, sin * a + cos * b + y, diameter) for a, b, diameter in discs]
    return amplitude * glass.blurred(glass.mask(placed), 1.75)


def released_image(held, k, g):
    return g * (held - k * np.outer(held.sum(axis=1), held.sum(axis=0)) / held.sum())


@pytest.mark.parametrize("discs", [PADS, CROSS, RING], ids=["pads", "cross", "ring"])
@pytest.mark.parametrize("saturation", [None, 250.0], ids=["linear", "saturated"])
@pytest.mark.parametrize("k", [0.99, 0.5])
def test_a_released_object_that_moved_gives_its_factors(phone, rng, discs, saturation, k):
    held = image_of(phone, discs, 31.0, 56.0, 0.3, 290.0)
    released = released_image(image_of(phone, discs, 28.0, 59.5, 0.33, 290.0), k, 1.16)
    if saturation is not None:
        held = saturation * np.tanh(held / saturation)
    held, released = (np.median(image + phone.rest(rng, 30), axis=0).round() for image in (held, released))
    grounding = fit_grounding(held, released, 0.4)
    assert grounding.k == pytest.approx(k, abs=0.02)
    assert grounding.g == pytest.approx(1.16, abs=0.12)
    assert grounding.r2 > 0.93


def test_a_faulty_read_out_does_not_hide_the_factors(phone, rng):
    held = image_of(phone, PADS, 31.0, 56.0, 0.3)
    released = released_image(image_of(phone, PADS, 33.0, 54.0, 0.3), 0.99, 1.16)
    frames = np.concatenate([held + phone.rest(rng, 40), released + phone.rest(rng, 40)]).round()
    for frame in range(1, len(frames)):
        late = rng.integers(0, 11)
        frames[frame, :late] = frames[frame - 1, :late]
        frames[frame, 1, 4] = 150.0
    grounding = fit_panel(frames, 4.1, held=(5, 40), released=(45, 80)).grounding
    assert grounding is not None
    assert grounding.k == pytest.approx(0.99, abs=0.02)
    assert grounding.r2 > 0.93


def test_a_held_object_has_no_ghosts(phone, rng):
    held = image_of(phone, PADS, 31.0, 56.0, 0.3)
    frames = np.concatenate([phone.rest(rng, 20), held + phone.rest(rng, 60)])
    grounding = fit_panel(frames, 4.1, held=(20, 50), released=(50, 80)).grounding
    assert grounding is not None
    assert grounding.k == pytest.approx(0.0, abs=0.02)
    assert grounding.g == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize(("held", "released"), [((0, 0), (5, 9)), ((0, 5), (5, 99)), ((6, 5), (5, 9))])
def test_ranges_must_lie_in_the_recording(phone, rng, held, released):
    with pytest.raises(InputError, match=r"expected a range within 0:10"):
        fit_panel(phone.rest(rng, 10), 4.1, held=held, released=released)


def test_ranges_must_show_an_object(phone, rng):
    with pytest.raises(InputError, match="held frames show no object"):
        fit_panel(phone.rest(rng, 40), 4.1, held=(0, 20), released=(20, 40))


def test_one_range_alone_is_refused(phone, rng):
    with pytest.raises(InputError, match="both ranges or neither"):
        fit_panel(phone.rest(rng, 10), 4.1, held=(0, 5))


@pytest.mark.parametrize("offset", [0.0, 9800.0], ids=["deltas", "raw"])
def test_a_recording_may_show_the_object_nearly_all_the_time(phone, rng, offset):
    held = image_of(phone, PADS, 31.0, 56.0, 0.3)
    released = released_image(image_of(phone, PADS, 31.5, 57.0, 0.3), 0.99, 1.16)
    static = rng.normal(0.0, 150.0, phone.shape) if offset else 0.0
    deltas = np.concatenate([phone.rest(rng, 8), held + phone.rest(rng, 40), released + phone.rest(rng, 30)])
    frames = (offset + static - deltas if offset else deltas).round()
    grounding = fit_panel(frames, 4.1, held=(8, 48), released=(48, 78)).grounding
    assert grounding is not None
    assert grounding.k == pytest.approx(0.99, abs=0.02)
    assert grounding.r2 > 0.93
