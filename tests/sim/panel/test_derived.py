"""The simulated figures lie within the spread of what was measured or derived."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from stampbench.sim.panel import Profile, load_profile
from stampbench.sim.panel.curves import Curve, DerivedFigure, Fact
from stampbench.sim.panel.derived import FIGURES, noise_shape, pad_peaks, rest_noise

NEXUS = load_profile("nexus-5")


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.__name__)
def test_figure_lies_within_the_facts(figure: Callable[[Profile], DerivedFigure]) -> None:
    outside = [
        f"{curve.name} at {fact.at:g}: {simulated:.3g}, expected {fact.low:.3g} to {fact.high:.3g}"
        for curve in figure(NEXUS).curves
        for fact, simulated, within in curve.judged()
        if not within
    ]
    assert not outside


def test_noise_of_another_controller_remembers_as_recorded() -> None:
    """Measured on mXT2954T2: correlation 0.77 at lag 1, 0.55 at lag 5."""
    (curve,) = noise_shape(load_profile("mxt2954t2-15")).curves
    assert [within for _, _, within in curve.judged()] == [True, True]


def test_facts_of_one_panel_are_not_asked_of_another() -> None:
    other = load_profile("mxt224-4")
    assert not any(curve.facts for curve in pad_peaks(other).curves)
    assert any(curve.facts for curve in rest_noise(other).curves)


def test_a_panel_that_hides_its_noise_is_not_judged_by_it() -> None:
    assert not any(curve.facts for curve in rest_noise(load_profile("surface-book-2")).curves)


def test_a_figure_beyond_the_spread_is_told_from_one_within() -> None:
    curve = Curve("c", (1.0, 2.0), (0.5, 0.9), (Fact(1.0, 0.6, 0.5, 0.7), Fact(2.0, 0.6, 0.5, 0.7)))
    assert [within for _, _, within in curve.judged()] == [True, False]
