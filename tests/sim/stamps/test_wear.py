from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtr
from stampbench.firmware_emulator.errors import InputError
from stampbench.sim.hold import Hold
from stampbench.sim.panel import Panel, PlacedObject, load_profile
from stampbench.sim.stamps.objects import TouchObject, resolve_object
from stampbench.sim.stamps.wear import WEAR_FORMS, outline_cells

NEXUS = load_profile("nexus-5")
NEW = resolve_object("random-stamp/1")


def image(name: str) -> np.ndarray:
    return Panel(NEXUS).signal([PlacedObject(resolve_object(name), Hold(30.0, 60.0))])


def middle_mm(values: np.ndarray) -> np.ndarray:
    rows, cols = np.indices(values.shape) + 0.5
    geometry = NEXUS.geometry
    x, y = cols * geometry.pitch_x_mm, rows * geometry.pitch_y_mm
    return np.array([(values * x).sum(), (values * y).sum()]) / values.sum()


def test_worn_pads_touch_with_that_much_less_of_their_area() -> None:
    assert image("random-stamp/1~worn=0.3") == pytest.approx(0.7 * image("random-stamp/1"))


def test_hollow_pads_touch_with_a_ring() -> None:
    worn, new = image("random-stamp/1~hollow=3"), image("random-stamp/1")
    assert worn.sum() / new.sum() == pytest.approx(1 - (3 / 6) ** 2, rel=0.005)
    assert worn.min() > -1e-6
    assert worn.max() < new.max()


@pytest.mark.parametrize("pad", range(1, 6))
def test_a_broken_pad_has_lost_the_half_towards_the_stamps_right(pad: int) -> None:
    """The middle of a half disc lies 4 r / 3 pi from that of the disc."""
    discs = resolve_object(f"random-stamp/1~broken={pad}").discs
    cells = discs[(discs[:, :2] == NEW.pads[pad - 1]).all(axis=1)]
    areas = cells[:, 5] * np.pi / 4 * cells[:, 4] ** 2
    assert areas.sum() == pytest.approx(np.pi * 3.0**2 / 2, rel=0.01)
    assert areas @ cells[:, 2:4] / areas.sum() == pytest.approx([-4 * 3.0 / (3 * np.pi), 0.0], abs=0.03)
    assert len(discs) == len(cells) + 4


def test_a_broken_pad_answers_lower_and_to_the_left() -> None:
    lost = image("random-stamp/1") - image("random-stamp/1~broken=3")
    at = NEW.pads[2] + [30.0, 60.0] + [4 * 3.0 / (3 * np.pi), 0.0]
    assert middle_mm(lost) == pytest.approx(at, abs=0.4)
    assert lost.max() > 40


def test_a_pad_of_any_outline_is_made_of_cells() -> None:
    """A square of 8 mm, made of cells of 1 mm, and the same blurred square in closed form."""
    square = TouchObject("square", outline_cells(np.ones((8, 8)), 1.0), (64,))
    geometry = NEXUS.geometry
    got = Panel(NEXUS).signal([PlacedObject(square, Hold(30.0, 60.0))])
    x = (np.arange(geometry.cols) + 0.5) * geometry.pitch_x_mm - 30.0
    y = (np.arange(geometry.rows) + 0.5) * geometry.pitch_y_mm - 60.0
    sd = NEXUS.flat.psf_sd_mm
    along_x, along_y = (ndtr((at + 4.0) / sd) - ndtr((at - 4.0) / sd) for at in (x, y))
    assert got == pytest.approx(NEXUS.flat.amplitude * np.outer(along_y, along_x), abs=0.6)


def test_a_missing_pad_is_gone_and_the_others_stay() -> None:
    worn = resolve_object("random-stamp/1~missing=2")
    assert np.array_equal(worn.pads, np.delete(NEW.pads, 1, axis=0))


def test_wear_adds_up_from_left_to_right() -> None:
    worn = resolve_object("random-stamp/1~missing=1~worn=0.5~broken=4")
    assert len(worn.pads) == 4
    assert worn.grounds == 1
    assert np.array_equal(worn.pads, NEW.pads[1:])


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("random-stamp/1~bent=1", WEAR_FORMS[0]),
        ("random-stamp/1~", "unknown"),
        ("random-stamp/1~worn", "expected a number from 0 to 0.95"),
        ("random-stamp/1~worn=1.5", "expected a number from 0 to 0.95"),
        ("random-stamp/1~worn=nan", "expected a number from 0 to 0.95"),
        ("random-stamp/1~hollow=6", "expected a number from 0 to 5.9"),
        ("random-stamp/1~broken=6", "expected a number from 1 to 5"),
        ("random-stamp/1~missing=1.5", "whole number from 1 to 5"),
        ("coin~missing=1", "expected one to be left"),
        ("finger~worn=0.1", "only stamps wear"),
    ],
)
def test_wear_that_cannot_be_is_refused(name: str, words: str) -> None:
    with pytest.raises(InputError, match=f"object '{name}': .*{words}"):
        resolve_object(name)
