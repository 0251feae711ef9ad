from __future__ import annotations

import numpy as np
from stampbench.sim.screen.theme import DELTA_STEPS, delta_colours, delta_indices

# Linear RGB as a deuteranope sees it (Vienot, Brettel and Mollon, Color Research and Application 24, 1999).
DEUTERANOPE = np.array([[0.29275, 0.70725, 0.0], [0.29275, 0.70725, 0.0], [-0.02234, 0.02234, 1.0]])


def luminance(colours: np.ndarray) -> np.ndarray:
    return (colours / 255.0) ** 2.2 @ [0.2126, 0.7152, 0.0722]


def test_no_delta_is_the_lightest_and_both_ends_are_dark() -> None:
    light = luminance(delta_colours().astype(float))
    assert light.argmax() == DELTA_STEPS or np.isclose(light[DELTA_STEPS], light.max())
    assert (np.diff(light[: DELTA_STEPS + 1]) >= -1e-3).all()
    assert (np.diff(light[DELTA_STEPS:]) <= 1e-3).all()
    assert max(light[0], light[-1]) < 0.1


def test_ghosts_are_told_from_touches_by_the_colour_blind() -> None:
    colours = delta_colours().astype(float)
    seen = (colours / 255.0) ** 2.2 @ DEUTERANOPE.T
    for steps in (DELTA_STEPS // 10, DELTA_STEPS // 3, DELTA_STEPS * 2 // 3):
        ghost, touch = seen[DELTA_STEPS - steps], seen[DELTA_STEPS + steps]
        assert ghost[2] - ghost[0] < -0.05
        assert touch[2] - touch[0] > 0.05


def test_a_ghost_of_a_tenth_stands_out_from_the_untouched_panel() -> None:
    colours = delta_colours().astype(int)
    assert np.abs(colours[DELTA_STEPS - DELTA_STEPS // 10] - colours[DELTA_STEPS]).sum() > 60


def test_counts_beyond_full_take_the_last_colour() -> None:
    counts = np.array([[-500, -225, 0, 225, 500]], np.int16)
    assert delta_indices(counts, 225.0).tolist() == [[0, 0, DELTA_STEPS, 2 * DELTA_STEPS, 2 * DELTA_STEPS]]
