from __future__ import annotations

import re

import pytest
from stampbench.bench.touch.panel_pictures import curves_picture, effect_picture
from stampbench.bench.touch.panel_report import findings, render_panels
from stampbench.sim.panel import load_profile
from stampbench.sim.panel.curves import Curve, DerivedFigure, Fact
from stampbench.sim.panel.effects import EFFECTS

NEXUS = load_profile("nexus-5")


def figure(simulated: float) -> DerivedFigure:
    curve = Curve("line", (1.0, 2.0), (0.5, simulated), (Fact(2.0, 0.6, 0.5, 0.7),), (0.4, 0.4), (0.6, 0.9))
    return DerivedFigure("some", "Some <figure>", "It means something.", "x", "y", (curve,))


@pytest.fixture(scope="module")
def page() -> str:
    return render_panels([(NEXUS, [figure(0.65)])])


def test_page_holds_a_picture_of_every_effect(page: str) -> None:
    for effect in EFFECTS:
        card = page[page.index(f'id="nexus-5-{effect.name.replace(" ", "-")}"') :]
        card = card[: card.index("</svg>")]
        assert effect.look_for in card
        assert card.count("<image") >= 2  # off and on


def test_page_is_complete_in_itself(page: str) -> None:
    assert not re.search(r"<(script [^>]*src|link|img)", page)
    assert not re.search(r'(src|href)="(?!data:|#)', page)
    assert page.count("<svg") == 1 + len(EFFECTS)


def test_page_says_whether_the_figures_are_within_the_facts(page: str) -> None:
    assert "1 figures judged, 0 outside" in page
    assert "Some &lt;figure&gt;" in page
    assert "0.65" in page


def test_finding_holds_fact_and_simulation() -> None:
    (found,) = findings(NEXUS, [figure(0.75)])
    assert (found.profile, found.figure, found.at, found.simulated) == ("nexus-5", "some", 2.0, 0.75)
    assert not found.within


def test_pictures_are_the_same_each_time() -> None:
    off, on = EFFECTS[0].off.take(NEXUS), EFFECTS[0].on.take(NEXUS)
    assert effect_picture(off, on, NEXUS.geometry, 8.0, "a") == effect_picture(
        off, on, NEXUS.geometry, 8.0, "a"
    )
    assert curves_picture(figure(0.6)) == curves_picture(figure(0.6))


def test_zero_lies_in_the_middle_of_the_colours_and_the_scales_are_drawn() -> None:
    off, on = EFFECTS[0].off.take(NEXUS), EFFECTS[0].on.take(NEXUS)
    picture = effect_picture(off, on, NEXUS.geometry, 8.0, "noise")
    assert "20 mm" in picture
    assert "counts" in picture
    assert "\u22128" in picture or "\u22125" in picture  # a minus sign: the scale goes below zero


def test_categories_name_the_bars() -> None:
    bars = DerivedFigure(
        "noise", "Noise", "", "", "sd", (Curve("c", (0.0, 1.0), (1.0, 2.0)),), ("node", "line")
    )
    picture = curves_picture(bars)
    assert "node" in picture
    assert "line" in picture
