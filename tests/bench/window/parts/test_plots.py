from __future__ import annotations

import numpy as np
import pygame
import pytest
from stampbench.bench.window.parts.plots import Trace, axis_top, draw_trace
from stampbench.bench.window.parts.tabs.autopress import axis_end
from stampbench.sim.screen import theme
from stampbench.sim.screen.fonts import Lettering, find_typeface


@pytest.mark.parametrize(
    ("highest", "limit", "least", "top"),
    [(0.0, 0.0, 1.0, 1.0), (0.21, 0.0, 0.2, 0.25), (1.0, 1.79, 1.0, 2.5), (37.0, 0.0, 40.0, 40.0)],
)
def test_an_axis_ends_at_a_round_number_that_holds_values_and_limit(
    highest: float, limit: float, least: float, top: float
) -> None:
    assert axis_top(highest, limit, least) == pytest.approx(top)


def test_rates_share_an_axis_that_holds_the_widest_interval() -> None:
    assert [axis_end(high) for high in (0.0, 0.0183, 0.03, 0.11, 1.0)] == [0.02, 0.02, 0.05, 0.2, 1.0]


def test_a_gap_in_the_values_is_a_gap_in_the_line() -> None:
    pygame.font.init()
    surface = pygame.Surface((400, 120))
    times = np.arange(100) * 0.1
    values = np.full(100, 0.5)
    values[40:60] = np.nan
    trace = Trace(
        title="title",
        unit="mm",
        colour=theme.ACCENT,
        times_s=times,
        values=values,
        now_s=10.0,
        least_top=1.0,
    )
    draw_trace(surface, surface.get_rect(), trace, Lettering(find_typeface(), 1.0))
    pixels = pygame.surfarray.array3d(surface)
    columns = np.flatnonzero((pixels == pygame.Color(theme.ACCENT)[:3]).all(axis=2).any(axis=1))
    gaps = np.diff(columns)
    assert (gaps > 30).sum() == 1
    assert columns[-1] - columns[0] > 300
