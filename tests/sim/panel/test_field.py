from __future__ import annotations

import numpy as np
import pytest
from stampbench.sim.hold import Hold
from stampbench.sim.panel import Panel, PlacedObject, load_profile, reference
from stampbench.sim.panel.field import PAD_COMPRESSION_MM
from stampbench.sim.stamps.objects import Conductor, TouchObject, resolve_object, round_pads


def signal(*objects: PlacedObject, profile_name: str = "nexus-5") -> np.ndarray:
    return Panel(load_profile(profile_name)).signal(objects)


STAMP = resolve_object("random-stamp/1")


@pytest.mark.kernel
@pytest.mark.parametrize(
    "objects",
    [
        pytest.param((PlacedObject(STAMP, Hold(30.0, 60.0, 0.7)),), id="held"),
        pytest.param((PlacedObject(STAMP, Hold(30.0, 60.0, -2.0, grip=0.0)),), id="released"),
        pytest.param(
            (
                PlacedObject(
                    STAMP, Hold(31.0, 58.0, 0.1, force=0.6, grip=0.5, tilt_x_rad=0.01, tilt_y_rad=-0.02)
                ),
            ),
            id="tilted",
        ),
        pytest.param((PlacedObject(resolve_object("coin"), Hold(5.0, 3.0, grip=0.3)),), id="overhanging"),
        pytest.param(
            (PlacedObject(resolve_object("fingers/3/1"), Hold(30.0, 60.0, 1.0, force=0.8, grip=0.5)),),
            id="fingers",
        ),
        pytest.param((PlacedObject(resolve_object("palm"), Hold(30.0, 20.0, 0.4)),), id="palm"),
        pytest.param(
            (
                PlacedObject(STAMP, Hold(30.0, 30.0, grip=0.2)),
                PlacedObject(resolve_object("finger"), Hold(20.0, 90.0)),
            ),
            id="two objects",
        ),
    ],
)
def test_the_signal_agrees_with_its_slow_twin(objects: tuple[PlacedObject, ...]) -> None:
    profile = load_profile("nexus-5")
    expected = reference.signal(objects, profile, PAD_COMPRESSION_MM)
    assert np.abs(signal(*objects) - expected).max() < 0.006 * max(225.0, expected.max())


@pytest.mark.kernel
def test_an_object_off_the_panel_leaves_nothing() -> None:
    assert not signal(PlacedObject(STAMP, Hold(500.0, -500.0))).any()


@pytest.mark.kernel
def test_an_object_above_the_glass_leaves_nothing_however_it_tilts() -> None:
    assert not signal(PlacedObject(STAMP, Hold(30.0, 60.0, force=0.0, tilt_x_rad=0.05))).any()


@pytest.mark.kernel
def test_a_wholly_covered_node_has_the_full_amplitude() -> None:
    assert signal(PlacedObject(resolve_object("coin"), Hold(30.0, 60.0))).max() == pytest.approx(
        225.0, rel=0.002
    )


@pytest.mark.kernel
def test_skin_never_exceeds_its_saturation() -> None:
    broad = TouchObject("broad", round_pads(np.zeros((1, 2)), 30.0), (1,), Conductor.SKIN)
    assert 250 < signal(PlacedObject(broad, Hold(30.0, 60.0))).max() <= 272.0


@pytest.mark.kernel
def test_light_force_makes_the_contact_smaller_in_proportion() -> None:
    full, half = (signal(PlacedObject(STAMP, Hold(30.0, 60.0, force=force))).sum() for force in (1.0, 0.5))
    assert half / full == pytest.approx(0.5, rel=0.01)


@pytest.mark.kernel
def test_a_tilted_stamp_presses_less_on_the_side_that_is_lifted() -> None:
    coins = resolve_object("random-stamp/1")
    flat = signal(PlacedObject(coins, Hold(30.0, 60.0)))
    tilted = signal(PlacedObject(coins, Hold(30.0, 60.0, tilt_x_rad=0.01)))
    cols = np.arange(15)
    assert tilted.sum() < flat.sum()
    assert (tilted.sum(0) @ cols) / tilted.sum() < (flat.sum(0) @ cols) / flat.sum()
    # The lowest pad still touches fully.
    lowest = STAMP.pads[STAMP.pads[:, 0].argmin()] + [30.0, 60.0]
    geometry = load_profile("nexus-5").geometry
    node = int(lowest[1] / geometry.pitch_y_mm), int(lowest[0] / geometry.pitch_x_mm)
    assert tilted[node] == pytest.approx(flat[node], rel=0.01)


@pytest.mark.kernel
def test_objects_do_not_disturb_each_other() -> None:
    one, other = PlacedObject(STAMP, Hold(30.0, 35.0, grip=0.0)), PlacedObject(STAMP, Hold(30.0, 80.0, 1.0))
    assert np.allclose(signal(one, other), signal(one) + signal(other))


def test_the_widest_panel_is_covered_to_its_far_corner() -> None:
    geometry = load_profile("mxt2954t2-15").geometry
    corner = PlacedObject(resolve_object("coin"), Hold(geometry.width_mm - 5.0, geometry.height_mm - 5.0))
    assert np.argwhere(signal(corner, profile_name="mxt2954t2-15") > 400).max(axis=0).tolist() == [40, 71]
