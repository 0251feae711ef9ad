from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stampbench.sim.service.owner.charts import Bar, lying, round_top, standing

bars = st.lists(
    st.builds(
        Bar,
        st.integers(0, 10**7),
        st.sampled_from(["", "<b>", "매장 1", "a" * 50, '"&']),
        st.sampled_from(["told", "<i>&"]),
        st.booleans(),
    ),
    max_size=40,
)


@given(bars)
def test_every_chart_is_wellformed_and_stays_inside(drawn: list[Bar]) -> None:
    for draw in (standing, lying):
        svg = ET.fromstring(str(draw(drawn, "a & b")))
        _, _, width, height = map(float, svg.attrib["viewBox"].split())
        for rect in svg.iter("rect"):
            x, y, w, h = (float(rect.attrib[name]) for name in ("x", "y", "width", "height"))
            assert min(x, y) >= -0.1
            assert x + w <= width + 0.1
            assert y + h <= height + 0.1


def test_heights_are_in_proportion() -> None:
    svg = ET.fromstring(str(standing([Bar(5, "", ""), Bar(10, "", ""), Bar(0, "", "")], "t")))
    heights = [float(rect.attrib["height"]) for rect in svg.iter("rect") if rect.attrib["class"] == "bar"]
    assert heights[1] == pytest.approx(2 * heights[0])
    assert len(heights) == 2


@given(st.integers(0, 10**9))
def test_the_scale_ends_at_a_round_even_number_above(value: int) -> None:
    top = round_top(value)
    assert top >= max(2, value)
    assert top % 2 == 0
    assert top <= max(2, 1.3 * value + 1)
